//! Parked frames: they would skip too many keys, so they wait for what lies before them (extensions
//! section 4). Kept as they came, within fixed bounds.

use crate::columns::bound;
use crate::{ConversationId, StoreError, Tx, View};

/// Frames kept.
const MAX_ROWS: i64 = 1000;
/// Bytes of frames kept in all.
const MAX_BYTES: i64 = 8 << 20;

/// A frame that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Its id here; never reused.
    pub id: i64,
    /// The conversation with its sender.
    pub conversation: ConversationId,
    /// SHA-256 of the frame.
    pub hash: [u8; 32],
    /// The frame.
    pub frame: Vec<u8>,
    /// Since when it waits, in milliseconds as the caller counts them.
    pub parked_ms: i64,
}

impl View<'_> {
    /// At most `limit` parked frames of a peer, in the order of their parking.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn parked(&self, conversation: ConversationId, limit: usize) -> Result<Vec<Parked>, StoreError> {
        self.all(
            "SELECT id, conversation, hash, frame, parked_ms FROM parked WHERE conversation = ?1 \
             ORDER BY id LIMIT ?2",
            [conversation.0, bound(limit)],
            |row| {
                Ok(Parked {
                    id: row.get(0)?,
                    conversation: ConversationId(row.get(1)?),
                    hash: row.get(2)?,
                    frame: row.get(3)?,
                    parked_ms: row.get(4)?,
                })
            },
        )
    }

    /// The conversations with parked frames.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn parked_conversations(&self) -> Result<Vec<ConversationId>, StoreError> {
        self.all("SELECT DISTINCT conversation FROM parked ORDER BY conversation", [], |row| {
            row.get(0).map(ConversationId)
        })
    }

    /// Since when the oldest parked frame waits.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn oldest_parked(&self) -> Result<Option<i64>, StoreError> {
        self.first("SELECT min(parked_ms) FROM parked", [], |row| row.get(0)).map(Option::flatten)
    }
}

impl Tx<'_> {
    /// Parks a frame. One that is parked already is kept once. `false` if there is no room for it: what
    /// waits is never thrown away for something newer.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] without the conversation, and any other [`StoreError`] of writing.
    pub fn park(
        &mut self,
        conversation: ConversationId,
        hash: &[u8; 32],
        frame: &[u8],
        parked_ms: i64,
    ) -> Result<bool, StoreError> {
        if self.exists("SELECT 1 FROM parked WHERE hash = ?1", [hash])? {
            return Ok(true);
        }
        let size = i64::try_from(frame.len()).unwrap_or(i64::MAX);
        let rows = self.value("SELECT count(*) FROM parked", [])?;
        let bytes = self.value("SELECT ifnull(sum(bytes), 0) FROM parked", [])?;
        if rows >= MAX_ROWS || bytes.saturating_add(size) > MAX_BYTES {
            return Ok(false);
        }
        self.change(
            "INSERT INTO parked (conversation, bytes, parked_ms, hash, frame) VALUES (?1, ?2, ?3, ?4, ?5)",
            (conversation.0, size, parked_ms, hash, frame),
        )?;
        Ok(true)
    }

    /// Removes a parked frame: it is handled now.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn unpark(&mut self, id: i64) -> Result<(), StoreError> {
        self.change("DELETE FROM parked WHERE id = ?1", [id])?;
        Ok(())
    }
}
