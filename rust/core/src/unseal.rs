//! Opening one stored message: base64, WebSocket wrapper, envelope, sealed box; then the signature of the
//! Session protocol or the sender tag of a ratchet frame.
//!
//! Runs on the driver's worker threads; a pure function of the keys and the bytes
//! (network-protocol sections 7.1, 7.3, 8.4; extensions section 3).

use starling_protocol::frame::FrameError;
use starling_protocol::sealed::{self, OpenError, Opened};
use starling_protocol::{AccountKeys, envelope, rpc};

/// Why a stored message cannot be opened. The codes are stored with quarantined messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsealable {
    /// Not base64, or larger than a node may store.
    #[error("not valid base64 of at most 76,800 bytes")]
    NotBase64,
    /// Not a WebSocket message with an envelope of a type we know.
    #[error("not an envelope")]
    NotAnEnvelope,
    /// The sealed box, the signature or the sender's key is wrong.
    #[error("not sealed for this account by a valid sender")]
    BadSeal,
    /// Opened, but the content makes no sense.
    #[error("content is malformed")]
    BadContent,
    /// A ratchet frame of a version or suite that this engine does not know.
    #[error("a ratchet frame of another version")]
    OtherVersion,
    /// A ratchet frame that its sender did not tag: dropped without reaction.
    #[error("a ratchet frame with a wrong sender tag")]
    BadTag,
}

impl Unsealable {
    /// Stable number under which the quarantine keeps this reason.
    pub fn code(self) -> i64 {
        match self {
            Self::NotBase64 => 1,
            Self::NotAnEnvelope => 2,
            Self::BadSeal => 3,
            Self::BadContent => 4,
            Self::OtherVersion => 5,
            Self::BadTag => 6,
        }
    }
}

/// Opens one message as a node handed it out.
pub fn unseal(keys: &AccountKeys, data: &str) -> Result<Opened, Unsealable> {
    let bytes = rpc::decode_data(data).ok_or(Unsealable::NotBase64)?;
    let envelope = envelope::unwrap(&bytes).map_err(|_| Unsealable::NotAnEnvelope)?;
    sealed::open(&envelope.content, keys, |sender| keys.frame_key(sender)).map_err(|error| match error {
        OpenError::Session(_) => Unsealable::BadSeal,
        OpenError::Frame(FrameError::Unsupported { .. }) => Unsealable::OtherVersion,
        OpenError::Frame(_) => Unsealable::BadTag,
    })
}
