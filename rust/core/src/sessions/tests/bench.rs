//! Two real cores and a network that loses only what a test wants lost.
//!
//! Every request is answered at once by nine obedient nodes; what the cores store for each other lies on
//! the wire until the test delivers it, drops it, or delivers it as often and in whatever order it likes.

use std::collections::{BTreeSet, VecDeque};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use starling_protocol::rpc::{AddressKind, decode_data};
use starling_protocol::{AccountKeys, Seed, message_hash};
use starling_store::Store;

use crate::config::{Config, SeedNode};
use crate::effect::{Answer, Effect};
use crate::error::CommandError;
use crate::friends;
use crate::input::{Command, CommandId, Input, Now};
use crate::machine::Machine;
use crate::unseal::unseal;

pub(super) const SECOND: u64 = 1_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// Network time and both devices' clocks at boot time 0.
const EPOCH_MS: i64 = 1_790_000_000_000;
const NODES: u8 = 9;

/// What one core stored for the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) from: usize,
    pub(super) hash: String,
    pub(super) data: String,
    pub(super) ttl_ms: u64,
}

/// One account: its core, its store, its mailbox.
pub(super) struct End {
    pub(super) store: Store,
    pub(super) machine: Machine,
    pub(super) keys: AccountKeys,
    pub(super) answers: Vec<Result<Answer, CommandError>>,
    rng: ChaCha20Rng,
    config: Config,
    pub(super) mailbox: Vec<(String, String)>,
    effects: VecDeque<Effect>,
}

pub(super) struct Bench {
    pub(super) ends: Vec<End>,
    pub(super) boot_ms: u64,
    /// Every store request, each attempt of it.
    pub(super) stores: Vec<Mail>,
    /// Stored and not delivered yet; attempts with the same bytes lie here once.
    pub(super) wire: Vec<Mail>,
    pub(super) sent: BTreeSet<String>,
    pub(super) nodes: Vec<AccountKeys>,
    pub(super) swarm_size: u8,
    /// The nodes answer nothing to a store.
    pub(super) mute_stores: bool,
}

pub(super) fn seed(number: u8) -> Seed {
    Seed::generate(&mut ChaCha20Rng::seed_from_u64(number.into()))
}

impl Bench {
    /// Two strangers.
    pub(super) fn strangers() -> Self {
        Self::with_swarm(NODES)
    }

    /// Two strangers in a network whose only swarm has that many of the nodes.
    pub(super) fn with_swarm(swarm_size: u8) -> Self {
        let mut bench = Self {
            ends: Vec::new(),
            boot_ms: 1_000,
            stores: Vec::new(),
            wire: Vec::new(),
            sent: BTreeSet::new(),
            nodes: (1..=NODES).map(|number| AccountKeys::from_seed(&seed(number))).collect(),
            swarm_size,
            mute_stores: false,
        };
        bench.add(100);
        bench.add(101);
        bench
    }

    /// Two friends, both with a session that works in both directions; nothing is under way.
    pub(super) fn friends() -> Self {
        Self::strangers().befriended()
    }

    pub(super) fn befriended(mut self) -> Self {
        self.request(0, 1, "hello");
        self.settle();
        self.decide(1, 0, friends::Command::Accept);
        self.settle();
        assert!(self.ends.iter().all(|end| end.contact().relation == starling_store::Relation::Friend));
        self
    }

    /// One more account.
    pub(super) fn add(&mut self, number: u8) -> usize {
        let seeds = vec![SeedNode { url: "http://127.0.0.1:1".into(), address_kind: AddressKind::Loopback }];
        let config = Config { seeds, poll_min_ms: 60_000, poll_max_ms: 60_000, ..Config::default() };
        let mut store = Store::in_memory().unwrap();
        let machine = Machine::open(&mut store, config.clone(), self.now()).unwrap();
        self.ends.push(End {
            store,
            machine,
            keys: AccountKeys::from_seed(&seed(number)),
            answers: Vec::new(),
            rng: ChaCha20Rng::seed_from_u64(u64::from(number) << 8),
            config,
            mailbox: Vec::new(),
            effects: VecDeque::new(),
        });
        let end = self.ends.len() - 1;
        self.command(end, Command::CreateAccount(seed(number)));
        self.command(end, Command::Start);
        self.pass(5 * SECOND);
        end
    }

    fn now(&self) -> Now {
        Now { boot_ms: self.boot_ms, wall_ms: EPOCH_MS + self.boot_ms as i64 }
    }

    pub(super) fn network_ms(&self) -> u64 {
        EPOCH_MS as u64 + self.boot_ms
    }

    pub(super) fn network_s(&self) -> u64 {
        self.network_ms() / 1_000
    }

    /// The process of one end dies and starts again.
    pub(super) fn restart(&mut self, end: usize) {
        let now = self.now();
        let End { store, config, machine, effects, .. } = &mut self.ends[end];
        effects.clear();
        *machine = Machine::open(store, config.clone(), now).unwrap();
        self.command(end, Command::Start);
    }

    /// One end loses all it has but its recovery phrase, which is returned.
    pub(super) fn lose_store(&mut self, end: usize) -> Seed {
        let now = self.now();
        let End { store, config, machine, effects, mailbox, .. } = &mut self.ends[end];
        effects.clear();
        mailbox.clear();
        *store = Store::in_memory().unwrap();
        *machine = Machine::open(store, config.clone(), now).unwrap();
        seed(100 + end as u8)
    }

    pub(super) fn command(&mut self, end: usize, command: Command) {
        self.input(end, Input::Command { id: CommandId(0), command });
    }

    pub(super) fn send(&mut self, from: usize, body: &str) {
        let to = self.ends[1 - from].keys.account_id();
        self.command(from, Command::Send { to, body: body.into() });
        assert!(matches!(self.ends[from].answers.last(), Some(Ok(Answer::Queued { .. }))));
    }

    pub(super) fn request(&mut self, from: usize, to: usize, introduction: &str) {
        let to = self.ends[to].keys.account_id();
        self.command(from, Command::Request { to, introduction: introduction.into(), invite: None });
        self.done(from);
    }

    pub(super) fn decide(&mut self, end: usize, about: usize, decision: friends::Command) {
        let peer = self.ends[about].keys.account_id();
        self.command(end, Command::Decide { peer, decision });
        self.done(end);
    }

    fn done(&self, end: usize) {
        assert!(matches!(self.ends[end].answers.last(), Some(Ok(_))), "{:?}", self.ends[end].answers.last());
    }

    /// Everything stored since the last look, in order of the first attempt.
    pub(super) fn take_wire(&mut self) -> Vec<Mail> {
        std::mem::take(&mut self.wire)
    }

    /// What one end stored since the last look; the other's stays on the wire.
    pub(super) fn take_from(&mut self, from: usize) -> Vec<Mail> {
        self.wire.extract_if(.., |mail| mail.from == from).collect()
    }

    /// Every node has these messages from now on; the recipient reads them when it polls.
    pub(super) fn put(&mut self, to: usize, mails: &[Mail]) {
        for mail in mails {
            self.deposit(to, &mail.data);
        }
    }

    /// Anybody may store anything.
    pub(super) fn deposit(&mut self, to: usize, data: &str) {
        let end = &mut self.ends[to];
        let bytes = decode_data(data).unwrap();
        let hash = message_hash(&end.keys.account_id(), 0, &bytes);
        end.mailbox.push((hash, data.to_owned()));
    }

    /// Puts messages and lets the recipient read them.
    pub(super) fn deliver(&mut self, to: usize, mails: &[Mail]) {
        self.put(to, mails);
        self.poll(to);
    }

    pub(super) fn deliver_data(&mut self, to: usize, data: &str) {
        self.deposit(to, data);
        self.poll(to);
    }

    /// One poll of three replicas.
    pub(super) fn poll(&mut self, end: usize) {
        self.ends[end].machine.poller.hasten();
        self.input(end, Input::Tick);
    }

    /// Delivers whatever is on the wire, once; says whether there was anything.
    pub(super) fn flow(&mut self) -> bool {
        let mails = self.take_wire();
        for end in 0..self.ends.len() {
            let theirs: Vec<Mail> = mails.iter().filter(|mail| self.is_for(mail, end)).cloned().collect();
            if !theirs.is_empty() {
                self.deliver(end, &theirs);
            }
        }
        !mails.is_empty()
    }

    fn is_for(&self, mail: &Mail, end: usize) -> bool {
        let bytes = decode_data(&mail.data).unwrap();
        message_hash(&self.ends[end].keys.account_id(), 0, &bytes) == mail.hash
    }

    /// Delivers everything until nobody has anything to say any more.
    pub(super) fn settle(&mut self) {
        for _ in 0..50 {
            let flowed = self.flow();
            self.pass(3 * SECOND);
            if !flowed && self.wire.is_empty() {
                return;
            }
        }
        panic!("the two never stop talking");
    }

    /// Time passes; timers fire.
    pub(super) fn pass(&mut self, ms: u64) {
        let until = self.boot_ms + ms;
        for _ in 0..1_000_000 {
            let due = |(end, it): (usize, &End)| Some((it.machine.next_timer()?.max(self.boot_ms), end));
            match self.ends.iter().enumerate().filter_map(due).min() {
                Some((at, end)) if at <= until => {
                    self.boot_ms = at;
                    self.input(end, Input::Tick);
                }
                _ => {
                    self.boot_ms = until;
                    return;
                }
            }
        }
        panic!("a timer storm");
    }

    /// Both devices sleep: no timer fires before the end, then what is due is done.
    pub(super) fn sleep(&mut self, ms: u64) {
        self.boot_ms += ms;
        self.pass(5 * SECOND);
    }

    fn input(&mut self, end: usize, input: Input) {
        self.apply(end, input);
        while let Some(effect) = self.ends[end].effects.pop_front() {
            match effect {
                Effect::Request(request) => {
                    let outcome = self.answer(end, &request);
                    self.apply(end, Input::Reply { id: request.id, outcome, bytes: 1 });
                }
                Effect::Unseal { id, keys, sealed } => {
                    let results = sealed.iter().map(|data| unseal(&keys, data)).collect();
                    self.apply(end, Input::Unsealed { id, results });
                }
                Effect::Answer { result, .. } => self.ends[end].answers.push(result),
                Effect::EventsReady => {}
                effect => panic!("{effect:?}"),
            }
        }
    }

    fn apply(&mut self, end: usize, input: Input) {
        let now = self.now();
        let End { store, machine, rng, effects, .. } = &mut self.ends[end];
        let applied = machine.apply(store, input, now, rng);
        assert!(applied.failure.is_none(), "{:?}", applied.failure);
        effects.extend(applied.effects);
    }
}
