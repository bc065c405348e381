//! What can happen to a relation.

use super::pair::{Carrier, SessionKey};

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Ask for friendship; accepts if the peer asked already.
    Request,
    /// Accept the peer's request.
    Accept,
    /// Drop the peer's request. The peer learns nothing.
    Decline,
    /// Take our request back.
    Withdraw,
    /// Hear nothing of the peer any more. The peer learns nothing.
    Block,
    /// End a block.
    Unblock,
}

/// One thing that happened. Everything from the network was authenticated by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// A command of the user.
    Command(Command),
    /// A bundle of the peer; its signature, owner and recipient are right.
    Bundle {
        /// Pair epoch.
        epoch: u64,
        /// Network seconds until which it may be taken.
        expiry: u64,
        /// How it came.
        carrier: Carrier,
    },
    /// Content in the Session protocol, without a bundle.
    BasicMessage,
    /// A frame under a valid sender tag that no key of ours can ever open: its one-time key is
    /// missing, its session id was never held (or is erased, and there is no session left to say so
    /// on), or its MAC is wrong under a ratchet key the session never received. First sight only.
    Stray,
    /// A frame was decrypted on a session we hold.
    Opened {
        /// The session.
        session: SessionKey,
    },
    /// A prekey frame opened one of our offers: a new session, which the peer initiated.
    Answered {
        /// The offer.
        epoch: u64,
        /// The new session.
        session: SessionKey,
        /// The sender's time in the frame, network seconds.
        sent_at: u64,
    },
    /// The session demanded by [`Effect::Take`](super::Effect::Take) exists. Follows it in the same
    /// transaction, before the next effect.
    Taken {
        /// Epoch of the bundle taken.
        epoch: u64,
        /// The new session.
        session: SessionKey,
    },
    /// The preferred session is 7 days or 2,000 messages old; or a contact without one was not
    /// offered an upgrade for 14 days.
    RenewalDue,
    /// Time has passed.
    Tick,
}
