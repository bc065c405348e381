//! What was sealed and not acknowledged yet (extensions sections 3, 4 and 7).
//!
//! A row lives from the first sealing of a durable message to its acknowledgement, expiry or failure; the
//! outbox row is gone as soon as the swarm has stored the bytes. It says under which key of which session
//! the latest ciphertext was made, so that a refused or superseded one can be made again.

use rusqlite::Row;

use crate::columns::{bound, coded};
use crate::{ConversationId, MessageKind, MessageRow, MessageState, SessionRow, Stage, StoreError, Tx, View};

/// How a message was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealNote {
    /// The message.
    pub message: MessageRow,
    /// The ratchet session; `None` for the Session protocol.
    pub session: Option<SessionRow>,
    /// The ordinal of the sending chain.
    pub chain: i64,
    /// The index in it.
    pub chain_index: i64,
    /// SHA-256 of the frame. It names the message in a refusal, which only a session has, so without one it
    /// is not kept.
    pub frame_hash: [u8; 32],
    /// When, in milliseconds of network time.
    pub sealed_ms: i64,
    /// When it is to be stored once more, in milliseconds of network time.
    pub restore_ms: Option<i64>,
}

/// A message the peer has not acknowledged, with its latest sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unacknowledged {
    /// The message.
    pub message: MessageRow,
    /// Its id everywhere.
    pub message_id: [u8; 16],
    /// Its conversation.
    pub conversation: ConversationId,
    /// What it carries.
    pub kind: MessageKind,
    /// Our stream it is in.
    pub stream: i64,
    /// Its place there.
    pub seq: i64,
    /// The ratchet session it was sealed in; `None` for the Session protocol.
    pub session: Option<SessionRow>,
    /// The ordinal of the sending chain.
    pub chain: i64,
    /// The index in it.
    pub chain_index: i64,
    /// SHA-256 of the frame; `None` for the Session protocol.
    pub frame_hash: Option<[u8; 32]>,
    /// When it was sealed last, in milliseconds of network time.
    pub sealed_ms: i64,
    /// When the swarm stored it last, in milliseconds of network time.
    pub last_stored_ms: Option<i64>,
    /// When it is to be stored once more, in milliseconds of network time; `None` after that.
    pub restore_ms: Option<i64>,
    /// When it expires, in milliseconds of network time.
    pub expires_ms: i64,
    /// Time to live of a store request, in milliseconds.
    pub ttl_ms: i64,
    /// Whether it was stored once more.
    pub restored: bool,
    /// Whether it is in the outbox, on its way for the first time or again.
    pub in_outbox: bool,
}

const SEALED: &str = "SELECT s.message, m.message_id, s.conversation, m.kind, s.stream, s.seq, s.session, s.chain, \
     s.chain_index, s.frame_hash, s.sealed_ms, s.last_stored_ms, s.restore_ms, s.expires_ms, s.ttl_ms, s.restored, \
     EXISTS (SELECT 1 FROM outbox o WHERE o.message = s.message) \
     FROM sealed s JOIN messages m ON m.id = s.message";

fn unacknowledged(row: &Row<'_>) -> rusqlite::Result<Unacknowledged> {
    Ok(Unacknowledged {
        message: MessageRow(row.get(0)?),
        message_id: row.get(1)?,
        conversation: ConversationId(row.get(2)?),
        kind: coded(row, 3, MessageKind::from_code)?,
        stream: row.get(4)?,
        seq: row.get(5)?,
        session: row.get::<_, Option<i64>>(6)?.map(SessionRow),
        chain: row.get(7)?,
        chain_index: row.get(8)?,
        frame_hash: row.get(9)?,
        sealed_ms: row.get(10)?,
        last_stored_ms: row.get(11)?,
        restore_ms: row.get(12)?,
        expires_ms: row.get(13)?,
        ttl_ms: row.get(14)?,
        restored: row.get(15)?,
        in_outbox: row.get(16)?,
    })
}

impl View<'_> {
    /// At most `limit` messages a peer has not acknowledged, in the order of their places.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn unacknowledged(
        &self,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<Vec<Unacknowledged>, StoreError> {
        self.all(
            &format!("{SEALED} WHERE s.conversation = ?1 ORDER BY s.stream, s.seq LIMIT ?2"),
            [conversation.0, bound(limit)],
            unacknowledged,
        )
    }

    /// A message the peer has not acknowledged; `None` if it has, or if it was never sealed.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn unacknowledged_message(&self, row: MessageRow) -> Result<Option<Unacknowledged>, StoreError> {
        self.first(&format!("{SEALED} WHERE s.message = ?1"), [row.0], unacknowledged)
    }

    /// The unacknowledged message whose latest frame has this hash; `None` for a superseded frame too.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn sealed_frame(&self, hash: &[u8; 32]) -> Result<Option<Unacknowledged>, StoreError> {
        self.first(&format!("{SEALED} WHERE s.frame_hash = ?1"), [hash], unacknowledged)
    }

    /// At most `limit` unacknowledged messages that were sealed on a session's chains up to the one with
    /// ordinal `chain`, in the order of their keys.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn sealed_through_chain(
        &self,
        session: SessionRow,
        chain: i64,
        limit: usize,
    ) -> Result<Vec<Unacknowledged>, StoreError> {
        self.all(
            &format!(
                "{SEALED} WHERE s.session = ?1 AND s.chain <= ?2 ORDER BY s.chain, s.chain_index LIMIT ?3"
            ),
            [session.0, chain, bound(limit)],
            unacknowledged,
        )
    }

    /// How many unacknowledged messages have their key on one chain of a session.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn sealed_on_chain(&self, session: SessionRow, chain: i64) -> Result<i64, StoreError> {
        self.value("SELECT count(*) FROM sealed WHERE session = ?1 AND chain = ?2", [session.0, chain])
    }

    /// At most `limit` messages that are to be stored once more by `now_ms` (network time).
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn due_restores(&self, now_ms: i64, limit: usize) -> Result<Vec<Unacknowledged>, StoreError> {
        self.all(
            &format!("{SEALED} WHERE s.restore_ms <= ?1 ORDER BY s.restore_ms LIMIT ?2"),
            [now_ms, bound(limit)],
            unacknowledged,
        )
    }

    /// When the next unacknowledged message is to be stored once more or expires, in milliseconds of
    /// network time.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn next_sealed_due(&self) -> Result<Option<i64>, StoreError> {
        self.first(
            "SELECT min(due_ms) FROM ( \
               SELECT min(restore_ms) AS due_ms FROM sealed WHERE restore_ms IS NOT NULL \
               UNION ALL SELECT min(expires_ms) FROM sealed \
             )",
            [],
            |row| row.get(0),
        )
        .map(Option::flatten)
    }

    /// The lowest place in our current stream that the peer has not acknowledged, sealed or not: the `base`
    /// of what is sealed next (extensions section 7). `None` if there is none.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn lowest_unacknowledged_seq(&self, conversation: ConversationId) -> Result<Option<i64>, StoreError> {
        self.first(
            "SELECT min(seq) FROM ( \
               SELECT min(seq) AS seq FROM sealed WHERE conversation = ?1 \
               AND stream = (SELECT stream FROM conversations WHERE id = ?1) \
               UNION ALL SELECT min(seq) FROM outbox WHERE lane = 0 AND conversation = ?1 \
               UNION ALL SELECT min(seq) FROM outbox WHERE lane = 1 AND conversation = ?1 AND seq > 0 \
             )",
            [conversation.0],
            |row| row.get(0),
        )
        .map(Option::flatten)
    }
}

impl Tx<'_> {
    /// Notes how a message was sealed, in the step that did so and after [`Tx::seal_message`]: its place,
    /// time to live and expiry are taken from there. A later sealing replaces an earlier one; what was
    /// stored once more is not stored a third time.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if it is not sealed in the outbox, [`StoreError::Conflict`] for a signal, and
    /// any other [`StoreError`] of writing.
    pub fn note_sealed(&mut self, note: &SealNote) -> Result<(), StoreError> {
        self.change_existing(
            "INSERT INTO sealed (message, conversation, stream, seq, session, chain, chain_index, frame_hash, \
             sealed_ms, restore_ms, expires_ms, ttl_ms) \
             SELECT m.id, m.conversation, m.stream, m.seq, ?2, ?3, ?4, ?5, ?6, ?7, o.expires_ms, o.ttl_ms \
             FROM outbox o JOIN messages m ON m.id = o.message WHERE o.message = ?1 AND o.stage <> ?8 \
             ON CONFLICT (message) DO UPDATE SET session = excluded.session, chain = excluded.chain, \
             chain_index = excluded.chain_index, frame_hash = excluded.frame_hash, \
             sealed_ms = excluded.sealed_ms, expires_ms = excluded.expires_ms, \
             restore_ms = CASE WHEN restored THEN NULL ELSE excluded.restore_ms END",
            (
                note.message.0,
                note.session.map(|session| session.0),
                note.chain,
                note.chain_index,
                note.session.map(|_| note.frame_hash),
                note.sealed_ms,
                note.restore_ms,
                Stage::Queued.code(),
            ),
        )
    }

    /// The peer has everything of a stream of ours up to `through`. Returns what that newly delivered, in
    /// order: its state is [`MessageState::Delivered`], and nothing is done for it any more.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn acknowledge(
        &mut self,
        conversation: ConversationId,
        stream: i64,
        through: i64,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let delivered = self.all(
            "SELECT message FROM sealed WHERE conversation = ?1 AND stream = ?2 AND seq <= ?3 ORDER BY seq",
            [conversation.0, stream, through],
            |row| row.get(0).map(MessageRow),
        )?;
        self.deliver(delivered)
    }

    /// The peer has the messages with these ids. Returns what that newly delivered, as
    /// [`Tx::acknowledge`] does; other ids mean nothing.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn acknowledge_ids(
        &mut self,
        conversation: ConversationId,
        message_ids: &[[u8; 16]],
    ) -> Result<Vec<MessageRow>, StoreError> {
        let mut found = Vec::new();
        for message_id in message_ids {
            found.extend(self.first(
                "SELECT s.stream, s.seq, s.message FROM messages m JOIN sealed s ON s.message = m.id \
                 WHERE m.conversation = ?1 AND m.direction = 0 AND m.message_id = ?2",
                (conversation.0, message_id),
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
            )?);
        }
        found.sort_unstable();
        found.dedup();
        self.deliver(found.into_iter().map(|(_, _, row)| MessageRow(row)).collect())
    }

    fn deliver(&mut self, delivered: Vec<MessageRow>) -> Result<Vec<MessageRow>, StoreError> {
        for row in &delivered {
            self.settle(*row, MessageState::Delivered)?;
        }
        Ok(delivered)
    }

    /// Notes when the swarm stored an unacknowledged message, in milliseconds of network time.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn note_stored(&mut self, row: MessageRow, at_ms: i64) -> Result<(), StoreError> {
        self.change("UPDATE sealed SET last_stored_ms = ?2 WHERE message = ?1", [row.0, at_ms])?;
        Ok(())
    }

    /// Notes that an unacknowledged message is stored once more, which happens once.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn mark_restored(&mut self, row: MessageRow) -> Result<(), StoreError> {
        self.change("UPDATE sealed SET restored = 1, restore_ms = NULL WHERE message = ?1", [row.0])?;
        Ok(())
    }

    /// Ends at most `limit` messages that expired unacknowledged by `now_ms` (network time). Returns them;
    /// their state is [`MessageState::Expired`].
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn expire_sealed(&mut self, now_ms: i64, limit: usize) -> Result<Vec<MessageRow>, StoreError> {
        let expired = self.all(
            "SELECT message FROM sealed WHERE expires_ms <= ?1 ORDER BY expires_ms, message LIMIT ?2",
            [now_ms, bound(limit)],
            |row| row.get(0).map(MessageRow),
        )?;
        for row in &expired {
            self.settle(*row, MessageState::Expired)?;
        }
        Ok(expired)
    }
}
