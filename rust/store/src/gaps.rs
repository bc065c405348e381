//! Gaps in a peer's streams and the messages held behind them (extensions section 7).

use crate::{ConversationId, MessageRow, StoreError, Tx, View};

impl View<'_> {
    /// The sequence number expected next in a stream of the peer's; `None` for an unknown stream.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn inbound_next(&self, conversation: ConversationId, stream: i64) -> Result<Option<i64>, StoreError> {
        self.first(
            "SELECT next_seq FROM inbound_streams WHERE conversation = ?1 AND stream = ?2",
            [conversation.0, stream],
            |row| row.get(0),
        )
    }

    /// The held messages of a stream with their sequence numbers, ascending.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn held(
        &self,
        conversation: ConversationId,
        stream: i64,
    ) -> Result<Vec<(MessageRow, i64)>, StoreError> {
        self.all(
            "SELECT id, seq FROM messages WHERE held = 1 AND conversation = ?1 AND stream = ?2 ORDER BY seq, id",
            [conversation.0, stream],
            |row| Ok((MessageRow(row.get(0)?), row.get(1)?)),
        )
    }

    /// The streams with held messages.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn held_streams(&self) -> Result<Vec<(ConversationId, i64)>, StoreError> {
        self.all(
            "SELECT DISTINCT conversation, stream FROM messages WHERE held = 1 AND stream IS NOT NULL \
             ORDER BY conversation, stream",
            [],
            |row| Ok((ConversationId(row.get(0)?), row.get(1)?)),
        )
    }
}

impl Tx<'_> {
    /// Notes the sequence number expected next in a stream of the peer's.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] without the conversation, and any other [`StoreError`] of writing.
    pub fn set_inbound_next(
        &mut self,
        conversation: ConversationId,
        stream: i64,
        next_seq: i64,
    ) -> Result<(), StoreError> {
        self.change(
            "INSERT INTO inbound_streams (conversation, stream, next_seq) VALUES (?1, ?2, ?3) \
             ON CONFLICT (conversation, stream) DO UPDATE SET next_seq = ?3",
            [conversation.0, stream, next_seq],
        )?;
        Ok(())
    }

    /// Shows a held message from now on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn release(&mut self, row: MessageRow) -> Result<(), StoreError> {
        self.change_existing("UPDATE messages SET held = 0 WHERE id = ?1", [row.0])
    }
}
