//! An Olm message, parsed and bounded before any key is touched.
//!
//! The library reads many byte strings as the same message: its MAC covers what it would write, not what it read. Here a
//! message has one encoding and a key one spelling, so that bytes can be compared: session ids, ratchet keys,
//! hashes of frames.

use std::fmt;

use vodozemac::Curve25519PublicKey;
use vodozemac::olm::{Message, MessageType, SessionKeys};

use crate::RatchetError;

/// The longest message that is read or written, in bytes: a frame with nothing else in it.
pub const MAX_MESSAGE_BYTES: usize = 76_800;

/// Version byte of a message with a full MAC: session config `version_2`.
const FULL_MAC: u8 = 4;
/// Block of AES-CBC; its padding is at least one byte.
const BLOCK: usize = 16;
/// Version, ratchet key with its tag and length, index with its tag (a `u64` at its longest), MAC.
const NORMAL_OVERHEAD: usize = 1 + 34 + 11 + 32;
/// Version and three keys, each with its tag and length.
const PREKEY_OVERHEAD: usize = 1 + 3 * 34;
/// Tag and length of a field below [`MAX_MESSAGE_BYTES`].
const FIELD: usize = 1 + 3;

/// Which of Olm's two formats a message has; the kind byte of a ratchet frame (extensions section 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// 0: carries the keys from which the owner of the bundle makes the session.
    Prekey,
    /// 1: of a session on which its sender has received.
    Normal,
}

/// A kind byte that is neither 0 nor 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown kind of message")]
pub struct UnknownKind;

impl From<Kind> for u8 {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Prekey => 0,
            Kind::Normal => 1,
        }
    }
}

impl TryFrom<u8> for Kind {
    type Error = UnknownKind;

    fn try_from(byte: u8) -> Result<Self, UnknownKind> {
        match byte {
            0 => Ok(Self::Prekey),
            1 => Ok(Self::Normal),
            _ => Err(UnknownKind),
        }
    }
}

impl From<MessageType> for Kind {
    fn from(kind: MessageType) -> Self {
        match kind {
            MessageType::PreKey => Self::Prekey,
            MessageType::Normal => Self::Normal,
        }
    }
}

/// What a prekey message says in the clear: enough to find the prekeys, and to refuse them, before any decryption.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrekeyHeader {
    /// Id of the session: SHA-256 over the acceptor's identity, its base key and the one-time key.
    pub session_id: [u8; 32],
    /// Ratchet identity of the acceptor, who sent this; the accept signature covers it.
    pub identity: [u8; 32],
    /// The one-time key of the owner's bundle.
    pub one_time_key: [u8; 32],
}

impl PrekeyHeader {
    pub(crate) fn of(keys: &SessionKeys) -> Result<Self, RatchetError> {
        let digest = vodozemac::base64_decode(keys.session_id()).map_err(|_| RatchetError::Malformed)?;
        Ok(Self {
            session_id: digest.try_into().map_err(|_| RatchetError::Malformed)?,
            identity: keys.identity_key.to_bytes(),
            one_time_key: keys.one_time_key.to_bytes(),
        })
    }
}

/// An Olm message of version 2, parsed but not decrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct OlmMessage {
    pub(crate) inner: vodozemac::olm::OlmMessage,
    header: Option<PrekeyHeader>,
}

impl OlmMessage {
    /// Parses the bytes of a message of this kind.
    ///
    /// # Errors
    /// [`RatchetError::WrongConfig`] for a message with a truncated MAC, [`RatchetError::Malformed`] for everything
    /// else that [`OlmMessage::encode`] would not have written.
    pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, RatchetError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(RatchetError::Malformed);
        }
        let inner = vodozemac::olm::OlmMessage::from_parts(u8::from(kind).into(), bytes)
            .map_err(|_| RatchetError::Malformed)?;
        if inside(&inner).version() != FULL_MAC {
            return Err(RatchetError::WrongConfig);
        }
        let keys = session_keys(&inner);
        let known_keys = keys.iter().flat_map(|keys| [keys.identity_key, keys.base_key, keys.one_time_key]);
        let spelled = known_keys.chain([inside(&inner).ratchet_key()]).all(|key| is_canonical(&key));
        if !spelled || inner.to_parts().1 != bytes {
            return Err(RatchetError::Malformed);
        }
        let header = keys.as_ref().map(PrekeyHeader::of).transpose()?;
        Ok(Self { inner, header })
    }

    /// The bytes that [`OlmMessage::decode`] read.
    pub fn encode(&self) -> Vec<u8> {
        self.inner.to_parts().1
    }

    /// Prekey or normal.
    pub fn kind(&self) -> Kind {
        self.inner.message_type().into()
    }

    /// Public ratchet key of the sending chain: the name of that chain.
    pub fn ratchet_key(&self) -> [u8; 32] {
        inside(&self.inner).ratchet_key().to_bytes()
    }

    /// Place in the sending chain, from 0 on.
    pub fn index(&self) -> u64 {
        inside(&self.inner).chain_index()
    }

    /// What a prekey message says of its session; `None` for a normal one.
    pub fn prekey(&self) -> Option<PrekeyHeader> {
        self.header
    }
}

/// Shows neither ciphertext nor keys.
impl fmt::Debug for OlmMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OlmMessage")
            .field("kind", &self.kind())
            .field("index", &self.index())
            .finish_non_exhaustive()
    }
}

/// Bytes of the longest message of this kind for a plaintext of this length.
pub fn largest_message(kind: Kind, plaintext_len: usize) -> usize {
    let ciphertext = (plaintext_len / BLOCK).saturating_add(1).saturating_mul(BLOCK);
    let normal = ciphertext.saturating_add(FIELD + NORMAL_OVERHEAD);
    match kind {
        Kind::Normal => normal,
        Kind::Prekey => normal.saturating_add(FIELD + PREKEY_OVERHEAD),
    }
}

/// The message that a prekey message carries, or the normal one itself.
pub(crate) fn inside(inner: &vodozemac::olm::OlmMessage) -> &Message {
    match inner {
        vodozemac::olm::OlmMessage::Normal(message) => message,
        vodozemac::olm::OlmMessage::PreKey(prekey) => prekey.message(),
    }
}

fn session_keys(inner: &vodozemac::olm::OlmMessage) -> Option<SessionKeys> {
    match inner {
        vodozemac::olm::OlmMessage::Normal(_) => None,
        vodozemac::olm::OlmMessage::PreKey(prekey) => Some(prekey.session_keys()),
    }
}

/// Whether a key is spelled as the number it is, below 2^255 - 19. The library compares keys as numbers, we as bytes.
fn is_canonical(key: &Curve25519PublicKey) -> bool {
    const MODULUS: [u8; 32] = {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xed;
        bytes[31] = 0x7f;
        bytes
    };
    key.as_bytes().iter().rev().lt(MODULUS.iter().rev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_spelled_below_the_modulus() {
        let mut key = [0xff; 32];
        key[31] = 0x7f;
        for (least, canonical) in [(0xec, true), (0xed, false), (0xff, false)] {
            key[0] = least;
            assert_eq!(is_canonical(&Curve25519PublicKey::from(key)), canonical, "{least:x}");
        }
        let mut with_the_unused_bit = [7; 32];
        assert!(is_canonical(&Curve25519PublicKey::from(with_the_unused_bit)));
        with_the_unused_bit[31] |= 0x80;
        assert!(!is_canonical(&Curve25519PublicKey::from(with_the_unused_bit)));
    }

    #[test]
    fn kinds_are_the_bytes_of_the_frame() {
        for byte in 0..=u8::MAX {
            match Kind::try_from(byte) {
                Ok(kind) => assert_eq!(u8::from(kind), byte),
                Err(UnknownKind) => assert!(byte > 1),
            }
        }
    }
}
