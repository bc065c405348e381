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
    /// A stranger gets a friend request first, and the text is too long to be its introduction.
    #[error("a first message to this account is a friend request of at most {limit} bytes")]
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
    /// No contact, or none that this command applies to.
    #[error("no such contact")]
    NoSuchContact,
    /// The account is blocked: unblock it first.
    #[error("the account is blocked")]
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
    /// The friend request of the account has expired.
    #[error("the friend request has expired")]
    RequestExpired,
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
