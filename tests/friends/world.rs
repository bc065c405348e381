//! Two accounts and everything that was ever sent between them.
//!
//! What a network may do is to lose, repeat, reorder and delay. So the wire is the *set of all
//! messages ever sent*: each may be delivered at any time, any number of times, or never. That
//! covers every bound on messages in flight and on duplicates, and a kill between commit and
//! sending too. Nothing is ever taken from the set, so it needs no actions for loss.

use std::collections::{BTreeMap, BTreeSet};

use starling_core::friends::{
    Carrier, Effect, Floor, Input, Offer, Pair, Refusal, Relation, SessionKey, Side,
};

use crate::properties::{self, Seen};

/// The function under test, or a mutant of it.
pub(crate) type Step = fn(&Pair, &Input, u64) -> Result<(Pair, Vec<Effect>), Refusal>;

/// The two accounts; A has the lower id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Who {
    A,
    B,
}

impl Who {
    pub(crate) const BOTH: [Self; 2] = [Self::A, Self::B];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// A bundle as the network sees it. The installation that made it alone has its prekeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Bundle {
    pub(crate) install: u8,
    pub(crate) epoch: u64,
    pub(crate) expiry: u64,
    pub(crate) request: bool,
}

/// What travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Message {
    /// In the Session protocol: a request or a re-key, or (`upgrade`) in an ordinary message.
    Bundle { bundle: Bundle, upgrade: bool },
    /// On a session; a prekey frame as long as its initiator received nothing on it. Its sender's
    /// time matters to prekey frames alone.
    Frame { session: SessionKey, prekey: bool, sent_at: u64, renewal: Option<Bundle> },
    /// In the Session protocol.
    Basic,
}

/// A sender's time after every expiry.
const LATE: u64 = u64::MAX;

impl Message {
    fn prekey(session: SessionKey, sent_at: u64) -> Self {
        Self::Frame { session, prekey: true, sent_at, renewal: None }
    }

    /// The bundle in it.
    pub(crate) fn bundle(&self) -> Option<Bundle> {
        match self {
            Self::Bundle { bundle, .. } => Some(*bundle),
            Self::Frame { renewal, .. } => *renewal,
            Self::Basic => None,
        }
    }

    fn text(session: SessionKey) -> Self {
        Self::Frame { session, prekey: false, sent_at: 0, renewal: None }
    }
}

/// The name of the session that installation `taker` of the peer makes from a bundle.
pub(crate) fn session_key(owner: Who, install: u8, epoch: u64, taker: u8) -> SessionKey {
    let mut key = [0; 32];
    key[0] = owner as u8;
    key[1] = install;
    key[2] = taker;
    key[8..16].copy_from_slice(&epoch.to_be_bytes());
    SessionKey(key)
}

/// Epoch of the bundle a session was made from.
pub(crate) fn epoch_of(key: SessionKey) -> u64 {
    u64::from_be_bytes(key.0[8..16].try_into().unwrap())
}

/// The same session under another name of the epoch.
pub(crate) fn with_epoch(mut key: SessionKey, epoch: u64) -> SessionKey {
    key.0[8..16].copy_from_slice(&epoch.to_be_bytes());
    key
}

/// One account: its relation, and its store, which only effects change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct End {
    pub(crate) who: Who,
    pub(crate) pair: Pair,
    /// Installations so far.
    pub(crate) install: u8,
    /// Epochs whose prekeys exist.
    pub(crate) prekeys: BTreeSet<u64>,
    /// Sessions whose keys exist, and when they were made.
    pub(crate) keys: BTreeMap<SessionKey, u64>,
    /// Ids of erased sessions.
    pub(crate) erased: BTreeSet<SessionKey>,
    /// Installation that made the bundle lying with the peer's request.
    pub(crate) lying: Option<u8>,
    /// What it may send from now on, for ever; the exploration moves it to the wire.
    pub(crate) out: Vec<Message>,
    /// What the properties remember.
    pub(crate) seen: Seen,
}

impl End {
    pub(crate) fn new(who: Who, install: u8) -> Self {
        Self {
            who,
            pair: Pair::new(who == Who::A),
            install,
            prekeys: BTreeSet::new(),
            keys: BTreeMap::new(),
            erased: BTreeSet::new(),
            lying: None,
            out: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// Steps and carries the effects out. Answers the property that broke, if one did.
    pub(crate) fn apply(
        &mut self,
        step: Step,
        input: Input,
        from: Option<u8>,
        now: u64,
    ) -> Result<Option<&'static str>, Refusal> {
        let (after, effects) = step(&self.pair, &input, now)?;
        let mut broken = properties::broken_by(&self.pair, &input, now, &after, &effects, &mut self.seen);
        self.pair = after;
        if let Input::Answered { session, .. } = input
            && self.pair.sessions.iter().any(|kept| kept.id == session)
        {
            self.keys.insert(session, now);
            self.out.push(Message::text(session));
        }
        for effect in effects {
            match effect {
                Effect::Offer { epoch, expiry, carrier } => {
                    self.prekeys.insert(epoch);
                    self.out.extend(self.bundle(epoch, expiry, carrier));
                }
                Effect::Take { epoch } => {
                    let install = from.or(self.lying).expect("a bundle that came");
                    let session = session_key(self.who.other(), install, epoch, self.install);
                    self.keys.insert(session, now);
                    self.out.extend([now, LATE].map(|sent_at| Message::prekey(session, sent_at)));
                    self.out.push(Message::text(session));
                    let inner = self.apply(step, Input::Taken { epoch, session }, None, now)?;
                    broken = broken.or(inner);
                }
                Effect::EraseOffer { epoch } => {
                    self.prekeys.remove(&epoch);
                }
                Effect::EraseOffers => self.prekeys.clear(),
                Effect::EraseSession { id } => {
                    self.keys.remove(&id);
                    self.erased.insert(id);
                }
                _ => {}
            }
        }
        Ok(broken.or_else(|| properties::broken_store(self)))
    }

    /// One message arrives.
    pub(crate) fn receive(&mut self, step: Step, message: Message, now: u64) -> Option<&'static str> {
        match message {
            Message::Basic => self.network(step, Input::BasicMessage, None, now),
            Message::Bundle { bundle, upgrade } => {
                let carrier = match (upgrade, bundle.request) {
                    (true, _) => Carrier::Upgrade,
                    (false, true) => Carrier::Request,
                    (false, false) => Carrier::Rekey,
                };
                self.receive_bundle(step, bundle, carrier, now)
            }
            Message::Frame { session, prekey, sent_at, renewal } => {
                let (broken, opened) = self.receive_frame(step, session, prekey, sent_at, now);
                match renewal.filter(|_| opened && broken.is_none()) {
                    Some(bundle) => self.receive_bundle(step, bundle, Carrier::Renewal, now),
                    None => broken,
                }
            }
        }
    }

    fn network(&mut self, step: Step, input: Input, from: Option<u8>, now: u64) -> Option<&'static str> {
        self.apply(step, input, from, now).expect("only commands are refused")
    }

    fn receive_bundle(
        &mut self,
        step: Step,
        bundle: Bundle,
        carrier: Carrier,
        now: u64,
    ) -> Option<&'static str> {
        let Bundle { install, epoch, expiry, .. } = bundle;
        let before = self.pair.relation;
        let broken = self.network(step, Input::Bundle { epoch, expiry, carrier }, Some(install), now);
        if self.pair.relation != before {
            self.lying = Some(install).filter(|_| matches!(self.pair.relation, Relation::Asked(_)));
        }
        broken
    }

    /// As the driver does it: known session, erased session, open offer, or nothing that fits.
    fn receive_frame(
        &mut self,
        step: Step,
        session: SessionKey,
        prekey: bool,
        sent_at: u64,
        now: u64,
    ) -> (Option<&'static str>, bool) {
        let epoch = epoch_of(session);
        let ours = session == session_key(self.who, self.install, epoch, session.0[2]);
        if self.keys.contains_key(&session) {
            (self.network(step, Input::Opened { session }, None, now), !self.pair.blocked)
        } else if self.erased.contains(&session) && self.pair.preferred().is_some() {
            (None, false)
        } else if prekey && ours && self.prekeys.contains(&epoch) && !self.erased.contains(&session) {
            let broken = self.network(step, Input::Answered { epoch, session, sent_at }, None, now);
            (broken, self.keys.contains_key(&session))
        } else {
            (self.network(step, Input::Stray, None, now), false)
        }
    }

    /// How a bundle of ours goes out.
    fn bundle(&self, epoch: u64, expiry: u64, carrier: Carrier) -> Option<Message> {
        let bundle = Bundle { install: self.install, epoch, expiry, request: carrier == Carrier::Request };
        match carrier {
            Carrier::Request | Carrier::Rekey => Some(Message::Bundle { bundle, upgrade: false }),
            Carrier::Upgrade => Some(Message::Bundle { bundle, upgrade: true }),
            Carrier::Renewal => match self.talk()? {
                Message::Frame { session, prekey, sent_at, .. } => {
                    Some(Message::Frame { session, prekey, sent_at, renewal: Some(bundle) })
                }
                other => Some(other),
            },
        }
    }

    /// A text or an ack, or the first message of a session. Its initiator sends prekey frames to
    /// the end: one that comes after the session exists, or whose prekey is gone, is no other frame.
    fn talk(&self) -> Option<Message> {
        let session = self.pair.preferred().filter(|_| self.pair.open())?;
        let made = self.keys.get(&session.id).copied().filter(|_| session.owner == Side::Theirs);
        Some(made.map_or(Message::text(session.id), |made| Message::prekey(session.id, made)))
    }

    /// Everything this side repeats until it is answered, and what it says meanwhile.
    pub(crate) fn sending(&self, now: u64) -> Vec<Message> {
        let friend = self.pair.relation == Relation::Friend;
        let wanted = |offer: &&Offer| {
            !self.pair.blocked && offer.expiry > now && friend != (offer.carrier == Carrier::Request)
        };
        let offers = self.pair.offers.iter().filter(wanted);
        let mut out: Vec<_> =
            offers.filter_map(|offer| self.bundle(offer.epoch, offer.expiry, offer.carrier)).collect();
        out.extend(self.talk());
        if self.pair.open() && self.pair.preferred().is_none() && self.pair.floor == Floor::None {
            out.push(Message::Basic);
        }
        out
    }
}
