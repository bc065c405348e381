//! The test vectors of friend requests, sessions and frames: `tests/vectors/ratchet.json` of the workspace.
//!
//! One test makes them anew and compares, with every intermediate value computed from bare primitives; the other
//! knows nothing but the file and receives all that is in it. After a change of a format:
//! `STARLING_WRITE_VECTORS=1 cargo test -p starling-protocol --test ratchet_vectors`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod generate;
mod receive;

use serde_json::Value;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/ratchet.json");

fn stored() -> Value {
    serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap()
}

/// The Olm messages in the vectors stand for themselves: their bytes count up, modulo 251.
fn olm(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place % 251) as u8).collect()
}

#[test]
fn the_vectors_are_what_this_version_makes() {
    let made = generate::all();
    if std::env::var_os("STARLING_WRITE_VECTORS").is_some() {
        std::fs::write(PATH, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    for (section, stored) in stored().as_object().unwrap() {
        assert_eq!(&made[section], stored, "{section}");
    }
    assert_eq!(made.as_object().unwrap().len(), stored().as_object().unwrap().len());
}
