//! The outbox: one row for every outgoing message that is not finished (extensions sections 1, 3 and 7).
//!
//! | stage | what is fixed | next |
//! |---|---|---|
//! | `Queued` | plaintext, sequence number | [`Tx::seal_message`] -> `Sealed` |
//! | `Sealed` | the bytes every attempt sends | [`Tx::prove_message`] -> `Proven` |
//! | `Proven` | timestamp and proof of work: the request | [`Tx::reopen_proof`] -> `Sealed`, or [`Tx::finish_outbox`] -> gone |
//!
//! Within a conversation nothing overtakes: what stands behind the first message, or behind a `Queued` one,
//! waits at least as long as that does (research pain 15).

use rusqlite::Row;
use starling_protocol::account::AccountId;

use crate::columns::{account_id, coded};
use crate::{ConversationId, MessageRow, MessageState, StoreError, Tx, View};

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
    fn code(self) -> i64 {
        match self {
            Stage::Queued => 1,
            Stage::Sealed => 2,
            Stage::Proven => 3,
        }
    }

    fn from_code(code: i64) -> Option<Stage> {
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
    /// How far it is.
    pub stage: Stage,
    /// Its sequence number.
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
     o.ttl_ms, o.nonce, o.difficulty, o.recomputed, o.rounds, o.attempts, o.due_ms, o.expires_ms \
     FROM outbox o JOIN conversations c ON c.id = o.conversation";

fn item(row: &Row<'_>) -> rusqlite::Result<OutboxItem> {
    Ok(OutboxItem {
        message: MessageRow(row.get(0)?),
        conversation: ConversationId(row.get(1)?),
        peer: account_id(row, 2)?,
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

/// When an item may be taken, its predecessors considered.
struct Place {
    message: MessageRow,
    due_ms: i64,
}

impl View<'_> {
    /// The outbox row of a message; `None` once it is finished.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn outbox_item(&self, row: MessageRow) -> Result<Option<OutboxItem>, StoreError> {
        self.first(&format!("{ITEM} WHERE o.message = ?1"), [row.0], item)
    }

    /// What is to be done now: of each conversation at most the first `per_conversation` messages, and of
    /// all of them at most `limit`, every conversation's first before any one's second. An item comes after
    /// its predecessors; behind the first, and behind a `Queued` one, that is not due none comes.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn due_outbox(
        &self,
        now_ms: i64,
        per_conversation: usize,
        limit: usize,
    ) -> Result<Vec<OutboxItem>, StoreError> {
        let mut due: Vec<(usize, MessageRow)> = Vec::new();
        for conversation in self.outbox_conversations()? {
            let places = self.outbox_places(conversation, per_conversation)?;
            let ready = places.iter().enumerate().filter(|(_, place)| place.due_ms <= now_ms);
            due.extend(ready.map(|(position, place)| (position, place.message)));
        }
        // Stable: within a position, the conversations keep their order.
        due.sort_by_key(|(position, _)| *position);
        let items = due.into_iter().take(limit).filter_map(|(_, row)| self.outbox_item(row).transpose());
        items.collect()
    }

    /// When [`View::due_outbox`] with the same `per_conversation` has something next, in milliseconds of
    /// device wall-clock time; in the past if it has now. `None` with an empty outbox.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn next_outbox_due(&self, per_conversation: usize) -> Result<Option<i64>, StoreError> {
        let mut next: Option<i64> = None;
        for conversation in self.outbox_conversations()? {
            for place in self.outbox_places(conversation, per_conversation)? {
                next = Some(next.map_or(place.due_ms, |earliest| earliest.min(place.due_ms)));
            }
        }
        Ok(next)
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
               SELECT seq FROM (SELECT seq FROM outbox WHERE conversation = ?1 ORDER BY seq LIMIT 1) \
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

    /// The conversations with unfinished messages: one index probe each, however many messages they have.
    fn outbox_conversations(&self) -> Result<Vec<ConversationId>, StoreError> {
        self.all(
            "WITH RECURSIVE waiting (id) AS ( \
               SELECT min(conversation) FROM outbox \
               UNION ALL \
               SELECT (SELECT min(conversation) FROM outbox WHERE conversation > waiting.id) \
               FROM waiting WHERE waiting.id IS NOT NULL \
             ) SELECT id FROM waiting WHERE id IS NOT NULL",
            [],
            |row| row.get(0).map(ConversationId),
        )
    }

    /// The first messages of a conversation in sending order, each with the time its predecessors allow.
    fn outbox_places(&self, conversation: ConversationId, count: usize) -> Result<Vec<Place>, StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut blocked_until: Option<i64> = None;
        self.all(
            "SELECT message, stage, due_ms FROM outbox WHERE conversation = ?1 ORDER BY seq LIMIT ?2",
            [conversation.0, count],
            |row| {
                let stage = coded(row, 1, Stage::from_code)?;
                let due_ms = row.get::<_, i64>(2)?.max(blocked_until.unwrap_or(i64::MIN));
                if stage == Stage::Queued || blocked_until.is_none() {
                    blocked_until = Some(due_ms);
                }
                Ok(Place { message: MessageRow(row.get(0)?), due_ms })
            },
        )
    }
}

impl Tx<'_> {
    pub(crate) fn enqueue_outbox(
        &mut self,
        row: MessageRow,
        ttl_ms: i64,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.change_existing(
            "INSERT INTO outbox (message, conversation, seq, stage, ttl_ms, due_ms) \
             SELECT id, conversation, seq, ?2, ?3, ?4 FROM messages WHERE id = ?1",
            (row.0, Stage::Queued.code(), ttl_ms, now_ms),
        )
    }

    /// Fixes the bytes every attempt sends ("seal once", extensions section 3), and with the first message
    /// of a conversation its stream. From `sent_ms` (network time) on runs the message's time to live.
    /// Receipts for other bytes are forgotten.
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
            "UPDATE outbox SET stage = ?2, data = ?3, hash = ?4, expires_ms = ?5 + ttl_ms, timestamp = NULL, \
             nonce = NULL, difficulty = 0 WHERE message = ?1",
            (row.0, Stage::Sealed.code(), data, hash, sent_ms),
        )?;
        self.change("DELETE FROM receipts WHERE message = ?1", [row.0])?;
        self.change(
            "UPDATE conversations SET stream = ?2 WHERE stream IS NULL \
             AND id = (SELECT conversation FROM outbox WHERE message = ?1)",
            [row.0, stream],
        )?;
        self.change_existing(
            "UPDATE messages SET stream = ?2, sent_ms = ?3 WHERE id = ?1",
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

    /// Makes the whole outbox due at once: what failed may work now.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn hasten_outbox(&mut self, now_ms: i64) -> Result<(), StoreError> {
        if self.exists("SELECT 1 FROM outbox WHERE due_ms > ?1 LIMIT 1", [now_ms])? {
            self.change("UPDATE outbox SET due_ms = ?1 WHERE due_ms > ?1", [now_ms])?;
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
            self.message(row)?.is_some_and(|message| matches!(message.state, MessageState::Failed(_)));
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

    /// Ends the sending of a message: its last state is set, outbox row, sealed bytes and receipts go.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn finish_outbox(&mut self, row: MessageRow, state: MessageState) -> Result<(), StoreError> {
        self.change_existing("DELETE FROM outbox WHERE message = ?1", [row.0])?;
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
