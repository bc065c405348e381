//! The box of a frame: the post-quantum layer around the Olm message (extensions section 3).
//!
//! `nonce (24) | XChaCha20-Poly1305(u32 length | Olm message | zeros)`; the frame's bytes before the box are
//! its associated data. The zeros give messages of like size one length.

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut, KeyInit, Nonce, Tag};
use rand_core::CryptoRng;
use thiserror::Error;

use crate::hybrid::BoxKey;

/// Bytes a box is longer than the Olm message and the zeros: nonce, length, authenticator.
pub(super) const OVERHEAD: usize = NONCE_BYTES + LENGTH_BYTES + 16;

const NONCE_BYTES: usize = 24;
const LENGTH_BYTES: usize = 4;

/// Why a box has no Olm message for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BoxError {
    /// Made under another key, for another frame, or changed.
    #[error("the box does not open under this key")]
    Undecryptable,
    /// Its sender did not follow the format: a length beyond the end, or padding that is not zeros.
    #[error("the box is not filled as it should be")]
    BadPadding,
}

/// Appends a box to the bytes of a frame that stand before it, with `zeros` bytes of padding.
pub(super) fn seal(
    frame: &mut Vec<u8>,
    key: &BoxKey,
    olm: &[u8],
    zeros: usize,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Option<()> {
    let mut nonce = Nonce::<XChaCha20Poly1305>::default();
    rng.fill_bytes(&mut nonce);
    let before = frame.len();
    frame.extend_from_slice(&nonce);
    frame.extend(u32::try_from(olm.len()).ok()?.to_be_bytes());
    frame.extend_from_slice(olm);
    frame.resize(frame.len() + zeros, 0);
    let (associated, sealed) = frame.split_at_mut_checked(before)?;
    let (_, plaintext) = sealed.split_at_mut_checked(NONCE_BYTES)?;
    let cipher = XChaCha20Poly1305::new(key.as_bytes().into());
    let tag = cipher.encrypt_inout_detached(&nonce, associated, plaintext.into()).ok()?;
    frame.extend_from_slice(&tag);
    Some(())
}

/// Opens a box; `associated` is what stands before it in its frame. The Olm message.
pub(super) fn open(associated: &[u8], sealed: &[u8], key: &BoxKey) -> Result<Vec<u8>, BoxError> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(BoxError::Undecryptable)?;
    let (ciphertext, tag) = rest.split_last_chunk::<16>().ok_or(BoxError::Undecryptable)?;
    let nonce = Nonce::<XChaCha20Poly1305>::from(*nonce);
    let tag = Tag::<XChaCha20Poly1305>::from(*tag);
    let mut plaintext = ciphertext.to_vec();
    XChaCha20Poly1305::new(key.as_bytes().into())
        .decrypt_inout_detached(&nonce, associated, plaintext.as_mut_slice().into(), &tag)
        .map_err(|_| BoxError::Undecryptable)?;
    let (length, filled) = plaintext.split_first_chunk::<LENGTH_BYTES>().ok_or(BoxError::BadPadding)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (olm, zeros) = filled.split_at_checked(length).ok_or(BoxError::BadPadding)?;
    if zeros.iter().all(|byte| *byte == 0) { Ok(olm.to_vec()) } else { Err(BoxError::BadPadding) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn key(byte: u8) -> BoxKey {
        BoxKey::from_bytes([byte; 32])
    }

    fn sealed(zeros: usize) -> Vec<u8> {
        let mut frame = b"head".to_vec();
        seal(&mut frame, &key(1), b"olm", zeros, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
        frame.split_off(4)
    }

    /// A box whose plaintext is not what [`seal`] makes.
    fn sealed_raw(plaintext: &[u8]) -> Vec<u8> {
        let nonce = Nonce::<XChaCha20Poly1305>::default();
        let mut text = plaintext.to_vec();
        let cipher = XChaCha20Poly1305::new(key(1).as_bytes().into());
        let tag = cipher.encrypt_inout_detached(&nonce, b"head", text.as_mut_slice().into()).unwrap();
        [&nonce[..], &text, &tag[..]].concat()
    }

    #[test]
    fn a_box_opens_only_in_its_frame_and_under_its_key() {
        for zeros in [0, 1, 500] {
            let sealed = sealed(zeros);
            assert_eq!(sealed.len(), OVERHEAD + 3 + zeros);
            assert_eq!(open(b"head", &sealed, &key(1)).unwrap(), b"olm");
            assert_eq!(open(b"heed", &sealed, &key(1)), Err(BoxError::Undecryptable));
            assert_eq!(open(b"head", &sealed, &key(2)), Err(BoxError::Undecryptable));
        }
    }

    #[test]
    fn padding_is_checked() {
        assert_eq!(open(b"head", &sealed_raw(b"\0\0\0\x01a\0\0"), &key(1)).unwrap(), b"a");
        for bad in [&b"\0\0\0\x02a"[..], b"\0\0\0\x01a\0\x01", b"\xff\xff\xff\xffa", b"\0\0\0"] {
            assert_eq!(open(b"head", &sealed_raw(bad), &key(1)), Err(BoxError::BadPadding));
        }
    }
}
