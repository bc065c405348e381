//! The cryptography SQLCipher asks for, over slices.

use aes::Aes256;
use cbc::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Bytes of an AES-256 key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a CBC initialisation vector.
pub(crate) const IV_BYTES: usize = 16;
/// Bytes of an AES block; SQLCipher hands over whole ones, so that there is no padding.
pub(crate) const BLOCK_BYTES: usize = 16;

/// Why an operation was refused. SQLCipher learns no more than that it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// A hash function by the number SQLCipher has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    /// `SQLCIPHER_HMAC_SHA1` and its siblings; the PBKDF2 constants have the same values.
    pub(crate) fn from_number(algorithm: i32) -> Option<Digest> {
        match algorithm {
            0 => Some(Digest::Sha1),
            1 => Some(Digest::Sha256),
            2 => Some(Digest::Sha512),
            _ => None,
        }
    }

    /// Bytes of the hash, and so of an HMAC made with it.
    pub(crate) fn output_bytes(self) -> usize {
        match self {
            Digest::Sha1 => 20,
            Digest::Sha256 => 32,
            Digest::Sha512 => 64,
        }
    }
}

/// HMAC of the concatenated `parts` into `out`, which has exactly [`Digest::output_bytes`] bytes.
pub(crate) fn hmac(digest: Digest, key: &[u8], parts: [&[u8]; 2], out: &mut [u8]) -> Result<(), Refused> {
    fn run<M: Mac + KeyInit>(key: &[u8], parts: [&[u8]; 2], out: &mut [u8]) -> Result<(), Refused> {
        let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| Refused)?;
        for part in parts {
            mac.update(part);
        }
        let tag = mac.finalize().into_bytes();
        if tag.len() != out.len() {
            return Err(Refused);
        }
        out.copy_from_slice(&tag);
        Ok(())
    }
    match digest {
        Digest::Sha1 => run::<Hmac<Sha1>>(key, parts, out),
        Digest::Sha256 => run::<Hmac<Sha256>>(key, parts, out),
        Digest::Sha512 => run::<Hmac<Sha512>>(key, parts, out),
    }
}

/// PBKDF2-HMAC with `rounds` (at least 1) iterations into the whole of `out`.
pub(crate) fn kdf(
    digest: Digest,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    out: &mut [u8],
) -> Result<(), Refused> {
    if rounds == 0 || out.is_empty() {
        return Err(Refused);
    }
    match digest {
        Digest::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, rounds, out),
        Digest::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, out),
        Digest::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, out),
    }
    Ok(())
}

/// Which way [`cipher`] goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Encrypt,
    Decrypt,
}

/// AES-256-CBC over whole blocks, in place.
pub(crate) fn cipher(mode: Mode, key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), Refused> {
    let (blocks, rest) = Array::slice_as_chunks_mut(data);
    if !rest.is_empty() {
        return Err(Refused);
    }
    match mode {
        Mode::Encrypt => {
            cbc::Encryptor::<Aes256>::new_from_slices(key, iv).map_err(|_| Refused)?.encrypt_blocks(blocks);
        }
        Mode::Decrypt => {
            cbc::Decryptor::<Aes256>::new_from_slices(key, iv).map_err(|_| Refused)?.decrypt_blocks(blocks);
        }
    }
    Ok(())
}

/// Fills `out` from the system's generator.
pub(crate) fn random(out: &mut [u8]) -> Result<(), Refused> {
    getrandom::fill(out).map_err(|_| Refused)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex::decode(hex).unwrap()
    }

    /// NIST SP 800-38A, F.2.5 (CBC-AES256.Encrypt), all four blocks.
    #[test]
    fn cbc_agrees_with_nist() {
        let key = bytes("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let iv = bytes("000102030405060708090a0b0c0d0e0f");
        let plain = bytes(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
             30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
        );
        let sealed = bytes(
            "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d\
             39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
        );
        let mut data = plain.clone();
        cipher(Mode::Encrypt, &key, &iv, &mut data).unwrap();
        assert_eq!(data, sealed);
        cipher(Mode::Decrypt, &key, &iv, &mut data).unwrap();
        assert_eq!(data, plain);
    }

    #[test]
    fn cipher_refuses_odd_lengths() {
        let (key, iv) = ([0; KEY_BYTES], [0; IV_BYTES]);
        assert_eq!(cipher(Mode::Encrypt, &key, &iv, &mut [0; 17]), Err(Refused));
        assert_eq!(cipher(Mode::Encrypt, &key[1..], &iv, &mut [0; 16]), Err(Refused));
        assert_eq!(cipher(Mode::Decrypt, &key, &iv[1..], &mut [0; 16]), Err(Refused));
    }

    /// RFC 4231 test case 2, and RFC 2202 test case 2 for SHA-1; the data arrive in two parts.
    #[test]
    fn hmac_agrees_with_the_rfcs() {
        let cases = [
            (Digest::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Digest::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                Digest::Sha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd\
                 caeab1a34d4a6b4b636e070a38bce737",
            ),
        ];
        for (digest, expected) in cases {
            let mut out = vec![0; digest.output_bytes()];
            hmac(digest, b"Jefe", [b"what do ya want ", b"for nothing?"], &mut out).unwrap();
            assert_eq!(out, bytes(expected), "{digest:?}");
        }
        assert_eq!(hmac(Digest::Sha256, b"k", [b"", b""], &mut [0; 20]), Err(Refused));
    }

    /// RFC 6070 test case 2 (SHA-1) and RFC 7914 section 11 (SHA-256).
    #[test]
    fn kdf_agrees_with_the_rfcs() {
        let mut out = [0; 20];
        kdf(Digest::Sha1, b"password", b"salt", 2, &mut out).unwrap();
        assert_eq!(out.to_vec(), bytes("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"));
        let mut out = [0; 64];
        kdf(Digest::Sha256, b"passwd", b"salt", 1, &mut out).unwrap();
        assert_eq!(
            out.to_vec(),
            bytes(
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
                 49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
            )
        );
        assert_eq!(kdf(Digest::Sha512, b"p", b"s", 0, &mut out), Err(Refused));
    }
}
