//! Proof of work over a store request (network-protocol section 5).
//!
//! The crate starts no threads: a [`Search`] is shared by as many workers as the caller spawns, each
//! calling [`Search::work`].

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha512};
use thiserror::Error;

use crate::rpc::{MAX_TTL_PRIVATE_MS, MIN_TTL_MS};

/// Nonces a worker takes at a time. It looks for cancellation between chunks: 256 hashes last well
/// under a millisecond, and one shared counter per 256 hashes costs nothing.
const CHUNK: u64 = 256;

/// Why a puzzle or a nonce makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PowError {
    /// The time to live is not a decimal number from [`MIN_TTL_MS`] to [`MAX_TTL_PRIVATE_MS`].
    #[error("the time to live is not a number of milliseconds within the limits")]
    BadTtl,
    /// A difficulty of zero.
    #[error("a difficulty of zero asks for no work")]
    ZeroDifficulty,
    /// No nonce can solve the puzzle: the target is zero.
    #[error("the difficulty is beyond what any nonce can prove")]
    Unsolvable,
    /// The nonce is not the standard base64 of eight bytes.
    #[error("a nonce is eight bytes in base64")]
    BadNonce,
}

/// A store request as proof of work sees it: the hash of its strings and the target to get below.
#[derive(Clone)]
pub struct Puzzle {
    initial: [u8; 64],
    target: u64,
    expected: u64,
    difficulty: u64,
}

impl Puzzle {
    /// Builds the puzzle from exactly the strings the request carries: timestamp and time to live in
    /// decimal milliseconds, the 66-character account id, the base64 text of the message.
    ///
    /// # Errors
    /// [`PowError::BadTtl`], [`PowError::ZeroDifficulty`] or [`PowError::Unsolvable`].
    pub fn new(
        timestamp: &str,
        ttl_ms: &str,
        account_hex: &str,
        data: &str,
        difficulty: u64,
    ) -> Result<Self, PowError> {
        let parts = [timestamp, ttl_ms, account_hex, data];
        let ttl = parse_ttl(ttl_ms).ok_or(PowError::BadTtl)?;
        let length = parts.iter().map(|part| part.len()).sum();
        let expected = match cost(length, ttl, difficulty) {
            0 => return Err(PowError::ZeroDifficulty),
            u64::MAX => return Err(PowError::Unsolvable),
            tries => tries,
        };
        let initial = parts.iter().fold(Sha512::new(), Sha512::chain_update).finalize().into();
        Ok(Self { initial, target: u64::MAX / expected, expected, difficulty })
    }

    /// The first eight digest bytes, as a big-endian number, must be below this.
    pub fn target(&self) -> u64 {
        self.target
    }

    /// How many nonces are tried on average.
    pub fn expected_tries(&self) -> u64 {
        self.expected
    }

    /// The difficulty the puzzle was built for.
    pub fn difficulty(&self) -> u64 {
        self.difficulty
    }

    /// The winning digest if the nonce solves the puzzle.
    pub fn check(&self, nonce: u64) -> Option<[u8; 64]> {
        let mut input = self.input();
        self.attempt(&mut input, nonce)
    }

    /// The hashed buffer: eight bytes for the nonce, then the hash of the strings.
    fn input(&self) -> [u8; 72] {
        let mut input = [0; 72];
        if let Some(tail) = input.last_chunk_mut::<64>() {
            *tail = self.initial;
        }
        input
    }

    #[inline]
    fn attempt(&self, input: &mut [u8; 72], nonce: u64) -> Option<[u8; 64]> {
        if let Some(head) = input.first_chunk_mut::<8>() {
            *head = nonce.to_be_bytes();
        }
        let digest: [u8; 64] = Sha512::digest(*input).into();
        let value = digest.first_chunk::<8>().map(|head| u64::from_be_bytes(*head))?;
        (value < self.target).then_some(digest)
    }
}

impl fmt::Debug for Puzzle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Puzzle").field("expected_tries", &self.expected).finish_non_exhaustive()
    }
}

/// A search for a nonce, shared by workers.
///
/// Workers draw chunks from one counter, so no nonce is tried twice; nothing in it blocks.
#[derive(Debug)]
pub struct Search {
    puzzle: Puzzle,
    next: AtomicU64,
    tries: AtomicU64,
    stopped: AtomicBool,
    found: OnceLock<Nonce>,
}

impl Search {
    /// A search that has not begun.
    pub fn new(puzzle: Puzzle) -> Self {
        Self {
            puzzle,
            next: AtomicU64::new(0),
            tries: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            found: OnceLock::new(),
        }
    }

    /// Works until any worker has found a nonce or the search is cancelled. Blocks its thread.
    pub fn work(&self) {
        let mut input = self.puzzle.input();
        while !self.stopped.load(Ordering::Relaxed) {
            let first = self.next.fetch_add(CHUNK, Ordering::Relaxed);
            let chunk = (0..CHUNK).map(|step| first.wrapping_add(step));
            let hit = chunk.into_iter().find(|nonce| self.puzzle.attempt(&mut input, *nonce).is_some());
            let tried = hit.map_or(CHUNK, |nonce| nonce.wrapping_sub(first) + 1);
            self.tries.fetch_add(tried, Ordering::Relaxed);
            if let Some(nonce) = hit {
                // Another worker may have won at the same moment; either nonce is good.
                let _ = self.found.set(Nonce(nonce));
                self.cancel();
            }
        }
    }

    /// Makes every worker return after at most one chunk. A nonce already found stays found.
    pub fn cancel(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Nonces tried so far by all workers, for progress against [`Puzzle::expected_tries`].
    pub fn tries(&self) -> u64 {
        self.tries.load(Ordering::Relaxed)
    }

    /// The puzzle being worked on.
    pub fn puzzle(&self) -> &Puzzle {
        &self.puzzle
    }

    /// The nonce, once found.
    pub fn found(&self) -> Option<Nonce> {
        self.found.get().copied()
    }
}

/// A nonce as the `nonce` parameter carries it: eight big-endian bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub u64);

impl Nonce {
    /// Standard padded base64: 12 characters.
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0.to_be_bytes())
    }

    /// Parses the `nonce` parameter.
    ///
    /// # Errors
    /// [`PowError::BadNonce`] for anything but the base64 of eight bytes.
    pub fn from_base64(text: &str) -> Result<Self, PowError> {
        let mut bytes = [0; 9];
        match STANDARD.decode_slice(text, &mut bytes) {
            Ok(8) => Ok(Self(u64::from_be_bytes(*bytes.first_chunk().ok_or(PowError::BadNonce)?))),
            _ => Err(PowError::BadNonce),
        }
    }
}

/// How many nonces a store of `payload_len` bytes (all four strings) takes on average.
///
/// Zero if nothing is asked for, `u64::MAX` if it is beyond any search.
pub fn cost(payload_len: usize, ttl_ms: u64, difficulty: u64) -> u64 {
    let length = payload_len as u128 + 8;
    let weight = length.saturating_add(u128::from(ttl_ms / 1_000).saturating_mul(length) / 65_535);
    u64::try_from(weight.saturating_mul(difficulty.into())).unwrap_or(u64::MAX)
}

/// Reads the `ttl` parameter: decimal milliseconds from [`MIN_TTL_MS`] to [`MAX_TTL_PRIVATE_MS`].
pub fn parse_ttl(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let ttl = digits.then(|| text.parse().ok()).flatten()?;
    (MIN_TTL_MS..=MAX_TTL_PRIVATE_MS).contains(&ttl).then_some(ttl)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    fn puzzle(difficulty: u64) -> Result<Puzzle, PowError> {
        Puzzle::new("1700000000000", "86400000", &"05".repeat(33), "CAES", difficulty)
    }

    #[test]
    fn workers_share_one_search() {
        let search = Search::new(puzzle(2).unwrap());
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| search.work());
            }
        });
        let nonce = search.found().unwrap();
        assert!(search.puzzle().check(nonce.0).is_some());
        assert!(search.tries() > nonce.0 / 2);
    }

    #[test]
    fn one_worker_finds_the_first_nonce_and_counts_its_tries() {
        let search = Search::new(puzzle(1).unwrap());
        search.work();
        let nonce = search.found().unwrap().0;
        assert_eq!(search.tries(), nonce + 1);
        assert!((0..nonce).all(|earlier| search.puzzle().check(earlier).is_none()));
    }

    #[test]
    fn cancelled_search_tries_nothing_more() {
        let search = Search::new(puzzle(1 << 40).unwrap());
        search.cancel();
        search.work();
        assert_eq!((search.tries(), search.found()), (0, None));
    }

    #[test]
    fn cancel_ends_running_workers() {
        let search = Search::new(puzzle(1 << 40).unwrap());
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| search.work());
            while search.tries() == 0 {
                std::hint::spin_loop();
            }
            search.cancel();
            worker.join().unwrap();
        });
        assert_eq!(search.found(), None);
    }

    #[test]
    fn impossible_puzzles_are_refused() {
        assert_eq!(puzzle(0).unwrap_err(), PowError::ZeroDifficulty);
        assert_eq!(puzzle(u64::MAX).unwrap_err(), PowError::Unsolvable);
        assert_eq!(Puzzle::new("1", "9999", "", "", 1).unwrap_err(), PowError::BadTtl);
        assert_eq!(Puzzle::new("1", "+10000", "", "", 1).unwrap_err(), PowError::BadTtl);
    }

    #[test]
    fn nonce_text_is_strict() {
        for text in
            ["", "AAAA", "AAAAAAAAAAA", "AAAAAAAAAAAA", "AAAAAAAAAAB=", "AAAAAAAAAA_=", "AAAAAAAAAAA=="]
        {
            assert_eq!(Nonce::from_base64(text), Err(PowError::BadNonce), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nonce_survives_text(value: u64) {
            let text = Nonce(value).to_base64();
            prop_assert_eq!(text.len(), 12);
            prop_assert_eq!(Nonce::from_base64(&text), Ok(Nonce(value)));
        }

        #[test]
        fn hostile_numbers_are_harmless(length: usize, ttl: u64, difficulty: u64, text in ".*") {
            cost(length, ttl, difficulty);
            parse_ttl(&text);
            let _ = Nonce::from_base64(&text);
        }
    }
}
