//! What of a peer's streams is committed here, and when to say so (extensions sections 6 and 7).
//!
//! An acknowledgement follows the commit, not the showing: what waits behind a gap counts. It names one
//! stream, the place up to which nothing is missing, and the ids above that.

use crate::columns::bound;
use crate::{ConversationId, StoreError, Tx, View};

/// Ids above the contiguous part that one acknowledgement names.
const MAX_ABOVE: i64 = 256;
/// Ids above the contiguous part that are remembered of one stream. What is beyond is not acknowledged, so
/// that it comes again.
const MAX_REMEMBERED: i64 = 4096;

/// What an acknowledgement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckState {
    /// The stream something was received in last.
    pub stream: i64,
    /// Up to here nothing of it is missing.
    pub through: i64,
    /// The ids of the latest messages above, at most 256, by their places.
    pub above: Vec<[u8; 16]>,
}

impl View<'_> {
    /// What to acknowledge to a peer; `None` if nothing of its was noted.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn ack_state(&self, conversation: ConversationId) -> Result<Option<AckState>, StoreError> {
        let noted = self.first(
            "SELECT s.stream, s.through FROM conversations c JOIN inbound_streams s \
             ON s.conversation = c.id AND s.stream = c.inbound_stream WHERE c.id = ?1 AND s.through IS NOT NULL",
            [conversation.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let Some((stream, through)) = noted else { return Ok(None) };
        let above = self.all(
            // The latest: the lower ones were in the acknowledgements before.
            "SELECT message_id FROM (SELECT message_id, seq FROM inbound_received \
             WHERE conversation = ?1 AND stream = ?2 ORDER BY seq DESC LIMIT ?3) ORDER BY seq",
            [conversation.0, stream, MAX_ABOVE],
            |row| row.get(0),
        )?;
        Ok(Some(AckState { stream, through, above }))
    }

    /// At most `limit` conversations with an acknowledgement that is due by `now_ms`, the earliest first.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn acks_due(&self, now_ms: i64, limit: usize) -> Result<Vec<ConversationId>, StoreError> {
        self.all(
            "SELECT conversation FROM contacts WHERE ack_due_ms <= ?1 ORDER BY ack_due_ms LIMIT ?2",
            [now_ms, bound(limit)],
            |row| row.get(0).map(ConversationId),
        )
    }

    /// When the next acknowledgement is due.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn next_ack_due(&self) -> Result<Option<i64>, StoreError> {
        self.first("SELECT min(ack_due_ms) FROM contacts WHERE ack_due_ms IS NOT NULL", [], |row| row.get(0))
            .map(Option::flatten)
    }

    /// The contiguous part of a stream; `None` before anything was noted in it.
    fn through(&self, conversation: ConversationId, stream: i64) -> Result<Option<i64>, StoreError> {
        self.first(
            "SELECT through FROM inbound_streams WHERE conversation = ?1 AND stream = ?2",
            [conversation.0, stream],
            |row| row.get(0),
        )
        .map(Option::flatten)
    }
}

impl Tx<'_> {
    /// Brings acknowledgements that lie more than `max_delay_ms` ahead back to that, as
    /// [`Tx::clamp_outbox_due`] does for messages.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn clamp_acks_due(&mut self, now_ms: i64, max_delay_ms: i64) -> Result<(), StoreError> {
        let latest = now_ms.saturating_add(max_delay_ms);
        if self.exists("SELECT 1 FROM contacts WHERE ack_due_ms > ?1 LIMIT 1", [latest])? {
            self.change("UPDATE contacts SET ack_due_ms = ?1 WHERE ack_due_ms > ?1", [latest])?;
        }
        Ok(())
    }

    /// Notes that a message of a stream is committed. Everything below the sender's `base` counts as done;
    /// a `base` above the message's own place, or below 1, does not.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] without the conversation, and any other [`StoreError`] of writing.
    pub fn note_received(
        &mut self,
        conversation: ConversationId,
        stream: i64,
        seq: i64,
        base: i64,
        message_id: &[u8; 16],
    ) -> Result<(), StoreError> {
        let base = base.min(seq).max(1);
        let before = self.through(conversation, stream)?;
        let floor = before.unwrap_or(0).max(base - 1);
        let through = if seq == floor.saturating_add(1) { seq } else { floor };
        if seq > through {
            self.remember(conversation, stream, seq, message_id)?;
        }
        if before != Some(through) {
            self.advance_through(conversation, stream, base, through)?;
        }
        self.change(
            "UPDATE conversations SET inbound_stream = ?2 WHERE id = ?1 AND inbound_stream IS NOT ?2",
            [conversation.0, stream],
        )?;
        Ok(())
    }

    /// Keeps a message above the contiguous part, while there is room.
    fn remember(
        &mut self,
        conversation: ConversationId,
        stream: i64,
        seq: i64,
        message_id: &[u8; 16],
    ) -> Result<(), StoreError> {
        let known = self.value(
            "SELECT count(*) FROM inbound_received WHERE conversation = ?1 AND stream = ?2",
            [conversation.0, stream],
        )?;
        if known < MAX_REMEMBERED {
            self.change(
                "INSERT INTO inbound_received (conversation, stream, seq, message_id) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO NOTHING",
                (conversation.0, stream, seq, message_id),
            )?;
        }
        Ok(())
    }

    /// Moves the contiguous part on to `through`, and past what directly follows it.
    fn advance_through(
        &mut self,
        conversation: ConversationId,
        stream: i64,
        base: i64,
        mut through: i64,
    ) -> Result<(), StoreError> {
        let place = "SELECT 1 FROM inbound_received WHERE conversation = ?1 AND stream = ?2 AND seq = ?3";
        while self.exists(place, [conversation.0, stream, through.saturating_add(1)])? {
            through = through.saturating_add(1);
        }
        self.change(
            "DELETE FROM inbound_received WHERE conversation = ?1 AND stream = ?2 AND seq <= ?3",
            [conversation.0, stream, through],
        )?;
        self.change(
            "INSERT INTO inbound_streams (conversation, stream, next_seq, through) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (conversation, stream) DO UPDATE SET through = ?4",
            [conversation.0, stream, base, through],
        )?;
        Ok(())
    }

    /// Sets when the peer is to be sent an acknowledgement, in milliseconds of device wall-clock time;
    /// `None` when none is owed.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn set_ack_due(
        &mut self,
        conversation: ConversationId,
        due_ms: Option<i64>,
    ) -> Result<(), StoreError> {
        self.change(
            "UPDATE contacts SET ack_due_ms = ?2 WHERE conversation = ?1 AND ack_due_ms IS NOT ?2",
            (conversation.0, due_ms),
        )?;
        Ok(())
    }
}
