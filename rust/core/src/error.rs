//! Why a command is refused.

/// A refused command changed nothing. The variants are named for what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// This data directory has no account yet.
    #[error("no account yet: create or restore one first")]
    NoAccount,
    /// This data directory already has an account.
    #[error("this data directory already has an account")]
    AccountExists,
    /// A text must have at least one byte.
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
    /// An account cannot write to itself.
    #[error("an account cannot send to itself")]
    SendToSelf,
    /// No such message, or none that this command applies to.
    #[error("no such message in the outbox")]
    NoSuchMessage,
    /// The network has fewer service nodes than one onion path and its destination need.
    #[error("the network has too few service nodes")]
    TooFewNodes,
    /// The engine was shut down.
    #[error("the engine is shut down")]
    ShutDown,
    /// The command does not fit the state the engine is in.
    #[error("not possible while {0}")]
    WrongState(&'static str),
    /// The store failed while the command waited; it may be given again.
    #[error("interrupted: the store failed meanwhile")]
    Interrupted,
}
