//! The durable queue of events for the host (extensions section 7, DESIGN section 4).
//!
//! Events are rows that refer to what happened; the host reads what they refer to. They stay until they are
//! acknowledged, so each comes at least once and in order, whatever dies in between. There are never more
//! than [`MAX_EVENTS`]: one more, and all become a single [`Event::Resync`], after which the host reads
//! anew. Events that follow the `Resync` are queued behind it as usual: they may be newer than what the
//! host reads.

use rusqlite::Row;

use crate::columns::{bound, unknown_value};
use crate::{ConversationId, MessageRow, StoreError, Tx, View};

/// Unacknowledged events beyond which all are replaced by one [`Event::Resync`].
const MAX_EVENTS: i64 = 10_000;

/// Codes of [`Event`]; part of the format. `STATE_CHANGED` and `REQUESTS_DIGEST` are also in indexes of the
/// schema.
const RECEIVED: i64 = 1;
const INSERTED: i64 = 2;
const GAP: i64 = 3;
const STATE_CHANGED: i64 = 4;
const RESYNC: i64 = 5;
const REQUEST_RECEIVED: i64 = 6;
const REQUEST_REPLACED: i64 = 7;
const REQUEST_EXPIRED: i64 = 8;
const FRIEND_ADDED: i64 = 9;
const SESSION_RENEWED: i64 = 10;
const SECURITY_UPGRADED: i64 = 11;
const REQUESTS_DIGEST: i64 = 12;

/// An event's place in the queue; rises, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventSeq(pub i64);

/// Something the host may want to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A message of the peer's, the next in order.
    MessageReceived {
        /// Where.
        conversation: ConversationId,
        /// Which.
        message: MessageRow,
    },
    /// A message that came late and belongs before messages shown already.
    MessageInserted {
        /// Where.
        conversation: ConversationId,
        /// Which.
        message: MessageRow,
    },
    /// Messages that did not come in time; what follows is behind the gap.
    Gap {
        /// Where.
        conversation: ConversationId,
        /// The first missing sequence number.
        from_seq: i64,
        /// The last missing sequence number.
        to_seq: i64,
    },
    /// A message of ours got a new state. Only the latest is kept.
    MessageStateChanged {
        /// Where.
        conversation: ConversationId,
        /// Which.
        message: MessageRow,
    },
    /// Too much happened: read everything anew.
    Resync,
    /// Somebody asks to be a friend.
    RequestReceived {
        /// The conversation with whoever asks.
        conversation: ConversationId,
    },
    /// Whoever asked asks again: introduction and name may be others.
    RequestReplaced {
        /// The conversation with whoever asks.
        conversation: ConversationId,
    },
    /// A request, ours or the peer's, ended without an answer.
    RequestExpired {
        /// Its conversation.
        conversation: ConversationId,
    },
    /// A peer became a friend.
    FriendAdded {
        /// The conversation with it.
        conversation: ConversationId,
    },
    /// The session with a friend began anew, because keys were lost on one side.
    SessionRenewed {
        /// The conversation with it.
        conversation: ConversationId,
    },
    /// A conversation without forward secrecy got it.
    SecurityUpgraded {
        /// Which.
        conversation: ConversationId,
    },
    /// Requests changed, many at once: read the list anew. Only the latest is kept.
    RequestsDigest,
}

type EventColumns = (i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

impl Event {
    /// The columns (kind, conversation, message, from_seq, to_seq).
    fn columns(self) -> EventColumns {
        let contact = |kind, conversation: ConversationId| (kind, Some(conversation.0), None, None, None);
        match self {
            Event::MessageReceived { conversation, message } => {
                (RECEIVED, Some(conversation.0), Some(message.0), None, None)
            }
            Event::MessageInserted { conversation, message } => {
                (INSERTED, Some(conversation.0), Some(message.0), None, None)
            }
            Event::Gap { conversation, from_seq, to_seq } => {
                (GAP, Some(conversation.0), None, Some(from_seq), Some(to_seq))
            }
            Event::MessageStateChanged { conversation, message } => {
                (STATE_CHANGED, Some(conversation.0), Some(message.0), None, None)
            }
            Event::Resync => (RESYNC, None, None, None, None),
            Event::RequestReceived { conversation } => contact(REQUEST_RECEIVED, conversation),
            Event::RequestReplaced { conversation } => contact(REQUEST_REPLACED, conversation),
            Event::RequestExpired { conversation } => contact(REQUEST_EXPIRED, conversation),
            Event::FriendAdded { conversation } => contact(FRIEND_ADDED, conversation),
            Event::SessionRenewed { conversation } => contact(SESSION_RENEWED, conversation),
            Event::SecurityUpgraded { conversation } => contact(SECURITY_UPGRADED, conversation),
            Event::RequestsDigest => (REQUESTS_DIGEST, None, None, None, None),
        }
    }

    fn from_columns(row: &Row<'_>) -> rusqlite::Result<Event> {
        let conversation = || row.get(2).map(ConversationId);
        let message = || row.get(3).map(MessageRow);
        Ok(match row.get::<_, i64>(1)? {
            RECEIVED => Event::MessageReceived { conversation: conversation()?, message: message()? },
            INSERTED => Event::MessageInserted { conversation: conversation()?, message: message()? },
            GAP => Event::Gap { conversation: conversation()?, from_seq: row.get(4)?, to_seq: row.get(5)? },
            STATE_CHANGED => {
                Event::MessageStateChanged { conversation: conversation()?, message: message()? }
            }
            RESYNC => Event::Resync,
            REQUEST_RECEIVED => Event::RequestReceived { conversation: conversation()? },
            REQUEST_REPLACED => Event::RequestReplaced { conversation: conversation()? },
            REQUEST_EXPIRED => Event::RequestExpired { conversation: conversation()? },
            FRIEND_ADDED => Event::FriendAdded { conversation: conversation()? },
            SESSION_RENEWED => Event::SessionRenewed { conversation: conversation()? },
            SECURITY_UPGRADED => Event::SecurityUpgraded { conversation: conversation()? },
            REQUESTS_DIGEST => Event::RequestsDigest,
            _ => return Err(unknown_value(1)),
        })
    }
}

impl View<'_> {
    /// The oldest `max` events, in order. Reading does not acknowledge.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn events(&self, max: usize) -> Result<Vec<(EventSeq, Event)>, StoreError> {
        self.all(
            "SELECT id, kind, conversation, message, from_seq, to_seq FROM events ORDER BY id LIMIT ?1",
            [bound(max)],
            |row| Ok((EventSeq(row.get(0)?), Event::from_columns(row)?)),
        )
    }

    /// Whether the queue is full. Ids have holes where events were coalesced, so their span is only an upper
    /// bound of the count; it saves counting as long as it is small.
    fn too_many_events(&self) -> Result<bool, StoreError> {
        // Two probes: SQLite reads the ends of an index for a lone min() or max() only.
        let span =
            self.value("SELECT (SELECT max(id) FROM events) - (SELECT min(id) FROM events) + 1", [])?;
        Ok(span > MAX_EVENTS && self.value("SELECT count(*) FROM events", [])? > MAX_EVENTS)
    }
}

impl Tx<'_> {
    /// Appends an event. A state change replaces an unacknowledged older one of the same message, and a
    /// digest an older digest.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn push_event(&mut self, event: Event) -> Result<(), StoreError> {
        match event {
            Event::MessageStateChanged { message, .. } => {
                self.change("DELETE FROM events WHERE kind = 4 AND message = ?1", [message.0])?;
            }
            Event::RequestsDigest => drop(self.change("DELETE FROM events WHERE kind = 12", [])?),
            _ => {}
        }
        self.append_event(event)?;
        if self.too_many_events()? {
            self.change("DELETE FROM events", [])?;
            self.append_event(Event::Resync)?;
        }
        Ok(())
    }

    fn append_event(&mut self, event: Event) -> Result<(), StoreError> {
        self.change(
            "INSERT INTO events (kind, conversation, message, from_seq, to_seq) VALUES (?1, ?2, ?3, ?4, ?5)",
            event.columns(),
        )?;
        Ok(())
    }

    /// Removes the events up to and including `through`.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn ack_events(&mut self, through: EventSeq) -> Result<(), StoreError> {
        if self.exists("SELECT 1 FROM events WHERE id <= ?1 LIMIT 1", [through.0])? {
            self.change("DELETE FROM events WHERE id <= ?1", [through.0])?;
        }
        Ok(())
    }
}
