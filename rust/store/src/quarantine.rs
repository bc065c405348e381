//! Messages that could not be read, kept for diagnosis within fixed bounds.

use crate::{StoreError, Tx, View};

/// Rows kept.
const MAX_ROWS: i64 = 1000;
/// Bytes of `data` kept in all.
const MAX_BYTES: i64 = 8 << 20;

/// A message of a node that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined<'a> {
    /// Its hash at the node.
    pub hash: &'a str,
    /// Its data as the node sent them.
    pub data: &'a str,
    /// A stable code of why, chosen by the caller.
    pub reason: i64,
    /// Device wall-clock time, in milliseconds.
    pub now_ms: i64,
}

impl View<'_> {
    /// How many messages are in quarantine, and their bytes.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn quarantine_size(&self) -> Result<(i64, i64), StoreError> {
        self.first("SELECT count(*), coalesce(sum(bytes), 0) FROM quarantine", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .ok_or(StoreError::NotFound)
    }
}

impl Tx<'_> {
    /// Keeps a message that could not be read; the oldest make room. One larger than all the room is not
    /// kept at all.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn quarantine(&mut self, poison: Quarantined<'_>) -> Result<(), StoreError> {
        let bytes = i64::try_from(poison.data.len()).unwrap_or(i64::MAX);
        if bytes > MAX_BYTES {
            return Ok(());
        }
        self.insert(
            "INSERT INTO quarantine (bytes, hash, reason, received_ms, data) VALUES (?1, ?2, ?3, ?4, ?5)",
            (bytes, poison.hash, poison.reason, poison.now_ms, poison.data),
        )?;
        loop {
            let (rows, bytes) = self.quarantine_size()?;
            if rows <= MAX_ROWS && bytes <= MAX_BYTES {
                return Ok(());
            }
            self.change_existing("DELETE FROM quarantine WHERE id = (SELECT min(id) FROM quarantine)", [])?;
        }
    }
}
