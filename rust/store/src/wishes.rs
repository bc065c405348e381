//! Friend requests that are still to be made: they wait for the network time, which they are dated with
//! (extensions sections 5 and 8).

use crate::{ConversationId, MessageKind, MessageRow, StoreError, View};

impl View<'_> {
    /// A request of ours to this peer that waits in the outbox; `None` if there is none.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn waiting_request(&self, conversation: ConversationId) -> Result<Option<MessageRow>, StoreError> {
        self.first(
            "SELECT o.message FROM outbox o JOIN messages m ON m.id = o.message \
             WHERE o.lane = 1 AND o.conversation = ?1 AND m.kind = ?2 ORDER BY o.seq LIMIT 1",
            [conversation.0, MessageKind::Request.code()],
            |row| row.get(0).map(MessageRow),
        )
    }
}
