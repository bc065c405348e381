//! A data directory, a clock that moves when told, and a network that behaves as told.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use starling_engine::{
    Answered, BoxFuture, Clock, Driver, Engine, EngineConfig, EngineError, Network, Now, Outcome, Request,
    SeedNode,
};
use starling_protocol::rpc::AddressKind;
use starling_protocol::{AccountId, AccountKeys, Seed};
use starling_store::StoreKey;
use tempfile::TempDir;
use tokio::sync::watch;

/// How the network treats every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Nothing can be reached.
    Unreachable,
    /// Nothing ever answers.
    Silent,
    /// The code itself is defective.
    Panics,
}

pub struct FakeNetwork {
    pub behaviour: Mutex<Behaviour>,
    pub changes: AtomicUsize,
}

impl Network for FakeNetwork {
    fn request(&self, _: Request) -> BoxFuture<Answered> {
        match *self.behaviour.lock().unwrap() {
            Behaviour::Unreachable => {
                Box::pin(async { Answered { outcome: Outcome::Unreachable, bytes: 0 } })
            }
            Behaviour::Silent => Box::pin(std::future::pending()),
            Behaviour::Panics => Box::pin(async { panic!("a defect, for the test") }),
        }
    }

    fn network_changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

pub struct ManualClock {
    boot_ms: watch::Sender<u64>,
    pub broken: AtomicBool,
}

impl ManualClock {
    pub fn advance(&self, ms: u64) {
        self.boot_ms.send_modify(|boot_ms| *boot_ms += ms);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        assert!(!self.broken.load(Ordering::SeqCst), "a defect, for the test");
        let boot_ms = *self.boot_ms.borrow();
        Now { boot_ms, wall_ms: 1_750_000_000_000 + boot_ms as i64 }
    }

    fn sleep_until(&self, until_ms: u64) -> BoxFuture<()> {
        let mut boot_ms = self.boot_ms.subscribe();
        Box::pin(async move {
            // The clock outlives every sleeper.
            let _ = boot_ms.wait_for(|boot_ms| *boot_ms >= until_ms).await;
        })
    }
}

pub struct World {
    pub directory: TempDir,
    pub network: Arc<FakeNetwork>,
    pub clock: Arc<ManualClock>,
}

impl World {
    pub fn new(behaviour: Behaviour) -> Self {
        let network = FakeNetwork { behaviour: Mutex::new(behaviour), changes: AtomicUsize::new(0) };
        let clock = ManualClock { boot_ms: watch::Sender::new(1_000_000), broken: AtomicBool::new(false) };
        let directory = tempfile::tempdir().unwrap();
        Self { directory, network: Arc::new(network), clock: Arc::new(clock) }
    }

    pub fn open(&self) -> Result<Engine, EngineError> {
        self.open_at(self.directory.path(), 1)
    }

    pub fn open_at(&self, directory: &Path, key: u8) -> Result<Engine, EngineError> {
        let seed = SeedNode { url: "https://seed.invalid".into(), address_kind: AddressKind::Public };
        let key = StoreKey::from_bytes([key; 32]);
        let config = EngineConfig::new(directory.to_path_buf(), key, vec![seed]);
        let (network, clock) = (Arc::clone(&self.network), Arc::clone(&self.clock));
        Engine::open(config, Driver { network, clock })
    }

    /// An engine with an account.
    pub async fn engine(&self) -> Engine {
        let engine = self.open().unwrap();
        engine.create_account(seed(1)).await.unwrap();
        engine
    }
}

pub fn seed(number: u8) -> Seed {
    Seed::from_bytes(&[number; 16]).unwrap()
}

pub fn account(number: u8) -> AccountId {
    AccountKeys::from_seed(&seed(number)).account_id()
}
