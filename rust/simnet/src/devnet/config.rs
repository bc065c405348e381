//! The shape of a devnet.

use std::time::Duration;

use starling_protocol::SwarmId;

use super::RateLimit;
use crate::{GATHER_TIMEOUT_MS, Policy};

/// How many nodes, and how they behave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Number of swarms, 1 to 250.
    pub swarms: u8,
    /// Members of each swarm, 1 to 250.
    pub swarm_size: usize,
    /// Rules of every node.
    pub policy: Policy,
    /// Port of the seed node's plain HTTP on 127.0.0.1; 0 takes a free one.
    pub seed_port: u16,
    /// How long a node waits for other members of its swarm.
    pub peer_timeout: Duration,
    /// How long a message to a member that is down is kept for it, from the moment it was sent. None
    /// by default, so that what a test takes down misses what it should.
    pub redelivery: Duration,
    /// How many requests to `/storage_rpc/v1` a node takes from one address; `None` for any number.
    pub rate_limit: Option<RateLimit>,
    /// How long a relay waits for the next node.
    pub hop_timeout: Duration,
    /// How long an idle connection stays open.
    pub idle_timeout: Duration,
}

impl Default for Config {
    /// Two swarms of five that ask for a little work; the network's times (network-protocol
    /// sections 4.6, 6.3, 14).
    fn default() -> Config {
        Config {
            swarms: 2,
            swarm_size: 5,
            policy: Policy { difficulty: Some(1), ..Policy::default() },
            seed_port: 0,
            peer_timeout: Duration::from_millis(GATHER_TIMEOUT_MS),
            redelivery: Duration::ZERO,
            rate_limit: None,
            hop_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// Today's network: storage servers of version 2.8.0, which know nothing of proof of work
    /// (network-protocol section 14).
    #[must_use]
    pub fn storage_server() -> Config {
        Config {
            policy: Policy::default(),
            redelivery: Duration::from_secs(30),
            rate_limit: Some(RateLimit { burst: 600, per_second: 300 }),
            ..Config::default()
        }
    }

    /// Ids spread evenly over the ring, each above 2^53; `None` if the sizes are out of range.
    pub(super) fn swarm_ids(&self) -> Option<Vec<SwarmId>> {
        let sizes = (1..=250).contains(&self.swarms) && (1..=250).contains(&self.swarm_size);
        let step = SwarmId::MAX / (SwarmId::from(self.swarms) + 1);
        sizes.then(|| (1..=SwarmId::from(self.swarms)).map(|number| number * step).collect())
    }
}
