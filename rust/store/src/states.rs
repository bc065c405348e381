//! How far a message is, and how it is kept from the host (extensions section 7).

use rusqlite::Row;

use crate::columns::{coded, unknown_value};

/// Why a message was given up. The codes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// The network asked for more proof of work than this device may do.
    TooHard,
    /// It can never be sealed or stored: the recipient's key is none, for example.
    Rejected,
    /// The host gave it up.
    GivenUp,
    /// The request it waited for was withdrawn.
    Withdrawn,
    /// The host blocked the recipient.
    Blocked,
}

impl FailureReason {
    fn code(self) -> i64 {
        match self {
            FailureReason::TooHard => 1,
            FailureReason::Rejected => 2,
            FailureReason::GivenUp => 3,
            FailureReason::Withdrawn => 4,
            FailureReason::Blocked => 5,
        }
    }

    fn from_code(code: i64) -> Option<FailureReason> {
        match code {
            1 => Some(FailureReason::TooHard),
            2 => Some(FailureReason::Rejected),
            3 => Some(FailureReason::GivenUp),
            4 => Some(FailureReason::Withdrawn),
            5 => Some(FailureReason::Blocked),
            _ => None,
        }
    }
}

/// How far a message is. Outgoing ones go from the top down; incoming ones are `Received`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// Committed, nothing else yet.
    Queued,
    /// Being sealed, proven or stored.
    Working,
    /// `k` distinct members of the recipient's swarm of `n` hold it.
    Stored {
        /// Members with a verified receipt.
        k: u32,
        /// Members of the swarm.
        n: u32,
    },
    /// Handed over on the synchronous route.
    Sent,
    /// Acknowledged by the recipient, after its commit.
    Delivered,
    /// Read by the recipient.
    Read,
    /// Given up.
    Failed(FailureReason),
    /// Its time to live passed without an acknowledgement.
    Expired,
    /// Incoming.
    Received,
}

impl MessageState {
    /// The columns (state, stored_count, swarm_size, failure).
    pub(crate) fn columns(self) -> (i64, Option<u32>, Option<u32>, Option<i64>) {
        match self {
            MessageState::Queued => (1, None, None, None),
            MessageState::Working => (2, None, None, None),
            MessageState::Stored { k, n } => (3, Some(k), Some(n), None),
            MessageState::Sent => (4, None, None, None),
            MessageState::Delivered => (5, None, None, None),
            MessageState::Read => (6, None, None, None),
            MessageState::Failed(reason) => (7, None, None, Some(reason.code())),
            MessageState::Expired => (8, None, None, None),
            MessageState::Received => (9, None, None, None),
        }
    }

    pub(crate) fn from_columns(row: &Row<'_>, first: usize) -> rusqlite::Result<MessageState> {
        Ok(match row.get::<_, i64>(first)? {
            1 => MessageState::Queued,
            2 => MessageState::Working,
            3 => MessageState::Stored { k: row.get(first + 1)?, n: row.get(first + 2)? },
            4 => MessageState::Sent,
            5 => MessageState::Delivered,
            6 => MessageState::Read,
            7 => MessageState::Failed(coded(row, first + 3, FailureReason::from_code)?),
            8 => MessageState::Expired,
            9 => MessageState::Received,
            _ => return Err(unknown_value(first)),
        })
    }
}

/// Why a received message is not shown yet. The codes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Held {
    /// It is shown.
    No,
    /// It stands behind a gap of its stream.
    BehindGap,
    /// It came with a request that the host has not answered (extensions section 5).
    WithRequest,
}

impl Held {
    pub(crate) fn code(self) -> i64 {
        match self {
            Held::No => 0,
            Held::BehindGap => 1,
            Held::WithRequest => 2,
        }
    }

    pub(crate) fn from_code(code: i64) -> Option<Held> {
        match code {
            0 => Some(Held::No),
            1 => Some(Held::BehindGap),
            2 => Some(Held::WithRequest),
            _ => None,
        }
    }
}
