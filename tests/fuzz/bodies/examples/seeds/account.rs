//! Accounts, keys and proofs as text.

use starling_fuzz_bodies::cast::{OURS, seed};
use starling_protocol::pow::Nonce;
use starling_protocol::{Seed as AccountSeed, phrase};

use crate::Seed;

pub(crate) fn seeds() -> Vec<Seed> {
    let id = OURS.account_id();
    let words = |seed: &AccountSeed| phrase::encode(seed).as_bytes().to_vec();
    let old = AccountSeed::from_bytes(&[3; 32]).unwrap();
    let proof = |ttl: &str, difficulty: &str| {
        format!("{}\n1700000000000\n{ttl}\nZGF0YQ==\n{difficulty}", Nonce(77).to_base64()).into_bytes()
    };
    vec![
        ("account_id", "text", id.to_string().into_bytes()),
        ("account_id", "upper_case", id.to_string().to_uppercase().into_bytes()),
        ("account_id", "bytes", id.as_bytes().to_vec()),
        ("account_id", "ed25519", OURS.ed25519_public().to_vec()),
        ("phrase", "words13", words(&seed(1))),
        ("phrase", "words25", words(&old)),
        (
            "phrase",
            "punctuated",
            String::from_utf8(words(&seed(2))).unwrap().replace(' ', ",\n ").to_uppercase().into(),
        ),
        ("keys", "seed16", seed(1).as_bytes().to_vec()),
        ("keys", "seed32", old.as_bytes().to_vec()),
        ("keys", "hex", "0123456789abcdefABCDEF0123456789".repeat(2).into_bytes()),
        ("proof", "fortnight", proof("1209600000", "10")),
        ("proof", "shortest", proof("10000", "1")),
        ("proof", "hardest", proof("2592000000", "18446744073709551615")),
        ("proof", "leading_zero", proof("0086400000", "1000")),
    ]
}
