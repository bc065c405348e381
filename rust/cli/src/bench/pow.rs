//! Proof of work on one thread, against the bare hash it consists of.

use std::hint::black_box;

use ring::digest::{SHA512, digest};
use sha2::{Digest as _, Sha512};
use starling_protocol::pow::{Puzzle, Search};

use super::clocks::{cpu_seconds, in_turns};
use super::figure::{Figure, Target};
use crate::failure::Failure;

const ROUNDS: usize = 15;

/// One search may be lucky; together these take some 100,000 tries.
const PUZZLES: u64 = 20;

/// Texts of usual length for two weeks, each sent at another moment.
fn puzzles() -> Result<Vec<Puzzle>, Failure> {
    let (account, data) = ("05".repeat(33), "CAES".repeat(150));
    let puzzle = |number: u64| {
        let timestamp = (1_700_000_000_000_u64 + number).to_string();
        Puzzle::new(&timestamp, "1209600000", &account, &data, 1)
    };
    let puzzles: Result<_, _> = (0..PUZZLES).map(puzzle).collect();
    puzzles.map_err(|error| Failure::other("building a puzzle", error))
}

/// Solves all of them one after the other; the number of tries.
fn solve(puzzles: &[Puzzle]) -> u64 {
    let solve = |puzzle: &Puzzle| {
        let search = Search::new(puzzle.clone());
        search.work();
        search.tries()
    };
    puzzles.iter().map(solve).sum()
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
    let puzzles = puzzles()?;
    let tries = solve(&puzzles);
    let mut ours = || {
        cpu_seconds(|| {
            black_box(solve(&puzzles));
        })
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
