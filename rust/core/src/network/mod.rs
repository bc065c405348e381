//! The way to the nodes: which there are, which work, how a request reaches one, what time it is.
//!
//! The pipelines above ([`crate::outbox`], [`crate::poll`]) say *whom* to ask *what*; this module
//! finds the path, keeps the table of requests under way, blames failures on the right hop and
//! hands the answer back. It serves itself with the same means: node lists, time, probes.

mod clock;
mod connectivity;
mod diagnosis;
mod difficulty;
mod directory;
mod paths;
mod refresh;
mod scout;
mod standing;
#[cfg(test)]
mod tests;
mod time_check;

use std::collections::BTreeMap;

use starling_protocol::rpc::Request as Call;
use starling_protocol::{AccountId, NodeKey, ServiceNode};
use starling_store::{Setting, StoreError, Tx};

pub(crate) use difficulty::second_highest;

use self::clock::NetworkClock;
use self::connectivity::Connectivity;
use self::diagnosis::Diagnosis;
use self::difficulty::Difficulty;
use self::directory::Directory;
use self::paths::Paths;
use self::refresh::Refresh;
use self::scout::Scout;
use self::standing::Standing;
use self::time_check::TimeCheck;
use crate::chance::draw;
use crate::config::Config;
use crate::effect::{Connection, Effect, Purpose, Request, Route, Status};
use crate::input::{EffectId, Now, Outcome};
use crate::step::Step;

/// Paths are looked at again this often without any other reason: every 10 seconds.
const MEND_INTERVAL_MS: u64 = 10_000;

/// The shortest time a request gets in a wake: 2 seconds.
const SHORTEST_TIMEOUT_MS: u64 = 2_000;

/// One request under way.
struct Flight {
    purpose: Purpose,
    relays: Vec<NodeKey>,
    destination: Option<NodeKey>,
    sent_boot_ms: u64,
}

/// What came of a request that a pipeline made.
pub(crate) struct Delivery {
    pub(crate) id: EffectId,
    pub(crate) purpose: Purpose,
    /// The node that was asked.
    pub(crate) node: NodeKey,
    /// The relays it went through.
    pub(crate) relays: Vec<NodeKey>,
    pub(crate) sent_boot_ms: u64,
    /// A relay did not know a hop behind it: our node list is old, or the relay's.
    pub(crate) list_doubted: bool,
    /// Status and body of the node's own answer; `None` if the request never got one.
    pub(crate) answer: Option<(u16, Vec<u8>)>,
}

/// What the network did since the counters were last taken.
#[derive(Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
}

/// Routing state. Volatile but for what the store holds: node list, guards, offset, difficulty.
pub(crate) struct Network {
    config: Config,
    directory: Directory,
    /// Raised with every new node list, so that pipelines can tell an old view from a new one.
    revision: u64,
    standing: Standing,
    paths: Paths,
    clock: NetworkClock,
    difficulty: Difficulty,
    connectivity: Connectivity,
    flights: BTreeMap<EffectId, Flight>,
    refresh: Refresh,
    time_check: TimeCheck,
    diagnosis: Option<Diagnosis>,
    scout: Scout,
    traffic: Traffic,
    /// Node list, verdicts and time under which the paths were last mended.
    mended: Option<(u64, u64, u64)>,
    /// The engine is being suspended: nothing new is asked.
    closed: bool,
    /// When the wake under way must have answered.
    deadline_boot_ms: Option<u64>,
    next_id: u64,
}

impl Network {
    /// Loads what the store knows. Effect ids go on from `next_id`, so that a reply to a request
    /// of before a rebuild is never taken for another's.
    pub(crate) fn load(tx: &mut Tx<'_>, config: Config, next_id: u64) -> Result<Self, StoreError> {
        let difficulty = tx.number(Setting::Difficulty)?.unwrap_or(0);
        Ok(Self {
            config,
            directory: Directory::new(tx.directory()?),
            revision: 0,
            standing: Standing::default(),
            paths: Paths::new(tx.guards()?),
            clock: NetworkClock::new(tx.number(Setting::ClockOffsetMs)?),
            difficulty: Difficulty::new(u64::try_from(difficulty).unwrap_or(0)),
            connectivity: Connectivity::default(),
            flights: BTreeMap::new(),
            refresh: Refresh::new(tx.number(Setting::DirectoryAgreedMs)?),
            time_check: TimeCheck::default(),
            diagnosis: None,
            scout: Scout::default(),
            traffic: Traffic::default(),
            mended: None,
            closed: false,
            deadline_boot_ms: None,
            next_id,
        })
    }

    /// A fresh effect id.
    pub(crate) fn issue_id(&mut self) -> EffectId {
        self.next_id += 1;
        EffectId(self.next_id)
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Members of the account's swarm by our own list (extensions section 2), ascending.
    pub(crate) fn swarm_of(&self, account: &AccountId) -> Vec<NodeKey> {
        self.directory.swarm_of(account).1.to_vec()
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn standing(&mut self) -> &mut Standing {
        &mut self.standing
    }

    /// Network time, once nodes agreed on it in this process.
    pub(crate) fn time_ms(&self, now: Now) -> Option<u64> {
        self.clock.known(now)
    }

    /// The best guess at network time, for request timestamps.
    pub(crate) fn time_guess_ms(&self, now: Now) -> u64 {
        self.clock.guess(now)
    }

    /// A node refused a timestamp (406): the time is asked for anew.
    pub(crate) fn doubt_time(&mut self) {
        self.clock.doubt();
    }

    /// Notes the time a node gave along with an answer.
    pub(crate) fn note_time(
        &mut self,
        step: &mut Step<'_, '_>,
        delivery: &Delivery,
        node_ms: Option<u64>,
    ) -> Result<(), StoreError> {
        let Some(node_ms) = node_ms else { return Ok(()) };
        self.take_sample(step, delivery.node, node_ms, delivery.sent_boot_ms)
    }

    fn take_sample(
        &mut self,
        step: &mut Step<'_, '_>,
        node: NodeKey,
        node_ms: u64,
        sent_boot_ms: u64,
    ) -> Result<(), StoreError> {
        match self.clock.sample(node, node_ms, sent_boot_ms, self.directory.len(), step.now) {
            Some(offset) => step.tx.set_number(Setting::ClockOffsetMs, offset),
            None => Ok(()),
        }
    }

    /// Difficulty to work to now; 0 where no node asks for work.
    pub(crate) fn difficulty(&self, now: Now) -> u64 {
        self.difficulty.current(now)
    }

    /// Notes the demands of the nodes that answered one round of stores.
    pub(crate) fn learn_difficulty(
        &mut self,
        step: &mut Step<'_, '_>,
        demands: &[u64],
    ) -> Result<(), StoreError> {
        match self.difficulty.learn(demands, step.now) {
            Some(value) => step.tx.set_number(Setting::Difficulty, i64::try_from(value).unwrap_or(i64::MAX)),
            None => Ok(()),
        }
    }

    /// Asks `node` through an onion path. `None` if it is unknown or no path can be had.
    pub(crate) fn ask(
        &mut self,
        step: &mut Step<'_, '_>,
        purpose: Purpose,
        node: &NodeKey,
        body: Call,
    ) -> Option<EffectId> {
        let destination = self.directory.get(node).filter(|_| !self.closed)?.clone();
        let relays = self.paths.route(node, &self.directory, &self.standing, step.now, step.rng)?;
        let timeout_ms = self.config.request_timeout_ms;
        Some(self.launch(step, purpose, Route::Onion { relays, destination }, body, timeout_ms))
    }

    fn launch(
        &mut self,
        step: &mut Step<'_, '_>,
        purpose: Purpose,
        route: Route,
        body: Call,
        timeout_ms: u64,
    ) -> EffectId {
        let timeout_ms = self.paced(timeout_ms, step.now);
        let id = self.issue_id();
        let (relays, destination) = match &route {
            Route::Seed(_) => (Vec::new(), None),
            Route::Direct(node) => (Vec::new(), Some(node.key)),
            Route::Onion { relays, destination } => {
                (relays.iter().map(|node| node.key).collect(), Some(destination.key))
            }
        };
        let flight = Flight { purpose: purpose.clone(), relays, destination, sent_boot_ms: step.now.boot_ms };
        self.flights.insert(id, flight);
        self.traffic.requests += 1;
        step.effects.push(Effect::Request(Request { id, purpose, route, body, timeout_ms }));
        id
    }

    /// Takes the outcome of a request; hands on what belongs to a pipeline.
    pub(crate) fn landed(
        &mut self,
        step: &mut Step<'_, '_>,
        id: EffectId,
        outcome: Outcome,
        bytes: u64,
    ) -> Result<Option<Delivery>, StoreError> {
        let Some(flight) = self.flights.remove(&id) else { return Ok(None) };
        self.traffic.bytes += bytes;
        if flight.purpose == Purpose::Probe {
            if !self.scout_landed(step, id, &outcome) {
                self.probe_landed(step, id, &outcome);
            }
            return Ok(None);
        }
        self.connectivity.note(&outcome, self.config.backoff_cap_ms, step);
        let list_doubted = self.judge(step, &flight, &outcome);
        let answer = match outcome {
            Outcome::Reply { status, body } => Some((status, body)),
            _ => None,
        };
        match (flight.purpose, flight.destination) {
            (Purpose::Bootstrap, _) => self.seed_answered(step, answer).map(|()| None),
            (Purpose::Directory, _) => self.list_answered(step, answer).map(|()| None),
            (Purpose::Clock, Some(node)) => {
                self.time_answered(step, node, flight.sent_boot_ms, answer).map(|()| None)
            }
            (purpose, Some(node)) => {
                let Flight { relays, sent_boot_ms, .. } = flight;
                Ok(Some(Delivery { id, purpose, node, relays, sent_boot_ms, list_doubted, answer }))
            }
            (_, None) => Ok(None),
        }
    }

    /// Mends paths and asks for what routing itself is missing. Run in every active step.
    pub(crate) fn pump(&mut self, step: &mut Step<'_, '_>) -> Result<(), StoreError> {
        self.mend_paths(step)?;
        if self.connectivity.quiet(step.now) {
            return Ok(());
        }
        // Without a path there is no guard to scout for; the seeds tell when the outage is over.
        if self.connectivity.outage() && !self.paths.all().is_empty() {
            self.scout(step);
        } else {
            self.refresh_directory(step);
            self.check_time(step);
        }
        Ok(())
    }

    /// Mends the paths when a node was barred, the list changed, or bars and rotation may have run out.
    fn mend_paths(&mut self, step: &mut Step<'_, '_>) -> Result<(), StoreError> {
        let basis = (self.revision, self.standing.verdicts(), step.now.boot_ms / MEND_INTERVAL_MS);
        if self.mended.replace(basis) == Some(basis) {
            return Ok(());
        }
        if self.paths.mend(&self.directory, &self.standing, step.now, step.rng) {
            let guards = self.paths.guards().to_vec();
            step.tx.set_guards(&guards)?;
        }
        Ok(())
    }

    /// Nothing new is asked from now on (`true`), or again (`false`).
    pub(crate) fn close(&mut self, closed: bool) {
        self.closed = closed;
    }

    /// A wake is under way until then, or none is.
    pub(crate) fn pace(&mut self, deadline_boot_ms: Option<u64>) {
        self.deadline_boot_ms = deadline_boot_ms;
    }

    /// In a wake no request may use up more than a third of what is left: a silent hop must leave time to
    /// try another way.
    fn paced(&self, timeout_ms: u64, now: Now) -> u64 {
        let third = |deadline: u64| (deadline.saturating_sub(now.boot_ms) / 3).max(SHORTEST_TIMEOUT_MS);
        self.deadline_boot_ms.map_or(timeout_ms, |deadline| timeout_ms.min(third(deadline)))
    }

    /// The network has a list, but too few nodes for a path (extensions section 2).
    pub(crate) fn too_small(&self) -> bool {
        self.revision > 0 && self.directory.len() < paths::FEWEST_NODES
    }

    /// Whether pipelines may ask now: nodes are known, paths stand, and no outage is being waited out.
    pub(crate) fn ready(&self, now: Now) -> bool {
        !self.connectivity.outage() && !self.connectivity.quiet(now) && !self.paths.all().is_empty()
    }

    /// Whether pipelines may ask, and date what they ask: nodes refuse wrong timestamps, and a wrong
    /// clock is never sealed in.
    pub(crate) fn settled(&self, now: Now) -> bool {
        self.ready(now) && self.time_ms(now).is_some()
    }

    /// Boot time of the next thing routing wants to do by itself.
    pub(crate) fn next_timer(&self, now: Now) -> Option<u64> {
        if let Some(until) = self.connectivity.quiet_until(now) {
            return Some(until);
        }
        if self.connectivity.outage() && !self.paths.all().is_empty() {
            return (!self.scout.out()).then_some(now.boot_ms);
        }
        [self.refresh_timer(now), self.time_timer()].into_iter().flatten().min()
    }

    /// The device is on another network: back-offs and bars are void, and whatever is under way
    /// over the old one is lost without blame. Returns what the pipelines have lost.
    pub(crate) fn network_changed(&mut self) -> Vec<Delivery> {
        self.connectivity = Connectivity::default();
        self.standing.lift_bars();
        self.forget_flights()
    }

    /// Drops all requests under way; their replies will be ignored.
    pub(crate) fn forget_flights(&mut self) -> Vec<Delivery> {
        self.refresh.reset();
        self.time_check = TimeCheck::default();
        self.diagnosis = None;
        self.scout = Scout::default();
        let lost = |(id, flight): (EffectId, Flight)| {
            let node = flight.destination?;
            let Flight { purpose, relays, sent_boot_ms, .. } = flight;
            Some(Delivery { id, purpose, node, relays, sent_boot_ms, list_doubted: false, answer: None })
        };
        std::mem::take(&mut self.flights).into_iter().filter_map(lost).collect()
    }

    /// Whether nothing will be asked before `boot_ms`, because an outage is being waited out.
    pub(crate) fn silenced_until(&self, boot_ms: u64, now: Now) -> bool {
        self.connectivity.quiet_until(now).is_some_and(|until| until >= boot_ms)
    }

    /// The store failed: pause before anything is asked again.
    pub(crate) fn back_off(&mut self, now: Now) {
        self.connectivity.back_off(now);
    }

    /// A wake is worth a try even in an outage.
    pub(crate) fn break_silence(&mut self) {
        self.connectivity.break_silence();
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Up to `count` random nodes fit to be asked anything.
    fn anyone(&self, step: &mut Step<'_, '_>, count: usize) -> Vec<NodeKey> {
        let fit: Vec<NodeKey> =
            self.directory.keys().filter(|node| !self.standing.barred(node, step.now)).collect();
        let pool = if fit.len() >= count { fit } else { self.directory.keys().collect() };
        draw(&pool, count, step.rng)
    }

    /// A random node for a question that any node can answer.
    pub(crate) fn someone(&self, step: &mut Step<'_, '_>) -> Option<NodeKey> {
        self.anyone(step, 1).pop()
    }

    pub(crate) fn status(&self, now: Now) -> Status {
        let connection = if self.too_small() {
            Connection::TooFewNodes
        } else if self.connectivity.answered_lately() {
            Connection::Online
        } else {
            Connection::Connecting
        };
        Status {
            connection,
            nodes: self.directory.len(),
            paths: self.paths.all().iter().map(|path| path.relays.clone()).collect(),
            clock_offset_ms: self.clock.offset_ms(now),
            difficulty: self.difficulty.current(now),
        }
    }

    fn node(&self, key: &NodeKey) -> Option<ServiceNode> {
        self.directory.get(key).cloned()
    }
}
