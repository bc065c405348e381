//! What came with a request that nobody answered yet: an introduction, or the texts of a Session client
//! (extensions section 5).

use crate::columns::bound;
use crate::messages::{FOR_HOST, MESSAGE_COLUMNS, MESSAGE_TABLES, message};
use crate::{ConversationId, Event, Message, MessageRow, StoreError, Tx, View};

impl View<'_> {
    /// At most `limit` messages held back with a request that the host may read before it answers, in
    /// display order.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn pending_messages(
        &self,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.all(
            &format!(
                "SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} \
                 WHERE m.held = 2 AND m.conversation = ?1 AND {FOR_HOST} \
                 ORDER BY m.clock, m.sender_rank, m.id LIMIT ?2"
            ),
            [conversation.0, bound(limit)],
            message,
        )
    }
}

impl Tx<'_> {
    /// Shows what was held back with a request, with an event for each message the host sees, in display
    /// order. Returns those messages.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn release_pending(&mut self, conversation: ConversationId) -> Result<Vec<MessageRow>, StoreError> {
        let shown = self.pending_messages(conversation, usize::MAX)?;
        self.change("UPDATE messages SET held = 0 WHERE held = 2 AND conversation = ?1", [conversation.0])?;
        let shown: Vec<_> = shown.into_iter().map(|message| message.row).collect();
        for message in &shown {
            self.push_event(Event::MessageReceived { conversation, message: *message })?;
        }
        Ok(shown)
    }

    /// Deletes what was held back with a request and returns how many messages that were. The marks stay,
    /// so that a copy does not bring it back.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn drop_pending(&mut self, conversation: ConversationId) -> Result<usize, StoreError> {
        self.change("DELETE FROM messages WHERE held = 2 AND conversation = ?1", [conversation.0])
    }
}
