//! The key of a store and what is derived from it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// The 32-byte key a store is encrypted with; the host keeps it in its keychain or keystore.
///
/// Erased when dropped; never shown by `Debug`.
#[derive(Clone)]
pub struct StoreKey(Zeroizing<[u8; 32]>);

/// Not a key of 32 bytes (64 hexadecimal digits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a store key has 32 bytes, written as 64 hexadecimal digits")]
pub struct KeyError;

impl StoreKey {
    /// Takes the 32 bytes of a key.
    pub fn from_bytes(bytes: [u8; 32]) -> StoreKey {
        StoreKey(Zeroizing::new(bytes))
    }

    /// Reads a key from 64 hexadecimal digits, in either case.
    ///
    /// # Errors
    /// [`KeyError`] for anything else.
    pub fn from_hex(text: &str) -> Result<StoreKey, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| KeyError)?;
        Ok(StoreKey(bytes))
    }

    /// The statement that gives SQLCipher raw key and salt. The salt has to come from the key because the
    /// place where SQLCipher keeps it is part of the plaintext header; it needs not be secret, and a key
    /// encrypts one database.
    pub(crate) fn pragma(&self) -> Zeroizing<String> {
        let derived = self.derive("salt");
        let salt = derived.first_chunk::<16>().map_or([0; 16], |salt| *salt);
        let key = Zeroizing::new(hex::encode(self.0.as_slice()));
        // Room enough that no growing leaves a copy of the key behind.
        let mut pragma = Zeroizing::new(String::with_capacity(160));
        for part in ["PRAGMA key = \"x'", key.as_str(), &hex::encode(salt), "'\""] {
            pragma.push_str(part);
        }
        pragma
    }

    /// A value only the holder of the key can compute and that says nothing about it.
    pub(crate) fn check(&self) -> Zeroizing<[u8; 32]> {
        self.derive("key check")
    }

    /// The key of the sidecar's sealed section.
    pub(crate) fn sealing(&self) -> Zeroizing<[u8; 32]> {
        self.derive("sidecar")
    }

    /// HMAC-SHA256 of a label: with a uniformly random key, what HKDF-Expand comes down to.
    fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        // HMAC takes keys of every length.
        if let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.as_slice()) {
            mac.update(b"starling store ");
            mac.update(label.as_bytes());
            out.copy_from_slice(&mac.finalize().into_bytes());
        }
        out
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn hex_has_64_digits() {
        let key = StoreKey::from_hex(&"aB".repeat(32)).unwrap();
        assert_eq!(*key.0, [0xab; 32]);
        for bad in ["", "ab", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64)] {
            assert_eq!(StoreKey::from_hex(bad).unwrap_err(), KeyError);
        }
    }

    #[test]
    fn derived_values_differ_by_key_and_purpose() {
        let (one, other) = (StoreKey::from_bytes([1; 32]), StoreKey::from_bytes([2; 32]));
        assert_ne!(one.check(), other.check());
        assert_ne!(one.check(), one.sealing());
        assert_ne!(one.pragma(), other.pragma());
    }

    #[test]
    fn pragma_is_key_and_salt_in_hex() {
        let key = StoreKey::from_bytes([0x5a; 32]);
        let pragma = key.pragma();
        let digits = pragma.strip_prefix("PRAGMA key = \"x'").unwrap().strip_suffix("'\"").unwrap();
        assert_eq!(digits.len(), 96);
        assert!(digits.starts_with(&"5a".repeat(32)));
        assert!(digits.chars().all(|digit| digit.is_ascii_hexdigit()));
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", StoreKey::from_bytes([0xab; 32])), "StoreKey(redacted)");
    }
}
