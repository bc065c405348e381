//! What comes out of an envelope: a message of the Session protocol or a ratchet frame (extensions section 3).
//!
//! Both are inside the same sealed box. It is opened once, here, and its first byte decides.

use thiserror::Error;

use crate::account::{AccountId, AccountKeys};
use crate::envelope::MAX_DATA_BYTES;
use crate::frame::{self, Frame, FrameError, FrameKey, WeakPeerKey};
use crate::{sealed_box, session};

/// The authentic inside of a sealed box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Signed content of the Session protocol.
    Session(session::Opened),
    /// A frame whose tag is the sender's.
    Frame(Frame),
}

/// Why a ciphertext has nothing authentic for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The sealed box does not open, or its content is not signed.
    #[error(transparent)]
    Session(#[from] session::OpenError),
    /// A frame that is not valid; all but [`FrameError::Unsupported`] are dropped without reaction.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Opens a ciphertext sealed to us and checks who sent it. Needs no state: any thread can do it.
///
/// `frame_key` gives the key shared with the sender a frame names: [`AccountKeys::frame_key`], or one that was
/// kept.
///
/// # Errors
/// [`OpenError`].
pub fn open(
    ciphertext: &[u8],
    recipient: &AccountKeys,
    frame_key: impl FnOnce(&AccountId) -> Result<FrameKey, WeakPeerKey>,
) -> Result<Opened, OpenError> {
    if ciphertext.len() > MAX_DATA_BYTES {
        return Err(session::OpenError::WrongLength.into());
    }
    let inner = sealed_box::open(ciphertext, recipient).ok_or(session::OpenError::Undecryptable)?;
    if frame::is_frame(&inner) {
        return Ok(Opened::Frame(Frame::read(inner.to_vec(), frame_key)?));
    }
    Ok(Opened::Session(session::verify(&inner, recipient)?))
}
