//! The engine's one error, named for what the application does next.

use starling_core::CommandError;
use starling_store::{OpenError, StoreError};

/// Why a call did not do what was asked. Carries no user data: no ids, keys, texts or paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The arguments cannot work; correct them. Nothing was changed.
    #[error(transparent)]
    FixInput(BadInput),
    /// Create or restore an account first.
    #[error("no account yet: create or restore one first")]
    NeedsAccount,
    /// The key does not open this store; ask for the right one. The files are untouched.
    #[error("wrong key for this data directory")]
    Unlock,
    /// Another process, or another engine of this one, has the data directory.
    #[error("the data directory is in use by another process")]
    InUse,
    /// Update the application: a newer version wrote this store. The files are untouched.
    #[error("the store has version {found}, this build reads up to {supported}")]
    NewerVersion {
        /// Schema version of the file.
        found: i64,
        /// Newest schema version this build knows.
        supported: i64,
    },
    /// Free some space, then repeat.
    #[error("the disk is full")]
    DiskFull,
    /// Set the data directory aside; it cannot be used as it is.
    #[error(transparent)]
    Damaged(Damage),
    /// Repeat later; the arguments were fine.
    #[error(transparent)]
    RetryLater(Hindrance),
    /// Resume first.
    #[error("the engine is suspended")]
    Suspended,
    /// Open a new engine: this one was shut down.
    #[error("the engine is shut down")]
    ShutDown,
    /// A defect in the engine. Open a new one; what was promised is in the store.
    #[error("the engine stopped because of a defect")]
    Crashed,
}

/// What is wrong with the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// A text has at least one byte.
    #[error("the text is empty")]
    EmptyText,
    /// The text does not fit into one message.
    #[error("the text has {bytes} bytes, {limit} fit")]
    TextTooLong {
        /// Bytes given.
        bytes: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// An account cannot send to itself.
    #[error("an account cannot send to itself")]
    SendToSelf,
    /// No such message, or none this call applies to.
    #[error("no such message in the outbox")]
    NoSuchMessage,
    /// The data directory has an account already.
    #[error("this data directory already has an account")]
    AccountExists,
    /// A stranger gets a friend request first, and the text is too long to be its introduction.
    #[error("a first message to this account is a friend request, which may have {limit} bytes")]
    NeedsFriendRequest {
        /// Bytes of the longest introduction.
        limit: usize,
    },
    /// The introduction of a friend request is too long.
    #[error("the introduction has {bytes} bytes, {limit} fit")]
    IntroductionTooLong {
        /// Bytes given.
        bytes: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// The display name is too long.
    #[error("the name has {bytes} bytes, {limit} fit")]
    NameTooLong {
        /// Bytes given.
        bytes: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// The account is blocked: unblock it first.
    #[error("the account is blocked; unblock it first")]
    Blocked,
    /// The account is a friend already.
    #[error("the account is a friend already")]
    AlreadyFriend,
    /// A friend request to the account is pending already.
    #[error("a friend request to the account is pending already")]
    AlreadyRequested,
    /// The friend request of the account is accepted already.
    #[error("the friend request of the account is accepted already")]
    AlreadyAccepted,
    /// The account has no friend request pending.
    #[error("the account has no friend request pending")]
    NothingAsked,
    /// There is no friend request of ours to take back.
    #[error("no friend request to the account is pending")]
    NothingToWithdraw,
    /// No such contact, or none that this applies to.
    #[error("no such contact")]
    NoSuchContact,
    /// The friend request of the account has expired.
    #[error("the friend request has expired")]
    RequestExpired,
}

/// What is wrong with the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file is something else than a store.
    #[error("not a Starling store")]
    NotADatabase,
    /// The store is broken.
    #[error("the store is damaged")]
    Corrupt,
    /// There was a store, and its main file is gone.
    #[error("the store's database is missing")]
    Missing,
}

/// What stood in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    /// Reading or writing the store failed.
    #[error("reading or writing the store failed")]
    Storage,
    /// The system gave no thread or no socket.
    #[error("the system lacks resources")]
    System,
    /// The store failed while the call waited.
    #[error("interrupted because the store failed")]
    Interrupted,
    /// The engine is doing something that excludes the call: a wake during another, or one that a
    /// suspend cut off.
    #[error("the engine is busy with something that excludes this")]
    Busy,
    /// The network has fewer service nodes than one onion path and its destination need.
    #[error("the network has too few service nodes")]
    TooFewNodes,
}

impl EngineError {
    /// A short name that never changes, for logs, tests and other languages.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::FixInput(BadInput::EmptyText) => "empty_text",
            Self::FixInput(BadInput::TextTooLong { .. }) => "text_too_long",
            Self::FixInput(BadInput::SendToSelf) => "send_to_self",
            Self::FixInput(BadInput::NoSuchMessage) => "no_such_message",
            Self::FixInput(BadInput::AccountExists) => "account_exists",
            Self::FixInput(BadInput::NeedsFriendRequest { .. }) => "needs_friend_request",
            Self::FixInput(BadInput::IntroductionTooLong { .. }) => "introduction_too_long",
            Self::FixInput(BadInput::NameTooLong { .. }) => "name_too_long",
            Self::FixInput(BadInput::Blocked) => "blocked",
            Self::FixInput(BadInput::AlreadyFriend) => "already_friend",
            Self::FixInput(BadInput::AlreadyRequested) => "already_requested",
            Self::FixInput(BadInput::AlreadyAccepted) => "already_accepted",
            Self::FixInput(BadInput::NothingAsked) => "nothing_asked",
            Self::FixInput(BadInput::NothingToWithdraw) => "nothing_to_withdraw",
            Self::FixInput(BadInput::NoSuchContact) => "no_such_contact",
            Self::FixInput(BadInput::RequestExpired) => "request_expired",
            Self::NeedsAccount => "needs_account",
            Self::Unlock => "wrong_key",
            Self::InUse => "in_use",
            Self::NewerVersion { .. } => "newer_version",
            Self::DiskFull => "disk_full",
            Self::Damaged(Damage::NotADatabase) => "not_a_database",
            Self::Damaged(Damage::Corrupt) => "damaged",
            Self::Damaged(Damage::Missing) => "database_missing",
            Self::RetryLater(Hindrance::Storage) => "storage_failed",
            Self::RetryLater(Hindrance::System) => "system_failed",
            Self::RetryLater(Hindrance::Interrupted) => "interrupted",
            Self::RetryLater(Hindrance::Busy) => "busy",
            Self::RetryLater(Hindrance::TooFewNodes) => "too_few_nodes",
            Self::Suspended => "suspended",
            Self::ShutDown => "shut_down",
            Self::Crashed => "crashed",
        }
    }
}

impl From<CommandError> for EngineError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NoAccount => Self::NeedsAccount,
            CommandError::AccountExists => Self::FixInput(BadInput::AccountExists),
            CommandError::EmptyText => Self::FixInput(BadInput::EmptyText),
            CommandError::TextTooLong { bytes, limit } => {
                Self::FixInput(BadInput::TextTooLong { bytes, limit })
            }
            CommandError::SendToSelf => Self::FixInput(BadInput::SendToSelf),
            CommandError::NoSuchMessage => Self::FixInput(BadInput::NoSuchMessage),
            CommandError::NeedsFriendRequest { limit } => {
                Self::FixInput(BadInput::NeedsFriendRequest { limit })
            }
            CommandError::IntroductionTooLong { bytes, limit } => {
                Self::FixInput(BadInput::IntroductionTooLong { bytes, limit })
            }
            CommandError::NameTooLong { bytes, limit } => {
                Self::FixInput(BadInput::NameTooLong { bytes, limit })
            }
            CommandError::Blocked => Self::FixInput(BadInput::Blocked),
            CommandError::AlreadyFriend => Self::FixInput(BadInput::AlreadyFriend),
            CommandError::AlreadyRequested => Self::FixInput(BadInput::AlreadyRequested),
            CommandError::AlreadyAccepted => Self::FixInput(BadInput::AlreadyAccepted),
            CommandError::NothingAsked => Self::FixInput(BadInput::NothingAsked),
            CommandError::NothingToWithdraw => Self::FixInput(BadInput::NothingToWithdraw),
            CommandError::NoSuchContact => Self::FixInput(BadInput::NoSuchContact),
            CommandError::RequestExpired => Self::FixInput(BadInput::RequestExpired),
            CommandError::TooFewNodes => Self::RetryLater(Hindrance::TooFewNodes),
            CommandError::ShutDown => Self::ShutDown,
            CommandError::WrongState(_) => Self::RetryLater(Hindrance::Busy),
            CommandError::Interrupted => Self::RetryLater(Hindrance::Interrupted),
        }
    }
}

impl From<OpenError> for EngineError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::WrongKey => Self::Unlock,
            OpenError::NotADatabase => Self::Damaged(Damage::NotADatabase),
            OpenError::NewerVersion { found, supported } => Self::NewerVersion { found, supported },
            OpenError::DatabaseMissing => Self::Damaged(Damage::Missing),
            OpenError::DiskFull => Self::DiskFull,
            OpenError::InUse => Self::InUse,
            OpenError::Damaged { .. } => Self::Damaged(Damage::Corrupt),
            OpenError::Io { .. } | OpenError::Unexpected { .. } => Self::RetryLater(Hindrance::Storage),
        }
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::DiskFull,
            StoreError::Damaged { .. } => Self::Damaged(Damage::Corrupt),
            StoreError::Suspended => Self::Suspended,
            StoreError::AccountExists => Self::FixInput(BadInput::AccountExists),
            StoreError::NoAccount => Self::NeedsAccount,
            StoreError::OutOfMemory => Self::RetryLater(Hindrance::System),
            StoreError::Busy
            | StoreError::Io { .. }
            | StoreError::NotFound
            | StoreError::Conflict { .. }
            | StoreError::Aborted
            | StoreError::Unexpected { .. } => Self::RetryLater(Hindrance::Storage),
        }
    }
}

/// No thread, no socket, no runtime.
impl From<std::io::Error> for EngineError {
    fn from(_: std::io::Error) -> Self {
        Self::RetryLater(Hindrance::System)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_refused_command_has_its_code() {
        let cases = [
            (CommandError::NoAccount, "needs_account"),
            (CommandError::AccountExists, "account_exists"),
            (CommandError::EmptyText, "empty_text"),
            (CommandError::TextTooLong { bytes: 2, limit: 1 }, "text_too_long"),
            (CommandError::SendToSelf, "send_to_self"),
            (CommandError::NoSuchMessage, "no_such_message"),
            (CommandError::NeedsFriendRequest { limit: 512 }, "needs_friend_request"),
            (CommandError::IntroductionTooLong { bytes: 2, limit: 1 }, "introduction_too_long"),
            (CommandError::NameTooLong { bytes: 2, limit: 1 }, "name_too_long"),
            (CommandError::Blocked, "blocked"),
            (CommandError::AlreadyFriend, "already_friend"),
            (CommandError::AlreadyRequested, "already_requested"),
            (CommandError::AlreadyAccepted, "already_accepted"),
            (CommandError::NothingAsked, "nothing_asked"),
            (CommandError::NothingToWithdraw, "nothing_to_withdraw"),
            (CommandError::NoSuchContact, "no_such_contact"),
            (CommandError::RequestExpired, "request_expired"),
            (CommandError::TooFewNodes, "too_few_nodes"),
            (CommandError::ShutDown, "shut_down"),
            (CommandError::WrongState("testing"), "busy"),
            (CommandError::Interrupted, "interrupted"),
        ];
        for (error, code) in cases {
            assert_eq!(EngineError::from(error).code(), code);
        }
    }

    #[test]
    fn every_failure_to_open_has_its_code() {
        let cases = [
            (OpenError::WrongKey, "wrong_key"),
            (OpenError::NotADatabase, "not_a_database"),
            (OpenError::NewerVersion { found: 9, supported: 1 }, "newer_version"),
            (OpenError::DatabaseMissing, "database_missing"),
            (OpenError::DiskFull, "disk_full"),
            (OpenError::InUse, "in_use"),
            (OpenError::Damaged { code: 11 }, "damaged"),
            (OpenError::Io { kind: std::io::ErrorKind::PermissionDenied }, "storage_failed"),
            (OpenError::Unexpected { code: 1 }, "storage_failed"),
        ];
        for (error, code) in cases {
            assert_eq!(EngineError::from(error).code(), code);
        }
    }

    #[test]
    fn every_failure_of_the_store_has_its_code() {
        let cases = [
            (StoreError::DiskFull, "disk_full"),
            (StoreError::Damaged { code: 11 }, "damaged"),
            (StoreError::Suspended, "suspended"),
            (StoreError::AccountExists, "account_exists"),
            (StoreError::NoAccount, "needs_account"),
            (StoreError::OutOfMemory, "system_failed"),
            (StoreError::Busy, "storage_failed"),
            (StoreError::Io { code: 10 }, "storage_failed"),
            (StoreError::NotFound, "storage_failed"),
            (StoreError::Conflict { code: 19 }, "storage_failed"),
            (StoreError::Aborted, "storage_failed"),
            (StoreError::Unexpected { code: 1 }, "storage_failed"),
        ];
        for (error, code) in cases {
            assert_eq!(EngineError::from(error).code(), code);
        }
        assert_eq!(EngineError::from(std::io::Error::other("x")).code(), "system_failed");
    }

    #[test]
    fn codes_tell_apart_and_texts_are_sentences() {
        let all = [
            EngineError::FixInput(BadInput::EmptyText),
            EngineError::FixInput(BadInput::TextTooLong { bytes: 2, limit: 1 }),
            EngineError::FixInput(BadInput::SendToSelf),
            EngineError::FixInput(BadInput::NoSuchMessage),
            EngineError::FixInput(BadInput::AccountExists),
            EngineError::FixInput(BadInput::NeedsFriendRequest { limit: 512 }),
            EngineError::FixInput(BadInput::IntroductionTooLong { bytes: 2, limit: 1 }),
            EngineError::FixInput(BadInput::NameTooLong { bytes: 2, limit: 1 }),
            EngineError::FixInput(BadInput::Blocked),
            EngineError::FixInput(BadInput::AlreadyFriend),
            EngineError::FixInput(BadInput::AlreadyRequested),
            EngineError::FixInput(BadInput::AlreadyAccepted),
            EngineError::FixInput(BadInput::NothingAsked),
            EngineError::FixInput(BadInput::NothingToWithdraw),
            EngineError::FixInput(BadInput::NoSuchContact),
            EngineError::FixInput(BadInput::RequestExpired),
            EngineError::NeedsAccount,
            EngineError::Unlock,
            EngineError::InUse,
            EngineError::NewerVersion { found: 2, supported: 1 },
            EngineError::DiskFull,
            EngineError::Damaged(Damage::NotADatabase),
            EngineError::Damaged(Damage::Corrupt),
            EngineError::Damaged(Damage::Missing),
            EngineError::RetryLater(Hindrance::Storage),
            EngineError::RetryLater(Hindrance::System),
            EngineError::RetryLater(Hindrance::Interrupted),
            EngineError::RetryLater(Hindrance::Busy),
            EngineError::RetryLater(Hindrance::TooFewNodes),
            EngineError::Suspended,
            EngineError::ShutDown,
            EngineError::Crashed,
        ];
        let codes: BTreeSet<_> = all.iter().map(EngineError::code).collect();
        assert_eq!(codes.len(), all.len());
        let texts: BTreeSet<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), all.len());
    }
}
