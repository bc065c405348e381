//! A small network whose nodes hold messages for one account.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use starling_core::{Outcome, Request, Route};
use starling_protocol::rpc::{self, Store, seed_node_list_request};
use starling_protocol::{AccountKeys, NodeKey, Placement, Seed, ServiceNode, Text, envelope, session};
use starling_simnet::{Handled, Identity, NetworkView, Node, Policy, Reply, seed_json_rpc};

/// Unix time of boot time 0, milliseconds.
pub(crate) const EPOCH_MS: u64 = 1_790_000_000_000;
const NODES: u8 = 14;

/// The nodes, and what was put into them.
pub(crate) struct Mailbox {
    pub(crate) owner: Arc<AccountKeys>,
    pub(crate) sender: AccountKeys,
    pub(crate) texts: Vec<Text>,
    /// The same in the same order, as session ciphertexts.
    pub(crate) ciphertexts: Vec<Vec<u8>>,
    view: Arc<NetworkView>,
    nodes: BTreeMap<NodeKey, Node>,
}

pub(crate) fn owner_seed() -> Seed {
    Seed::from_bytes(&[1; 16]).unwrap()
}

impl Mailbox {
    pub(crate) fn filled(messages: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let owner = Arc::new(AccountKeys::from_seed(&owner_seed()));
        let sender = AccountKeys::from_seed(&Seed::generate(&mut rng));
        let (view, nodes) = network(&mut rng);
        let texts: Vec<Text> = (1..=messages).map(text).collect();
        let seal =
            |text: &Text| session::seal(&text.encode(), &sender, &owner.account_id(), &mut rng).unwrap();
        let ciphertexts: Vec<_> = texts.iter().map(seal).collect();
        let mut mailbox = Self { owner, sender, texts, ciphertexts, view, nodes };
        mailbox.deposit();
        mailbox
    }

    fn deposit(&mut self) {
        let swarm = self.view.swarm_of(&self.owner.account_id()).unwrap();
        let members = self.view.members(swarm).to_vec();
        for (text, ciphertext) in self.texts.iter().zip(&self.ciphertexts) {
            let data: Arc<str> = envelope::wrap(ciphertext.clone(), text.sent_ms).into();
            for member in &members {
                let store =
                    Store::public(self.owner.account_id(), text.sent_ms, 1_209_600_000, Arc::clone(&data));
                self.nodes.get_mut(member).unwrap().handle(rpc::Request::Store(store), text.sent_ms);
            }
        }
    }

    /// What a device is answered.
    pub(crate) fn answer(&mut self, request: &Request, boot_ms: u64) -> Outcome {
        let destination = match &request.route {
            Route::Seed(_) => {
                let Reply { status, body } = seed_json_rpc(&self.view, &seed_node_list_request());
                return Outcome::Reply { status, body };
            }
            Route::Direct(node) => node.key,
            Route::Onion { destination, .. } => destination.key,
        };
        let node = self.nodes.get_mut(&destination).unwrap();
        match node.handle(request.body.clone(), EPOCH_MS + boot_ms) {
            Handled::Reply(Reply { status, body }) => Outcome::Reply { status, body },
            Handled::Gather { .. } => panic!("nothing is replicated here"),
        }
    }
}

fn text(number: u64) -> Text {
    let message_id = u128::from(number).to_be_bytes();
    let placement = Placement { message_id, stream: 1, seq: number, clock: number, base: 1 };
    let body = format!("message {number} of many that have been waiting for somebody to come back");
    Text { body, sent_ms: EPOCH_MS + 1_000, placement: Some(placement) }
}

fn network(rng: &mut ChaCha20Rng) -> (Arc<NetworkView>, BTreeMap<NodeKey, Node>) {
    let swarms = [rng.next_u64() >> 1, rng.next_u64() >> 1];
    let policy = Policy { replication: false, ..Policy::default() };
    let (mut listed, mut nodes) = (Vec::new(), Vec::new());
    for number in 0..NODES {
        let identity = Identity::generate(rng);
        listed.push(ServiceNode {
            key: identity.key(),
            x25519: identity.x25519(),
            ip: Ipv4Addr::new(5, 9, 0, number + 1),
            port: 22_021,
            swarm_id: swarms[usize::from(number % 2)],
        });
        nodes.push(Node::new(identity, policy.clone()));
    }
    let view = Arc::new(NetworkView::new(listed));
    for node in &mut nodes {
        assert!(node.set_view(Arc::clone(&view)).is_empty());
    }
    (view, nodes.into_iter().map(|node| (node.key(), node)).collect())
}
