//! The outbox: one row for every outgoing message that is not finished (extensions sections 1, 3 and 7).
//!
//! | stage | what is fixed | next |
//! |---|---|---|
//! | `Queued` | plaintext, sequence number | [`Tx::seal_message`] -> `Sealed` |
//! | `Sealed` | the bytes every attempt sends | [`Tx::prove_message`] -> `Proven` |
//! | `Proven` | timestamp and proof of work: the request | [`Tx::reopen_proof`] -> `Sealed`, or [`Tx::finish_outbox`] -> gone |
//!
//! Who goes first is the business of `lanes`; what is done with a message that was sealed before, of `resend`.

use rusqlite::Row;
use starling_protocol::account::AccountId;

use crate::columns::{account_id, coded};
use crate::{ConversationId, Lane, MessageKind, MessageRow, MessageState, StoreError, Tx, View};

/// How far an outgoing message was prepared. The codes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Plaintext only.
    Queued,
    /// Sealed: `data` and `hash` are fixed.
    Sealed,
    /// Timestamp and, where asked for, nonce are fixed: ready to store.
    Proven,
}

impl Stage {
    pub(crate) fn code(self) -> i64 {
        match self {
            Stage::Queued => 1,
            Stage::Sealed => 2,
            Stage::Proven => 3,
        }
    }

    pub(crate) fn from_code(code: i64) -> Option<Stage> {
        match code {
            1 => Some(Stage::Queued),
            2 => Some(Stage::Sealed),
            3 => Some(Stage::Proven),
            _ => None,
        }
    }
}

/// An unfinished outgoing message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxItem {
    /// The message.
    pub message: MessageRow,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The recipient.
    pub peer: AccountId,
    /// What it carries.
    pub kind: MessageKind,
    /// How it stands to the others of its conversation.
    pub lane: Lane,
    /// How far it is.
    pub stage: Stage,
    /// Its sequence number; 0 for a signal.
    pub seq: i64,
    /// The base64 text every store request carries; from `Sealed` on.
    pub data: Option<String>,
    /// The hash the swarm has to give it; from `Sealed` on.
    pub hash: Option<String>,
    /// The store request's timestamp, in milliseconds of network time; while `Proven`.
    pub timestamp: Option<i64>,
    /// Time to live, in milliseconds.
    pub ttl_ms: i64,
    /// Proof of work (base64); while `Proven`, and only where it was asked for.
    pub nonce: Option<String>,
    /// The difficulty the nonce was worked to; 0 for none.
    pub difficulty: i64,
    /// The proof was thrown away and asked for again ([`Tx::reopen_proof`]).
    pub recomputed: bool,
    /// Rounds of stores that were sent.
    pub rounds: i64,
    /// Attempts that failed since the last progress; decides the back-off.
    pub attempts: i64,
    /// When it is to be looked at, in milliseconds of device wall-clock time.
    pub due_ms: i64,
    /// When sending it ends in vain, in milliseconds of network time; once sealed.
    pub expires_ms: Option<i64>,
}

const ITEM: &str = "SELECT o.message, o.conversation, c.peer, o.stage, o.seq, o.data, o.hash, o.timestamp, \
     o.ttl_ms, o.nonce, o.difficulty, o.recomputed, o.rounds, o.attempts, o.due_ms, o.expires_ms, \
     o.lane, m.kind FROM outbox o JOIN messages m ON m.id = o.message JOIN conversations c ON c.id = o.conversation";

fn item(row: &Row<'_>) -> rusqlite::Result<OutboxItem> {
    Ok(OutboxItem {
        message: MessageRow(row.get(0)?),
        conversation: ConversationId(row.get(1)?),
        peer: account_id(row, 2)?,
        kind: coded(row, 17, MessageKind::from_code)?,
        lane: coded(row, 16, Lane::from_code)?,
        stage: coded(row, 3, Stage::from_code)?,
        seq: row.get(4)?,
        data: row.get(5)?,
        hash: row.get(6)?,
        timestamp: row.get(7)?,
        ttl_ms: row.get(8)?,
        nonce: row.get(9)?,
        difficulty: row.get(10)?,
        recomputed: row.get(11)?,
        rounds: row.get(12)?,
        attempts: row.get(13)?,
        due_ms: row.get(14)?,
        expires_ms: row.get(15)?,
    })
}

impl View<'_> {
    /// The outbox row of a message; `None` once it is finished.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn outbox_item(&self, row: MessageRow) -> Result<Option<OutboxItem>, StoreError> {
        self.first(&format!("{ITEM} WHERE o.message = ?1"), [row.0], item)
    }

    /// The lowest place in our stream whose message the peer may still get: unfinished, or sent after
    /// `sent_after_ms` (network time). `None` if there is none.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn lowest_live_seq(
        &self,
        conversation: ConversationId,
        sent_after_ms: i64,
    ) -> Result<Option<i64>, StoreError> {
        self.first(
            "SELECT min(seq) FROM ( \
               SELECT min(seq) AS seq FROM messages \
               WHERE conversation = ?1 AND direction = 0 AND stream IS NOT NULL AND sent_ms > ?2 \
               UNION ALL \
               SELECT min(seq) FROM outbox WHERE lane = 0 AND conversation = ?1 \
               UNION ALL \
               SELECT min(seq) FROM outbox WHERE lane = 1 AND conversation = ?1 AND seq > 0 \
             )",
            [conversation.0, sent_after_ms],
            |row| row.get(0),
        )
        .map(Option::flatten)
    }

    /// How many messages are unfinished.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn outbox_len(&self) -> Result<i64, StoreError> {
        self.value("SELECT count(*) FROM outbox", [])
    }
}

impl Tx<'_> {
    /// Gives a message its outbox row: a text an ordered one, everything else an express one.
    pub(crate) fn enqueue_outbox(
        &mut self,
        row: MessageRow,
        ttl_ms: i64,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.change_existing(
            "INSERT INTO outbox (message, conversation, lane, seq, stage, ttl_ms, due_ms) \
             SELECT id, conversation, kind <> ?5, ifnull(seq, 0), ?2, ?3, ?4 FROM messages WHERE id = ?1",
            (row.0, Stage::Queued.code(), ttl_ms, now_ms, MessageKind::Text.code()),
        )
    }

    /// Fixes the bytes every attempt sends ("seal once", extensions section 3), and with the first message
    /// of a conversation its stream. From `sent_ms` (network time) on runs the message's time to live: that
    /// of the first sealing, as place and stream are. Receipts for other bytes are forgotten.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn seal_message(
        &mut self,
        row: MessageRow,
        stream: i64,
        data: &str,
        hash: &str,
        sent_ms: i64,
    ) -> Result<(), StoreError> {
        self.change_existing(
            "UPDATE outbox SET stage = ?2, data = ?3, hash = ?4, expires_ms = ifnull(expires_ms, ?5 + ttl_ms), \
             timestamp = NULL, nonce = NULL, difficulty = 0 WHERE message = ?1",
            (row.0, Stage::Sealed.code(), data, hash, sent_ms),
        )?;
        self.change("DELETE FROM receipts WHERE message = ?1", [row.0])?;
        self.change(
            "UPDATE conversations SET stream = ?2 WHERE stream IS NULL \
             AND id = (SELECT conversation FROM outbox WHERE message = ?1 AND seq > 0)",
            [row.0, stream],
        )?;
        self.change_existing(
            "UPDATE messages SET stream = CASE WHEN seq IS NOT NULL THEN ifnull(stream, ?2) END, \
             sent_ms = CASE WHEN stream IS NULL THEN ?3 ELSE sent_ms END WHERE id = ?1",
            (row.0, stream, sent_ms),
        )
    }

    /// Fixes the request: its timestamp (milliseconds of network time) and its nonce, worked to
    /// `difficulty` (0 for none).
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn prove_message(
        &mut self,
        row: MessageRow,
        timestamp: i64,
        nonce: Option<&str>,
        difficulty: i64,
    ) -> Result<(), StoreError> {
        self.change_existing(
            "UPDATE outbox SET stage = ?2, timestamp = ?3, nonce = ?4, difficulty = ?5 WHERE message = ?1",
            (row.0, Stage::Proven.code(), timestamp, nonce, difficulty),
        )
    }

    /// Throws timestamp and nonce away, so that new ones are made (after a 432 or 406). The sealed bytes
    /// and so the receipts stay; the new request has its own rounds.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn reopen_proof(&mut self, row: MessageRow) -> Result<(), StoreError> {
        self.change_existing(
            "UPDATE outbox SET stage = ?2, timestamp = NULL, nonce = NULL, difficulty = 0, recomputed = 1, \
             rounds = 0 \
             WHERE message = ?1",
            (row.0, Stage::Sealed.code()),
        )
    }

    /// Notes how many rounds of stores were sent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn advance_round(&mut self, row: MessageRow, rounds: i64) -> Result<(), StoreError> {
        self.change_existing("UPDATE outbox SET rounds = ?2 WHERE message = ?1", [row.0, rounds])
    }

    /// Puts a message off until `due_ms` (device wall-clock time), with its number of failed attempts. The
    /// next attempt has its own rounds and its own re-computation.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn defer_outbox(&mut self, row: MessageRow, attempts: i64, due_ms: i64) -> Result<(), StoreError> {
        self.change_existing(
            "UPDATE outbox SET attempts = ?2, due_ms = ?3, rounds = 0, recomputed = 0 WHERE message = ?1",
            [row.0, attempts, due_ms],
        )
    }

    /// Makes everything due at once that was put off because it failed: it may work now. What was planned
    /// for later stays so.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn hasten_outbox(&mut self, now_ms: i64) -> Result<(), StoreError> {
        if self.exists("SELECT 1 FROM outbox WHERE due_ms > ?1 AND attempts > 0 LIMIT 1", [now_ms])? {
            self.change("UPDATE outbox SET due_ms = ?1 WHERE due_ms > ?1 AND attempts > 0", [now_ms])?;
        }
        Ok(())
    }

    /// Puts a failed outgoing message into the outbox again: with its id, so that a copy that did arrive is
    /// known, but at a new place, because the old one may have been passed over. `false` if there is no such
    /// message or it did not fail.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn requeue_message(&mut self, row: MessageRow, ttl_ms: i64, now_ms: i64) -> Result<bool, StoreError> {
        let failed =
            self.any_message(row)?.is_some_and(|message| matches!(message.state, MessageState::Failed(_)));
        if failed {
            self.change_existing(
                "UPDATE conversations SET next_seq = next_seq + 1, clock = clock + 1 \
                 WHERE id = (SELECT conversation FROM messages WHERE id = ?1)",
                [row.0],
            )?;
            self.change_existing(
                "UPDATE messages SET stream = NULL, seq = c.next_seq - 1, clock = c.clock, sent_ms = ?2 \
                 FROM conversations c WHERE c.id = messages.conversation AND messages.id = ?1",
                [row.0, now_ms],
            )?;
            self.enqueue_outbox(row, ttl_ms, now_ms)?;
            self.set_message_state(row, MessageState::Queued)?;
        }
        Ok(failed)
    }

    /// Ends the sending of a message: its state is set, outbox row, sealed bytes and receipts go. Of one that
    /// is on its way (`Stored`, `Sent`) it stays noted that the peer has to acknowledge it. A signal goes
    /// entirely.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn finish_outbox(&mut self, row: MessageRow, state: MessageState) -> Result<(), StoreError> {
        self.change_existing("DELETE FROM outbox WHERE message = ?1", [row.0])?;
        let signal = "SELECT 1 FROM messages WHERE id = ?1 AND kind = ?2";
        if self.exists(signal, [row.0, MessageKind::Signal.code()])? {
            self.change("DELETE FROM visits WHERE message = ?1", [row.0])?;
            return self.change_existing("DELETE FROM messages WHERE id = ?1", [row.0]);
        }
        if !matches!(state, MessageState::Stored { .. } | MessageState::Sent) {
            self.change("DELETE FROM sealed WHERE message = ?1", [row.0])?;
        }
        self.set_message_state(row, state)
    }

    /// Brings times that lie more than `max_delay_ms` ahead back to that: a device clock that jumped back
    /// must not park a message for years.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn clamp_outbox_due(&mut self, now_ms: i64, max_delay_ms: i64) -> Result<(), StoreError> {
        let latest = now_ms.saturating_add(max_delay_ms);
        if self.exists("SELECT 1 FROM outbox WHERE due_ms > ?1 LIMIT 1", [latest])? {
            self.change("UPDATE outbox SET due_ms = ?1 WHERE due_ms > ?1", [latest])?;
        }
        Ok(())
    }
}
