//! A core on a store on disk, and what it has cost so far.

use std::collections::VecDeque;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use starling_core::unseal::unseal;
use starling_core::{Answer, Command, CommandId, Config, Effect, Input, Machine, Now, Outcome, SeedNode};
use starling_protocol::rpc::{AddressKind, Request as Call};
use starling_protocol::{AccountId, AccountKeys, Seed};
use starling_store::{Event, Options, Store, StoreKey};
use tempfile::TempDir;

use super::cpu;
use super::nodes::Nodes;

/// Virtual time for acknowledgements and second attempts.
pub(crate) const SETTLE_MS: u64 = 5_000;

pub(crate) struct Device {
    pub(crate) store: Store,
    pub(crate) account: AccountId,
    machine: Machine,
    directory: TempDir,
    rng: ChaCha20Rng,
    /// CPU time of all steps and openings.
    pub(crate) spent: Duration,
    /// Of its stores.
    pub(crate) traffic: Traffic,
}

/// Requests that store something, and the bytes of their bodies both ways.
#[derive(Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) stores: usize,
    pub(crate) bytes: usize,
}

impl Traffic {
    pub(crate) fn add(&mut self, other: Self) {
        self.stores += other.stores;
        self.bytes += other.bytes;
    }
}

impl Device {
    /// In the foreground, with a poll every `poll_ms` or when it is told to.
    pub(crate) fn new(number: u8, poll_ms: u64, nodes: &mut Nodes) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = StoreKey::from_bytes([7; 32]);
        let mut store = Store::open(Options { directory: directory.path().to_owned(), key }).unwrap();
        let seeds = vec![SeedNode { url: "https://seed.invalid".into(), address_kind: AddressKind::Public }];
        let config =
            Config { seeds, poll_min_ms: poll_ms, poll_max_ms: poll_ms.max(60_000), ..Config::default() };
        let machine = Machine::open(&mut store, config, now(nodes)).unwrap();
        let seed = Seed::from_bytes(&[number; 16]).unwrap();
        let account = AccountKeys::from_seed(&seed).account_id();
        let mut device = Self {
            store,
            account,
            machine,
            directory,
            rng: ChaCha20Rng::seed_from_u64(number.into()),
            spent: Duration::ZERO,
            traffic: Traffic::default(),
        };
        device.command(nodes, Command::CreateAccount(seed));
        device.command(nodes, Command::Start);
        device.pass(nodes, SETTLE_MS);
        device
    }

    /// Gives the host's command, which must succeed, and does all that follows at once.
    pub(crate) fn command(&mut self, nodes: &mut Nodes, command: Command) {
        self.input(nodes, Input::Command { id: CommandId(0), command });
    }

    /// Reads three replicas now, and does what follows within some seconds.
    pub(crate) fn poll(&mut self, nodes: &mut Nodes) {
        self.command(nodes, Command::Start);
        self.pass(nodes, SETTLE_MS);
    }

    /// Time passes for this device; its timers fire.
    pub(crate) fn pass(&mut self, nodes: &mut Nodes, ms: u64) {
        let until = nodes.boot_ms + ms;
        while let Some(at) = self.machine.next_timer().filter(|at| *at <= until) {
            nodes.boot_ms = nodes.boot_ms.max(at);
            self.input(nodes, Input::Tick);
        }
        nodes.boot_ms = nodes.boot_ms.max(until);
    }

    /// What `work` makes this device spend.
    pub(crate) fn spend(&mut self, work: impl FnOnce(&mut Self)) -> Duration {
        let before = self.spent;
        work(self);
        self.spent - before
    }

    /// The host takes and acknowledges all events; returns them.
    pub(crate) fn take_events(&mut self, nodes: &mut Nodes) -> Vec<Event> {
        let events = self.store.read(|view| view.events(10_000)).unwrap();
        if let Some((last, _)) = events.last() {
            self.command(nodes, Command::AckEvents(*last));
        }
        events.into_iter().map(|(_, event)| event).collect()
    }

    /// Bytes of all its files.
    pub(crate) fn disk_mb(&self) -> f64 {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>() as f64 / 1e6
    }

    fn input(&mut self, nodes: &mut Nodes, input: Input) {
        let mut effects = VecDeque::from(self.apply(nodes, input));
        while let Some(effect) = effects.pop_front() {
            let next = match effect {
                Effect::Request(request) => {
                    let outcome = nodes.answer(&request);
                    if let Call::Store(_) = &request.body {
                        let bytes = request.body.to_json().len() + length(&outcome);
                        self.traffic.add(Traffic { stores: 1, bytes });
                    }
                    Input::Reply { id: request.id, outcome, bytes: 1 }
                }
                Effect::Unseal { id, keys, sealed } => {
                    let begun = cpu();
                    let results = sealed.iter().map(|data| unseal(&keys, data)).collect();
                    self.spent += cpu() - begun;
                    Input::Unsealed { id, results }
                }
                Effect::Answer { result, .. } => {
                    let _answer: Answer = result.unwrap();
                    continue;
                }
                Effect::Prove { .. } | Effect::CancelProof(_) => panic!("nobody asked for work"),
                Effect::EventsReady => continue,
            };
            effects.extend(self.apply(nodes, next));
        }
    }

    fn apply(&mut self, nodes: &Nodes, input: Input) -> Vec<Effect> {
        let begun = cpu();
        let applied = self.machine.apply(&mut self.store, input, now(nodes), &mut self.rng);
        self.spent += cpu() - begun;
        assert!(applied.failure.is_none(), "{:?}", applied.failure);
        applied.effects
    }
}

fn now(nodes: &Nodes) -> Now {
    Now { boot_ms: nodes.boot_ms, wall_ms: nodes.unix_ms() as i64 }
}

fn length(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Reply { body, .. } => body.len(),
        _ => 0,
    }
}
