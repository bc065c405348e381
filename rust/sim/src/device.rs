//! A phone: clocks, a database that survives, and a process that does not.
//!
//! The process is one [`Machine`]. Its effects are performed by [`crate::World`]; killing it means to
//! drop the machine and everything it had in flight. The database stays, as a database on disk would.

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use starling_core::unseal::unseal;
use starling_core::{Command, CommandError, CommandId, Config, Effect, EffectId, Input, Machine, Purpose};
use starling_protocol::pow::{Nonce, Puzzle};
use starling_protocol::{AccountId, AccountKeys, Seed};
use starling_store::{Store, StoreError};

use crate::chance::Role;
use crate::clock::DeviceClock;
use crate::host::{Asked, Host};
use crate::trace;
use crate::world::{Happening, World};

/// Tries a phone makes in a virtual millisecond; only the proportion to other durations matters.
const TRIES_PER_MS: u64 = 200;
/// Virtual time to open one sealed message.
const UNSEAL_MS: u64 = 1;
/// Ticks at one and the same time after which a core is said to spin.
const SPINNING: u32 = 50;

/// One device.
pub(crate) struct Device {
    pub(crate) seed: Seed,
    pub(crate) account: AccountId,
    pub(crate) clock: DeviceClock,
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) process: Option<Process>,
    /// Counts processes: what was started by one never reaches the next.
    pub(crate) incarnation: u32,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) host: Host,
    /// Inputs taken by all processes together.
    pub(crate) steps: u64,
    pub(crate) requests: u64,
    pub(crate) kills: u64,
    /// How often the store was destroyed; also the number of the present store.
    pub(crate) restores: u32,
    /// The process dies right after the commit of this step, with this many effects released.
    pub(crate) dies_at: Option<Death>,
}

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// Number of the device's step, counted from 0 over all its processes.
    pub step: u64,
    /// How many of the step's effects still get out.
    pub released: usize,
}

/// What lives in memory.
pub(crate) struct Process {
    pub(crate) machine: Machine,
    pub(crate) in_flight: BTreeMap<EffectId, Purpose>,
    pub(crate) proofs: BTreeMap<EffectId, u64>,
    pub(crate) commands: BTreeMap<CommandId, Asked>,
    next_command: u64,
    armed: Option<u64>,
    timer: u64,
    ticks_in_place: (u64, u32),
}

impl Device {
    pub(crate) fn new(
        world_seed: u64,
        index: usize,
        clock: DeviceClock,
        config: Config,
    ) -> Result<Self, starling_store::OpenError> {
        let mut rng = Role::Device(index).rng(world_seed);
        let seed = Seed::generate(&mut rng);
        let account = AccountKeys::from_seed(&seed).account_id();
        Ok(Self {
            account,
            seed,
            clock,
            store: Store::in_memory()?,
            config,
            process: None,
            incarnation: 0,
            rng,
            host: Host::new(Role::Host(index).rng(world_seed)),
            steps: 0,
            requests: 0,
            kills: 0,
            restores: 0,
            dies_at: None,
        })
    }

    /// Reads the database as it is between two steps.
    pub(crate) fn read<T>(
        &mut self,
        read: impl FnOnce(&mut starling_store::Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.store.transact(read)
    }
}

impl World {
    /// Starts the device's process if there is none.
    pub(crate) fn launch(&mut self, index: usize) {
        let at = self.now;
        let Some(device) = self.devices.get_mut(index) else { return };
        if device.process.is_some() {
            return;
        }
        let now = device.clock.now(at);
        match Machine::open(&mut device.store, device.config.clone(), now) {
            Ok(machine) => {
                device.incarnation += 1;
                device.process = Some(Process {
                    machine,
                    in_flight: BTreeMap::new(),
                    proofs: BTreeMap::new(),
                    commands: BTreeMap::new(),
                    next_command: 0,
                    armed: None,
                    timer: 0,
                    ticks_in_place: (0, 0),
                });
                self.trace.note(at, &format!("device {index} is launched"));
                self.rearm(index);
                self.expect_reading(index);
            }
            Err(error) => self.violation(format!("device {index} cannot open its store: {error}")),
        }
    }

    /// The process is gone, and everything it had in flight with it.
    pub(crate) fn kill(&mut self, index: usize) {
        let Some(device) = self.devices.get_mut(index) else { return };
        if device.process.take().is_some() {
            device.kills += 1;
            device.host.forget_process();
            self.trace.note(self.now, &format!("device {index} is killed"));
        }
    }

    /// Gives the running process a command; `None` if there is no process.
    pub(crate) fn command(&mut self, index: usize, asked: Asked, command: Command) -> Option<CommandId> {
        let process = self.devices.get_mut(index)?.process.as_mut()?;
        let id = CommandId(process.next_command);
        process.next_command += 1;
        process.commands.insert(id, asked);
        self.step(index, Input::Command { id, command });
        Some(id)
    }

    /// One input, one transaction, its effects; or the death planned for this step.
    pub(crate) fn step(&mut self, index: usize, input: Input) {
        let at = self.now;
        let Some(device) = self.devices.get_mut(index) else { return };
        let Some(process) = device.process.as_mut() else { return };
        let now = device.clock.now(at);
        let summary = trace::summary(&input);
        let watched = watched_message(&input, process);
        let asked = asked_for(&input, process);
        let opened = matches!(input, Input::Unsealed { .. });
        let applied = process.machine.apply(&mut device.store, input, now, &mut device.rng);
        let step = device.steps;
        device.steps += 1;
        let death = device.dies_at.filter(|death| death.step == step);
        self.trace.step(at, index, &summary, &applied.effects);
        if let Some(failure) = applied.failure {
            self.violation(format!("device {index}: a step failed in the store: {failure}"));
        }
        self.witness_step(index, asked, &applied.effects, opened);
        let released = death.map_or(usize::MAX, |death| death.released);
        for effect in applied.effects.into_iter().take(released) {
            self.perform(index, effect);
        }
        if death.is_some() {
            self.kill(index);
            self.relaunch_later(index);
        } else {
            self.rearm(index);
        }
        if let Some(message) = watched {
            self.witness_receipts(index, message);
        }
    }

    /// A timer that was set by this process and is still the current one.
    pub(crate) fn tick(&mut self, index: usize, incarnation: u32, timer: u64) {
        let at = self.now;
        let Some(process) = self.process_of(index, incarnation) else { return };
        if process.timer != timer {
            return;
        }
        process.armed = None;
        let (last, ticks) = process.ticks_in_place;
        process.ticks_in_place = if last == at { (at, ticks + 1) } else { (at, 0) };
        self.step(index, Input::Tick);
    }

    /// Something that happened to a request, proof or job of this process.
    pub(crate) fn deliver(&mut self, index: usize, incarnation: u32, input: Input) {
        let Some(process) = self.process_of(index, incarnation) else { return };
        let expected = match &input {
            Input::Reply { id, .. } => process.in_flight.contains_key(id),
            Input::Proved { id, .. } => process.proofs.remove(id).is_some(),
            _ => true,
        };
        if expected {
            self.step(index, input);
        }
    }

    pub(crate) fn process_of(&mut self, index: usize, incarnation: u32) -> Option<&mut Process> {
        let device = self.devices.get_mut(index)?;
        if device.incarnation == incarnation { device.process.as_mut() } else { None }
    }

    fn perform(&mut self, index: usize, effect: Effect) {
        let Some(device) = self.devices.get_mut(index) else { return };
        let incarnation = device.incarnation;
        let Some(process) = device.process.as_mut() else { return };
        match effect {
            Effect::Request(request) => {
                device.requests += 1;
                process.in_flight.insert(request.id, request.purpose.clone());
                self.witness_request(index, &request);
                self.meddlers.record(self.now, index, &request);
                self.send_out(index, incarnation, request);
            }
            Effect::Prove { id, puzzle, .. } => {
                process.proofs.insert(id, puzzle.difficulty());
                self.prove(index, incarnation, id, &puzzle);
            }
            Effect::CancelProof(id) => {
                if process.proofs.contains_key(&id) {
                    self.put_input(0, index, incarnation, Input::Proved { id, nonce: None });
                }
            }
            Effect::Unseal { id, keys, sealed } => {
                let results = sealed.iter().map(|data| unseal(&keys, data)).collect();
                let after = UNSEAL_MS * sealed.len() as u64;
                self.put_input(after, index, incarnation, Input::Unsealed { id, results });
            }
            Effect::Answer { id, result } => self.answer(index, id, result),
            Effect::EventsReady => self.expect_reading(index),
        }
    }

    /// The oracle: time passes as if the work were done, and the nonce says what it was worked to.
    fn prove(&mut self, index: usize, incarnation: u32, id: EffectId, puzzle: &Puzzle) {
        let after = (puzzle.expected_tries() / TRIES_PER_MS).max(1);
        let nonce = Some(Nonce(puzzle.difficulty()));
        self.put_input(after, index, incarnation, Input::Proved { id, nonce });
    }

    fn answer(&mut self, index: usize, id: CommandId, result: Result<starling_core::Answer, CommandError>) {
        let process = self.devices.get_mut(index).and_then(|device| device.process.as_mut());
        match process.and_then(|process| process.commands.remove(&id)) {
            Some(asked) => self.answered(index, asked, result),
            None => self.violation(format!("device {index}: command {} is answered again", id.0)),
        }
    }

    pub(crate) fn put_input(&mut self, after: u64, device: usize, incarnation: u32, input: Input) {
        self.queue.put(self.now + after, Happening::Input { device, incarnation, input: Box::new(input) });
    }

    /// One timer for the whole machine, set anew whenever the machine wants another time.
    fn rearm(&mut self, index: usize) {
        let at = self.now;
        let Some(device) = self.devices.get_mut(index) else { return };
        let incarnation = device.incarnation;
        let Some(process) = device.process.as_mut() else { return };
        let wanted = process.machine.next_timer();
        if wanted == process.armed {
            return;
        }
        process.timer += 1;
        process.armed = wanted;
        let Some(wanted) = wanted else { return };
        let timer = process.timer;
        let mut due = device.clock.when(wanted, at);
        if process.ticks_in_place == (at, SPINNING) {
            due = at + 1_000;
            let what =
                format!("device {index}: timer storm, {SPINNING} ticks and boot {wanted} wanted again");
            self.violation(what);
        }
        self.queue.put(due, Happening::Tick { device: index, incarnation, timer });
    }
}

/// What a command was given for.
fn asked_for(input: &Input, process: &Process) -> Option<(CommandId, Asked)> {
    let Input::Command { id, .. } = input else { return None };
    process.commands.get(id).map(|asked| (*id, asked.clone()))
}

/// The message whose state an input may change to "stored": checked right after the step.
fn watched_message(input: &Input, process: &mut Process) -> Option<starling_store::MessageRow> {
    let Input::Reply { id, .. } = input else { return None };
    match process.in_flight.remove(id) {
        Some(Purpose::Store(message)) => Some(message),
        _ => None,
    }
}
