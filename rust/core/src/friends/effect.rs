//! What follows from a step.

use super::pair::{Carrier, SessionKey, Side};

/// One consequence, to be carried out in the step's transaction, in the order given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Make a bundle with fresh prekeys and send it until it is answered, erased or expired.
    Offer {
        /// Pair epoch.
        epoch: u64,
        /// Network seconds until which the peer may take it.
        expiry: u64,
        /// How to send it.
        carrier: Carrier,
    },
    /// Make a session from the peer's bundle of this epoch, step
    /// [`Input::Taken`](super::Input::Taken), and send a first message on it (it may be empty)
    /// until acknowledged. Its sender time stays the present one, however often it is sealed.
    Take {
        /// Pair epoch of the bundle.
        epoch: u64,
    },
    /// Erase the prekeys of one offer of ours.
    EraseOffer {
        /// Which.
        epoch: u64,
    },
    /// Erase the prekeys of all our offers, and stop sending them.
    EraseOffers,
    /// Erase a session with its keys; only its id is remembered.
    EraseSession {
        /// Which.
        id: SessionKey,
    },
    /// Seal everything unacknowledged again, on the preferred session.
    ResealUnacknowledged,
    /// Texts that waited for the relation may leave.
    ReleaseQueue,
    /// Texts that waited for the relation have failed.
    FailQueue,
    /// Texts that waited for the relation have expired.
    ExpireQueue,
    /// Messages held back with the peer's request are shown.
    ShowPending,
    /// Messages held back with the peer's request are dropped.
    DropPending,
    /// An event for the host.
    Tell(Notice),
}

/// What the host is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The peer asks for friendship.
    RequestReceived,
    /// The peer's request changed.
    RequestReplaced,
    /// A request lapsed: the peer did not answer ours, or theirs did not come to a friendship.
    RequestExpired(Side),
    /// The peer is a friend now.
    FriendAdded,
    /// The peer's sessions were set up anew.
    SessionRenewed,
}

/// Why a command does not fit. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The peer is blocked.
    #[error("the account is blocked")]
    Blocked,
    /// Both agreed long ago.
    #[error("the account is a friend already")]
    AlreadyFriend,
    /// Our request is pending.
    #[error("a friend request to the account is pending already")]
    AlreadyRequested,
    /// The peer's request is accepted; the peer may not have heard of it yet.
    #[error("the friend request of the account is accepted already")]
    AlreadyAccepted,
    /// The peer has no request pending.
    #[error("the account has no friend request pending")]
    NothingAsked,
    /// We have no request pending.
    #[error("no friend request to the account is pending")]
    NothingToWithdraw,
    /// The peer's request is past its expiry.
    #[error("the friend request has expired")]
    Expired,
}
