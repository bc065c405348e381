//! Proof of work as nodes and clients read it from requests.

use starling_protocol::pow::{Nonce, PowError, Puzzle, cost, parse_ttl};
use starling_protocol::rpc::{MAX_TTL_PRIVATE_MS, MIN_TTL_MS};

/// Five lines: nonce, timestamp, time to live, data, difficulty. Whatever is accepted is written the same
/// way again, and a puzzle that can be built can be solved.
pub fn proof(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (nonce, timestamp, ttl, payload) = (line(), line(), line(), line());
    let difficulty = line().parse().unwrap_or(u64::MAX);

    let nonce = Nonce::from_base64(nonce).inspect(|read| assert_eq!(read.to_base64(), nonce));
    let parsed = parse_ttl(ttl);
    if let Some(ttl_ms) = parsed {
        assert!((MIN_TTL_MS..=MAX_TTL_PRIVATE_MS).contains(&ttl_ms));
        assert_eq!(ttl_ms.to_string(), ttl.trim_start_matches('0'));
    }
    let puzzle = Puzzle::new(timestamp, ttl, "05", payload, difficulty);
    match &puzzle {
        Ok(puzzle) => {
            let length = timestamp.len() + ttl.len() + 2 + payload.len();
            assert_eq!(Some(puzzle.expected_tries()), parsed.map(|ttl_ms| cost(length, ttl_ms, difficulty)));
            assert!(puzzle.target() > 0);
            puzzle.check(nonce.map_or(0, |nonce| nonce.0));
        }
        Err(PowError::BadTtl) => assert_eq!(parsed, None),
        Err(_) => assert!(parsed.is_some()),
    }
    nonce.is_ok() && puzzle.is_ok()
}
