//! Which service nodes exist, in which swarms, and how that changes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use starling_protocol::swarm::UNASSIGNED;
use starling_protocol::{AccountId, NodeKey, ServiceNode};
use starling_simnet::{Identity, NetworkView, Node, Policy};

use crate::chance::between;
use crate::memo::Memo;

/// A service node and the machine it runs on.
pub(crate) struct Server {
    pub(crate) node: Node,
    pub(crate) listed: ServiceNode,
    pub(crate) health: Health,
    /// Milliseconds it adds to everything that arrives.
    pub(crate) slow_ms: u64,
    /// The swarm it returns to when it is commissioned again.
    home: u64,
}

/// How a server treats connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Up,
    /// Refuses them.
    Down,
    /// Takes them and never answers.
    Hung,
    /// Answers 503.
    NotReady,
    /// No longer a service node.
    Gone,
}

/// All servers, and the list of them that everybody agrees on.
pub(crate) struct Topology {
    pub(crate) servers: Vec<Server>,
    pub(crate) view: Arc<NetworkView>,
    by_key: BTreeMap<NodeKey, usize>,
    signatures: Arc<Memo>,
    policy: Policy,
}

impl Topology {
    /// `nodes` servers in as many swarms of about `swarm_size` as they fill.
    pub(crate) fn new(rng: &mut ChaCha20Rng, nodes: usize, swarm_size: usize, policy: Policy) -> Self {
        let swarms = (nodes / swarm_size.max(1)).max(1);
        let mut swarm_ids: Vec<u64> = (0..swarms).map(|_| rng.next_u64() >> 1).collect();
        swarm_ids.sort_unstable();
        let mut topology = Self {
            servers: Vec::new(),
            view: Arc::new(NetworkView::new(Vec::new())),
            by_key: BTreeMap::new(),
            signatures: Arc::new(Memo::default()),
            policy,
        };
        for swarm in swarm_ids.into_iter().cycle().take(nodes) {
            topology.add(rng, swarm);
        }
        // Nobody holds anything yet, so nothing moves.
        let _ = topology.publish();
        topology
    }

    /// A new server in a swarm; listed with the next [`Topology::publish`].
    pub(crate) fn add(&mut self, rng: &mut ChaCha20Rng, swarm_id: u64) -> usize {
        let identity = Identity::generate(rng);
        let number = self.servers.len();
        let listed = ServiceNode {
            key: identity.key(),
            x25519: identity.x25519(),
            ip: Ipv4Addr::new(5, 9, (number / 250) as u8, (number % 250) as u8 + 1),
            port: 22_021,
            swarm_id,
        };
        let mut policy = self.policy.clone();
        policy.clock_offset_ms = between(rng, 0, 1_000) as i64 - 500;
        let node = Node::new(identity, policy).with_signatures(self.signatures.clone());
        self.by_key.insert(listed.key, number);
        self.servers.push(Server { node, listed, health: Health::Up, slow_ms: 0, home: swarm_id });
        number
    }

    /// Tells every server the list as it is now; gives back what they then send one another.
    pub(crate) fn publish(&mut self) -> Vec<(usize, starling_simnet::Forward)> {
        let listed = self.servers.iter().filter(|server| server.health != Health::Gone);
        self.view = Arc::new(NetworkView::new(listed.map(|server| server.listed.clone()).collect()));
        let mut dumps = Vec::new();
        for (from, server) in self.servers.iter_mut().enumerate() {
            if server.health != Health::Gone {
                dumps.extend(server.node.set_view(self.view.clone()).into_iter().map(|dump| (from, dump)));
            }
        }
        dumps
    }

    pub(crate) fn move_to(&mut self, number: usize, swarm_id: u64) {
        if let Some(server) = self.servers.get_mut(number) {
            server.listed.swarm_id = swarm_id;
            server.home = swarm_id;
        }
    }

    pub(crate) fn decommission(&mut self, number: usize) {
        if let Some(server) = self.servers.get_mut(number) {
            server.listed.swarm_id = UNASSIGNED;
        }
    }

    pub(crate) fn recommission(&mut self, number: usize) {
        if let Some(server) = self.servers.get_mut(number) {
            server.listed.swarm_id = server.home;
        }
    }

    pub(crate) fn number(&self, key: &NodeKey) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    pub(crate) fn server(&mut self, key: &NodeKey) -> Option<&mut Server> {
        let number = self.number(key)?;
        self.servers.get_mut(number)
    }

    /// Members of an account's swarm, as server numbers, ascending.
    pub(crate) fn swarm_of(&self, account: &AccountId) -> Vec<usize> {
        let swarm = self.view.swarm_of(account);
        let members = swarm.map(|swarm| self.view.members(swarm)).unwrap_or_default();
        let mut members: Vec<_> = members.iter().filter_map(|key| self.number(key)).collect();
        members.sort_unstable();
        members
    }
}
