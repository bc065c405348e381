//! Base64 and hexadecimal as the storage RPC writes them, and its loosely typed JSON values.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer};

/// Padded when written; padded or not when read (network-protocol section 14).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn to_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// The bytes of a message's `data` as a client sent it or a node handed it out: base64, padded or
/// not, at most [`super::MAX_STORE_BYTES`] decoded (network-protocol section 4.3). `None` otherwise.
#[must_use]
pub fn decode_data(data: &str) -> Option<Vec<u8>> {
    from_base64(data).filter(|bytes| bytes.len() <= super::MAX_STORE_BYTES)
}

/// A signature in base64, 86 characters or 88 with padding.
pub(super) fn signature_from_base64(text: &str) -> Option<[u8; 64]> {
    if text.len() > 88 {
        return None;
    }
    from_base64(text)?.try_into().ok()
}

/// A 32-byte key in 64 hexadecimal digits.
pub(super) fn key_from_hex(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok()?;
    Some(key)
}

/// Whether `text` has the form of a message hash: 43 characters of base64.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == super::HASH_CHARS
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

/// An unsigned integer, or its digits in a string: nodes write ports and old fields as text.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub(super) enum Number {
    Integer(u64),
    Text(String),
}

impl Number {
    pub(super) fn get(&self) -> Option<u64> {
        match self {
            Number::Integer(value) => Some(*value),
            Number::Text(text) => text.parse().ok(),
        }
    }
}

/// Reads an optional [`Number`]; anything else counts as absent.
pub(super) fn lenient_u64<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Field {
        Number(Number),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Field::deserialize(input)? {
        Field::Number(number) => number.get(),
        Field::Other(_) => None,
    })
}

/// Reads a flag: `true`, or the integer 1 that forwarded members send (network-protocol section 14).
pub(super) fn lenient_flag<'de, D: Deserializer<'de>>(input: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Field {
        Flag(bool),
        Integer(i64),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Field::deserialize(input)? {
        Field::Flag(flag) => flag,
        Field::Integer(integer) => integer != 0,
        Field::Other(_) => false,
    })
}

/// Reads an optional string; anything else counts as absent.
pub(super) fn lenient_text<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Field {
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Field::deserialize(input)? {
        Field::Text(text) => Some(text),
        Field::Other(_) => None,
    })
}
