//! The world: devices and service nodes under one virtual clock and one seed.
//!
//! Everything that happens is an entry of one queue; nothing else moves time. A world is deterministic:
//! the same seed and the same calls give the same [`World::trace_digest`].

use std::collections::BTreeMap;
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use starling_core::{Command, CommandId, Config, Input, SeedNode};
use starling_protocol::rpc::AddressKind;
use starling_protocol::{AccountId, Seed};
use starling_simnet::{Policy, Ticket};
use starling_store::OpenError;

use crate::acquaintance::Acquaintance;
use crate::chance::{Role, between};
use crate::checker::{Accepted, Displayed, Violation};
use crate::clock::{DeviceClock, EPOCH_MS, MINUTE_MS, Queue};
use crate::device::Device;
use crate::faults::{Change, Faults};
use crate::host::{Act, Asked, Manners};
use crate::meddling::Meddlers;
use crate::network::{Network, Packet, Weather};
use crate::relations::Relations;
use crate::replication::{PeerAnswer, PeerPacket};
use crate::restore::Buried;
use crate::topology::Topology;
use crate::trace::{Printer, Trace};
use crate::witness::Witness;

/// Violations kept; a broken core makes millions.
const MAX_VIOLATIONS: usize = 200;

/// Which device has which account.
pub(crate) type Peers = BTreeMap<AccountId, usize>;

/// Devices, servers, and everything between them.
pub struct World {
    pub(crate) now: u64,
    pub(crate) queue: Queue<Happening>,
    pub(crate) devices: Vec<Device>,
    pub(crate) network: Network,
    pub(crate) faults: Faults,
    pub(crate) difficulty: Option<u64>,
    pub(crate) witness: Witness,
    pub(crate) trace: Trace,
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) relations: Relations,
    pub(crate) buried: Buried,
    pub(crate) topology_rng: ChaCha20Rng,
    pub(crate) meddlers: Meddlers,
    peers: Arc<Peers>,
    violations: Vec<Violation>,
}

/// What a world is made of; see [`World::setup`].
pub struct Setup {
    seed: u64,
    nodes: usize,
    swarm_size: usize,
    devices: usize,
    difficulty: Option<u64>,
    onion_bytes: bool,
    clocks: bool,
    acquaintance: Acquaintance,
    config: Config,
    printer: Option<Printer>,
    recorded: bool,
}

/// One entry of the queue.
pub(crate) enum Happening {
    Input { device: usize, incarnation: u32, input: Box<Input> },
    Tick { device: usize, incarnation: u32, timer: u64 },
    Travel(Box<Packet>),
    Peer(Box<PeerPacket>),
    PeerAnswer(Box<PeerAnswer>),
    GatherTimeout { number: usize, ticket: Ticket },
    Fetch { device: usize, incarnation: u32 },
    Acknowledge { device: usize, incarnation: u32, through: i64 },
    Overdue { device: usize, incarnation: u32, command: CommandId },
    Relaunch { device: usize },
    Resume { device: usize },
    Act { device: usize, act: Act },
    Change { change: Change, safely: bool },
}

impl Setup {
    /// How many service nodes there are (15).
    pub fn nodes(self, nodes: usize) -> Self {
        Self { nodes, ..self }
    }

    /// About how many members a swarm has (5).
    pub fn swarm_size(self, swarm_size: usize) -> Self {
        Self { swarm_size, ..self }
    }

    /// How many devices there are (2).
    pub fn devices(self, devices: usize) -> Self {
        Self { devices, ..self }
    }

    /// Proof of work that all nodes ask for (none).
    pub fn difficulty(self, difficulty: u64) -> Self {
        Self { difficulty: Some(difficulty), ..self }
    }

    /// Sends every onion request as real onion bytes.
    pub fn onion_bytes(self) -> Self {
        Self { onion_bytes: true, ..self }
    }

    /// Gives the devices wrong and drifting clocks.
    pub fn wrong_clocks(self) -> Self {
        Self { clocks: true, ..self }
    }

    /// What is between the devices in the beginning (old friends without a ratchet).
    pub fn acquaintance(self, acquaintance: Acquaintance) -> Self {
        Self { acquaintance, ..self }
    }

    /// The engines' configuration; seeds are set by the world.
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// Prints the decision trace.
    pub fn printer(self, printer: Printer) -> Self {
        Self { printer: Some(printer), ..self }
    }

    /// Keeps every request of every device for [`World::departures`].
    pub fn recorded(self) -> Self {
        Self { recorded: true, ..self }
    }

    /// Builds the world; every device has created its account and does nothing yet.
    ///
    /// # Errors
    /// A database in memory that cannot be opened.
    pub fn build(self) -> Result<World, OpenError> {
        let mut rng = Role::Topology.rng(self.seed);
        let policy = Policy { difficulty: self.difficulty, verify_proofs: false, ..Policy::default() };
        let topology = Topology::new(&mut rng, self.nodes, self.swarm_size, policy);
        let network = Network::new(topology, Role::Network.rng(self.seed), self.onion_bytes);
        let seeds = (0..2).map(|number| SeedNode {
            url: format!("http://seed-{number}"),
            address_kind: AddressKind::Public,
        });
        let config = Config { seeds: seeds.collect(), ..self.config };
        let mut devices = Vec::new();
        for index in 0..self.devices {
            let clock = if self.clocks { any_clock(self.seed, index) } else { DeviceClock::new(0, 0, 0) };
            devices.push(Device::new(self.seed, index, clock, config.clone())?);
        }
        let peers = devices.iter().enumerate().map(|(index, device)| (device.account, index)).collect();
        let mut world = World {
            now: 0,
            queue: Queue::new(),
            devices,
            network,
            faults: Faults::default(),
            difficulty: self.difficulty,
            witness: Witness::default(),
            trace: Trace::new(self.printer),
            accepted: Vec::new(),
            relations: Relations::default(),
            buried: Buried::default(),
            topology_rng: rng,
            meddlers: Meddlers::new(self.recorded),
            peers: Arc::new(peers),
            violations: Vec::new(),
        };
        (0..self.nodes).for_each(|number| world.name_server(number));
        (0..self.devices).for_each(|index| world.create_account(index));
        if self.acquaintance == Acquaintance::Basic
            && let Err(error) = world.befriend_all()
        {
            world.violation(format!("a database cannot be prepared: {error}"));
        }
        Ok(world)
    }
}

/// Clocks as phones have them: up to a day off, up to 50 ppm drift; one in ten is years off.
fn any_clock(seed: u64, index: usize) -> DeviceClock {
    let mut rng = Role::Host(1_000_000 + index).rng(seed);
    let reach: u64 = if between(&mut rng, 0, 9) == 0 { 5 * 365 * 86_400_000 } else { 86_400_000 };
    let offset = between(&mut rng, 0, 2 * reach) as i64 - reach as i64;
    let drift = between(&mut rng, 0, 100) as i64 - 50;
    DeviceClock::new(between(&mut rng, 0, 1 << 32), offset, drift)
}

impl World {
    /// Starts to describe a world.
    pub fn setup(seed: u64) -> Setup {
        Setup {
            seed,
            nodes: 15,
            swarm_size: 5,
            devices: 2,
            difficulty: None,
            onion_bytes: false,
            clocks: false,
            acquaintance: Acquaintance::default(),
            config: Config::default(),
            printer: None,
            recorded: false,
        }
    }

    /// Virtual milliseconds since the beginning.
    pub fn now_ms(&self) -> u64 {
        self.now
    }

    /// What an honest node's clock shows.
    pub(crate) fn node_time(&self) -> u64 {
        EPOCH_MS.unsigned_abs() + self.now
    }

    pub(crate) fn peers(&self) -> Arc<Peers> {
        self.peers.clone()
    }

    /// Number of service nodes that ever were; they are numbered from 0.
    pub fn node_count(&self) -> usize {
        self.network.topology.servers.len()
    }

    /// The swarm of a device's account, as server numbers.
    pub fn swarm_of(&self, index: usize) -> Vec<usize> {
        self.devices.get(index).map_or_else(Vec::new, |d| self.network.topology.swarm_of(&d.account))
    }

    /// Plans something a device does.
    pub fn plan(&mut self, at: u64, device: usize, act: Act) {
        self.queue.put(at.max(self.now), Happening::Act { device, act });
    }

    /// Plans a change of the world; see [`World::change_safely`].
    pub fn plan_change(&mut self, at: u64, change: Change) {
        self.queue.put(at.max(self.now), Happening::Change { change, safely: true });
    }

    /// How fast a device's host fetches and acknowledges events.
    pub fn manners(&mut self, index: usize, manners: Manners) {
        if let Some(device) = self.devices.get_mut(index) {
            device.host.manners = manners;
        }
    }

    /// Lets the given time pass.
    pub fn run_for(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.queue.next_at().is_some_and(|at| at <= end) {
            let Some((at, happening)) = self.queue.take() else { break };
            self.now = self.now.max(at);
            self.happen(happening);
        }
        self.now = end;
    }

    /// Runs until every accepted message was shown and no outbox holds anything, at most `ms`; then ten
    /// minutes more, in which a duplicate would come up. Returns whether it became quiet.
    pub fn run_until_quiet(&mut self, ms: u64) -> bool {
        let end = self.now + ms;
        while self.now < end {
            if self.is_quiet() {
                self.run_for(10 * MINUTE_MS);
                return true;
            }
            self.run_for(30_000.min(end - self.now));
        }
        self.is_quiet()
    }

    fn is_quiet(&mut self) -> bool {
        let waiting = |device: &mut Device| device.store.read(|view| view.outbox_len()).unwrap_or(1);
        self.devices.iter_mut().all(|device| waiting(device) == 0) && self.history().missing().is_empty()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Input { device, incarnation, input } => self.deliver(device, incarnation, *input),
            Happening::Tick { device, incarnation, timer } => self.tick(device, incarnation, timer),
            Happening::Travel(packet) => self.arrive(*packet),
            Happening::Peer(packet) => self.peer_message(*packet),
            Happening::PeerAnswer(answer) => self.peer_answer(*answer),
            Happening::GatherTimeout { number, ticket } => self.gather_timeout(number, ticket),
            Happening::Fetch { device, incarnation } => self.fetch(device, incarnation),
            Happening::Acknowledge { device, incarnation, through } => {
                self.acknowledge(device, incarnation, through);
            }
            Happening::Overdue { device, incarnation, command } => self.overdue(device, incarnation, command),
            Happening::Relaunch { device } => self.relaunch(device),
            Happening::Resume { device } => self.resume(device),
            Happening::Act { device, act } => self.act(device, act),
            Happening::Change { change, safely: true } => self.change_safely(change),
            Happening::Change { change, safely: false } => self.change(change),
        }
    }

    pub(crate) fn create_account(&mut self, index: usize) {
        self.launch(index);
        let seed = self.devices.get(index).map(|device| Seed::from_bytes(device.seed.as_bytes()));
        if let Some(Ok(seed)) = seed {
            self.command(index, Asked::Account, Command::CreateAccount(seed));
        }
    }

    pub(crate) fn violation(&mut self, what: String) {
        self.trace.remark(self.now, format_args!("VIOLATION {what}"));
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(Violation { at: self.now, what });
        }
    }

    /// Broken promises seen so far; those of [`crate::History::judge`] are not among them.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What a device's host was shown.
    pub fn events(&self, index: usize) -> &[Displayed] {
        self.devices.get(index).map_or(&[], |device| device.host.displayed.as_slice())
    }

    /// Inputs a device's core has taken.
    pub fn steps(&self, index: usize) -> u64 {
        self.devices.get(index).map_or(0, |device| device.steps)
    }

    /// Requests a device has made.
    pub fn requests(&self, index: usize) -> u64 {
        self.devices.get(index).map_or(0, |device| device.requests)
    }

    /// How often a device's process was killed.
    pub fn kills(&self, index: usize) -> u64 {
        self.devices.get(index).map_or(0, |device| device.kills)
    }

    /// How often a device's store was destroyed.
    pub fn restores(&self, index: usize) -> u32 {
        self.devices.get(index).map_or(0, |device| device.restores)
    }

    /// SHA-256 over everything the cores were told and decided, hex.
    pub fn trace_digest(&self) -> String {
        self.trace.digest()
    }

    /// Weather from now on.
    pub fn weather(&mut self, weather: Weather) {
        self.change(Change::Weather(weather));
    }
}
