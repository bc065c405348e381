//! Reading beside the writer: pages and searches never wait for a commit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::connection::Database;
use crate::error::{StoreError, classify};
use crate::transaction::View;

/// A second, read-only connection to a store on disk. Clones share it, one read at a time.
///
/// It opens with the first read and closes with [`crate::Store::suspend`] and when the store is dropped;
/// then reads fail with [`StoreError::Suspended`] until the store is resumed.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

struct Shared {
    database: Arc<Database>,
    slot: Mutex<Slot>,
}

enum Slot {
    Suspended,
    Ready,
    Open(Connection),
}

impl Reader {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { shared: Arc::new(Shared { database, slot: Mutex::new(Slot::Suspended) }) }
    }

    /// Lets `read` see one state of the store, the last committed one, for all that it reads.
    ///
    /// # Errors
    /// [`StoreError::Suspended`], what `read` returns, and any [`StoreError`] of reading.
    pub fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&View<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut slot = self.slot();
        if let Slot::Ready = *slot {
            *slot = Slot::Open(self.shared.database.reader()?);
        }
        let Slot::Open(connection) = &*slot else {
            return Err(StoreError::Suspended.into());
        };
        // Dropped, it rolls back: nothing was written, and nothing can be.
        let snapshot = connection.unchecked_transaction().map_err(classify)?;
        read(&View::new(&snapshot))
    }

    /// Waits for the read in flight and closes the connection.
    pub(crate) fn suspend(&self) {
        *self.slot() = Slot::Suspended;
    }

    /// Allows reads again.
    pub(crate) fn resume(&self) {
        let mut slot = self.slot();
        if let Slot::Suspended = *slot {
            *slot = Slot::Ready;
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // A read that panicked has left its connection usable: the snapshot rolled back when it unwound.
        self.shared.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
