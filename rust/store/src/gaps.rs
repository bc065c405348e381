//! Gaps in a peer's streams and the messages held behind them (extensions section 7).

use crate::{ConversationId, MessageRow, StoreError, Tx, View};

/// Stands for the next sequence number where any may come next: after a block.
pub(crate) const ANY_PLACE: i64 = 0;

impl View<'_> {
    /// The sequence number expected next in a stream of the peer's; `None` for an unknown stream, `Some(0)`
    /// for one in which any may come next, because the peer was blocked.
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

    /// What waits in a stream behind a gap, ascending: held messages with their places, and places that
    /// need no message any more (`None`).
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn waiting(
        &self,
        conversation: ConversationId,
        stream: i64,
    ) -> Result<Vec<(Option<MessageRow>, i64)>, StoreError> {
        self.all(
            "SELECT id, seq FROM messages WHERE held = 1 AND conversation = ?1 AND stream = ?2 \
             UNION ALL \
             SELECT NULL, seq FROM inbound_filled WHERE conversation = ?1 AND stream = ?2 \
             ORDER BY 2, 1",
            [conversation.0, stream],
            |row| Ok((row.get::<_, Option<i64>>(0)?.map(MessageRow), row.get(1)?)),
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
    /// Notes the sequence number expected next in a stream of the peer's; filled places before it are done with.
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
        self.change(
            "DELETE FROM inbound_filled WHERE conversation = ?1 AND stream = ?2 AND seq < ?3",
            [conversation.0, stream, next_seq],
        )?;
        Ok(())
    }

    /// Notes that a place behind a gap needs no message any more: its message came before, at another place.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] without the conversation, and any other [`StoreError`] of writing.
    pub fn fill_place(
        &mut self,
        conversation: ConversationId,
        stream: i64,
        seq: i64,
    ) -> Result<(), StoreError> {
        self.change(
            "INSERT INTO inbound_filled (conversation, stream, seq) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            [conversation.0, stream, seq],
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
