//! Frames the peer is to seal again, until we have told it so (extensions section 4).

use crate::{ConversationId, StoreError, Tx, View};

/// Hashes kept for one peer.
const MAX_PER_PEER: i64 = 256;
/// Hashes told at once.
const BATCH: i64 = 64;

impl View<'_> {
    /// Whether a peer is to be told of frames.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn has_nacks(&self, conversation: ConversationId) -> Result<bool, StoreError> {
        self.exists("SELECT 1 FROM nacks WHERE conversation = ?1 LIMIT 1", [conversation.0])
    }
}

impl Tx<'_> {
    /// Remembers a frame to be sealed again, by its hash. With 256 of them for one peer, no more are taken:
    /// the frames are sent again anyway, when the peer misses their acknowledgement.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] without the conversation, and any other [`StoreError`] of writing.
    pub fn add_nack(&mut self, conversation: ConversationId, hash: &[u8; 32]) -> Result<(), StoreError> {
        let known = self.value("SELECT count(*) FROM nacks WHERE conversation = ?1", [conversation.0])?;
        if known < MAX_PER_PEER {
            self.change(
                "INSERT INTO nacks (conversation, hash) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (conversation.0, hash),
            )?;
        }
        Ok(())
    }

    /// Takes the next hashes to tell a peer of, at most 64, the oldest first.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn take_nacks(&mut self, conversation: ConversationId) -> Result<Vec<[u8; 32]>, StoreError> {
        let taken: Vec<(i64, [u8; 32])> = self.all(
            "SELECT id, hash FROM nacks WHERE conversation = ?1 ORDER BY id LIMIT ?2",
            [conversation.0, BATCH],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        for (id, _) in &taken {
            self.change("DELETE FROM nacks WHERE id = ?1", [*id])?;
        }
        Ok(taken.into_iter().map(|(_, hash)| hash).collect())
    }
}
