//! Everything that can happen to the core.

use starling_protocol::pow::Nonce;
use starling_protocol::sealed::Opened;
use starling_protocol::{AccountId, Seed};
use starling_store::EventSeq;
use starling_store::MessageRow;

use crate::friends;
use crate::unseal::Unsealable;

/// The moment at which an input arrives. The core reads no clock of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since the device started, sleep included. Never runs backwards while the
    /// process lives; has no meaning across processes.
    pub boot_ms: u64,
    /// The device's idea of Unix time in milliseconds. May be years off and may jump.
    pub wall_ms: i64,
}

impl Now {
    /// Whether the wall clock was set back since an earlier moment of the same process, by a minute or more.
    pub(crate) fn is_set_back(self, since: Self) -> bool {
        let passed = i64::try_from(self.boot_ms.saturating_sub(since.boot_ms)).unwrap_or(i64::MAX);
        self.wall_ms.saturating_add(60_000) < since.wall_ms.saturating_add(passed)
    }
}

/// Names a request, proof or unsealing job. Unique within a process; an unknown one is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(pub u64);

/// Names a host command, chosen by the driver; its answer carries the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// One thing that happened. Each becomes one step: one store transaction, then effects.
#[derive(Debug)]
pub enum Input {
    /// The host asks for something; answered by exactly one [`crate::Effect::Answer`].
    Command {
        /// Chosen by the driver.
        id: CommandId,
        /// What is asked.
        command: Command,
    },
    /// A request ended, one way or another.
    Reply {
        /// The request's id.
        id: EffectId,
        /// How it ended.
        outcome: Outcome,
        /// Bytes that crossed the network for it, both directions, as the driver counted them.
        bytes: u64,
    },
    /// A proof of work ended; `None` if it was cancelled.
    Proved {
        /// The id of the [`crate::Effect::Prove`].
        id: EffectId,
        /// The nonce found.
        nonce: Option<Nonce>,
    },
    /// A batch of messages was opened, in the order in which they were handed out.
    Unsealed {
        /// The id of the [`crate::Effect::Unseal`].
        id: EffectId,
        /// One result per message.
        results: Vec<Result<Opened, Unsealable>>,
    },
    /// The time named by [`crate::Machine::next_timer`] has come.
    Tick,
}

/// What a host may ask of the engine.
#[derive(Debug)]
pub enum Command {
    /// Create or restore the account of this data directory. Refused if it has one.
    CreateAccount(Seed),
    /// Send a text. Durable when answered. To a stranger it is a friend request, to somebody who
    /// asked for friendship it accepts (extensions section 5).
    Send {
        /// Recipient.
        to: AccountId,
        /// UTF-8 text, 1 byte to [`crate::largest_text`] bytes.
        body: String,
    },
    /// Ask an account for friendship.
    Request {
        /// Whom.
        to: AccountId,
        /// UTF-8 text, at most 512 bytes; may be empty.
        introduction: String,
        /// A code that the other one gave away ([`Command::Invite`]).
        invite: Option<[u8; 16]>,
    },
    /// What else a host may decide about a contact: accept, decline, withdraw, block, unblock.
    Decide {
        /// About whom.
        peer: AccountId,
        /// What.
        decision: friends::Command,
    },
    /// Accept messages without a ratchet from this contact again, and take those that were held: an open
    /// door, which the contact's next ratchet frame shuts.
    LowerFloor(AccountId),
    /// Make a code that lets one request skip the limits and [`Command::SetKnownContactsOnly`].
    Invite,
    /// The display name that our requests and accepts carry: at most 64 bytes, empty for none.
    SetName(String),
    /// Whether requests of strangers are dropped unseen.
    SetKnownContactsOnly(bool),
    /// Try a failed or waiting message again now.
    Retry(MessageRow),
    /// Give a message up; it leaves the outbox as failed.
    GiveUp(MessageRow),
    /// The host has handled all events up to and including this one.
    AckEvents(EventSeq),
    /// Work in the foreground: poll, send, keep paths.
    Start,
    /// Finish what is under way within the grace period (milliseconds), then stop all work.
    Suspend {
        /// Milliseconds.
        grace_ms: u64,
    },
    /// Back to the foreground.
    Resume,
    /// Suspend for good; later commands are refused.
    Shutdown,
    /// One round of background work: read the replicas, send what is due, return in time.
    Wake {
        /// Boot time by which the answer must be out.
        deadline_boot_ms: u64,
    },
    /// The device changed networks: forget back-offs, keep paths.
    NetworkChanged,
}

/// How a request ended, seen from the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The destination answered, with its own status (which may be an error status).
    Reply {
        /// Inner status of the onion reply, or the HTTP status of a direct request.
        status: u16,
        /// The body as it came.
        body: Vec<u8>,
    },
    /// A hop answered instead of the destination (network-protocol section 6.6).
    PathError {
        /// HTTP status.
        status: u16,
        /// Plain text, at most a few hundred bytes of it.
        text: String,
    },
    /// No connection to the first hop (or the seed) could be made.
    Unreachable,
    /// Nothing came back in time.
    TimedOut,
    /// Something came back that could not be decrypted or parsed as an onion reply.
    Garbled,
}
