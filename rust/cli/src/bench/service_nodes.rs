//! Two thousand service nodes in this process, behind the engine's network: requests are really wrapped
//! in onion layers and peeled, without sockets and TLS. What the nodes' side costs is counted apart.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::clocks::thread_cpu;
use super::jumping_clock::JumpingClock;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use starling_engine::{Answered, BoxFuture, Network, Outcome, Request, Route};
use starling_protocol::onion::{Cipher, Hop, build};
use starling_protocol::rpc::{Store, seed_node_list_request};
use starling_protocol::{AccountId, NodeKey, ServiceNode};
use starling_simnet::{
    Forward, Handled, Identity, NetworkView, Node, Onion, Policy, Reply, Ticket, seed_json_rpc,
};

const NODES: u16 = 2_000;
const SWARM_SIZE: u16 = 7;

/// The network of the engine that is measured.
#[derive(Clone)]
pub(super) struct ServiceNodes {
    shared: Arc<Shared>,
}

struct Shared {
    view: Arc<NetworkView>,
    nodes: BTreeMap<NodeKey, Mutex<Node>>,
    clock: Arc<JumpingClock>,
    rng: Mutex<ChaCha20Rng>,
    /// Nanoseconds of CPU spent on the nodes' side.
    cpu_ns: AtomicU64,
}

impl ServiceNodes {
    pub(super) fn start(clock: Arc<JumpingClock>) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let swarms: Vec<u64> = (0..NODES / SWARM_SIZE).map(|_| rng.next_u64() >> 1).collect();
        let mut listed = Vec::new();
        let mut nodes = Vec::new();
        for (number, swarm_id) in (0..NODES).zip(swarms.into_iter().cycle()) {
            let identity = Identity::generate(&mut rng);
            let [high, low] = number.to_be_bytes();
            let ip = Ipv4Addr::new(5, 9, high, low);
            listed.push(ServiceNode {
                key: identity.key(),
                x25519: identity.x25519(),
                ip,
                port: 22_021,
                swarm_id,
            });
            nodes.push(Node::new(identity, Policy::default()));
        }
        let view = Arc::new(NetworkView::new(listed));
        let join = |mut node: Node| {
            // Nobody holds anything yet, so nothing moves.
            let _ = node.set_view(Arc::clone(&view));
            (node.key(), Mutex::new(node))
        };
        let nodes = nodes.into_iter().map(join).collect();
        let cpu_ns = AtomicU64::new(0);
        Self { shared: Arc::new(Shared { view, nodes, clock, rng: Mutex::new(rng), cpu_ns }) }
    }

    /// CPU time spent on the nodes' side so far.
    pub(super) fn cpu(&self) -> Duration {
        Duration::from_nanos(self.shared.cpu_ns.load(Ordering::Relaxed))
    }

    pub(super) fn unix_ms(&self) -> u64 {
        self.shared.clock.unix_ms()
    }

    /// Puts a message into the swarm of an account.
    pub(super) fn deposit(&self, to: AccountId, data: &str) {
        let shared = &self.shared;
        let store = Store::public(to, self.unix_ms(), 1_209_600_000, Arc::<str>::from(data));
        let members = shared.view.swarm_of(&to).map(|swarm| shared.view.members(swarm)).unwrap_or_default();
        if let Some(member) = members.first() {
            let _stored = shared.handle(member, &starling_protocol::rpc::Request::Store(store).to_json());
        }
    }
}

impl Network for ServiceNodes {
    fn request(&self, request: Request) -> BoxFuture<Answered> {
        let shared = Arc::clone(&self.shared);
        Box::pin(
            async move { shared.answer(&request).unwrap_or_else(|outcome| Answered { outcome, bytes: 0 }) },
        )
    }

    fn network_changed(&self) {}
}

impl Shared {
    /// The device's side of a request, as the engine's real network does it.
    fn answer(&self, request: &Request) -> Result<Answered, Outcome> {
        let (relays, destination) = match &request.route {
            Route::Seed(_) => {
                let body = seed_node_list_request();
                return Ok(plain(body.len(), self.theirs(|| seed_json_rpc(&self.view, &body))));
            }
            Route::Direct(node) => {
                let body = request.body.to_json();
                return Ok(plain(body.len(), self.theirs(|| self.handle(&node.key, &body))));
            }
            Route::Onion { relays, destination } => (relays, destination),
        };
        let hops: Vec<Hop> = relays.iter().map(hop).collect();
        let json = request.body.to_json();
        let sealed = self.with_rng(|rng| build(&hops, &hop(destination), &json, Cipher::XChaCha20, rng));
        let (sealed, guard) = (sealed.map_err(|_| Outcome::Garbled)?, hops.first().ok_or(Outcome::Garbled)?);
        let reply = self.theirs(|| self.relay(guard.key, sealed.body.clone()));
        let bytes = (sealed.body.len() + reply.body.len()) as u64;
        let outcome = match reply.status {
            200 => {
                let opened = sealed.reply.open(&reply.body).map_err(|_| Outcome::Garbled)?;
                Outcome::Reply { status: opened.status, body: opened.body }
            }
            status => Outcome::PathError { status, text: reply.body_text().into_owned() },
        };
        Ok(Answered { outcome, bytes })
    }

    /// Counts what is not the device's.
    fn theirs<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = thread_cpu();
        let result = work();
        let spent = u64::try_from((thread_cpu() - before).as_nanos()).unwrap_or(u64::MAX);
        self.cpu_ns.fetch_add(spent, Ordering::Relaxed);
        result
    }

    fn relay(&self, guard: NodeKey, mut body: Vec<u8>) -> Reply {
        let mut at = guard;
        loop {
            let Some(node) = self.nodes.get(&at) else { return Reply::text(502, "") };
            let onion = lock(node).peel_onion(&body);
            let (reply, sealer) = match onion {
                Onion::Forward { next, body: inner } => {
                    (at, body) = (next.key, inner);
                    continue;
                }
                Onion::Handle { body, sealer } => (self.handle(&at, &body), sealer),
                Onion::Refuse { reply, sealer } => (reply, sealer),
                Onion::Reply(reply) => return reply,
            };
            let body = self.with_rng(|rng| sealer.seal(reply.status, &reply.body_text(), rng));
            return Reply { status: 200, body };
        }
    }

    fn handle(&self, at: &NodeKey, body: &[u8]) -> Reply {
        let Some(node) = self.nodes.get(at) else { return Reply::text(502, "") };
        let now_ms = self.clock.unix_ms();
        let mut handled = lock(node).handle_json(body, now_ms);
        loop {
            match handled {
                Handled::Reply(reply) => return reply,
                Handled::Gather { ticket, forwards } => match self.gather(node, at, ticket, forwards) {
                    Some(next) => handled = next,
                    None => return Reply::text(500, ""),
                },
            }
        }
    }

    /// Every member of the swarm does the same.
    fn gather(
        &self,
        node: &Mutex<Node>,
        at: &NodeKey,
        ticket: Ticket,
        forwards: Vec<Forward>,
    ) -> Option<Handled> {
        let now_ms = self.clock.unix_ms();
        let mut done = None;
        for Forward { to, message } in forwards {
            let answer = self.nodes.get(&to).and_then(|peer| lock(peer).receive(*at, &message, now_ms));
            done = lock(node).peer_answered(ticket, to, answer, now_ms);
        }
        done
    }

    fn with_rng<T>(&self, work: impl FnOnce(&mut ChaCha20Rng) -> T) -> T {
        work(&mut lock(&self.rng))
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn plain(sent: usize, reply: Reply) -> Answered {
    let bytes = (sent + reply.body.len()) as u64;
    Answered { outcome: Outcome::Reply { status: reply.status, body: reply.body }, bytes }
}

fn hop(node: &ServiceNode) -> Hop {
    Hop { key: node.key, x25519: node.x25519 }
}
