//! The network's limits on requests and replies (network-protocol sections 4.3, 4.7, 14), and our
//! bounds on what is accepted from a node.

/// Largest request or reply, bytes: the network's cap on an HTTP body.
pub const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// Largest stored message, decoded bytes.
pub const MAX_STORE_BYTES: usize = 76_800;
/// Largest stored message as base64 text, characters.
pub const MAX_STORE_CHARS: usize = 102_400;
/// Length of a message hash: the unpadded base64 of 32 bytes.
pub const HASH_CHARS: usize = 43;
/// Most subrequests in a `batch` or `sequence`.
pub const MAX_BATCH: usize = 20;
/// Most hashes named by one `delete`, `expire` or `get_expiries`.
pub const MAX_HASHES: usize = 10_000;
/// Most bytes (base64 counted) of one page of `retrieve`.
pub const RETRIEVE_MAX_BYTES: u64 = 7_800_000;
/// Shortest time to live of a message, ms.
pub const MIN_TTL_MS: u64 = 10_000;
/// Longest time to live in a public inbox, ms: 14 days.
pub const MAX_TTL_MS: u64 = 14 * 86_400_000;
/// Longest time to live in a private namespace, ms: 30 days.
pub const MAX_TTL_PRIVATE_MS: u64 = 30 * 86_400_000;
/// How far the timestamp of a signed request may be from the node's clock, ms.
pub const SIGNATURE_TOLERANCE_MS: u64 = 60_000;
/// How far a stored message's timestamp may lie ahead, and its expiry behind, ms.
pub const STORE_TOLERANCE_MS: u64 = 10_000;
/// Smallest timestamp taken for milliseconds: below it are a million seconds since the epoch.
pub const MIN_TIMESTAMP_MS: u64 = 1_000_000_000;
/// Most nodes accepted in one node list; the network has about two thousand.
pub const MAX_NODES: usize = 20_000;
/// Most members accepted in one swarm; swarms hold five to ten.
pub const MAX_SWARM: usize = 200;
