//! Requests on their way: hop by hop, with latency, loss, duplication and the network's own errors
//! (network-protocol section 6.6).
//!
//! Above the onion layer a packet carries the typed request; with [`Network::onion_bytes`] it carries the
//! bytes of a real onion request, peeled by every relay and sealed by the destination.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use starling_core::{EffectId, Input, Outcome, Request, Route};
use starling_protocol::onion::{self, Cipher, Hop, ReplyKey, ReplySealer};
use starling_protocol::{NodeKey, ServiceNode, rpc};
use starling_simnet::{Handled, Onion, Reply, Ticket, path_error, seed_json_rpc};

use crate::chance::{between, chance};
use crate::topology::{Health, Topology};
use crate::world::{Happening, World};

/// A relay gives the next hop this long.
const HOP_TIMEOUT_MS: u64 = 30_000;
/// HTTP, TLS and onion bytes around a body, both directions.
const OVERHEAD_BYTES: u64 = 1_800;

/// The state of the air, for all links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Requests of devices lost on the way there or back, of 1,000.
    pub loss: u32,
    /// Requests that arrive twice, of 1,000.
    pub duplication: u32,
    /// Messages between swarm members lost, of 1,000.
    pub peer_loss: u32,
    /// Latency of one link in milliseconds, from and to; reordering comes from the difference.
    pub latency_ms: (u64, u64),
}

impl Default for Weather {
    fn default() -> Self {
        Self { loss: 0, duplication: 0, peer_loss: 0, latency_ms: (10, 60) }
    }
}

/// What keeps a device from reaching nodes.
#[derive(Debug, Default)]
pub(crate) struct Links {
    offline: BTreeSet<usize>,
    cut: BTreeSet<(usize, usize)>,
}

impl Links {
    pub(crate) fn cut_off(&mut self, device: usize) {
        self.offline.insert(device);
    }

    pub(crate) fn connect(&mut self, device: usize) {
        self.offline.remove(&device);
    }

    pub(crate) fn cut(&mut self, device: usize, server: usize) {
        self.cut.insert((device, server));
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
        self.offline.clear();
    }

    pub(crate) fn mend(&mut self, device: usize) {
        self.cut.retain(|(of, _)| *of != device);
    }
}

/// Everything between the devices.
pub(crate) struct Network {
    pub(crate) topology: Topology,
    pub(crate) links: Links,
    pub(crate) weather: Weather,
    pub(crate) seeds_up: bool,
    pub(crate) onion_bytes: bool,
    pub(crate) rng: ChaCha20Rng,
    /// Requests whose entry node waits for its peers.
    gathering: BTreeMap<(usize, Ticket), Origin>,
}

/// A request on its way to `way[hop]`.
#[derive(Clone)]
pub(crate) struct Packet {
    way: Arc<Vec<NodeKey>>,
    hop: usize,
    cargo: Cargo,
    /// Number of the link on which it disappears; those of the way back are counted on.
    lost_at: Option<usize>,
    sender: Sender,
}

#[derive(Clone)]
enum Cargo {
    Plain(rpc::Request),
    Sealed { body: Vec<u8>, reply: Arc<ReplyKey> },
}

#[derive(Clone, Copy)]
struct Sender {
    device: usize,
    incarnation: u32,
    id: EffectId,
    bytes: u64,
}

/// Where an answer goes.
pub(crate) struct Origin {
    sender: Sender,
    links_back: usize,
    lost: bool,
    seal: Option<(ReplySealer, Arc<ReplyKey>)>,
    /// The server and what it was asked, if somebody meddles with its answers.
    meddled: Option<(usize, rpc::Request)>,
}

impl Network {
    pub(crate) fn new(topology: Topology, rng: ChaCha20Rng, onion_bytes: bool) -> Self {
        Self {
            topology,
            links: Links::default(),
            weather: Weather::default(),
            seeds_up: true,
            onion_bytes,
            rng,
            gathering: BTreeMap::new(),
        }
    }

    pub(crate) fn latency(&mut self) -> u64 {
        let (from, to) = self.weather.latency_ms;
        between(&mut self.rng, from, to)
    }
}

impl World {
    /// A device makes a request.
    pub(crate) fn send_out(&mut self, device: usize, incarnation: u32, request: Request) {
        let Request { id, route, body, timeout_ms, .. } = request;
        let stored = if let rpc::Request::Store(store) = &body { store.data.len() as u64 } else { 0 };
        let sender = Sender { device, incarnation, id, bytes: OVERHEAD_BYTES + stored };
        self.outcome(timeout_ms, sender, Outcome::TimedOut);
        if self.network.links.offline.contains(&device) {
            return self.outcome(5, sender, Outcome::Unreachable);
        }
        let (relays, destination) = match route {
            Route::Seed(_) => return self.ask_seed(sender),
            Route::Direct(node) => (Vec::new(), node),
            Route::Onion { relays, destination } => (relays, destination),
        };
        let way: Vec<NodeKey> = relays.iter().chain([&destination]).map(|node| node.key).collect();
        let cargo = match self.pack(&relays, &destination, body) {
            Ok(cargo) => cargo,
            Err(error) => return self.violation(format!("an onion request cannot be built: {error}")),
        };
        let Weather { loss, duplication, .. } = self.network.weather;
        let rng = &mut self.network.rng;
        let links = 2 * way.len() as u64;
        let lost_at = chance(rng, loss).then(|| between(rng, 0, links - 1) as usize);
        let twice = chance(rng, duplication);
        let packet = Packet { way: Arc::new(way), hop: 0, cargo, lost_at, sender };
        if twice {
            self.forward(Packet { lost_at: None, ..packet.clone() });
        }
        self.forward(packet);
    }

    fn pack(
        &mut self,
        relays: &[ServiceNode],
        destination: &ServiceNode,
        body: rpc::Request,
    ) -> Result<Cargo, onion::OnionError> {
        if relays.is_empty() || !self.network.onion_bytes {
            return Ok(Cargo::Plain(body));
        }
        let hop = |node: &ServiceNode| Hop { key: node.key, x25519: node.x25519 };
        let relays: Vec<Hop> = relays.iter().map(hop).collect();
        let rng = &mut self.network.rng;
        let cipher = if chance(rng, 500) { Cipher::AesGcm } else { Cipher::XChaCha20 };
        let sealed = onion::build(&relays, &hop(destination), &body.to_json(), cipher, rng)?;
        Ok(Cargo::Sealed { body: sealed.body, reply: Arc::new(sealed.reply) })
    }

    fn ask_seed(&mut self, sender: Sender) {
        let loss = self.network.weather.loss;
        let after = 2 * self.network.latency();
        if !self.network.seeds_up {
            return self.outcome(after, sender, Outcome::Unreachable);
        }
        if !chance(&mut self.network.rng, loss) {
            let reply = seed_json_rpc(&self.network.topology.view, &rpc::seed_node_list_request());
            self.outcome(after, sender, Outcome::Reply { status: reply.status, body: reply.body });
        }
    }

    /// Puts a packet on the link to its next hop.
    fn forward(&mut self, packet: Packet) {
        if packet.lost_at == Some(packet.hop) {
            return;
        }
        let next = packet.way.get(packet.hop).and_then(|key| self.network.topology.server(key));
        let slow = next.map_or(0, |server| server.slow_ms);
        let after = slow + self.network.latency();
        self.queue.put(self.now + after, Happening::Travel(Box::new(packet)));
    }

    /// A packet arrives at a hop.
    pub(crate) fn arrive(&mut self, packet: Packet) {
        let Some(key) = packet.way.get(packet.hop).copied() else { return };
        let number = self.network.topology.number(&key);
        let device = packet.sender.device;
        let cut = number.is_some_and(|number| self.network.links.cut.contains(&(device, number)));
        if packet.hop == 0 && cut {
            return;
        }
        let health = self.network.topology.server(&key).map_or(Health::Gone, |server| server.health);
        match health {
            Health::Down | Health::Gone if packet.hop == 0 => {
                let after = self.network.latency();
                self.outcome(after, packet.sender, Outcome::Unreachable);
            }
            Health::Down | Health::Gone => {
                self.path_error(0, packet.hop, &packet, path_error::next_unreachable(&key));
            }
            Health::Hung if packet.hop == 0 => {}
            Health::Hung => self.path_error(HOP_TIMEOUT_MS, packet.hop, &packet, path_error::timed_out()),
            Health::NotReady => self.path_error(0, packet.hop + 1, &packet, path_error::not_ready(&key)),
            Health::Up => self.pass(number, packet),
        }
    }

    /// A node that works does its part.
    fn pass(&mut self, number: Option<usize>, packet: Packet) {
        let Some(number) = number else { return };
        let at = self.node_time();
        let meddled = self.meddles(number);
        let Some(server) = self.network.topology.servers.get_mut(number) else { return };
        let last = packet.hop + 1 == packet.way.len();
        match &packet.cargo {
            Cargo::Plain(request) if last => {
                let handled = server.node.handle(request.clone(), at);
                let meddled = meddled.then(|| (number, request.clone()));
                self.handled(number, Origin { meddled, ..packet.origin(None) }, handled);
            }
            Cargo::Plain(_) => {
                let next = packet.way.get(packet.hop + 1).copied();
                match next.filter(|next| self.network.topology.view.node(next).is_some()) {
                    Some(_) => self.forward(Packet { hop: packet.hop + 1, ..packet }),
                    None => {
                        let missing = next.unwrap_or(NodeKey([0; 32]));
                        self.path_error(0, packet.hop + 1, &packet, path_error::next_not_found(&missing));
                    }
                }
            }
            Cargo::Sealed { body, reply } => match server.node.peel_onion(body) {
                Onion::Forward { body, .. } => {
                    let cargo = Cargo::Sealed { body, reply: reply.clone() };
                    self.forward(Packet { hop: packet.hop + 1, cargo, ..packet });
                }
                Onion::Handle { body, sealer } => {
                    let handled = server.node.handle_json(&body, at);
                    let request = rpc::Request::parse(&body).ok().filter(|_| meddled);
                    let origin = packet.origin(Some((sealer, reply.clone())));
                    let meddled = request.map(|request| (number, request));
                    self.handled(number, Origin { meddled, ..origin }, handled);
                }
                Onion::Refuse { reply: refusal, sealer } => {
                    let origin = packet.origin(Some((sealer, reply.clone())));
                    self.reply(origin, refusal);
                }
                Onion::Reply(error) => self.path_error(0, packet.hop + 1, &packet, error),
            },
        }
    }

    /// A hop answers instead of the destination; `links` is how many links the answer goes back.
    fn path_error(&mut self, after: u64, links: usize, packet: &Packet, reply: Reply) {
        let lost = packet.lost_at.is_some_and(|link| link >= packet.way.len());
        if lost {
            return;
        }
        let back: u64 = (0..links).map(|_| self.network.latency()).sum();
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let outcome = if packet.way.len() == 1 {
            Outcome::Reply { status: reply.status, body: reply.body }
        } else {
            Outcome::PathError { status: reply.status, text }
        };
        self.outcome(after + back, packet.sender, outcome);
    }

    /// A node took a request: it answers, or asks its peers first.
    pub(crate) fn handled(&mut self, number: usize, origin: Origin, handled: Handled) {
        match handled {
            Handled::Reply(reply) => self.reply(origin, reply),
            Handled::Gather { ticket, forwards } => {
                self.network.gathering.insert((number, ticket), origin);
                self.ask_peers(number, ticket, forwards);
            }
        }
    }

    /// What a gathering came to.
    pub(crate) fn gathered(&mut self, number: usize, ticket: Ticket, handled: Option<Handled>) {
        let Some(handled) = handled else { return };
        if let Some(origin) = self.network.gathering.remove(&(number, ticket)) {
            self.handled(number, origin, handled);
        }
    }

    /// A node crashed: the requests it was working on will never be answered.
    pub(crate) fn forget_gatherings(&mut self, number: usize) {
        self.network.gathering.retain(|(of, _), _| *of != number);
    }

    fn reply(&mut self, origin: Origin, reply: Reply) {
        if origin.lost {
            return;
        }
        let after = (0..origin.links_back).map(|_| self.network.latency()).sum();
        let Reply { status, body } = match &origin.meddled {
            Some((number, request)) => self.meddled(*number, request, reply),
            None => reply,
        };
        let outcome = match origin.seal {
            None => Outcome::Reply { status, body },
            Some((sealer, key)) => {
                let sealed = sealer.seal(status, &String::from_utf8_lossy(&body), &mut self.network.rng);
                match key.open(&sealed) {
                    Ok(opened) => Outcome::Reply { status: opened.status, body: opened.body },
                    Err(_) => Outcome::Garbled,
                }
            }
        };
        self.outcome(after, origin.sender, outcome);
    }

    /// The device hears how a request ended; only the first end counts.
    fn outcome(&mut self, after: u64, sender: Sender, outcome: Outcome) {
        let Sender { device, incarnation, id, bytes } = sender;
        let answered = if let Outcome::Reply { body, .. } = &outcome { body.len() as u64 } else { 0 };
        self.put_input(after, device, incarnation, Input::Reply { id, outcome, bytes: bytes + answered });
    }
}

impl Packet {
    fn origin(&self, seal: Option<(ReplySealer, Arc<ReplyKey>)>) -> Origin {
        let links_back = self.way.len();
        let lost = self.lost_at.is_some_and(|link| link >= links_back);
        Origin { sender: self.sender, links_back, lost, seal, meddled: None }
    }
}
