//! Why a message is where it is: whom it was offered to, over which relays, and what they said.
//!
//! For people only; nothing decides by it. Bounded per message and in all, oldest out.

use rusqlite::Row;
use starling_protocol::node::NodeKey;

use crate::columns::{node_key, unknown_value};
use crate::{Message, MessageRow, OutboxItem, StoreError, Tx, View};

/// Visits kept per message.
const MAX_PER_MESSAGE: i64 = 48;
/// Visits kept in all.
const MAX_VISITS: i64 = 20_000;

/// What came of offering a message to one member of the recipient's swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It stored the message; so many members' receipts in its answer were new and held.
    Stored {
        /// Receipts that counted.
        receipts: u32,
    },
    /// No answer of the member itself: the path failed, or the member is gone.
    NoAnswer,
    /// 421: the member says the account is not in its swarm.
    WrongSwarm,
    /// 406: the member calls the message's time wrong.
    WrongTime,
    /// 432: the member wants more proof of work.
    NeedsWork {
        /// The difficulty it asks for.
        difficulty: u64,
    },
    /// Any other refusal.
    Refused {
        /// Its status.
        status: u16,
    },
    /// An answer that cannot be read.
    Unreadable,
}

impl Verdict {
    fn columns(self) -> (i64, i64) {
        match self {
            Verdict::Stored { receipts } => (1, receipts.into()),
            Verdict::NoAnswer => (2, 0),
            Verdict::WrongSwarm => (3, 0),
            Verdict::WrongTime => (4, 0),
            Verdict::NeedsWork { difficulty } => (5, i64::try_from(difficulty).unwrap_or(i64::MAX)),
            Verdict::Refused { status } => (6, status.into()),
            Verdict::Unreadable => (7, 0),
        }
    }

    fn from_columns(row: &Row<'_>, first: usize) -> rusqlite::Result<Verdict> {
        let detail: i64 = row.get(first + 1)?;
        let known = |code: i64| {
            Some(match code {
                1 => Verdict::Stored { receipts: u32::try_from(detail).ok()? },
                2 => Verdict::NoAnswer,
                3 => Verdict::WrongSwarm,
                4 => Verdict::WrongTime,
                5 => Verdict::NeedsWork { difficulty: u64::try_from(detail).ok()? },
                6 => Verdict::Refused { status: u16::try_from(detail).ok()? },
                7 => Verdict::Unreadable,
                _ => return None,
            })
        };
        known(row.get(first)?).ok_or_else(|| unknown_value(first))
    }
}

/// One member asked to store one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// When it ended, in milliseconds of device wall-clock time.
    pub at_ms: i64,
    /// The member.
    pub node: NodeKey,
    /// The relays on the way, the guard first.
    pub relays: Vec<NodeKey>,
    /// What came of it.
    pub verdict: Verdict,
}

/// Everything known about where a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The message and its state.
    pub message: Message,
    /// Its row in the outbox: stage, attempts, next try; `None` once it is finished.
    pub outbox: Option<OutboxItem>,
    /// Members with a verified receipt, while it is in the outbox.
    pub receipts: Vec<NodeKey>,
    /// Whom it was offered to, oldest first.
    pub visits: Vec<Visit>,
}

impl View<'_> {
    /// Why a message is where it is; `None` if there is no such message.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn explain(&self, row: MessageRow) -> Result<Option<Explanation>, StoreError> {
        let Some(message) = self.message(row)? else { return Ok(None) };
        let visits = self.all(
            "SELECT at_ms, node, relays, verdict, detail FROM visits WHERE message = ?1 ORDER BY id",
            [row.0],
            visit,
        )?;
        let (outbox, receipts) = (self.outbox_item(row)?, self.receipts(row)?);
        Ok(Some(Explanation { message, outbox, receipts, visits }))
    }
}

impl Tx<'_> {
    /// Notes a visit; the oldest ones make room.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for an unknown message, and any other [`StoreError`] of writing.
    pub fn record_visit(&mut self, row: MessageRow, visit: &Visit) -> Result<(), StoreError> {
        let (verdict, detail) = visit.verdict.columns();
        let relays: Vec<u8> = visit.relays.iter().flat_map(|node| node.0).collect();
        let id = self.insert(
            "INSERT INTO visits (message, at_ms, node, relays, verdict, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (row.0, visit.at_ms, visit.node.0, relays, verdict, detail),
        )?;
        self.change("DELETE FROM visits WHERE id <= ?1", [id - MAX_VISITS])?;
        self.change(
            "DELETE FROM visits WHERE message = ?1 AND id <= \
             (SELECT id FROM visits WHERE message = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            [row.0, MAX_PER_MESSAGE],
        )?;
        Ok(())
    }
}

fn visit(row: &Row<'_>) -> rusqlite::Result<Visit> {
    let relays: Vec<u8> = row.get(2)?;
    Ok(Visit {
        at_ms: row.get(0)?,
        node: node_key(row, 1)?,
        relays: relays.as_chunks::<32>().0.iter().map(|key| NodeKey(*key)).collect(),
        verdict: Verdict::from_columns(row, 3)?,
    })
}
