//! Messages of the Session protocol that their sender vouched for inside the ratchet: they left before
//! the contact had one, and are still taken (extensions section 4, "Floor").

use crate::columns::bound;
use crate::{ConversationId, StoreError, Tx, View};

/// The longest life of a message in a swarm: 14 days.
const LIFE_MS: i64 = 14 * 24 * 3_600_000;

impl View<'_> {
    /// Whether the peer vouched for one of its messages.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn vouched(&self, conversation: ConversationId, message_id: &[u8; 16]) -> Result<bool, StoreError> {
        self.exists(
            "SELECT 1 FROM vouched WHERE conversation = ?1 AND message_id = ?2",
            (conversation.0, message_id),
        )
    }

    /// The ids of our messages to a peer that left in the Session protocol after `since_ms` (network time),
    /// newest first, at most `limit`.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn unprotected_since(
        &self,
        conversation: ConversationId,
        since_ms: i64,
        limit: usize,
    ) -> Result<Vec<[u8; 16]>, StoreError> {
        self.all(
            "SELECT message_id FROM unprotected WHERE conversation = ?1 AND sent_ms > ?2 \
             ORDER BY sent_ms DESC LIMIT ?3",
            [conversation.0, since_ms, bound(limit)],
            |row| row.get(0),
        )
    }
}

impl Tx<'_> {
    /// Notes that a message of ours leaves in the Session protocol, at `sent_ms` (network time).
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn note_unprotected(
        &mut self,
        conversation: ConversationId,
        message_id: &[u8; 16],
        sent_ms: i64,
    ) -> Result<(), StoreError> {
        self.change(
            "INSERT INTO unprotected (conversation, message_id, sent_ms) VALUES (?1, ?2, ?3) \
             ON CONFLICT (conversation, message_id) DO UPDATE SET sent_ms = ?3",
            (conversation.0, message_id, sent_ms),
        )?;
        // What has left the swarms by now needs no mention.
        self.change(
            "DELETE FROM unprotected WHERE conversation = ?1 AND sent_ms < ?2",
            [conversation.0, sent_ms.saturating_sub(LIFE_MS)],
        )?;
        Ok(())
    }

    /// Notes the messages that a peer vouched for, until `expires_ms` (network time).
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn vouch(
        &mut self,
        conversation: ConversationId,
        message_ids: &[[u8; 16]],
        expires_ms: i64,
    ) -> Result<(), StoreError> {
        for message_id in message_ids {
            self.change(
                "INSERT INTO vouched (conversation, message_id, expires_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                (conversation.0, message_id, expires_ms),
            )?;
        }
        Ok(())
    }
}
