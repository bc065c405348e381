//! Opening the database: which file it is, whose key it has, how connections are configured.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::{StoreError, classify};
use crate::{OpenError, StoreKey, schema};

/// Every statement of the store stays prepared.
const CACHED_STATEMENTS: usize = 256;

/// The first bytes of every SQLite file, encrypted ones with plaintext header included.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the header says how many bytes of each page are reserved, and what SQLCipher 4 needs: 16 for the
/// initialisation vector and 64 for the HMAC. An unencrypted database reserves none.
const RESERVED_OFFSET: usize = 20;
const RESERVED: u8 = 80;

/// The database of a directory, and its key.
pub(crate) struct Database {
    pub(crate) path: PathBuf,
    pub(crate) key: StoreKey,
}

/// What lies at the database's place, as far as it can be told without the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    /// Looks like an encrypted database with plaintext header.
    Encrypted,
    /// Something else.
    Foreign,
}

impl Database {
    /// Looks at the file without SQLite, which might write.
    pub(crate) fn look(&self) -> Result<Found, OpenError> {
        let mut header = [0; 32];
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error.into()),
        };
        // A creation that was cut off before the first page leaves an empty file.
        if file.metadata()?.len() == 0 {
            return Ok(Found::Nothing);
        }
        match file.take(32).read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Found::Foreign),
            Err(error) => return Err(error.into()),
        }
        let ours = header.starts_with(MAGIC) && header.get(RESERVED_OFFSET) == Some(&RESERVED);
        Ok(if ours { Found::Encrypted } else { Found::Foreign })
    }

    /// Reads the format of an existing database without changing a byte of it, its key and its first page
    /// proven by that.
    ///
    /// Without a write-ahead log or journal the file alone is the database, and is opened as immutable: no
    /// lock, no file beside it. With one, SQLite has to read it, but must not fold it in when closing.
    pub(crate) fn probe(&self) -> Result<i64, StoreError> {
        let alone = !self.beside("-wal") && !self.beside("-journal");
        let connection = if alone {
            let uri = immutable_uri(&self.path);
            open(Path::new(&uri), OpenFlags::SQLITE_OPEN_READ_ONLY)
        } else {
            open(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        }?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(classify)?;
        self.unlock(&connection)?;
        schema::found(&connection)
    }

    fn beside(&self, suffix: &str) -> bool {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        Path::new(&path).exists()
    }

    /// Opens the writer's connection and brings the schema up to date.
    pub(crate) fn writer(&self) -> Result<Connection, StoreError> {
        let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = open(&self.path, access)?;
        self.unlock(&connection)?;
        // `fullfsync` asks Apple's systems to empty the drive's cache too; elsewhere it means nothing.
        // What is erased is overwritten, on freed pages too: keys go for good with the next checkpoint.
        let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA secure_delete = ON;";
        connection.execute_batch(settings).map_err(classify)?;
        configure(&connection)?;
        schema::migrate(&mut connection)?;
        Ok(connection)
    }

    /// Opens a connection that can only read.
    pub(crate) fn reader(&self) -> Result<Connection, StoreError> {
        let connection = open(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        self.unlock(&connection)?;
        connection.execute_batch("PRAGMA query_only = ON").map_err(classify)?;
        configure(&connection)?;
        Ok(connection)
    }

    /// Gives SQLCipher the key. Nothing is read yet, so a wrong one is not noticed here.
    fn unlock(&self, connection: &Connection) -> Result<(), StoreError> {
        connection.execute_batch(&self.key.pragma()).map_err(classify)?;
        // iOS kills an app that is suspended with a lock on a shared file, unless it sees that it is SQLite's.
        connection.execute_batch("PRAGMA cipher_plaintext_header_size = 32").map_err(classify)
    }
}

/// A database in memory with the same schema and without encryption, for simulation.
pub(crate) fn in_memory() -> Result<Connection, StoreError> {
    starling_sqlcipher::initialize();
    let mut connection = Connection::open_in_memory().map_err(classify)?;
    connection.execute_batch("PRAGMA synchronous = OFF").map_err(classify)?;
    configure(&connection)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Plans that do not depend on bound values: otherwise cached statements are compiled anew at nearly every use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(classify)?;
    // The schema is in an authenticated file, but nothing needs more trust than this.
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF").map_err(classify)
}

fn open(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    starling_sqlcipher::initialize();
    // A connection is never used by two threads at once: SQLite's own mutexes would only cost time.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(path, flags).map_err(classify)
}

/// The path as a `file:` URI; every byte that means something in a URI is escaped.
fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                uri.push(char::from(*byte))
            }
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri + "?immutable=1"
}
