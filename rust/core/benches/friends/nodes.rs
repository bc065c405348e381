//! A small network of obedient nodes, whose mailboxes are those of [`Mail`].

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use starling_core::{Outcome, Request, Route};
use starling_protocol::rpc::reply::{MemberReceipt, Stored};
use starling_protocol::rpc::{Request as Call, decode_data, seed_node_list_request};
use starling_protocol::{AccountId, NodeKey, ServiceNode, message_hash};
use starling_simnet::{Handled, Identity, NetworkView, Node, Policy, Reply, seed_json_rpc};

use super::mail::Mail;

/// Unix time of boot time 0, milliseconds.
const EPOCH_MS: u64 = 1_790_000_000_000;
const NODES: u8 = 14;

pub(crate) struct Nodes {
    view: std::sync::Arc<NetworkView>,
    nodes: BTreeMap<NodeKey, Node>,
    identities: BTreeMap<NodeKey, Identity>,
    pub(crate) mail: BTreeMap<AccountId, Mail>,
    pub(crate) boot_ms: u64,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let swarms = [rng.next_u64() >> 1, rng.next_u64() >> 1];
        let (mut listed, mut nodes, mut identities) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for number in 0..NODES {
            let mut secrets = [[0; 32]; 2];
            secrets.iter_mut().for_each(|secret| rng.fill_bytes(secret));
            let [identity, again] = [(); 2].map(|()| Identity::from_secrets(secrets[0], secrets[1]));
            listed.push(ServiceNode {
                key: identity.key(),
                x25519: identity.x25519(),
                ip: Ipv4Addr::new(5, 9, 0, number + 1),
                port: 22_021,
                swarm_id: swarms[usize::from(number % 2)],
            });
            identities.insert(identity.key(), identity);
            nodes.insert(again.key(), Node::new(again, Policy::default()));
        }
        let view = std::sync::Arc::new(NetworkView::new(listed));
        for node in nodes.values_mut() {
            assert!(node.set_view(std::sync::Arc::clone(&view)).is_empty());
        }
        Self { view, nodes, identities, mail: BTreeMap::new(), boot_ms: 10_000 }
    }

    pub(crate) fn unix_ms(&self) -> u64 {
        EPOCH_MS + self.boot_ms
    }

    pub(crate) fn mail_of(&mut self, account: AccountId) -> &mut Mail {
        self.mail.entry(account).or_insert_with(|| Mail::new(account))
    }

    /// What a device is answered.
    pub(crate) fn answer(&mut self, request: &Request) -> Outcome {
        let destination = match &request.route {
            Route::Seed(_) => {
                let Reply { status, body } = seed_json_rpc(&self.view, &seed_node_list_request());
                return Outcome::Reply { status, body };
            }
            Route::Direct(node) => node.key,
            Route::Onion { destination, .. } => destination.key,
        };
        let body = match &request.body {
            Call::Retrieve(call) => {
                let most = call.max_size.map_or(u64::MAX, i64::unsigned_abs);
                self.mail_of(call.account).page(call.last_hash.as_deref(), most).to_json()
            }
            Call::Store(call) => {
                let hash = message_hash(&call.account, 0, &decode_data(&call.data).unwrap());
                self.store(call.account, &hash, &call.data);
                self.receipts(&call.account, &hash).to_json()
            }
            other => return self.asked(&destination, other.clone()),
        };
        Outcome::Reply { status: 200, body }
    }

    fn asked(&mut self, destination: &NodeKey, call: Call) -> Outcome {
        let now_ms = self.unix_ms();
        match self.nodes.get_mut(destination).unwrap().handle(call, now_ms) {
            Handled::Reply(Reply { status, body }) => Outcome::Reply { status, body },
            Handled::Gather { .. } => panic!("only stores are replicated"),
        }
    }

    /// The first attempt counts; the others bring the same bytes.
    fn store(&mut self, account: AccountId, hash: &str, data: &str) {
        let mail = self.mail_of(account);
        if !mail.holds(hash) {
            let number = mail.keep(data);
            mail.arrive(number);
        }
    }

    fn receipts(&self, account: &AccountId, hash: &str) -> Stored {
        let members = self.view.members(self.view.swarm_of(account).unwrap());
        let receipt = |node: &NodeKey| MemberReceipt {
            node: *node,
            hash: Some(hash.to_owned()),
            signature: Some(self.identities[node].sign(hash.as_bytes())),
            failed: false,
            timeout: false,
            already: false,
            expiry: None,
        };
        let members = members.iter().map(receipt).collect();
        Stored { hash: Some(hash.to_owned()), members, difficulty: None, t: None }
    }
}
