//! Messages that could not be read, kept within fixed bounds: for diagnosis, and for another try once a
//! newer version may read them (extensions section 4).

use crate::columns::bound;
use crate::{ConversationId, StoreError, Tx, View};

/// Rows kept.
const MAX_ROWS: i64 = 1000;
/// Bytes of `data` kept in all.
const MAX_BYTES: i64 = 8 << 20;

/// A message of a node that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined<'a> {
    /// The conversation with its sender, if that is known.
    pub conversation: Option<ConversationId>,
    /// Its hash at the node.
    pub hash: &'a str,
    /// Its data as the node sent them.
    pub data: &'a str,
    /// A stable code of why, chosen by the caller.
    pub reason: i64,
    /// Device wall-clock time, in milliseconds.
    pub now_ms: i64,
}

/// A message in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Its id here; never reused.
    pub id: i64,
    /// The conversation with its sender, if that is known.
    pub conversation: Option<ConversationId>,
    /// Its hash at the node.
    pub hash: String,
    /// Its data as the node sent them.
    pub data: String,
    /// The code of why.
    pub reason: i64,
    /// Device wall-clock time, in milliseconds.
    pub received_ms: i64,
}

impl View<'_> {
    /// At most `limit` messages in quarantine, the oldest first, those after the row `after`.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn quarantined(&self, after: Option<i64>, limit: usize) -> Result<Vec<QuarantineRow>, StoreError> {
        self.all(
            "SELECT id, conversation, hash, data, reason, received_ms FROM quarantine WHERE id > ?1 \
             ORDER BY id LIMIT ?2",
            [after.unwrap_or(0), bound(limit)],
            |row| {
                Ok(QuarantineRow {
                    id: row.get(0)?,
                    conversation: row.get::<_, Option<i64>>(1)?.map(ConversationId),
                    hash: row.get(2)?,
                    data: row.get(3)?,
                    reason: row.get(4)?,
                    received_ms: row.get(5)?,
                })
            },
        )
    }

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
            "INSERT INTO quarantine (conversation, bytes, hash, reason, received_ms, data) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                poison.conversation.map(|id| id.0),
                bytes,
                poison.hash,
                poison.reason,
                poison.now_ms,
                poison.data,
            ),
        )?;
        loop {
            let (rows, bytes) = self.quarantine_size()?;
            if rows <= MAX_ROWS && bytes <= MAX_BYTES {
                return Ok(());
            }
            self.change_existing("DELETE FROM quarantine WHERE id = (SELECT min(id) FROM quarantine)", [])?;
        }
    }
    /// Takes a message out of quarantine: it was read after all.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn leave_quarantine(&mut self, id: i64) -> Result<(), StoreError> {
        self.change("DELETE FROM quarantine WHERE id = ?1", [id])?;
        Ok(())
    }
}
