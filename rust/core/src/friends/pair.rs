//! What one side knows about its relation to one peer.

use super::EPOCH_LEAD;
use super::REQUEST_LIFE;

/// One of the two accounts of a pair, as seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// This account.
    Ours,
    /// The peer.
    Theirs,
}

/// How a bundle travels, and so what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// In a friend request.
    Request,
    /// In a signed re-key (extensions section 4).
    Rekey,
    /// Inside the ratchet, to replace an old session.
    Renewal,
    /// In a Session-protocol message to a contact without a ratchet.
    Upgrade,
}

/// A bundle of ours whose prekeys we still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Offer {
    /// Pair epoch; names the offer within the pair.
    pub epoch: u64,
    /// How it was sent.
    pub carrier: Carrier,
    /// Network seconds until which the peer may take it.
    pub expiry: u64,
}

/// Opaque name of a ratchet session: its Olm session id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub [u8; 32]);

/// A live ratchet session. It can always receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Session {
    /// Its name.
    pub id: SessionKey,
    /// Pair epoch of the bundle it was made from.
    pub epoch: u64,
    /// Whose bundle that was. The other side initiated the session.
    pub owner: Side,
    /// Whether a frame of the peer was decrypted on it.
    pub received: bool,
    /// Network seconds since when another session is preferred.
    pub retired: Option<u64>,
}

/// The weakest protection this contact may be sent; never falls (extensions section 4, "Floor").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Floor {
    /// The Session protocol will do.
    None,
    /// Ratchet frames only.
    Ratchet,
}

/// What the peer's unanswered request consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    /// A bundle that can be taken.
    Bundle {
        /// Its pair epoch.
        epoch: u64,
        /// Network seconds until which it may be taken.
        expiry: u64,
    },
    /// Messages of a Session client, without a bundle.
    Basic,
    /// A frame that nothing of ours opens: perhaps a friend we forgot (extensions section 5).
    Empty,
}

/// How far two accounts have come, as one of them sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Nothing is going on.
    Stranger,
    /// We asked.
    Requested {
        /// Network seconds at which our request lapses.
        expiry: u64,
    },
    /// The peer asked; our user decides.
    Asked(Asked),
    /// We took the peer's bundle and heard nothing on the new session yet.
    Accepting {
        /// Network seconds at which we stop repeating the accept.
        until: u64,
    },
    /// Both agreed.
    Friend,
}

/// One side's whole knowledge of a relation. All times are network seconds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pair {
    /// Whether our account id is the lower of the two: it decides between equal epochs.
    pub own_lower: bool,
    /// How far we are.
    pub relation: Relation,
    /// The user blocked the peer.
    pub blocked: bool,
    /// Weakest protection allowed.
    pub floor: Floor,
    /// Highest pair epoch seen in any bundle, ours or theirs.
    pub seen_epoch: u64,
    /// Highest epoch of the peer's bundles that is settled: taken, declined or blocked.
    pub accepted_epoch: u64,
    /// Our bundles whose prekeys exist, in ascending epoch; at most [`OFFERS`](super::OFFERS).
    pub offers: Vec<Offer>,
    /// Live sessions; at most one and [`OLD_SESSIONS`](super::OLD_SESSIONS).
    pub sessions: Vec<Session>,
    /// When we last sent a bundle because of a stray frame.
    pub rekeyed_at: Option<u64>,
}

impl Pair {
    /// Two accounts that never met.
    pub fn new(own_lower: bool) -> Self {
        Self {
            own_lower,
            relation: Relation::Stranger,
            blocked: false,
            floor: Floor::None,
            seen_epoch: 0,
            accepted_epoch: 0,
            offers: Vec::new(),
            sessions: Vec::new(),
            rekeyed_at: None,
        }
    }

    /// Whether texts may leave: on the [preferred](Self::preferred) session, or in the Session
    /// protocol if there is none and the floor allows it.
    pub fn open(&self) -> bool {
        !self.blocked && matches!(self.relation, Relation::Friend | Relation::Accepting { .. })
    }

    /// Whether a bundle of the peer counts (extensions section 4, "Pair epoch", and section 5 on
    /// expiry). A replay never does, nor one from the far future.
    pub(super) fn counts(&self, epoch: u64, expiry: u64, now: u64) -> bool {
        epoch > self.accepted_epoch
            && epoch <= self.seen_epoch.max(now).saturating_add(EPOCH_LEAD)
            && expiry > now
            && expiry <= now.saturating_add(REQUEST_LIFE + EPOCH_LEAD)
    }
}
