//! The lock file: at most one [`crate::Store`] per directory, in whatever process.

use std::fs::File;
use std::path::Path;

use fs4::FileExt;
use fs4::TryLockError;

use crate::OpenError;

/// Holds the exclusive lock; dropping releases it, and so does the end of the process.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock without waiting. The file is empty and stays when the lock is released: removing it
    /// would let two processes lock two files of one name.
    pub(crate) fn take(path: &Path) -> Result<Lock, OpenError> {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}
