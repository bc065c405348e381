//! Marks of ratchet frames: what came of each, by its hash (extensions section 3).
//!
//! A known frame is acknowledged again and never reaches a session, so that a copy cannot look like a lost
//! key. [`Tx::sweep_marks`] forgets the expired ones.

use crate::{ConversationId, StoreError, Tx, View};

/// What came of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameMark {
    /// SHA-256 of the frame.
    pub hash: [u8; 32],
    /// The conversation with its sender.
    pub conversation: ConversationId,
    /// The message it carried; `None` if it could not be opened.
    pub message_id: Option<[u8; 16]>,
    /// What came of it: a stable code, chosen by the caller.
    pub verdict: i64,
    /// When the mark may be forgotten, in milliseconds of network time.
    pub expires_ms: i64,
}

impl View<'_> {
    /// The mark of a frame; `None` at first sight.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn frame(&self, hash: &[u8; 32]) -> Result<Option<FrameMark>, StoreError> {
        self.first(
            "SELECT hash, conversation, message_id, verdict, expires_ms FROM frames WHERE hash = ?1",
            [hash],
            |row| {
                Ok(FrameMark {
                    hash: row.get(0)?,
                    conversation: ConversationId(row.get(1)?),
                    message_id: row.get(2)?,
                    verdict: row.get(3)?,
                    expires_ms: row.get(4)?,
                })
            },
        )
    }
}

impl Tx<'_> {
    /// Marks a frame; a later mark replaces an earlier one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] without the conversation, and any other [`StoreError`] of writing.
    pub fn mark_frame(&mut self, mark: &FrameMark) -> Result<(), StoreError> {
        self.change(
            "INSERT INTO frames (hash, conversation, message_id, verdict, expires_ms) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (hash) DO UPDATE SET conversation = excluded.conversation, \
             message_id = excluded.message_id, verdict = excluded.verdict, expires_ms = excluded.expires_ms",
            (mark.hash, mark.conversation.0, mark.message_id, mark.verdict, mark.expires_ms),
        )?;
        Ok(())
    }
}
