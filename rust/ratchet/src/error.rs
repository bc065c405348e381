//! Why a message was refused. The table in the crate's documentation says what follows from it.

use vodozemac::olm::{DecryptionError, EncryptionError, SessionCreationError};

/// Why a session was not made, or a message neither sealed nor opened. The state is as before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RatchetError {
    /// Not an Olm message, or not the one encoding of it, or longer than [`crate::MAX_MESSAGE_BYTES`].
    #[error("not an Olm message")]
    Malformed,
    /// An Olm message or session of another version than 2: its MAC would be cut to 8 bytes.
    #[error("not Olm version 2")]
    WrongConfig,
    /// A prekey message of another session than the one it was given to.
    #[error("prekey message of another session")]
    OtherSession,
    /// A prekey message for a one-time key that these prekeys do not hold.
    #[error("unknown one-time key")]
    UnknownOneTimeKey,
    /// The message key was used before, or dropped because too many were skipped.
    #[error("message key already used or dropped")]
    UsedKey,
    /// The index lies more than [`crate::MAX_GAP`] ahead of its chain.
    #[error("too far ahead of its chain")]
    TooFarAhead,
    /// The MAC does not fit: forged, of an evicted chain, or of a session the two sides do not share.
    #[error("bad MAC")]
    BadMac,
    /// A key of the other side makes the shared secret zero.
    #[error("zero shared secret")]
    ZeroSharedSecret,
    /// The message would be longer than [`crate::MAX_MESSAGE_BYTES`].
    #[error("plaintext too long")]
    PlaintextTooLong,
}

impl From<DecryptionError> for RatchetError {
    fn from(error: DecryptionError) -> Self {
        match error {
            DecryptionError::InvalidMAC(_) => Self::BadMac,
            DecryptionError::InvalidMACLength(..) => Self::WrongConfig,
            DecryptionError::InvalidPadding(_) => Self::Malformed,
            DecryptionError::NonContributoryKey => Self::ZeroSharedSecret,
            DecryptionError::MissingMessageKey(_) => Self::UsedKey,
            DecryptionError::TooBigMessageGap(..) => Self::TooFarAhead,
        }
    }
}

impl From<EncryptionError> for RatchetError {
    fn from(error: EncryptionError) -> Self {
        match error {
            EncryptionError::NonContributoryKey => Self::ZeroSharedSecret,
        }
    }
}

impl From<SessionCreationError> for RatchetError {
    fn from(error: SessionCreationError) -> Self {
        match error {
            SessionCreationError::MissingOneTimeKey(_) => Self::UnknownOneTimeKey,
            SessionCreationError::MismatchedIdentityKey(..) => Self::Malformed,
            SessionCreationError::MismatchedSessionConfig { .. } => Self::WrongConfig,
            SessionCreationError::Decryption(error) => error.into(),
            SessionCreationError::NonContributoryKey => Self::ZeroSharedSecret,
        }
    }
}
