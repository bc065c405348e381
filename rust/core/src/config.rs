//! What a host may decide about the engine's behaviour, with the defaults of the protocol.

use starling_protocol::rpc::AddressKind;

/// A bootstrap node: where the first service node list comes from (network-protocol section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedNode {
    /// `http://…` or `https://…`, without the `/json_rpc` path.
    pub url: String,
    /// The kind of address the seed itself has: private and loopback service nodes count only
    /// if a seed's address is of the same kind (extensions section 2).
    pub address_kind: AddressKind,
}

/// Limits and intervals of the core. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Bootstrap nodes, asked in random order.
    pub seeds: Vec<SeedNode>,
    /// How many swarm members one send writes to and one poll reads from (message-routing: three).
    pub replicas: usize,
    /// Life of a text message in the swarm.
    pub text_ttl_ms: u64,
    /// Proof-of-work difficulty above which a node's demand is not met (extensions section 1).
    pub difficulty_ceiling: u64,
    /// Shortest pause between two polls in the foreground.
    pub poll_min_ms: u64,
    /// Longest pause between two polls in the foreground.
    pub poll_max_ms: u64,
    /// Age at which the service node list is compared with the network again.
    pub directory_age_ms: u64,
    /// Time a driver gives one request before it reports [`crate::Outcome::TimedOut`].
    pub request_timeout_ms: u64,
    /// Largest pause between two attempts of anything.
    pub backoff_cap_ms: u64,
    /// How many messages of one conversation may be on their way to the swarm at once.
    pub window: usize,
    /// How long an end-to-end acknowledgement waits for a message of ours that it can ride on.
    pub ack_pause_ms: u64,
    /// Bytes of messages asked for in one page of a retrieve, base64 counted.
    pub page_bytes: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seeds: Vec::new(),
            replicas: 3,
            text_ttl_ms: 14 * 24 * 3_600_000,
            difficulty_ceiling: 1_000,
            poll_min_ms: 3_000,
            poll_max_ms: 60_000,
            directory_age_ms: 24 * 3_600_000,
            request_timeout_ms: 20_000,
            backoff_cap_ms: 300_000,
            window: 4,
            ack_pause_ms: 2_000,
            page_bytes: 262_144,
        }
    }
}
