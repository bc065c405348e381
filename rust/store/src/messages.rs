//! Messages: what they are, finding them, adding our own (extensions section 7).
//!
//! | kind | in the stream | the host sees it | way out |
//! |---|---|---|---|
//! | `Text` | yes | yes | in order |
//! | `Request` | yes | its introduction, unless that is empty | at once |
//! | `Handshake`, `Bundle` | yes | no | at once |
//! | `Signal` | no | no; the row goes when it is stored | at once |

use rusqlite::Row;
use starling_protocol::account::AccountId;

use crate::columns::{account_id, coded};
use crate::{ConversationId, Held, MessageState, StoreError, Tx, View};

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

/// What a message carries. The codes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// A text.
    Text,
    /// A friend request; its body is the introduction, which may be empty (extensions section 5).
    Request,
    /// The first frame of a session, or an empty answer: durable, but nothing to show.
    Handshake,
    /// A bundle for a new session: a renewal, a re-key or an upgrade.
    Bundle,
    /// An acknowledgement or its refusal: no place in the stream, no acknowledgement of its own.
    Signal,
}

impl MessageKind {
    pub(crate) fn code(self) -> i64 {
        match self {
            MessageKind::Text => 0,
            MessageKind::Request => 1,
            MessageKind::Handshake => 2,
            MessageKind::Bundle => 3,
            MessageKind::Signal => 4,
        }
    }

    pub(crate) fn from_code(code: i64) -> Option<MessageKind> {
        match code {
            0 => Some(MessageKind::Text),
            1 => Some(MessageKind::Request),
            2 => Some(MessageKind::Handshake),
            3 => Some(MessageKind::Bundle),
            4 => Some(MessageKind::Signal),
            _ => None,
        }
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
    /// What it carries.
    pub kind: MessageKind,
    /// The sender's stream; of ours from sealing on, `None` for signals and messages of Session clients.
    pub stream: Option<i64>,
    /// Its place in the stream; `None` for signals and messages of Session clients.
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
    /// Whether it is shown yet.
    pub held: Held,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutgoing {
    /// Where to.
    pub conversation: ConversationId,
    /// Its id: 16 random bytes.
    pub message_id: [u8; 16],
    /// What it carries; decides whether it has a place in the stream, and its [`crate::Lane`].
    pub kind: MessageKind,
    /// The text, or what the caller needs to make the content when it is sealed.
    pub body: String,
    /// How long the swarm shall keep it, in milliseconds.
    pub ttl_ms: i64,
    /// Device wall-clock time, in milliseconds.
    pub now_ms: i64,
}

/// The columns [`message`] reads, and last the one that pages need; the peer comes from the conversation.
pub(crate) const MESSAGE_COLUMNS: &str = "m.id, m.conversation, c.peer, m.direction, m.message_id, m.stream, \
     m.seq, m.clock, m.body, m.sent_ms, m.received_ms, m.held, m.state, m.stored_count, m.swarm_size, m.failure, \
     m.sender_rank, m.kind";
/// Where they come from.
pub(crate) const MESSAGE_TABLES: &str = "messages m JOIN conversations c ON c.id = m.conversation";
/// What the host sees, held or not. In these words the schema's indexes know it too.
pub(crate) const FOR_HOST: &str = "m.kind <= 1 AND m.body <> ''";

pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        row: MessageRow(row.get(0)?),
        conversation: ConversationId(row.get(1)?),
        peer: account_id(row, 2)?,
        direction: coded(row, 3, Direction::from_code)?,
        message_id: row.get(4)?,
        kind: coded(row, 17, MessageKind::from_code)?,
        stream: row.get(5)?,
        seq: row.get(6)?,
        clock: row.get(7)?,
        body: row.get(8)?,
        sent_ms: row.get(9)?,
        received_ms: row.get(10)?,
        held: coded(row, 11, Held::from_code)?,
        state: MessageState::from_columns(row, 12)?,
    })
}

impl View<'_> {
    /// A message of the host's by its row; `None` for one the host never sees.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn message(&self, row: MessageRow) -> Result<Option<Message>, StoreError> {
        self.first(
            &format!("SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE m.id = ?1 AND {FOR_HOST}"),
            [row.0],
            message,
        )
    }

    /// A message of whatever kind by its row.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn any_message(&self, row: MessageRow) -> Result<Option<Message>, StoreError> {
        self.first(
            &format!("SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE m.id = ?1"),
            [row.0],
            message,
        )
    }

    /// A message of the host's by its identity: conversation partner, who of the two wrote it, and
    /// message id.
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
            &format!(
                "SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} \
                 WHERE c.peer = ?1 AND m.direction = ?2 AND m.message_id = ?3 AND {FOR_HOST}"
            ),
            (peer.as_bytes(), direction.code(), message_id),
            message,
        )
    }

    /// The host's messages with this id. The id alone is no identity: another account may have used it too.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn messages_with_id(&self, message_id: &[u8; 16]) -> Result<Vec<Message>, StoreError> {
        // CROSS: conversations first, with one index probe into the messages of each.
        self.all(
            &format!(
                "SELECT {MESSAGE_COLUMNS} FROM conversations c CROSS JOIN messages m ON m.conversation = c.id \
                 AND m.direction IN (0, 1) AND m.message_id = ?1 WHERE {FOR_HOST} ORDER BY m.id"
            ),
            [message_id],
            message,
        )
    }

    /// Every message of every conversation that the host sees or will see, held ones included, in the
    /// order of their rows. For checkers that recount what happened; a host pages.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn dump(&self) -> Result<Vec<Message>, StoreError> {
        self.all(
            &format!("SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE {FOR_HOST} ORDER BY m.id"),
            [],
            message,
        )
    }

    /// Every message there is, whatever its kind, in the order of their rows. For checkers.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn dump_all(&self) -> Result<Vec<Message>, StoreError> {
        self.all(&format!("SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} ORDER BY m.id"), [], message)
    }
}

impl Tx<'_> {
    /// Commits a message to send and gives it an outbox row that is due at once. All but a
    /// [`MessageKind::Signal`] take the conversation's next sequence number and clock; the stream follows
    /// when the message is sealed ([`Tx::seal_message`]).
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the conversation, [`StoreError::Conflict`] for a known message id,
    /// and any other [`StoreError`] of writing.
    pub fn enqueue_message(&mut self, new: NewOutgoing) -> Result<Message, StoreError> {
        let id = new.conversation;
        let steps = i64::from(new.kind != MessageKind::Signal);
        self.change_existing(
            "UPDATE conversations SET next_seq = next_seq + ?2, clock = clock + ?2 WHERE id = ?1",
            [id.0, steps],
        )?;
        let row = self.insert(
            "INSERT INTO messages (conversation, direction, message_id, seq, clock, sender_rank, sent_ms, state, \
             kind, body) \
             SELECT id, ?2, ?3, CASE WHEN ?8 THEN next_seq - 1 END, clock, 1 - own_first, ?4, ?5, ?6, ?7 \
             FROM conversations WHERE id = ?1",
            (
                id.0,
                Direction::Outgoing.code(),
                new.message_id,
                new.now_ms,
                MessageState::Queued.columns().0,
                new.kind.code(),
                new.body,
                steps,
            ),
        )?;
        self.enqueue_outbox(MessageRow(row), new.ttl_ms, new.now_ms)?;
        self.any_message(MessageRow(row))?.ok_or(StoreError::NotFound)
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
