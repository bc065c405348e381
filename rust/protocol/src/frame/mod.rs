//! The ratchet frame: what carries an Olm message (extensions section 3).
//!
//! ```text
//! 0xFF | version 1 | suite 1 | sender id (33) | session id (32) | kind (0 prekey, 1 normal)
//!      | ML-KEM ciphertext (1,088), kind 0 only | box | tag (32)
//! ```
//!
//! The first byte is no protobuf tag, so a frame is never taken for padded content of the Session protocol:
//! both travel inside the same sealed box ([`crate::sealed`]). The tag is checked before anything is believed.
//! Mark, sender and tag have their places in every version, so that a later frame of a friend can be told from
//! noise and kept until we understand it.

mod hybrid_box;
mod kept;
mod sending;
mod tag;
#[cfg(test)]
mod tests;

use core::fmt;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use self::hybrid_box::BoxError;
pub(crate) use self::kept::KeptFrameKeys;
pub use self::sending::{DATA_BYTES, SealError, SealedFrame, Sending, largest_olm, seal};
use self::tag::TAG_BYTES;
pub use self::tag::{FrameKey, WeakPeerKey};
use crate::account::AccountId;
use crate::envelope::MAX_DATA_BYTES;
use crate::hybrid::{BoxKey, KEM_CIPHERTEXT_BYTES};

/// The first byte of a frame.
const MARK: u8 = 0xff;
/// The only version.
const VERSION: u8 = 1;
/// The only suite: Olm with full MACs, ML-KEM-768, XChaCha20-Poly1305.
const SUITE: u8 = 1;
/// The kind that carries an ML-KEM ciphertext and an Olm prekey message.
const PREKEY: u8 = 0;
/// The kind of every other frame.
const NORMAL: u8 = 1;
/// Bytes before the ML-KEM ciphertext or the box.
const HEADER_BYTES: usize = 3 + 33 + 32 + 1;

/// A frame whose tag is the sender's. Whether its box opens is another question.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    bytes: Vec<u8>,
    sender: AccountId,
    session_id: [u8; 32],
    prekey: bool,
}

/// Why bytes are not a frame for us. The first five are dropped without a trace or reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The first byte is another.
    #[error("the bytes are not a ratchet frame")]
    NotAFrame,
    /// Shorter than an empty frame or longer than a stored message.
    #[error("no frame has this length")]
    WrongLength,
    /// The sender's id is not that of a user.
    #[error("the sender of the frame is not an account")]
    BadSender,
    /// No secret is shared with the sender's key.
    #[error("the sender's key cannot authenticate")]
    WeakSender,
    /// Not made by the named sender, not for us, or changed.
    #[error("the tag of the frame is not the sender's")]
    BadTag,
    /// Under a valid tag, a version, suite or kind we do not know.
    #[error("the frame has a version, suite or kind that is not known")]
    Unsupported {
        /// Who sent it.
        sender: AccountId,
    },
}

impl Frame {
    /// Reads a frame as it comes out of the sealed box and checks its tag.
    ///
    /// `frame_key` gives the key shared with the named sender: [`crate::AccountKeys::frame_key`], or one that
    /// was kept.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn read(
        bytes: Vec<u8>,
        frame_key: impl FnOnce(&AccountId) -> Result<FrameKey, WeakPeerKey>,
    ) -> Result<Self, FrameError> {
        if !is_frame(&bytes) {
            return Err(FrameError::NotAFrame);
        }
        let (sender, tagged) = authenticate(&bytes, frame_key)?;
        let (&[_, version, suite], rest) = split::<3>(tagged)?;
        if (version, suite) != (VERSION, SUITE) {
            return Err(FrameError::Unsupported { sender });
        }
        let (session_id, rest) = split::<32>(split::<33>(rest)?.1)?;
        let (&[kind], rest) = split::<1>(rest)?;
        let (prekey, kem) = match kind {
            PREKEY => (true, KEM_CIPHERTEXT_BYTES),
            NORMAL => (false, 0),
            _ => return Err(FrameError::Unsupported { sender }),
        };
        if rest.len() < kem + hybrid_box::OVERHEAD {
            return Err(FrameError::WrongLength);
        }
        let session_id = *session_id;
        Ok(Self { sender, session_id, prekey, bytes })
    }

    /// The whole frame, to keep it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Who sent it: only this account, or we ourselves, can have made the tag.
    pub fn sender(&self) -> AccountId {
        self.sender
    }

    /// The id of the Olm session it belongs to.
    pub fn session_id(&self) -> &[u8; 32] {
        &self.session_id
    }

    /// Whether it carries an Olm prekey message.
    pub fn is_prekey(&self) -> bool {
        self.prekey
    }

    /// The ML-KEM ciphertext of a prekey frame.
    pub fn kem_ciphertext(&self) -> Option<&[u8; KEM_CIPHERTEXT_BYTES]> {
        self.bytes.get(HEADER_BYTES..).filter(|_| self.prekey)?.first_chunk()
    }

    /// SHA-256 of the frame: its name in marks and nacks.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.bytes)
    }

    /// Opens the box with the post-quantum key of the sender's direction: the Olm message.
    ///
    /// # Errors
    /// [`BoxError`].
    pub fn open(&self, key: &BoxKey) -> Result<Vec<u8>, BoxError> {
        let header = HEADER_BYTES + if self.prekey { KEM_CIPHERTEXT_BYTES } else { 0 };
        let (untagged, _) = self.bytes.split_last_chunk::<TAG_BYTES>().ok_or(BoxError::Undecryptable)?;
        let (associated, sealed) = untagged.split_at_checked(header).ok_or(BoxError::Undecryptable)?;
        hybrid_box::open(associated, sealed, key)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("sender", &self.sender).finish_non_exhaustive()
    }
}

/// Whether the inside of a sealed box is meant to be a frame.
pub(crate) fn is_frame(inner: &[u8]) -> bool {
    inner.first() == Some(&MARK)
}

/// The named sender and what stands before the tag, if the tag is that sender's. The places of both are the
/// same in every version.
fn authenticate(
    bytes: &[u8],
    frame_key: impl FnOnce(&AccountId) -> Result<FrameKey, WeakPeerKey>,
) -> Result<(AccountId, &[u8]), FrameError> {
    if bytes.len() > MAX_DATA_BYTES {
        return Err(FrameError::WrongLength);
    }
    let (tagged, tag) = bytes.split_last_chunk::<TAG_BYTES>().ok_or(FrameError::WrongLength)?;
    let (sender, _) = split::<33>(split::<3>(tagged)?.1)?;
    let sender = AccountId::from_bytes(sender).map_err(|_| FrameError::BadSender)?;
    let key = frame_key(&sender).map_err(|WeakPeerKey| FrameError::WeakSender)?;
    let authentic = *key.peer() == sender && key.verify(tagged, tag);
    if authentic { Ok((sender, tagged)) } else { Err(FrameError::BadTag) }
}

fn split<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), FrameError> {
    bytes.split_first_chunk().ok_or(FrameError::WrongLength)
}

fn hash(frame: &[u8]) -> [u8; 32] {
    Sha256::digest(frame).into()
}
