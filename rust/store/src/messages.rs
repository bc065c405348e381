//! Messages and their states (extensions section 7).

use rusqlite::Row;
use starling_protocol::account::AccountId;

use crate::columns::{account_id, coded, unknown_value};
use crate::{ConversationId, StoreError, Tx, View};

/// A message's id in this store; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageRow(pub i64);

/// Who wrote a message. The codes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// This account.
    Outgoing,
    /// The peer.
    Incoming,
}

impl Direction {
    pub(crate) fn code(self) -> i64 {
        match self {
            Direction::Outgoing => 0,
            Direction::Incoming => 1,
        }
    }

    fn from_code(code: i64) -> Option<Direction> {
        match code {
            0 => Some(Direction::Outgoing),
            1 => Some(Direction::Incoming),
            _ => None,
        }
    }
}

/// Why a message was given up. The codes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// The network asked for more proof of work than this device may do.
    TooHard,
    /// It can never be sealed or stored: the recipient's key is none, for example.
    Rejected,
    /// The host gave it up.
    GivenUp,
}

impl FailureReason {
    fn code(self) -> i64 {
        match self {
            FailureReason::TooHard => 1,
            FailureReason::Rejected => 2,
            FailureReason::GivenUp => 3,
        }
    }

    fn from_code(code: i64) -> Option<FailureReason> {
        match code {
            1 => Some(FailureReason::TooHard),
            2 => Some(FailureReason::Rejected),
            3 => Some(FailureReason::GivenUp),
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
    fn columns(self) -> (i64, Option<u32>, Option<u32>, Option<i64>) {
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

    fn from_columns(row: &Row<'_>, first: usize) -> rusqlite::Result<MessageState> {
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

/// A message as the host sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id in this store.
    pub row: MessageRow,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// The other account of that conversation.
    pub peer: AccountId,
    /// Who wrote it.
    pub direction: Direction,
    /// Its id everywhere, together with the sender.
    pub message_id: [u8; 16],
    /// The sender's stream; of ours from sealing on, `None` for messages of Session clients.
    pub stream: Option<i64>,
    /// Its place in the stream; `None` for messages of Session clients.
    pub seq: Option<i64>,
    /// Its Lamport clock.
    pub clock: i64,
    /// The text.
    pub body: String,
    /// When it was sent, in milliseconds: network time once sealed, device time before.
    pub sent_ms: i64,
    /// When it was committed here, in milliseconds of device time; `None` for our own.
    pub received_ms: Option<i64>,
    /// How far it is.
    pub state: MessageState,
    /// Committed behind a gap and not to be shown yet.
    pub held: bool,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutgoing {
    /// Where to.
    pub conversation: ConversationId,
    /// Its id: 16 random bytes.
    pub message_id: [u8; 16],
    /// The text.
    pub body: String,
    /// How long the swarm shall keep it, in milliseconds.
    pub ttl_ms: i64,
    /// Device wall-clock time, in milliseconds.
    pub now_ms: i64,
}

/// The columns [`message`] reads, and last the one that pages need; the peer comes from the conversation.
pub(crate) const MESSAGE_COLUMNS: &str = "m.id, m.conversation, c.peer, m.direction, m.message_id, m.stream, \
     m.seq, m.clock, m.body, m.sent_ms, m.received_ms, m.held, m.state, m.stored_count, m.swarm_size, m.failure, \
     m.sender_rank";
/// Where they come from.
pub(crate) const MESSAGE_TABLES: &str = "messages m JOIN conversations c ON c.id = m.conversation";

pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        row: MessageRow(row.get(0)?),
        conversation: ConversationId(row.get(1)?),
        peer: account_id(row, 2)?,
        direction: coded(row, 3, Direction::from_code)?,
        message_id: row.get(4)?,
        stream: row.get(5)?,
        seq: row.get(6)?,
        clock: row.get(7)?,
        body: row.get(8)?,
        sent_ms: row.get(9)?,
        received_ms: row.get(10)?,
        held: row.get(11)?,
        state: MessageState::from_columns(row, 12)?,
    })
}

impl View<'_> {
    /// A message by its row.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn message(&self, row: MessageRow) -> Result<Option<Message>, StoreError> {
        self.first(
            &format!("SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE m.id = ?1"),
            [row.0],
            message,
        )
    }

    /// A message by its identity: conversation partner, who of the two wrote it, and message id.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn message_by_id(
        &self,
        peer: &AccountId,
        direction: Direction,
        message_id: &[u8; 16],
    ) -> Result<Option<Message>, StoreError> {
        self.first(
            &format!("SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE c.peer = ?1 AND m.direction = ?2 AND m.message_id = ?3"),
            (peer.as_bytes(), direction.code(), message_id),
            message,
        )
    }

    /// The messages with this id. The id alone is no identity: another account may have used it too.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn messages_with_id(&self, message_id: &[u8; 16]) -> Result<Vec<Message>, StoreError> {
        self.all(
            &format!(
                "SELECT {MESSAGE_COLUMNS} FROM conversations c JOIN messages m ON m.conversation = c.id \
                 AND m.direction IN (0, 1) AND m.message_id = ?1 ORDER BY m.id"
            ),
            [message_id],
            message,
        )
    }

    /// Every message of every conversation, held ones included, in the order of their rows. For checkers
    /// that recount what happened; a host pages.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn dump(&self) -> Result<Vec<Message>, StoreError> {
        self.all(&format!("SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} ORDER BY m.id"), [], message)
    }
}

impl Tx<'_> {
    /// Commits a message to send: it takes the conversation's next sequence number and clock, and gets an
    /// outbox row that is due at once. Its stream follows when it is sealed ([`Tx::seal_message`]).
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the conversation, [`StoreError::Conflict`] for a known message id,
    /// and any other [`StoreError`] of writing.
    pub fn enqueue_message(&mut self, new: NewOutgoing) -> Result<Message, StoreError> {
        let id = new.conversation;
        self.change_existing(
            "UPDATE conversations SET next_seq = next_seq + 1, clock = clock + 1 WHERE id = ?1",
            [id.0],
        )?;
        let row = self.insert(
            "INSERT INTO messages (conversation, direction, message_id, seq, clock, sender_rank, sent_ms, state, body) \
             SELECT id, ?2, ?3, next_seq - 1, clock, 1 - own_first, ?4, ?5, ?6 FROM conversations WHERE id = ?1",
            (
                id.0,
                Direction::Outgoing.code(),
                new.message_id,
                new.now_ms,
                MessageState::Queued.columns().0,
                new.body,
            ),
        )?;
        self.enqueue_outbox(MessageRow(row), new.ttl_ms, new.now_ms)?;
        self.message(MessageRow(row))?.ok_or(StoreError::NotFound)
    }

    /// Sets how far a message is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn set_message_state(&mut self, row: MessageRow, state: MessageState) -> Result<(), StoreError> {
        let (state, stored, swarm, failure) = state.columns();
        self.change_existing(
            "UPDATE messages SET state = ?2, stored_count = ?3, swarm_size = ?4, failure = ?5 WHERE id = ?1",
            (row.0, state, stored, swarm, failure),
        )
    }
}

/// The code of [`MessageState::Received`], which needs no other column.
pub(crate) fn received_state() -> i64 {
    MessageState::Received.columns().0
}
