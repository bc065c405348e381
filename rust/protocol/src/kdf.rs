//! Key derivation: HKDF-SHA256 (extensions, conventions).

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The salt of every derivation that has none of its own.
pub(crate) const SALT: &[u8] = b"starling/v1";

/// Derives `N` bytes; `info` is the concatenation of its parts.
pub(crate) fn derive<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    // HKDF has an end, after 255 hashes: that it is out of reach is seen when this compiles.
    const { assert!(N <= 255 * 32) };
    let mut key = Zeroizing::new([0; N]);
    let derived = Hkdf::<Sha256>::new(Some(salt), secret).expand_multi_info(info, &mut *key);
    assert!(derived.is_ok(), "the length was checked");
    key
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn is_hkdf_sha256_of_rfc_5869() {
        // Test case 1.
        let salt = hex::decode("000102030405060708090a0b0c").unwrap();
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let key = derive::<42>(&salt, &[0x0b; 22], &[&info[..4], &info[4..]]);
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
        assert_eq!(hex::encode(*key), expected);
    }
}
