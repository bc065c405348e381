//! One of the accounts: its engine, its files and what was seen of it so far.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng};
use starling_engine::{Config, Driver, Engine, EngineConfig, SeedNode};
use starling_protocol::{AccountId, AccountKeys, Seed, ServiceNode, swarm};
use starling_store::{MessageRow, StoreKey};
use tokio::sync::watch;

use crate::demo::checker::Side;
use crate::demo::watch::Tally;
use crate::failure::Failure;

/// One account with an engine of its own.
pub(crate) struct Party {
    pub(crate) side: Side,
    pub(crate) account: AccountId,
    pub(crate) engine: Engine,
    /// Of the store, for the checker.
    pub(crate) directory: PathBuf,
    /// Of the store, for the checker.
    pub(crate) key: StoreKey,
    pub(crate) tally: RefCell<Tally>,
    /// The first good way of each message to the swarm, for its line in the timeline.
    pub(crate) routes: RefCell<BTreeMap<MessageRow, String>>,
    /// How many messages were shown.
    pub(crate) received: watch::Sender<usize>,
    /// Own messages that reached the swarm.
    pub(crate) stored: watch::Sender<BTreeSet<MessageRow>>,
    /// Own messages that the other side acknowledged.
    pub(crate) delivered: watch::Sender<BTreeSet<MessageRow>>,
    /// Whether somebody asked for friendship.
    pub(crate) asked: watch::Sender<bool>,
    /// Whether the other side has become a friend.
    pub(crate) befriended: watch::Sender<bool>,
}

impl Party {
    /// Opens a new store with a new account in it, which has a name.
    pub(crate) async fn open(
        side: Side,
        directory: PathBuf,
        seed: Seed,
        seed_node: SeedNode,
    ) -> Result<Self, Failure> {
        let mut key = [0; 32];
        randomness()?.fill_bytes(&mut key);
        let key = StoreKey::from_bytes(key);
        let mut config = EngineConfig::new(directory.clone(), key.clone(), vec![seed_node]);
        // A demonstration does not wait three seconds between two polls.
        config.core = Config { poll_min_ms: 250, poll_max_ms: 1_000, ..config.core };
        let engine = Engine::open(config, Driver::system()?)?;
        let account = engine.create_account(seed).await?;
        engine.set_display_name(side.name().to_owned()).await?;
        Ok(Self {
            side,
            account,
            engine,
            directory,
            key,
            tally: RefCell::default(),
            routes: RefCell::default(),
            received: watch::Sender::new(0),
            stored: watch::Sender::default(),
            delivered: watch::Sender::default(),
            asked: watch::Sender::new(false),
            befriended: watch::Sender::new(false),
        })
    }
}

/// The seed of an account whose swarm is `wanted`, so that two friends have different ones.
pub(crate) fn seed_in_swarm(nodes: &[ServiceNode], wanted: u64) -> Result<Seed, Failure> {
    let mut random = randomness()?;
    let mut swarms: Vec<u64> = nodes.iter().map(|node| node.swarm_id).collect();
    swarms.sort_unstable();
    swarms.dedup();
    loop {
        let seed = Seed::generate(&mut random);
        let space = swarm::space(&AccountKeys::from_seed(&seed).account_id());
        if swarm::nearest(space, &swarms) == Some(wanted) {
            return Ok(seed);
        }
    }
}

fn randomness() -> Result<StdRng, Failure> {
    StdRng::try_from_rng(&mut SysRng)
        .map_err(|error| Failure::other("asking the system for randomness", error))
}
