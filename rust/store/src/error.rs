//! What can go wrong, told apart by what the caller does next.
//!
//! SQLite's codes are classified here and nowhere else; no type of the database library and no value of the
//! user's data is in any error.

use rusqlite::ffi;
use thiserror::Error;

/// Why an operation on an open store failed. The transaction it was part of is rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StoreError {
    /// There is no room on the device. Committed data are intact and readable.
    #[error("no space left for the store")]
    DiskFull,
    /// Another connection holds the database; only a foreign program can cause this.
    #[error("the store is busy")]
    Busy,
    /// The file is not what was written: a page fails its authentication, or a value cannot be one of ours.
    #[error("the store is damaged (code {code})")]
    Damaged {
        /// SQLite's extended result code; 0 for a value of unknown form.
        code: i32,
    },
    /// The operating system refused to read or write.
    #[error("the store cannot be read or written (code {code})")]
    Io {
        /// SQLite's extended result code.
        code: i32,
    },
    /// Out of memory.
    #[error("out of memory")]
    OutOfMemory,
    /// The store is suspended or closed.
    #[error("the store is suspended")]
    Suspended,
    /// There is an account already; a store holds one.
    #[error("the store has an account already")]
    AccountExists,
    /// The operation needs an account, and there is none yet.
    #[error("the store has no account yet")]
    NoAccount,
    /// The conversation, message or outbox row does not exist.
    #[error("no such row")]
    NotFound,
    /// The row would contradict another one: a message inserted twice, for example.
    #[error("the change contradicts the store's contents (code {code})")]
    Conflict {
        /// SQLite's extended result code.
        code: i32,
    },
    /// An earlier write of the same transaction failed, so it was rolled back instead of committed in part.
    #[error("an earlier write of the transaction failed")]
    Aborted,
    /// Anything else: a mistake of this crate.
    #[error("unexpected failure of the store (code {code})")]
    Unexpected {
        /// SQLite's extended result code, or 0.
        code: i32,
    },
}

/// Why a store could not be opened. No file was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The key is not the one the store was created with.
    #[error("wrong store key")]
    WrongKey,
    /// The file is there, but it is no Starling database.
    #[error("not a Starling database")]
    NotADatabase,
    /// Written by a newer version of this library.
    #[error("the store has format {found}, this version reads up to {supported}")]
    NewerVersion {
        /// The format found on disk.
        found: i64,
        /// The newest format this version knows.
        supported: i64,
    },
    /// The sidecar says that there was an account, but its database is gone. Nothing was created in its
    /// place: the sidecar may be all that is left ([`crate::Store::salvage`]).
    #[error("the database is missing")]
    DatabaseMissing,
    /// There is no room on the device.
    #[error("no space left for the store")]
    DiskFull,
    /// Another process, or another [`crate::Store`] of this one, has it open.
    #[error("the store is in use")]
    InUse,
    /// Right key, right file, but its contents fail authentication. [`crate::Store::salvage`] may help.
    #[error("the store is damaged (code {code})")]
    Damaged {
        /// SQLite's extended result code; 0 for a value of unknown form.
        code: i32,
    },
    /// The operating system refused to read or write the directory.
    #[error("the store's files cannot be read or written ({kind})")]
    Io {
        /// What the operating system said.
        kind: std::io::ErrorKind,
    },
    /// Anything else: out of memory, or a mistake of this crate.
    #[error("unexpected failure of the store (code {code})")]
    Unexpected {
        /// SQLite's extended result code, or 0.
        code: i32,
    },
}

/// Sorts a failure of the database library by its extended result code.
pub(crate) fn classify(error: rusqlite::Error) -> StoreError {
    use rusqlite::Error;
    match error {
        Error::SqliteFailure(ffi::Error { extended_code, .. }, _) => classify_code(extended_code),
        Error::SqlInputError { error, .. } => classify_code(error.extended_code),
        Error::QueryReturnedNoRows => StoreError::NotFound,
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => StoreError::Damaged { code: 0 },
        _ => StoreError::Unexpected { code: 0 },
    }
}

fn classify_code(code: i32) -> StoreError {
    match code & 0xff {
        ffi::SQLITE_FULL => StoreError::DiskFull,
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => StoreError::Busy,
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB | ffi::SQLITE_FORMAT => StoreError::Damaged { code },
        ffi::SQLITE_IOERR if code == ffi::SQLITE_IOERR_NOMEM => StoreError::OutOfMemory,
        ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM | ffi::SQLITE_READONLY => {
            StoreError::Io { code }
        }
        ffi::SQLITE_NOMEM => StoreError::OutOfMemory,
        ffi::SQLITE_CONSTRAINT => StoreError::Conflict { code },
        _ => StoreError::Unexpected { code },
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => OpenError::DiskFull,
            StoreError::Busy => OpenError::InUse,
            StoreError::Damaged { code } => OpenError::Damaged { code },
            StoreError::Io { .. } => OpenError::Io { kind: std::io::ErrorKind::Other },
            StoreError::Conflict { code } | StoreError::Unexpected { code } => OpenError::Unexpected { code },
            _ => OpenError::Unexpected { code: 0 },
        }
    }
}

impl From<std::io::Error> for OpenError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => OpenError::DiskFull,
            kind => OpenError::Io { kind },
        }
    }
}
