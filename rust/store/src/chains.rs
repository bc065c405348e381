//! Which ratchet keys a session has received under (extensions section 4).
//!
//! The ratchet itself forgets old chains and reports them as forgeries; with these rows an evicted chain is
//! told from a key that was never received.

use crate::{SessionRow, StoreError, Tx, View};

/// A chain a session has received on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedChain {
    /// How many chains of the session began before it.
    pub ordinal: i64,
    /// The index after the highest one received.
    pub next_index: i64,
    /// Indexes below it that were skipped and have not come yet.
    pub holes: i64,
}

impl View<'_> {
    /// The chain of a ratchet key; `None` if nothing was ever received under it.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn received_chain(
        &self,
        session: SessionRow,
        ratchet_key: &[u8; 32],
    ) -> Result<Option<ReceivedChain>, StoreError> {
        self.first(
            "SELECT ordinal, next_index, holes FROM received_chains WHERE session = ?1 AND ratchet_key = ?2",
            (session.0, ratchet_key),
            |row| Ok(ReceivedChain { ordinal: row.get(0)?, next_index: row.get(1)?, holes: row.get(2)? }),
        )
    }
}

impl Tx<'_> {
    /// Notes that the message at `index` of a chain was received, and returns the chain's ordinal: it fills a
    /// hole, or leaves holes behind what came before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] without the session, and any other [`StoreError`] of writing.
    pub fn advance_chain(
        &mut self,
        session: SessionRow,
        ratchet_key: &[u8; 32],
        index: i64,
    ) -> Result<i64, StoreError> {
        self.change(
            "INSERT INTO received_chains (session, ratchet_key, ordinal, next_index, holes) VALUES (?1, ?2, \
             (SELECT ifnull(max(ordinal) + 1, 0) FROM received_chains WHERE session = ?1), ?3 + 1, ?3) \
             ON CONFLICT (session, ratchet_key) DO UPDATE SET \
             holes = iif(?3 < next_index, max(holes - 1, 0), holes + ?3 - next_index), \
             next_index = max(next_index, ?3 + 1)",
            (session.0, ratchet_key, index),
        )?;
        let chain = self.received_chain(session, ratchet_key)?;
        chain.map(|chain| chain.ordinal).ok_or(StoreError::NotFound)
    }
}
