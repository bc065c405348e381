//! ML-KEM-768 against the vectors of its standard, FIPS 203; where they come from stands in the file.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use libcrux_ml_kem::mlkem768::{MlKem768Ciphertext, decapsulate, encapsulate, generate_key_pair};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use starling_protocol::hybrid::{KEM_KEY_BYTES, KemSeed, is_valid_key};

fn vectors(section: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("ml_kem_768.json")).unwrap();
    all[section].clone()
}

fn bytes<const N: usize>(case: &Value, key: &str) -> [u8; N] {
    hex::decode(case[key].as_str().unwrap()).unwrap().try_into().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn key_generation() {
    let cases = vectors("key_generation");
    assert_eq!(cases.as_array().unwrap().len(), 25);
    for case in cases.as_array().unwrap() {
        let seed: [u8; 64] = [bytes::<32>(case, "d"), bytes::<32>(case, "z")].concat().try_into().unwrap();
        let pair = generate_key_pair(seed);
        assert_eq!(sha256(pair.pk()), case["ek_sha256"], "{}", case["id"]);
        assert_eq!(sha256(pair.sk()), case["dk_sha256"], "{}", case["id"]);
        assert_eq!(*KemSeed::from_bytes(seed).public_key(), *pair.pk());
    }
}

#[test]
fn encapsulation() {
    let cases = vectors("encapsulation");
    assert_eq!(cases.as_array().unwrap().len(), 25);
    for case in cases.as_array().unwrap() {
        let kem_key = bytes::<KEM_KEY_BYTES>(case, "ek");
        assert!(is_valid_key(&kem_key));
        let (ciphertext, secret) = encapsulate(&kem_key.into(), bytes(case, "m"));
        assert_eq!(sha256(ciphertext.as_slice()), case["c_sha256"], "{}", case["id"]);
        assert_eq!(secret, bytes::<32>(case, "k"), "{}", case["id"]);
    }
}

#[test]
fn decapsulation_of_good_and_of_modified_ciphertexts() {
    let group = vectors("decapsulation");
    assert_eq!(group["tests"].as_array().unwrap().len(), 10);
    for case in group["tests"].as_array().unwrap() {
        let ciphertext = MlKem768Ciphertext::from(bytes(case, "c"));
        let secret = decapsulate(&bytes(&group, "dk").into(), &ciphertext);
        assert_eq!(secret, bytes::<32>(case, "k"), "{} {}", case["id"], case["reason"]);
    }
}
