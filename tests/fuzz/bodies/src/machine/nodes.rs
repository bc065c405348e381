//! The network around the core: real service nodes that answer at once, and what can go wrong with them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starling_core::{Outcome, Request, Route};
use starling_protocol::bundle::{Bundle, Offer};
use starling_protocol::content::FriendRequest;
use starling_protocol::hybrid::KemSeed;
use starling_protocol::rpc::{self, Store};
use starling_protocol::session;
use starling_protocol::{AccountKeys, Content, NodeKey, Placement, envelope};
use starling_simnet::{Handled, Identity, Lie, Node, Policy, path_error, seed_json_rpc};

use super::script::Script;
use crate::cast::{self, NETWORK, OURS};
use crate::message::sealed;
use crate::ratchet::tagged;

/// Two weeks: the time to live of every message written to us.
const TTL_MS: u64 = 14 * 86_400_000;

/// The statuses that mean something to a client, and some that mean nothing.
const STATUSES: [u16; 12] = [200, 400, 401, 403, 404, 406, 421, 432, 500, 503, 0, u16::MAX];

/// The ML-KEM key of every bundle.
static KEM_KEY: LazyLock<Box<[u8; 1_184]>> = LazyLock::new(|| KemSeed::from_bytes([3; 64]).public_key());

/// Everything the core can reach.
pub(super) struct Nodes {
    nodes: BTreeMap<NodeKey, Node>,
    last_answer: Vec<u8>,
}

impl Nodes {
    pub(super) fn new() -> Self {
        let policy = Policy { verify_proofs: false, replication: false, ..Policy::default() };
        let (identities, view) = &*NETWORK;
        let node = |(identity, n): (&Identity, u8)| {
            let mut node = Node::new(Identity::from_secrets([n + 1; 32], [n + 101; 32]), policy.clone());
            node.set_view(Arc::clone(view));
            (identity.key(), node)
        };
        Self { nodes: identities.iter().zip(0..).map(node).collect(), last_answer: Vec::new() }
    }

    /// What an honest network makes of a request.
    pub(super) fn answer(&mut self, request: &Request, now_ms: u64) -> Outcome {
        let reply = match &request.route {
            Route::Seed(_) => seed_json_rpc(&NETWORK.1, &rpc::seed_node_list_request()),
            Route::Direct(node) | Route::Onion { destination: node, .. } => {
                let Some(found) = self.nodes.get_mut(&node.key) else {
                    return from_the_path(path_error::next_not_found(&node.key));
                };
                match found.handle(request.body.clone(), now_ms) {
                    Handled::Reply(reply) => reply,
                    Handled::Gather { .. } => panic!("nodes without replication ask no others"),
                }
            }
        };
        self.last_answer.clone_from(&reply.body);
        Outcome::Reply { status: reply.status, body: reply.body }
    }

    /// The last answer any node gave.
    pub(super) fn repeat(&self) -> Outcome {
        Outcome::Reply { status: 200, body: self.last_answer.clone() }
    }

    /// The honest answer with another status and three edits.
    pub(super) fn spoil(&mut self, request: &Request, now_ms: u64, script: &mut Script<'_>) -> Outcome {
        let honest = self.answer(request, now_ms);
        let Outcome::Reply { mut status, mut body } = honest else { return honest };
        let other = script.byte();
        if other.is_multiple_of(2) {
            status = STATUSES[usize::from(other / 2) % STATUSES.len()];
        }
        for _ in 0..3 {
            edit(&mut body, script);
        }
        Outcome::Reply { status, body }
    }

    /// Another rule for one node.
    pub(super) fn rule(&mut self, script: &mut Script<'_>) {
        let keys: Vec<NodeKey> = self.nodes.keys().copied().collect();
        let Some(node) = script.one_of(&keys).and_then(|key| self.nodes.get_mut(&key)) else { return };
        let policy = node.policy_mut();
        match script.byte() % 8 {
            0 => policy.difficulty = None,
            1 => policy.difficulty = Some(script.magnitude(63)),
            2 => policy.lie = None,
            3 => policy.lie = script.one_of(&[Lie::Discard, Lie::WrongHash, Lie::ForgeReceipts]),
            4 => policy.withhold ^= true,
            5 => policy.refuse ^= true,
            6 => policy.clock_offset_ms = script.magnitude(50) as i64,
            _ => policy.clock_offset_ms = -(script.magnitude(50) as i64),
        }
    }

    /// A message of somebody's for us comes to some of our replicas.
    pub(super) fn write(&mut self, now_ms: u64, script: &mut Script<'_>) {
        let sender = cast::account(2 + script.byte() % 3);
        let replicas = script.byte();
        let data = match script.byte() % 8 {
            0 => message(&sender, script.bytes(40), now_ms),
            1 => STANDARD.encode(script.bytes(40)),
            5 | 6 => message(&sender, &offer(&sender, now_ms, script), now_ms),
            7 => envelope::wrap(sealed(&stray(&sender, script)), now_ms),
            _ => message(&sender, &text(now_ms, script), now_ms),
        };
        let store = Store::public(OURS.account_id(), now_ms, TTL_MS, data.into());
        let swarm = NETWORK.1.swarm_of(&OURS.account_id()).unwrap();
        let chosen = NETWORK.1.members(swarm).iter().enumerate().filter(|(n, _)| replicas >> n & 1 == 0);
        for (_, key) in chosen {
            self.nodes.get_mut(key).unwrap().handle(rpc::Request::Store(store.clone()), now_ms);
        }
    }
}

/// A failure on the way: none of a node's own answers.
pub(super) fn failure(request: &Request, script: &mut Script<'_>) -> Outcome {
    let hops: Vec<NodeKey> = match &request.route {
        Route::Seed(_) => Vec::new(),
        Route::Direct(node) => vec![node.key],
        Route::Onion { relays, destination } => {
            relays.iter().chain([destination]).map(|node| node.key).collect()
        }
    };
    let kind = script.byte();
    let named = script.one_of(&hops).unwrap_or(NodeKey([0; 32]));
    match kind % 9 {
        0 => Outcome::Unreachable,
        1 => Outcome::TimedOut,
        2 => Outcome::Garbled,
        3 => from_the_path(path_error::next_not_found(&named)),
        4 => from_the_path(path_error::next_unreachable(&named)),
        5 => from_the_path(path_error::timed_out()),
        6 => from_the_path(path_error::invalid_response()),
        7 => from_the_path(path_error::not_ready(&named)),
        _ => {
            let status = script.one_of(&STATUSES).unwrap_or(500);
            let text = String::from_utf8_lossy(script.bytes(20)).into_owned();
            Outcome::PathError { status, text }
        }
    }
}

/// Any answer at all.
pub(super) fn babble(script: &mut Script<'_>) -> Outcome {
    let status = script.one_of(&STATUSES).unwrap_or(200);
    let length = usize::from(script.byte());
    Outcome::Reply { status, body: script.bytes(length).to_vec() }
}

fn from_the_path(reply: starling_simnet::Reply) -> Outcome {
    Outcome::PathError { status: reply.status, text: reply.body_text().into_owned() }
}

/// Replaces, removes or repeats something somewhere.
fn edit(body: &mut Vec<u8>, script: &mut Script<'_>) {
    let (what, place, value) = (script.byte(), usize::from(script.byte()) << 8, script.byte());
    let place = place | usize::from(script.byte());
    if body.is_empty() {
        return;
    }
    let place = place % body.len();
    match what % 4 {
        0 => {}
        1 => body[place] = value,
        2 => {
            let end = (place + usize::from(value)).min(body.len());
            body.drain(place..end);
        }
        _ => {
            let end = (place + usize::from(value)).min(body.len());
            let again = body[place..end].to_vec();
            body.splice(place..place, again);
        }
    }
}

/// Content sealed to us by `sender`, wrapped as it is stored.
fn message(sender: &AccountKeys, content: &[u8], now_ms: u64) -> String {
    let sealed = session::seal(content, sender, &OURS.account_id(), &mut cast::dice()).unwrap();
    envelope::wrap(sealed, now_ms)
}

/// A text with a place in a stream, near the others' or far from them.
fn text(now_ms: u64, script: &mut Script<'_>) -> Vec<u8> {
    let (stream, seq, base) = (script.byte(), script.byte(), script.byte());
    let far = script.magnitude(64);
    let placement = Placement {
        message_id: [script.byte(); 16],
        stream: u64::from(stream % 4),
        seq: if stream & 4 == 0 { u64::from(seq) } else { far },
        clock: if stream & 8 == 0 { u64::from(seq) } else { far },
        base: u64::from(base),
    };
    let placement = (stream & 16 == 0).then_some(placement);
    let sent_ms = if stream & 32 == 0 { now_ms } else { far };
    let body = Some(format!("{stream} {seq}"));
    Content { body, sent_ms, placement, ..Content::default() }.encode().unwrap()
}

/// A friend request, a re-key or an upgrade, near in time or far from it.
fn offer(sender: &AccountKeys, now_ms: u64, script: &mut Script<'_>) -> Vec<u8> {
    let (kind, seq, number) = (script.byte(), u64::from(script.byte()), script.byte());
    let (early, life) = (script.magnitude(24), script.magnitude(24));
    let now_s = now_ms / 1_000;
    let created_s = now_s.saturating_sub(early);
    let offer = Offer {
        recipient: OURS.account_id(),
        request_id: [number; 16],
        epoch: now_s.saturating_sub(128) + u64::from(number),
        created_s,
        expiry_s: created_s.saturating_add(life),
        ratchet_identity: [9; 32],
        one_time_key: [number; 32],
        kem_key: KEM_KEY.clone(),
    };
    let bundle = Bundle::sign(offer, sender);
    let Offer { request_id, created_s, expiry_s, .. } = bundle.offer;
    let invite = (kind & 8 != 0).then_some([number; 16]);
    let request = FriendRequest { request_id, created_s, expiry_s, ed25519: bundle.owner_ed25519, invite };
    let placement = Placement { message_id: request_id, stream: 1, seq: seq + 1, clock: seq, base: 1 };
    let content = Content {
        body: (kind & 4 == 0).then(|| "Hello".to_owned()),
        sent_ms: now_ms,
        placement: Some(placement),
        request: (kind % 4 < 2).then_some(request),
        bundle: Some(bundle),
        rekey: kind % 4 == 2,
        ..Content::default()
    };
    content.encode().unwrap()
}

/// A frame that nothing of ours opens.
fn stray(sender: &AccountKeys, script: &mut Script<'_>) -> Vec<u8> {
    let (session, kind) = (script.byte(), script.byte() & 1);
    let mut frame =
        [&[0xff, 1, 1], &sender.account_id().as_bytes()[..], &[session % 4; 32], &[kind]].concat();
    let kem = if kind == 0 { 1_088 } else { 0 };
    frame.resize(frame.len() + kem + 44, script.byte());
    tagged(sender, &frame)
}
