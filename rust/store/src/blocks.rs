//! Blocks: whom we do not want to hear of, and since when (extensions section 5).
//!
//! The intervals stay after a block ends: what was sent within one is never shown, however late it comes.

use starling_protocol::account::AccountId;

use crate::gaps::ANY_PLACE;
use crate::{Contact, ConversationId, StoreError, Tx, View};

impl View<'_> {
    /// Whether an account is blocked now.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn is_blocked(&self, peer: &AccountId) -> Result<bool, StoreError> {
        self.exists(
            "SELECT 1 FROM conversations c JOIN contacts k ON k.conversation = c.id \
             WHERE c.peer = ?1 AND k.blocked",
            [peer.as_bytes()],
        )
    }

    /// Whether the peer was blocked at a moment, in milliseconds of network time.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn blocked_at(&self, conversation: ConversationId, sent_ms: i64) -> Result<bool, StoreError> {
        self.exists(
            "SELECT 1 FROM blocks WHERE conversation = ?1 AND from_ms <= ?2 \
             AND (until_ms IS NULL OR until_ms > ?2) LIMIT 1",
            [conversation.0, sent_ms],
        )
    }
}

impl Tx<'_> {
    /// Blocks a peer from `at_ms` (network time) on. A block that holds already goes on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the conversation, and any other [`StoreError`] of writing.
    pub fn block(&mut self, conversation: ConversationId, at_ms: i64) -> Result<(), StoreError> {
        let contact = self.contact(conversation)?.ok_or(StoreError::NotFound)?;
        self.put_contact(&Contact { blocked: true, ..contact })?;
        if !self
            .exists("SELECT 1 FROM blocks WHERE conversation = ?1 AND until_ms IS NULL", [conversation.0])?
        {
            self.change(
                "INSERT INTO blocks (conversation, from_ms) VALUES (?1, ?2) \
                 ON CONFLICT (conversation, from_ms) DO UPDATE SET until_ms = NULL",
                [conversation.0, at_ms],
            )?;
        }
        Ok(())
    }

    /// Ends the block of a peer at `at_ms` (network time), if there is one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the conversation, and any other [`StoreError`] of writing.
    pub fn unblock(&mut self, conversation: ConversationId, at_ms: i64) -> Result<(), StoreError> {
        let contact = self.contact(conversation)?.ok_or(StoreError::NotFound)?;
        self.put_contact(&Contact { blocked: false, ..contact })?;
        self.change(
            "UPDATE blocks SET until_ms = max(from_ms, ?2) WHERE conversation = ?1 AND until_ms IS NULL",
            [conversation.0, at_ms],
        )?;
        // What was sent meanwhile is no gap: the next message of each stream begins it anew. What is
        // acknowledged stays as it is, so nothing of the interval is.
        self.change(
            "UPDATE inbound_streams SET next_seq = ?2 WHERE conversation = ?1",
            [conversation.0, ANY_PLACE],
        )?;
        Ok(())
    }
}
