//! Messages of the Session protocol that their sender vouched for inside the ratchet: they left before
//! the contact had one, and are still taken (extensions section 4, "Floor").

use crate::columns::bound;
use crate::{ConversationId, StoreError, Tx, View};

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

    /// The ids of our latest messages to a peer that were sealed after `since_ms` (network time), newest
    /// first, at most `limit`.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn sent_since(
        &self,
        conversation: ConversationId,
        since_ms: i64,
        limit: usize,
    ) -> Result<Vec<[u8; 16]>, StoreError> {
        self.all(
            "SELECT message_id FROM messages WHERE conversation = ?1 AND direction = 0 AND stream IS NOT NULL \
             AND sent_ms > ?2 ORDER BY sent_ms DESC LIMIT ?3",
            [conversation.0, since_ms, bound(limit)],
            |row| row.get(0),
        )
    }
}

impl Tx<'_> {
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
