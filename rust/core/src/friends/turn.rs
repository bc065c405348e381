//! One step under way: the new state, the effects so far, and the moves the table is made of.

use super::effect::{Effect, Notice};
use super::pair::{Carrier, Floor, Offer, Pair, Relation, Session, SessionKey, Side};
use super::{ACCEPT_REST, OFFERS, OLD_SESSIONS, PREKEY_REST, REKEY_PAUSE, REQUEST_LIFE, SESSION_REST};

/// A step under way.
pub(super) struct Turn {
    pub(super) pair: Pair,
    pub(super) effects: Vec<Effect>,
    pub(super) now: u64,
}

impl Turn {
    pub(super) fn cause(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        // Not even a lapse is told of a blocked account.
        if !self.pair.blocked {
            self.cause(Effect::Tell(notice));
        }
    }

    /// Both agreed.
    pub(super) fn befriend(&mut self) {
        self.pair.relation = Relation::Friend;
        self.tell(Notice::FriendAdded);
    }

    /// Sends a bundle of our own and answers its expiry.
    pub(super) fn offer(&mut self, carrier: Carrier) -> u64 {
        let epoch = self.pair.seen_epoch.saturating_add(1).max(self.now);
        let expiry = self.now.saturating_add(REQUEST_LIFE);
        if self.pair.offers.len() >= OFFERS {
            let oldest = self.pair.offers.remove(0);
            self.cause(Effect::EraseOffer { epoch: oldest.epoch });
        }
        self.pair.seen_epoch = epoch;
        self.pair.offers.push(Offer { epoch, carrier, expiry });
        self.cause(Effect::Offer { epoch, expiry, carrier });
        expiry
    }

    /// Asks for friendship.
    pub(super) fn request(&mut self) {
        let expiry = self.offer(Carrier::Request);
        self.pair.relation = Relation::Requested { expiry };
    }

    /// Answers a frame that cannot be opened with a bundle, but not more than once an hour.
    pub(super) fn rekey(&mut self, carrier: Carrier) {
        let paused = self.pair.rekeyed_at.is_some_and(|at| self.now < at.saturating_add(REKEY_PAUSE));
        if !paused {
            self.pair.rekeyed_at = Some(self.now);
            self.offer(carrier);
        }
    }

    /// Takes the peer's bundle and settles its epoch.
    pub(super) fn take(&mut self, epoch: u64) {
        self.settle(epoch);
        self.cause(Effect::Take { epoch });
    }

    /// Takes the peer's bundle on the user's word.
    pub(super) fn accept(&mut self, epoch: u64, expiry: u64) {
        self.pair.relation = Relation::Accepting { until: expiry.saturating_add(ACCEPT_REST) };
        self.take(epoch);
    }

    /// No bundle of the peer up to this epoch counts any more.
    pub(super) fn settle(&mut self, epoch: u64) {
        self.pair.accepted_epoch = self.pair.accepted_epoch.max(epoch);
    }

    pub(super) fn taken(&mut self, epoch: u64, id: SessionKey) {
        let owner = Side::Theirs;
        self.pair.sessions.push(Session { id, epoch, owner, received: false, retired: None });
    }

    /// A frame was decrypted on a session of ours: from now on this contact ratchets.
    pub(super) fn opened(&mut self, id: SessionKey) -> bool {
        let Some(session) = self.pair.sessions.iter_mut().find(|session| session.id == id) else {
            return false;
        };
        session.received = true;
        self.pair.floor = Floor::Ratchet;
        true
    }

    /// The offer becomes a session. Its prekeys go in the same commit, so nothing opens it twice.
    pub(super) fn answered(&mut self, offer: Offer, id: SessionKey) {
        let Offer { epoch, carrier, .. } = offer;
        self.pair.offers.retain(|other| other.epoch != epoch);
        self.cause(Effect::EraseOffer { epoch });
        let owner = Side::Ours;
        self.pair.sessions.push(Session { id, epoch, owner, received: true, retired: None });
        self.pair.floor = Floor::Ratchet;
        // Whoever answers these may never have held the session we sent on until now.
        let anew = matches!(carrier, Carrier::Request | Carrier::Rekey);
        if anew && matches!(self.pair.relation, Relation::Friend | Relation::Accepting { .. }) {
            self.cause(Effect::ResealUnacknowledged);
        }
        match self.pair.relation {
            Relation::Friend if carrier == Carrier::Rekey => return self.tell(Notice::SessionRenewed),
            Relation::Friend => return,
            Relation::Asked(_) => self.cause(Effect::ShowPending),
            Relation::Stranger | Relation::Requested { .. } | Relation::Accepting { .. } => {}
        }
        self.cause(Effect::ReleaseQueue);
        self.befriend();
    }

    /// Whether a bundle of ours is on its way that would replace the preferred session. A request
    /// does not count: the peer may have declined it, and nothing repeats it to a friend.
    pub(super) fn renewing(&self) -> bool {
        let pair = &self.pair;
        pair.offers.iter().any(|offer| {
            offer.carrier != Carrier::Request
                && offer.expiry > self.now
                && pair.outranks(offer.epoch, Side::Ours)
        })
    }

    pub(super) fn erase_offers(&mut self) {
        if !self.pair.offers.is_empty() {
            self.pair.offers.clear();
            self.cause(Effect::EraseOffers);
        }
    }

    pub(super) fn erase_sessions(&mut self, condemned: impl Fn(&Session) -> bool) {
        let gone: Vec<_> = self.pair.sessions.extract_if(.., |session| condemned(session)).collect();
        self.effects.extend(gone.into_iter().map(|session| Effect::EraseSession { id: session.id }));
    }

    /// Prekeys and replaced sessions whose time is over.
    pub(super) fn erase_outlived(&mut self) {
        let now = self.now;
        let gone: Vec<_> =
            self.pair.offers.extract_if(.., |offer| now > offer.expiry.saturating_add(PREKEY_REST)).collect();
        self.effects.extend(gone.into_iter().map(|offer| Effect::EraseOffer { epoch: offer.epoch }));
        self.erase_sessions(|session| {
            session.retired.is_some_and(|at| now > at.saturating_add(SESSION_REST))
        });
    }

    /// Notes since when each session is replaced, and makes room: the lowest-ranked goes first.
    pub(super) fn retire_sessions(&mut self) {
        let preferred = self.pair.preferred().map(|session| session.id);
        for session in &mut self.pair.sessions {
            if Some(session.id) != preferred {
                session.retired.get_or_insert(self.now);
            }
        }
        while self.pair.sessions.len() > OLD_SESSIONS + 1 {
            let pair = &self.pair;
            let Some(lowest) = pair
                .sessions
                .iter()
                .min_by_key(|session| pair.rank(session.epoch, session.owner))
                .map(|session| session.id)
            else {
                return;
            };
            self.erase_sessions(|session| session.id == lowest);
        }
    }
}
