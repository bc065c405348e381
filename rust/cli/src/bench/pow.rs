//! Proof of work on one thread, against the bare hash it consists of.

use std::hint::black_box;

use ring::digest::{SHA512, digest};
use sha2::{Digest as _, Sha512};
use starling_protocol::pow::{Puzzle, Search};

use super::clocks::{cpu_seconds, in_turns};
use super::figure::{Figure, Target};
use crate::failure::Failure;

const ROUNDS: usize = 15;

/// A text of usual length for two weeks: with this timestamp the search takes some 100,000 tries.
fn puzzle() -> Result<Puzzle, Failure> {
    let (account, data) = ("05".repeat(33), "CAES".repeat(150));
    Puzzle::new("1700000000000", "1209600000", &account, &data, 10)
        .map_err(|error| Failure::other("building a puzzle", error))
}

/// A nonce after which come the 64 bytes of the first hash.
fn input(nonce: u64) -> [u8; 72] {
    let mut input = [7; 72];
    if let Some(head) = input.first_chunk_mut() {
        *head = nonce.to_be_bytes();
    }
    input
}

pub(super) fn figures() -> Result<Vec<Figure>, Failure> {
    let puzzle = puzzle()?;
    let search = Search::new(puzzle.clone());
    search.work();
    let tries = search.tries();
    let mut ours = || {
        let search = Search::new(puzzle.clone());
        cpu_seconds(|| search.work())
    };
    let mut bare = || {
        cpu_seconds(|| {
            for nonce in 0..tries {
                black_box(Sha512::digest(black_box(input(nonce))));
            }
        })
    };
    let mut assembly = || {
        cpu_seconds(|| {
            for nonce in 0..tries {
                black_box(digest(&SHA512, black_box(&input(nonce))));
            }
        })
    };
    let [ours, bare, assembly] = in_turns(ROUNDS, [&mut ours, &mut bare, &mut assembly]);
    let millions = |seconds: f64| tries as f64 / seconds / 1e6;
    Ok(vec![
        Figure::new("proof of work, one thread", millions(ours), "M tries/s"),
        Figure::new("bare loop of SHA-512 (sha2)", millions(bare), "M hashes/s"),
        Figure::new("bare loop of SHA-512 (ring: OpenSSL's assembly)", millions(assembly), "M hashes/s"),
        Figure::new("proof of work / bare loop", bare / ours, "of the speed")
            .with_target(Target::AtLeast(0.9)),
        Figure::new("proof of work / bare loop of ring", assembly / ours, "of the speed"),
    ])
}
