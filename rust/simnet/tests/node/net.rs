//! A network in which every message between nodes arrives at once, or never.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use starling_protocol::rpc::reply::{Retrieved, Stored};
use starling_protocol::rpc::{Request, Retrieve, Store};
use starling_protocol::{AccountId, AccountKeys, NodeKey, Seed, ServiceNode, SwarmId};
use starling_simnet::{Forward, GATHER_TIMEOUT_MS, Handled, Identity, NetworkView, Node, Policy, Reply};

pub(crate) const NOW: u64 = 1_700_000_000_000;
pub(crate) const DAY: u64 = 86_400_000;

pub(crate) struct Net {
    pub(crate) nodes: BTreeMap<NodeKey, Node>,
    pub(crate) view: Arc<NetworkView>,
    pub(crate) now: u64,
    /// Nodes that nothing reaches.
    pub(crate) silent: BTreeSet<NodeKey>,
    rng: ChaCha20Rng,
}

impl Net {
    /// Swarms with these ids and sizes.
    pub(crate) fn new(swarms: &[(SwarmId, usize)]) -> Net {
        let mut net = Net {
            nodes: BTreeMap::new(),
            view: Arc::default(),
            now: NOW,
            silent: BTreeSet::new(),
            rng: ChaCha20Rng::seed_from_u64(1),
        };
        let mut listed = Vec::new();
        for (swarm, size) in swarms {
            for _ in 0..*size {
                listed.push(net.spawn(*swarm));
            }
        }
        net.change(listed);
        net
    }

    /// A new node, not yet in the view.
    pub(crate) fn spawn(&mut self, swarm_id: SwarmId) -> ServiceNode {
        let identity = Identity::generate(&mut self.rng);
        let ip = [127, 0, 1, u8::try_from(self.nodes.len() + 1).unwrap()].into();
        let listed =
            ServiceNode { key: identity.key(), x25519: identity.x25519(), ip, port: 22021, swarm_id };
        self.nodes.insert(listed.key, Node::new(identity, Policy::default()));
        listed
    }

    /// Everybody learns that the network is now this one.
    pub(crate) fn change(&mut self, listed: Vec<ServiceNode>) {
        self.view = Arc::new(NetworkView::new(listed));
        let view = &self.view;
        let moves: Vec<(NodeKey, Vec<Forward>)> =
            self.nodes.iter_mut().map(|(key, node)| (*key, node.set_view(view.clone()))).collect();
        for (from, forwards) in moves {
            for Forward { to, message } in forwards {
                assert!(!message.wants_reply());
                let node = self.nodes.get_mut(&to).unwrap();
                assert!(node.receive(from, &message, self.now).is_none());
            }
        }
    }

    pub(crate) fn listed(&self) -> Vec<ServiceNode> {
        self.view.nodes().to_vec()
    }

    /// The swarm of an account.
    pub(crate) fn members(&self, account: &AccountId) -> Vec<NodeKey> {
        self.view.members(self.view.swarm_of(account).unwrap()).to_vec()
    }

    pub(crate) fn ask(&mut self, entry: NodeKey, request: Request) -> Reply {
        let now = self.now;
        let mut handled = self.nodes.get_mut(&entry).unwrap().handle(request, now);
        loop {
            match handled {
                Handled::Reply(reply) => return reply,
                Handled::Gather { ticket, forwards } => {
                    let mut next = None;
                    for Forward { to, message } in forwards {
                        assert!(message.wants_reply());
                        assert!(next.is_none(), "answered before the last member");
                        if !self.silent.contains(&to) {
                            let answer = self.nodes.get_mut(&to).unwrap().receive(entry, &message, now);
                            let entry = self.nodes.get_mut(&entry).unwrap();
                            next = entry.peer_answered(ticket, to, answer, now);
                        }
                    }
                    let entry = self.nodes.get_mut(&entry).unwrap();
                    let timed_out = entry.gather_timeout(ticket, now + GATHER_TIMEOUT_MS);
                    handled = next.or(timed_out).unwrap();
                }
            }
        }
    }

    pub(crate) fn store(&mut self, entry: NodeKey, store: &Store) -> Stored {
        let reply = self.ask(entry, Request::Store(store.clone()));
        assert_eq!(reply.status, 200, "{}", reply.body_text());
        Stored::parse(&reply.body).unwrap()
    }

    /// All of a mailbox in one page.
    pub(crate) fn read(&mut self, node: NodeKey, keys: &AccountKeys) -> Vec<String> {
        let retrieve = Retrieve::signed(keys, 0, None, None, Some(-1), self.now);
        let reply = self.ask(node, Request::Retrieve(retrieve));
        assert_eq!(reply.status, 200, "{}", reply.body_text());
        let page = Retrieved::parse(&reply.body).unwrap();
        assert!(!page.more);
        page.messages.into_iter().map(|message| message.hash).collect()
    }

    pub(crate) fn node(&mut self, key: NodeKey) -> &mut Node {
        self.nodes.get_mut(&key).unwrap()
    }
}

pub(crate) fn keys(number: u8) -> AccountKeys {
    AccountKeys::from_seed(&Seed::from_bytes(&[number; 16]).unwrap())
}

/// An account whose messages belong to `swarm`.
pub(crate) fn keys_in(view: &NetworkView, swarm: SwarmId) -> AccountKeys {
    (0..=255).map(keys).find(|keys| view.swarm_of(&keys.account_id()) == Some(swarm)).unwrap()
}

/// A message of one day.
pub(crate) fn message(account: AccountId, text: &str) -> Store {
    Store::public(account, NOW, DAY, STANDARD.encode(text).into())
}
