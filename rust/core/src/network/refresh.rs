//! Getting and renewing the service node list (network-protocol section 3, extensions section 2).
//!
//! A seed gives the first list. From then on a list is believed when at least two of three
//! randomly chosen nodes agree on it, entry by entry. If the nodes cannot agree three times in a
//! row, or too few nodes are left, a seed is asked again.

use starling_protocol::rpc::reply::NodeList;
use starling_protocol::rpc::{NodeListQuery, Request as Call};
use starling_protocol::{NodeKey, ServiceNode};
use starling_store::{Setting, StoreError};

use super::Network;
use super::directory::{Directory, agreement};
use super::paths::FEWEST_NODES;
use crate::chance::{draw, pause};
use crate::effect::{Purpose, Route};
use crate::input::Now;
use crate::step::Step;

/// Nodes whose lists are compared.
const ASKED: usize = 3;
/// Further nodes to ask instead of those that do not answer.
const SPARE: usize = 6;
/// Disagreements in a row after which a seed is asked.
const MOST_DISAGREEMENTS: u32 = 3;
/// First pause after a failure, and the shortest time between two renewals: 2 and 10 seconds.
const FIRST_PAUSE_MS: u64 = 2_000;
const SHORTEST_INTERVAL_MS: u64 = 10_000;
/// Longest pause between two renewals that doubts cause: one hour.
const LONGEST_INTERVAL_MS: u64 = 3_600_000;
/// Time a seed gets: 10 seconds.
const SEED_TIMEOUT_MS: u64 = 10_000;

enum Asking {
    Nobody,
    Seed,
    Nodes { waiting: usize, answers: Vec<Vec<ServiceNode>>, spare: Vec<NodeKey> },
}

/// Where the renewal of the list stands.
pub(crate) struct Refresh {
    asking: Asking,
    /// Wall time of the last agreement, from the store.
    agreed_wall_ms: Option<i64>,
    /// A node contradicted the list.
    wanted: bool,
    not_before: u64,
    attempts: u32,
    disagreements: u32,
    /// Renewals in a row that brought nothing new, so that one node's doubts cannot cost a battery.
    futile: u32,
}

impl Refresh {
    pub(crate) fn new(agreed_wall_ms: Option<i64>) -> Self {
        Self {
            asking: Asking::Nobody,
            agreed_wall_ms,
            wanted: false,
            not_before: 0,
            attempts: 0,
            disagreements: 0,
            futile: 0,
        }
    }

    /// Forgets what is under way and all pauses.
    pub(crate) fn reset(&mut self) {
        self.asking = Asking::Nobody;
        self.not_before = 0;
        self.attempts = 0;
    }

    /// A wall clock that jumped either way makes a list look old: one renewal, no harm.
    fn aged(&self, age_ms: u64, now: Now) -> bool {
        self.agreed_wall_ms.is_none_or(|agreed| agreed > now.wall_ms || now.wall_ms.abs_diff(agreed) > age_ms)
    }

    fn failed(&mut self, cap_ms: u64, step: &mut Step<'_, '_>) {
        self.asking = Asking::Nobody;
        self.attempts = self.attempts.saturating_add(1);
        let pause = pause(self.attempts, FIRST_PAUSE_MS, cap_ms, step.rng);
        self.not_before = step.now.boot_ms.saturating_add(pause);
    }
}

impl Network {
    /// A node's view contradicts ours (421, `get_swarm`): the list is renewed soon.
    pub(crate) fn doubt_directory(&mut self) {
        self.refresh.wanted = true;
    }

    fn refresh_needed(&self, now: Now) -> bool {
        self.directory.len() < FEWEST_NODES
            || self.refresh.wanted
            || self.refresh.aged(self.config.directory_age_ms, now)
    }

    pub(super) fn refresh_timer(&self, now: Now) -> Option<u64> {
        let idle = matches!(self.refresh.asking, Asking::Nobody);
        (idle && self.refresh_needed(now)).then_some(self.refresh.not_before)
    }

    pub(super) fn refresh_directory(&mut self, step: &mut Step<'_, '_>) {
        let due = self.refresh_timer(step.now).is_some_and(|at| at <= step.now.boot_ms);
        if !due {
            return;
        }
        let lost = self.directory.len() < FEWEST_NODES || self.refresh.disagreements >= MOST_DISAGREEMENTS;
        if lost { self.ask_a_seed(step) } else { self.ask_nodes(step) }
    }

    fn ask_a_seed(&mut self, step: &mut Step<'_, '_>) {
        let Some(seed) = draw(&self.config.seeds, 1, step.rng).pop() else {
            self.refresh.failed(self.config.backoff_cap_ms, step);
            return;
        };
        self.refresh.asking = Asking::Seed;
        let body = Call::OxendRequest(NodeListQuery::default());
        self.launch(step, Purpose::Bootstrap, Route::Seed(seed.url), body, SEED_TIMEOUT_MS);
    }

    fn ask_nodes(&mut self, step: &mut Step<'_, '_>) {
        let mut nodes = self.anyone(step, ASKED + SPARE);
        let spare = nodes.split_off(ASKED.min(nodes.len()));
        let waiting = nodes.iter().filter(|node| self.ask_list(step, node)).count();
        if waiting == 0 {
            self.refresh.failed(self.config.backoff_cap_ms, step);
            return;
        }
        self.refresh.asking = Asking::Nodes { waiting, answers: Vec::new(), spare };
    }

    fn ask_list(&mut self, step: &mut Step<'_, '_>, node: &NodeKey) -> bool {
        let body = Call::OxendRequest(NodeListQuery::default());
        self.ask(step, Purpose::Directory, node, body).is_some()
    }

    pub(super) fn seed_answered(
        &mut self,
        step: &mut Step<'_, '_>,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        let listed = self.listed(answer).filter(|nodes| !nodes.is_empty());
        let attempts = self.refresh.attempts;
        if let Some(nodes) = listed {
            self.adopt(step, nodes)?;
        }
        // Too few nodes to route through are as good as none: the seed is asked again, ever more rarely.
        if self.directory.len() < FEWEST_NODES {
            self.refresh.attempts = attempts;
            self.refresh.failed(self.config.backoff_cap_ms, step);
        }
        self.refresh.asking = Asking::Nobody;
        Ok(())
    }

    pub(super) fn list_answered(
        &mut self,
        step: &mut Step<'_, '_>,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        let listed = self.listed(answer);
        let Asking::Nodes { waiting, answers, spare } = &mut self.refresh.asking else { return Ok(()) };
        // Half of an old list may be gone: for each node that does not answer another is asked.
        let instead = if listed.is_none() { spare.pop() } else { None };
        answers.extend(listed);
        *waiting = waiting.saturating_sub(1);
        if let Some(node) = instead
            && self.ask_list(step, &node)
        {
            self.one_more_asked();
        }
        let Asking::Nodes { waiting, answers, .. } = &mut self.refresh.asking else { return Ok(()) };
        if *waiting > 0 {
            return Ok(());
        }
        let agreed = agreement(answers);
        // A quorum that forgets half the network is more likely cut off or bought than right.
        if agreed.len() >= FEWEST_NODES && agreed.len() * 2 >= self.directory.len() {
            return self.adopt(step, agreed);
        }
        self.refresh.disagreements = self.refresh.disagreements.saturating_add(1);
        self.refresh.failed(self.config.backoff_cap_ms, step);
        Ok(())
    }

    fn one_more_asked(&mut self) {
        if let Asking::Nodes { waiting, .. } = &mut self.refresh.asking {
            *waiting += 1;
        }
    }

    /// The nodes of an answer whose addresses are of the kind that the seeds have.
    fn listed(&self, answer: Option<(u16, Vec<u8>)>) -> Option<Vec<ServiceNode>> {
        let (200, body) = answer? else { return None };
        let mut nodes = NodeList::parse(&body).ok()?.nodes;
        nodes.retain(|node| {
            let kind = node.address_kind();
            kind.is_some()
                && (kind == Some(starling_protocol::rpc::AddressKind::Public)
                    || self.config.seeds.iter().any(|seed| Some(seed.address_kind) == kind))
        });
        Some(nodes)
    }

    fn adopt(&mut self, step: &mut Step<'_, '_>, nodes: Vec<ServiceNode>) -> Result<(), StoreError> {
        let fresh = Directory::new(nodes);
        let futile = if fresh.same_as(&self.directory) { self.refresh.futile.saturating_add(1) } else { 0 };
        if futile == 0 {
            let list: Vec<ServiceNode> = fresh.keys().filter_map(|key| fresh.get(&key).cloned()).collect();
            step.tx.replace_directory(&list)?;
            self.directory = fresh;
        }
        self.revision += 1;
        step.tx.set_number(Setting::DirectoryAgreedMs, step.now.wall_ms)?;
        let pause = pause(futile, 2 * SHORTEST_INTERVAL_MS, LONGEST_INTERVAL_MS, step.rng);
        let not_before = step.now.boot_ms.saturating_add(pause);
        self.refresh = Refresh { not_before, futile, ..Refresh::new(Some(step.now.wall_ms)) };
        Ok(())
    }
}
