//! Received messages, the marks that keep them from being received twice, and how far each node was read
//! (extensions sections 2 and 3).

use starling_protocol::account::AccountId;
use starling_protocol::node::NodeKey;

use crate::{ConversationId, Direction, Held, MessageKind, MessageRow, MessageState, StoreError, Tx, View};

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The conversation with its sender.
    pub conversation: ConversationId,
    /// Its id, unique for the sender.
    pub message_id: [u8; 16],
    /// What it carries.
    pub kind: MessageKind,
    /// The sender's stream; `None` from a Session client.
    pub stream: Option<i64>,
    /// Its place in the stream; `None` from a Session client.
    pub seq: Option<i64>,
    /// Its Lamport clock.
    pub clock: i64,
    /// The text.
    pub body: String,
    /// When the sender says it was sent, in milliseconds of network time.
    pub sent_ms: i64,
    /// Device wall-clock time, in milliseconds.
    pub received_ms: i64,
    /// Whether it may be shown.
    pub held: Held,
}

impl View<'_> {
    /// Whether a node's message with this hash was handled before.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn hash_known(&self, hash: &str) -> Result<bool, StoreError> {
        self.exists("SELECT 1 FROM seen_hashes WHERE hash = ?1", [hash])
    }

    /// Up to where a node's namespace was read: the hash of the last message.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn cursor(&self, node: &NodeKey, namespace: i16) -> Result<Option<String>, StoreError> {
        self.first(
            "SELECT hash FROM cursors WHERE node = ?1 AND namespace = ?2",
            (node.0, namespace),
            |row| row.get(0),
        )
    }
}

impl Tx<'_> {
    /// Commits a received message; the conversation's clock rises to the message's.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the conversation, [`StoreError::Conflict`] for a known message id,
    /// and any other [`StoreError`] of writing.
    pub fn insert_received(&mut self, new: Received) -> Result<MessageRow, StoreError> {
        self.change_existing(
            "UPDATE conversations SET clock = max(clock, ?2) WHERE id = ?1",
            [new.conversation.0, new.clock],
        )?;
        self.insert(
            "INSERT INTO messages (conversation, direction, message_id, stream, seq, clock, sender_rank, sent_ms, \
             received_ms, state, held, kind, body) \
             SELECT id, ?2, ?3, ?4, ?5, ?6, own_first, ?7, ?8, ?9, ?10, ?11, ?12 FROM conversations WHERE id = ?1",
            (
                new.conversation.0,
                Direction::Incoming.code(),
                new.message_id,
                new.stream,
                new.seq,
                new.clock,
                new.sent_ms,
                new.received_ms,
                MessageState::Received.columns().0,
                new.held.code(),
                new.kind.code(),
                new.body,
            ),
        )
        .map(MessageRow)
    }

    /// Marks a message of a sender as seen until `expires_ms` (network time) and says whether it is new.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn mark_seen(
        &mut self,
        sender: &AccountId,
        message_id: &[u8; 16],
        expires_ms: i64,
    ) -> Result<bool, StoreError> {
        let added = self.change(
            "INSERT INTO seen_messages (sender, message_id, expires_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            (sender.as_bytes(), message_id, expires_ms),
        )?;
        Ok(added > 0)
    }

    /// Marks a node's message as handled until `expires_ms` (network time).
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn mark_hash(&mut self, hash: &str, expires_ms: i64) -> Result<(), StoreError> {
        self.change(
            "INSERT INTO seen_hashes (hash, expires_ms) VALUES (?1, ?2) \
             ON CONFLICT (hash) DO UPDATE SET expires_ms = max(expires_ms, ?2)",
            (hash, expires_ms),
        )?;
        Ok(())
    }

    /// Forgets marks of messages, hashes and frames, and what was vouched for, that expired before `now_ms` (network time).
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn sweep_marks(&mut self, now_ms: i64) -> Result<(), StoreError> {
        if self.exists("SELECT 1 FROM seen_messages WHERE expires_ms < ?1 LIMIT 1", [now_ms])? {
            self.change("DELETE FROM seen_messages WHERE expires_ms < ?1", [now_ms])?;
        }
        if self.exists("SELECT 1 FROM seen_hashes WHERE expires_ms < ?1 LIMIT 1", [now_ms])? {
            self.change("DELETE FROM seen_hashes WHERE expires_ms < ?1", [now_ms])?;
        }
        if self.exists("SELECT 1 FROM frames WHERE expires_ms < ?1 LIMIT 1", [now_ms])? {
            self.change("DELETE FROM frames WHERE expires_ms < ?1", [now_ms])?;
        }
        if self.exists("SELECT 1 FROM vouched WHERE expires_ms < ?1 LIMIT 1", [now_ms])? {
            self.change("DELETE FROM vouched WHERE expires_ms < ?1", [now_ms])?;
        }
        Ok(())
    }

    /// Notes up to where a node's namespace was read.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn set_cursor(&mut self, node: &NodeKey, namespace: i16, hash: &str) -> Result<(), StoreError> {
        self.change(
            "INSERT INTO cursors (node, namespace, hash) VALUES (?1, ?2, ?3) \
             ON CONFLICT (node, namespace) DO UPDATE SET hash = ?3",
            (node.0, namespace, hash),
        )?;
        Ok(())
    }

    /// Makes the next poll read a node's namespace from its beginning.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn forget_cursor(&mut self, node: &NodeKey, namespace: i16) -> Result<(), StoreError> {
        self.change("DELETE FROM cursors WHERE node = ?1 AND namespace = ?2", (node.0, namespace))?;
        Ok(())
    }
}
