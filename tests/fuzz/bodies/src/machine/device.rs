//! The device around the core: a store that survives, clocks, and everything that is under way.

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use starling_core::{
    Answer, Command, CommandError, CommandId, Config, Effect, EffectId, Input, Machine, Now, Outcome,
    Request, SeedNode,
};
use starling_protocol::AccountKeys;
use starling_protocol::pow::Puzzle;
use starling_protocol::rpc::AddressKind;
use starling_store::{ConversationId, MessageRow, Store, StoreError};

use super::promises;
use crate::cast;

/// Network time when the script begins.
const EPOCH_MS: u64 = 1_700_000_000_000;
/// The script ends within a thousand years.
const LATEST_MS: u64 = 1 << 45;
/// Ticks at one moment after which the core is said to spin.
const SPINNING: u32 = 50;
/// More requests than that are never under way.
const MOST_REQUESTS: usize = 200;

/// What a running process has under way; a kill forgets it.
#[derive(Default)]
pub(super) struct UnderWay {
    pub(super) requests: BTreeMap<EffectId, Request>,
    pub(super) proofs: BTreeMap<EffectId, Puzzle>,
    pub(super) jobs: BTreeMap<EffectId, (std::sync::Arc<AccountKeys>, Vec<String>)>,
    commands: BTreeMap<CommandId, Asked>,
    /// Until when everything that waits must have been answered, boot time.
    deadline: u64,
    foreground: bool,
}

/// What an answer says about the mode of the core.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Start,
    Stop,
    Else,
}

pub(super) struct Device {
    pub(super) store: Store,
    machine: Machine,
    config: Config,
    rng: ChaCha20Rng,
    elapsed: u64,
    booted: u64,
    wall_offset: i64,
    next_command: u64,
    pub(super) under_way: UnderWay,
    pub(super) queued: BTreeMap<MessageRow, ConversationId>,
    /// The last id of anything that was under way.
    pub(super) last_id: u64,
    checked: i64,
}

impl Device {
    pub(super) fn new() -> Self {
        let seeds = vec![SeedNode { url: "http://seed".into(), address_kind: AddressKind::Loopback }];
        let config = Config { seeds, ..Config::default() };
        let mut store = Store::in_memory().unwrap();
        let now = Now { boot_ms: 0, wall_ms: EPOCH_MS as i64 };
        let machine = Machine::open(&mut store, config.clone(), now).unwrap();
        Self {
            store,
            machine,
            config,
            rng: cast::dice(),
            elapsed: 0,
            booted: 0,
            wall_offset: 0,
            next_command: 0,
            under_way: UnderWay::default(),
            queued: BTreeMap::new(),
            last_id: 0,
            checked: 0,
        }
    }

    pub(super) fn network_ms(&self) -> u64 {
        EPOCH_MS + self.elapsed
    }

    pub(super) fn boot_ms(&self) -> u64 {
        self.elapsed - self.booted
    }

    fn now(&self) -> Now {
        let wall_ms = (self.network_ms() as i64).saturating_add(self.wall_offset);
        Now { boot_ms: self.boot_ms(), wall_ms }
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.elapsed = self.elapsed.saturating_add(ms).min(LATEST_MS);
    }

    pub(super) fn jump(&mut self, ms: i64) {
        self.wall_offset = ms;
    }

    /// The moment the core asked for, and as many ticks as it wants then.
    pub(super) fn timer(&mut self) {
        let mut ticks = 0;
        while let Some(at) = self.machine.next_timer() {
            if ticks > 0 && at > self.boot_ms() {
                return;
            }
            self.pass(at.saturating_sub(self.boot_ms()));
            self.apply(Input::Tick);
            ticks += 1;
            assert!(ticks < SPINNING || self.elapsed == LATEST_MS, "timer storm: {at} at {}", self.boot_ms());
            if self.elapsed == LATEST_MS {
                return;
            }
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        let asked = match &command {
            Command::Start | Command::Resume => Asked::Start,
            Command::Suspend { .. } | Command::Shutdown => Asked::Stop,
            _ => Asked::Else,
        };
        match &command {
            Command::Suspend { grace_ms } => self.expect_by(self.boot_ms().saturating_add(*grace_ms)),
            Command::Wake { deadline_boot_ms } => self.expect_by(*deadline_boot_ms),
            _ => {}
        }
        self.under_way.commands.insert(id, asked);
        self.apply(Input::Command { id, command });
    }

    fn expect_by(&mut self, deadline: u64) {
        self.under_way.deadline = self.under_way.deadline.max(deadline);
    }

    /// Ends a request.
    pub(super) fn reply(&mut self, id: EffectId, outcome: Outcome) {
        self.under_way.requests.remove(&id);
        self.apply(Input::Reply { id, outcome, bytes: 1_000 });
    }

    /// The process dies; with `restart` the device does too.
    pub(super) fn kill(&mut self, restart: bool) {
        self.under_way = UnderWay::default();
        if restart {
            self.booted = self.elapsed;
        }
        let now = self.now();
        self.machine = Machine::open(&mut self.store, self.config.clone(), now).unwrap();
    }

    /// Everything that waits for a deadline has been answered when it has come.
    pub(super) fn finish(&mut self) {
        self.pass(self.under_way.deadline.saturating_sub(self.boot_ms()));
        if self.elapsed < LATEST_MS {
            self.apply(Input::Tick);
            assert!(self.under_way.commands.is_empty(), "a command was never answered");
        }
    }

    /// One step while the store is closed: it fails, changes nothing, and answers whoever waits. With `reload`
    /// the core is told when the store is open again; without, it goes on with what it kept.
    pub(super) fn tick_closed(&mut self, reload: bool) {
        let (now, before) = (self.now(), self.store.commit_counter());
        self.store.suspend();
        let applied = self.machine.apply(&mut self.store, Input::Tick, now, &mut self.rng);
        assert_eq!(applied.failure, Some(StoreError::Suspended));
        for effect in applied.effects {
            let Effect::Answer { id, result } = effect else { panic!("acts after a failure: {effect:?}") };
            self.answered(id, &result);
        }
        assert!(matches!(self.store.resume(), Ok(false)));
        assert_eq!(self.store.commit_counter(), before);
        if reload {
            self.machine.reload(&mut self.store, now).unwrap();
        }
        // The rebuilt core knows nothing of what was under way.
        self.under_way.requests.clear();
        self.under_way.proofs.clear();
        self.under_way.jobs.clear();
    }

    pub(super) fn apply(&mut self, input: Input) {
        let now = self.now();
        let applied = self.machine.apply(&mut self.store, input, now, &mut self.rng);
        assert_eq!(applied.failure, None);
        for effect in applied.effects {
            self.perform(effect);
        }
        assert!(self.under_way.requests.len() <= MOST_REQUESTS);
        if self.store.commit_counter() != self.checked {
            self.checked = self.store.commit_counter();
            promises::check(&self.store, &self.queued);
        }
        self.check_not_stuck();
        self.machine.status();
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Request(request) => {
                self.last_id = self.last_id.max(request.id.0);
                assert!(self.under_way.requests.insert(request.id, request).is_none());
            }
            Effect::Prove { id, puzzle, message } => {
                let item = self.store.read(|view| view.outbox_item(message)).expect("the store can be read");
                assert!(item.is_some(), "proves what nobody sends");
                assert!(self.under_way.proofs.insert(id, puzzle).is_none());
            }
            Effect::CancelProof(id) => drop(self.under_way.proofs.remove(&id)),
            Effect::Unseal { id, keys, sealed } => {
                assert!(self.under_way.jobs.insert(id, (keys, sealed)).is_none());
            }
            Effect::Answer { id, result } => self.answered(id, &result),
            Effect::EventsReady => {}
        }
    }

    fn answered(&mut self, id: CommandId, result: &Result<Answer, CommandError>) {
        let asked = self.under_way.commands.remove(&id).expect("answered once");
        match (asked, result) {
            (Asked::Start, Ok(_)) => self.under_way.foreground = true,
            (Asked::Stop, _) => self.under_way.foreground = false,
            (_, Ok(Answer::Queued { message, conversation })) => {
                assert!(self.queued.insert(*message, *conversation).is_none());
            }
            _ => {}
        }
    }

    /// An engine at work either waits for something or knows when to look again.
    fn check_not_stuck(&self) {
        let UnderWay { requests, proofs, jobs, foreground, .. } = &self.under_way;
        let waits = !requests.is_empty() || !proofs.is_empty() || !jobs.is_empty();
        let works = *foreground && self.machine.account_id().is_some();
        assert!(!works || waits || self.machine.next_timer().is_some(), "stuck: nothing will ever happen");
    }
}
