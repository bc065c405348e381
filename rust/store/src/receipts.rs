//! Receipts: which members of the recipient's swarm proved to hold a message (extensions section 1).

use starling_protocol::node::NodeKey;

use crate::columns::node_key;
use crate::{MessageRow, StoreError, Tx, View};

impl View<'_> {
    /// The members with a verified receipt for the message's current hash, in the order of their keys.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn receipts(&self, row: MessageRow) -> Result<Vec<NodeKey>, StoreError> {
        self.all("SELECT node FROM receipts WHERE message = ?1 ORDER BY node", [row.0], |r| node_key(r, 0))
    }
}

impl Tx<'_> {
    /// Adds verified receipts of members and returns how many distinct members have given one in all.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a message without outbox row, and any other [`StoreError`] of writing.
    pub fn record_receipts(&mut self, row: MessageRow, members: &[NodeKey]) -> Result<usize, StoreError> {
        for member in members {
            self.change(
                "INSERT INTO receipts (message, node) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (row.0, member.0),
            )?;
        }
        let count = self.value("SELECT count(*) FROM receipts WHERE message = ?1", [row.0])?;
        usize::try_from(count).map_err(|_| StoreError::Damaged { code: 0 })
    }
}
