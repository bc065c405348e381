//! Making a frame, and its way to the `data` that is stored (extensions section 3).

use rand_core::CryptoRng;
use thiserror::Error;

use super::tag::TAG_BYTES;
use super::{FrameKey, HEADER_BYTES, MARK, NORMAL, PREKEY, SUITE, VERSION, hash, hybrid_box};
use crate::envelope::{self, MAX_DATA_BYTES};
use crate::hybrid::{BoxKey, KEM_CIPHERTEXT_BYTES};
use crate::sealed_box;

/// The lengths that decoded `data` with a frame can have: its length tells no more than the class.
pub const DATA_BYTES: [usize; 8] = [768, 1_536, 3_072, 6_144, 12_288, 24_576, 49_152, MAX_DATA_BYTES];

/// An Olm message and what its frame says beside it.
#[derive(Clone, Copy)]
pub struct Sending<'a> {
    /// The id of the Olm session.
    pub session_id: [u8; 32],
    /// The ML-KEM ciphertext of the session, which makes this a prekey frame: as long as we accepted a bundle
    /// and have received nothing on the session.
    pub kem_ciphertext: Option<&'a [u8; KEM_CIPHERTEXT_BYTES]>,
    /// The Olm message, of the prekey kind if this is a prekey frame.
    pub olm: &'a [u8],
    /// The post-quantum key of our direction.
    pub key: &'a BoxKey,
    /// Network milliseconds, for the envelope.
    pub timestamp_ms: u64,
}

/// A frame on its way: sealed once, and never again for any attempt.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedFrame {
    /// The base64 text that becomes the `data` of a store request or a push.
    pub data: String,
    /// SHA-256 of the frame, by which the peer may tell that it could not read it.
    pub frame_hash: [u8; 32],
}

/// Why a frame cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// More than [`largest_olm`].
    #[error("the message is longer than a frame can be")]
    TooLong,
    /// The recipient's key has small order: nothing sealed to it would be secret.
    #[error("the recipient's key cannot receive secrets")]
    WeakRecipient,
}

/// Makes the frame for the peer of `frame_key`, padded to the least length of [`DATA_BYTES`] that holds it,
/// seals it to the peer and wraps it.
///
/// # Errors
/// [`SealError`].
pub fn seal(
    sending: &Sending<'_>,
    frame_key: &FrameKey,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<SealedFrame, SealError> {
    let prekey = sending.kem_ciphertext.is_some();
    let rooms = DATA_BYTES.into_iter().map(|data| room(data, sending.timestamp_ms, prekey));
    let zeros = rooms.filter_map(|room| room?.checked_sub(sending.olm.len())).next();
    let zeros = zeros.ok_or(SealError::TooLong)?;
    let mut frame = header(sending, frame_key);
    hybrid_box::seal(&mut frame, sending.key, sending.olm, zeros, rng).ok_or(SealError::TooLong)?;
    frame.extend(frame_key.tag(&frame));
    let sealed = sealed_box::seal(&frame, frame_key.peer(), rng).ok_or(SealError::WeakRecipient)?;
    Ok(SealedFrame { data: envelope::wrap(sealed, sending.timestamp_ms), frame_hash: hash(&frame) })
}

/// The longest Olm message that surely fits a frame, whatever its time, in bytes.
pub fn largest_olm(prekey: bool) -> usize {
    room(MAX_DATA_BYTES, u64::MAX, prekey).unwrap_or_default()
}

/// The bytes for an Olm message and zeros in decoded `data` of this length.
pub(super) fn room(data: usize, timestamp_ms: u64, prekey: bool) -> Option<usize> {
    let kem = if prekey { KEM_CIPHERTEXT_BYTES } else { 0 };
    let around = sealed_box::OVERHEAD + HEADER_BYTES + kem + hybrid_box::OVERHEAD + TAG_BYTES;
    envelope::content_len(data, timestamp_ms).checked_sub(around)
}

/// All that stands before the box.
fn header(sending: &Sending<'_>, frame_key: &FrameKey) -> Vec<u8> {
    let mut header = vec![MARK, VERSION, SUITE];
    header.extend(frame_key.own().as_bytes());
    header.extend(sending.session_id);
    match sending.kem_ciphertext {
        Some(ciphertext) => {
            header.push(PREKEY);
            header.extend(ciphertext);
        }
        None => header.push(NORMAL),
    }
    header
}
