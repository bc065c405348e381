//! Sealing again what was sealed before, and ending what waits in vain (extensions sections 3-5 and 7).
//!
//! | the message is | [`Tx::unseal`] | [`Tx::reseal`] |
//! |---|---|---|
//! | in the outbox | `Queued` again in its place | the same |
//! | stored, not acknowledged | nothing | a new outbox row, express, same id, place and expiry |
//! | acknowledged, expired, failed | nothing | nothing: it is never brought back |

use crate::{
    ConversationId, FailureReason, Lane, MessageKind, MessageRow, MessageState, Stage, StoreError, Tx,
};

impl Tx<'_> {
    /// Throws the sealed bytes of a message in the outbox away, with proof and receipts, so that it is
    /// sealed anew when it is next sent. Due time, lane and expiry stay. `false` if it is not in the outbox.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn unseal(&mut self, row: MessageRow) -> Result<bool, StoreError> {
        let unsealed = self.change(
            "UPDATE outbox SET stage = ?2, data = NULL, hash = NULL, timestamp = NULL, nonce = NULL, \
             difficulty = 0, recomputed = 0, rounds = 0 WHERE message = ?1",
            [row.0, Stage::Queued.code()],
        )?;
        self.change("DELETE FROM receipts WHERE message = ?1", [row.0])?;
        Ok(unsealed > 0)
    }

    /// Has an unacknowledged message sealed and sent again, at `due_ms` (device wall-clock time) if it has
    /// left the outbox: with its id and place, and until its old expiry. `false` for any other message.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn reseal(&mut self, row: MessageRow, due_ms: i64) -> Result<bool, StoreError> {
        if self.unseal(row)? {
            return Ok(true);
        }
        let added = self.change(
            "INSERT INTO outbox (message, conversation, lane, seq, stage, ttl_ms, due_ms, expires_ms) \
             SELECT message, conversation, ?2, seq, ?3, ttl_ms, ?4, expires_ms FROM sealed WHERE message = ?1",
            [row.0, Lane::Express.code(), Stage::Queued.code(), due_ms],
        )?;
        Ok(added > 0)
    }

    /// Gives an unacknowledged message another expiry, in milliseconds of network time: it is stored anew
    /// for a time of its own.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn extend_expiry(&mut self, row: MessageRow, expires_ms: i64) -> Result<(), StoreError> {
        self.change("UPDATE outbox SET expires_ms = ?2 WHERE message = ?1", [row.0, expires_ms])?;
        self.change("UPDATE sealed SET expires_ms = ?2 WHERE message = ?1", [row.0, expires_ms])?;
        Ok(())
    }

    /// Sets how long the swarm shall keep a message that is not sealed yet, in milliseconds.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn set_time_to_live(&mut self, row: MessageRow, ttl_ms: i64) -> Result<(), StoreError> {
        self.change_existing("UPDATE outbox SET ttl_ms = ?2 WHERE message = ?1", [row.0, ttl_ms])
    }

    /// Nobody will acknowledge what left in the Session protocol: the peer has no ratchet.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn expect_no_acknowledgement(&mut self, conversation: ConversationId) -> Result<(), StoreError> {
        self.change("DELETE FROM sealed WHERE conversation = ?1 AND session IS NULL", [conversation.0])?;
        Ok(())
    }

    /// Fails what waits for a contact that will not open: the texts of its ordered lane and our unanswered
    /// request. Returns them in order.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn fail_queue(
        &mut self,
        conversation: ConversationId,
        reason: FailureReason,
    ) -> Result<Vec<MessageRow>, StoreError> {
        self.settle_queue(conversation, MessageState::Failed(reason))
    }

    /// Lets the same expire: the texts go with the request they waited for (extensions section 5).
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn expire_queue(&mut self, conversation: ConversationId) -> Result<Vec<MessageRow>, StoreError> {
        self.settle_queue(conversation, MessageState::Expired)
    }

    fn settle_queue(
        &mut self,
        conversation: ConversationId,
        state: MessageState,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let waiting = self.all(
            "SELECT seq, message FROM outbox WHERE lane = 0 AND conversation = ?1 \
             UNION \
             SELECT o.seq, o.message FROM outbox o JOIN messages m ON m.id = o.message \
             WHERE o.lane = 1 AND o.conversation = ?1 AND m.kind = ?2 \
             UNION \
             SELECT s.seq, s.message FROM sealed s JOIN messages m ON m.id = s.message \
             WHERE s.conversation = ?1 AND m.kind = ?2 ORDER BY 1",
            [conversation.0, MessageKind::Request.code()],
            |row| row.get(1).map(MessageRow),
        )?;
        for row in &waiting {
            self.settle(*row, state)?;
        }
        Ok(waiting)
    }

    /// Ends all that is done for a message, in the outbox or after it.
    pub(crate) fn settle(&mut self, row: MessageRow, state: MessageState) -> Result<(), StoreError> {
        self.change("DELETE FROM outbox WHERE message = ?1", [row.0])?;
        self.change("DELETE FROM sealed WHERE message = ?1", [row.0])?;
        self.set_message_state(row, state)
    }
}
