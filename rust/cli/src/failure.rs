//! Why a command failed, and the exit code that says so to a script.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

/// A failed command. The variant is the exit code; the text is for people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Exit code 1: anything the other codes do not cover.
    #[error("{0}")]
    Other(String),
    /// Exit code 2: the command line, a file it names or typed input is wrong; nothing was changed.
    #[error("{0}")]
    Usage(String),
    /// Exit code 3: the network could not be reached, or not in the time given.
    #[error("{0}")]
    Unreachable(String),
    /// Exit code 4: the store is in use, or the key does not open it.
    #[error("{0}")]
    Locked(String),
    /// The reader of our output went away (`starling … | head`): no error, nothing to say.
    #[error("output closed")]
    OutputClosed,
}

impl Failure {
    /// A file the user named cannot be read or written.
    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::Usage(format!("{}: {error}", path.display()))
    }

    /// Anything without a code of its own, with what was being done.
    pub(crate) fn other(doing: &str, error: impl Display) -> Self {
        Self::Other(format!("{doing}: {error}"))
    }

    /// The number documented in `starling --help`.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Locked(_) => 4,
        }
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        Self::from(failure.code())
    }
}
