//! The store: opening, the one writer, suspending and resuming.
//!
//! | file | what |
//! |---|---|
//! | `starling.db` (`-wal`, `-shm`) | the database |
//! | `starling.id` | the sidecar: key check and sealed identity |
//! | `starling.lock` | held while a store is open |

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::connection::{self, Database, Found};
use crate::error::classify;
use crate::lock::Lock;
use crate::sidecar::{self, Identity, Sidecar};
use crate::{OpenError, Reader, StoreError, StoreKey, Tx, View, schema};

const DATABASE: &str = "starling.db";
const SIDECAR: &str = "starling.id";
const LOCK: &str = "starling.lock";

/// Where a store is and what opens it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory of the store's files; created if it is absent. Nothing else should be in it.
    pub directory: PathBuf,
    /// The key; a new store is encrypted with it.
    pub key: StoreKey,
}

/// The one writer of one account's data.
///
/// It holds no state of the domain: whoever keeps the `Store` and throws everything else away loses
/// nothing that was committed.
pub struct Store {
    // The order matters when dropping: connections first, the lock last.
    connection: Option<Connection>,
    disk: Option<Disk>,
    suspended: bool,
    counter: i64,
}

/// What a store on disk has beyond its connection.
struct Disk {
    database: Arc<Database>,
    sidecar: PathBuf,
    /// The sidecar could not be written after a commit; it is tried again with the next one.
    sidecar_stale: bool,
    reader: Reader,
    lock_path: PathBuf,
    lock: Option<Lock>,
}

impl Store {
    /// Opens the store of a directory, or creates it.
    ///
    /// # Errors
    /// See [`OpenError`]. A database and a sidecar that were there are then as they were.
    pub fn open(options: Options) -> Result<Store, OpenError> {
        let Options { directory, key } = options;
        std::fs::create_dir_all(&directory)?;
        let database = Arc::new(Database { path: directory.join(DATABASE), key });
        let disk = Disk {
            reader: Reader::new(Arc::clone(&database)),
            database,
            sidecar: directory.join(SIDECAR),
            sidecar_stale: false,
            lock_path: directory.join(LOCK),
            lock: None,
        };
        let mut store = Store { connection: None, disk: Some(disk), suspended: true, counter: 0 };
        store.resume()?;
        Ok(store)
    }

    /// A store in memory: same schema, no encryption, no files. For simulation.
    ///
    /// # Errors
    /// Only for lack of memory.
    pub fn in_memory() -> Result<Store, OpenError> {
        let connection = connection::in_memory()?;
        Ok(Store { connection: Some(connection), disk: None, suspended: false, counter: 0 })
    }

    /// What the sidecar of a directory has kept, for when [`Store::open`] says that the database is damaged
    /// or missing. `None` if there is no sidecar, or none that can be read.
    ///
    /// # Errors
    /// [`OpenError::WrongKey`], [`OpenError::NewerVersion`] or [`OpenError::Io`].
    pub fn salvage(options: &Options) -> Result<Option<Identity>, OpenError> {
        match sidecar::read(&options.directory.join(SIDECAR), &options.key)? {
            Sidecar::Absent | Sidecar::Unreadable => Ok(None),
            Sidecar::Intact(identity) => Ok(identity),
        }
    }

    /// Runs one step: all that `step` writes is committed when it returns `Ok`, and on disk when this
    /// returns; nothing is when it returns `Err` or panics. A step that writes nothing commits nothing.
    ///
    /// # Errors
    /// What `step` returns; [`StoreError::Suspended`]; [`StoreError::Aborted`] if a write in it failed but it
    /// returned `Ok`; any [`StoreError`] of beginning and committing.
    pub fn transact<T, E: From<StoreError>>(
        &mut self,
        step: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut tx = Tx::new(self.active()?);
        let result = step(&mut tx)?;
        let committed = tx.commit()?;
        if let Some(counter) = committed.counter {
            self.counter = counter;
            self.repeat_identity(committed.identity_changed);
        }
        Ok(result)
    }

    /// Reads on the writer's connection.
    ///
    /// # Errors
    /// [`StoreError::Suspended`], and what `read` returns.
    pub fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&View<'_>) -> Result<T, E>) -> Result<T, E> {
        read(&View::new(self.active()?))
    }

    /// A connection for reading beside the writer; `None` for a store in memory, which has only
    /// [`Store::read`].
    pub fn reader(&self) -> Option<Reader> {
        self.disk.as_ref().map(|disk| disk.reader.clone())
    }

    /// Lets the database have at most this many pages, or as many as it has already: what a full disk does,
    /// for tests of what becomes of it. Holds until the connection is closed.
    ///
    /// # Errors
    /// [`StoreError::Suspended`].
    pub fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        let sql = format!("PRAGMA max_page_count = {pages}");
        self.active()?.query_row(&sql, [], |_| Ok(())).map_err(classify)
    }

    /// How often anything was committed to this store since it was created, by whatever process.
    pub fn commit_counter(&self) -> i64 {
        self.counter
    }

    /// Closes everything: waits for a read in flight, closes the connections, releases the lock. When it
    /// returns the process holds no lock on any file, as iOS demands of one that goes to the background.
    /// Does nothing if the store is suspended already.
    pub fn suspend(&mut self) {
        self.suspended = true;
        if let Some(disk) = &mut self.disk {
            disk.reader.suspend();
            self.connection = None;
            disk.lock = None;
        }
    }

    /// Opens the store again and says whether somebody committed to it meanwhile: then all that was
    /// derived from it is to be read anew. Does nothing if the store is not suspended.
    ///
    /// # Errors
    /// Those of [`Store::open`]; the store stays suspended.
    pub fn resume(&mut self) -> Result<bool, OpenError> {
        if !self.suspended {
            return Ok(false);
        }
        if let Some(disk) = &mut self.disk {
            let lock = Lock::take(&disk.lock_path)?;
            let connection = disk.open()?;
            disk.lock = Some(lock);
            disk.reader.resume();
            self.connection = Some(connection);
        }
        self.suspended = false;
        let counter = self.read(|view| view.counter())?;
        Ok(std::mem::replace(&mut self.counter, counter) != counter)
    }

    fn active(&self) -> Result<&Connection, StoreError> {
        if self.suspended {
            return Err(StoreError::Suspended);
        }
        self.connection.as_ref().ok_or(StoreError::Suspended)
    }

    /// Repeats account and peers in the sidecar. What it repeats is committed already, so a failure is not
    /// one of the step.
    fn repeat_identity(&mut self, changed: bool) {
        let (Some(disk), Some(connection)) = (&mut self.disk, &self.connection) else {
            return;
        };
        if changed || disk.sidecar_stale {
            disk.sidecar_stale = match disk.write_sidecar(connection) {
                Ok(()) => false,
                Err(error) => {
                    log::warn!("the sidecar could not be written: {error}");
                    true
                }
            };
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Readers may outlive the store, but not its lock.
        self.suspend();
    }
}

impl Disk {
    /// Opens the database after having made sure, without writing, that it is ours to open.
    fn open(&mut self) -> Result<Connection, OpenError> {
        let sidecar = sidecar::read(&self.sidecar, &self.database.key)?;
        match (self.database.look()?, &sidecar) {
            (Found::Foreign, _) => return Err(OpenError::NotADatabase),
            (Found::Nothing, Sidecar::Intact(Some(identity))) if *identity != Identity::default() => {
                return Err(OpenError::DatabaseMissing);
            }
            // The key check goes first: from here on a wrong key can be told from damage.
            (Found::Nothing, _) => {
                sidecar::write(&self.sidecar, &self.database.key, &Identity::default())?;
            }
            (Found::Encrypted, _) => self.check_format(&sidecar)?,
        }
        let connection = self.database.writer()?;
        let identity = identity(&connection)?;
        if !matches!(&sidecar, Sidecar::Intact(Some(kept)) if *kept == identity) {
            sidecar::write(&self.sidecar, &self.database.key, &identity)?;
        }
        Ok(connection)
    }

    fn check_format(&self, sidecar: &Sidecar) -> Result<(), OpenError> {
        let proven = matches!(sidecar, Sidecar::Intact(_));
        let found = self.database.probe().map_err(|error| match error {
            // Without a proof that the key is right, that it is wrong explains it better.
            StoreError::Damaged { .. } if !proven => OpenError::WrongKey,
            error => error.into(),
        })?;
        if found > schema::SUPPORTED {
            return Err(OpenError::NewerVersion { found, supported: schema::SUPPORTED });
        }
        Ok(())
    }

    fn write_sidecar(&self, connection: &Connection) -> Result<(), OpenError> {
        sidecar::write(&self.sidecar, &self.database.key, &identity(connection)?)
    }
}

/// What the sidecar repeats.
fn identity(connection: &Connection) -> Result<Identity, StoreError> {
    let view = View::new(connection);
    let seed = view.account()?.unwrap_or_else(|| Zeroizing::new(Vec::new()));
    Ok(Identity { seed, peers: view.known_peers()? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use crate::{MessageKind, NewOutgoing, Security};
    use starling_protocol::account::AccountId;

    fn id(number: u8) -> AccountId {
        let mut bytes = [number; 33];
        bytes[0] = 5;
        AccountId::from_bytes(&bytes).unwrap()
    }

    /// A full disk, played by the connection's limit of pages: SQLite reports both in the same way.
    fn fill(store: &mut Store) {
        let conversation = store
            .transact(|tx| {
                tx.create_account(&[1; 16], &id(1))?;
                tx.open_conversation(&id(2), Security::Basic, 0)
            })
            .unwrap()
            .id;
        let message = |number: u128| NewOutgoing {
            conversation,
            message_id: number.to_be_bytes(),
            kind: MessageKind::Text,
            body: "x".repeat(20_000),
            ttl_ms: 1,
            now_ms: 1,
        };
        store.limit_pages(120).unwrap();
        let mut kept = 0;
        let failure = loop {
            match store.transact(|tx| tx.enqueue_message(message(kept))) {
                Ok(_) => kept += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(failure, StoreError::DiskFull);
        assert!(kept > 2);
        // The failed step left nothing, and everything before it can be read.
        let messages = store.read(|view| view.dump()).unwrap();
        assert_eq!(messages.len() as u128, kept);
        assert_eq!(store.read(|view| view.outbox_len()), Ok(kept as i64));
        assert_eq!(messages.last().unwrap().body.len(), 20_000);
        // With room again, it goes on.
        store.limit_pages(1_000_000).unwrap();
        store.transact(|tx| tx.enqueue_message(message(kept))).unwrap();
        assert_eq!(store.read(|view| view.dump()).unwrap().last().unwrap().seq, Some(kept as i64 + 1));
    }

    #[test]
    fn a_full_disk_undoes_the_step_in_memory() {
        fill(&mut Store::in_memory().unwrap());
    }

    #[test]
    fn a_full_disk_undoes_the_step_on_disk() {
        let directory = tempfile::TempDir::new().unwrap();
        let options = Options { directory: directory.path().to_owned(), key: StoreKey::from_bytes([1; 32]) };
        fill(&mut Store::open(options).unwrap());
    }
}
