//! What scenarios have in common: a conversation, and how to look at its world.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use starling_core::{Purpose, Route};
use starling_protocol::rpc;
use starling_sim::{Act, Change, Departure, Fault, HOUR_MS, MINUTE_MS, Setup, World};
use starling_simnet::DumpedMessage;
use starling_store::MessageState;

/// A network of two swarms of seven.
pub(crate) fn sevens(seed: u64) -> Setup {
    World::setup(seed).nodes(14).swarm_size(7).recorded()
}

/// Both devices are in the foreground and know the network.
pub(crate) fn settled(setup: Setup) -> World {
    let mut world = setup.build().unwrap();
    world.act(0, Act::Foreground);
    world.act(1, Act::Foreground);
    world.run_for(MINUTE_MS);
    world
}

/// The recipient sleeps and acknowledges nothing: `stored k of n` stays the state of what it is sent.
pub(crate) fn asleep(world: &mut World, device: usize) {
    world.act(device, Act::Background { grace_ms: 1_000 });
    world.run_for(MINUTE_MS);
}

/// Whether the swarm has a message, or its recipient even said so.
pub(crate) fn has_arrived(state: &MessageState) -> bool {
    matches!(state, MessageState::Stored { .. } | MessageState::Delivered)
}

pub(crate) fn send(world: &mut World, from: usize, body: &str) {
    world.act(from, Act::Send { to: 1 - from, body: body.to_owned() });
}

/// A conversation in turns, two seconds apart; every text is new to the world.
pub(crate) fn talk(world: &mut World, messages: u64) {
    for number in 0..messages {
        let from = (number % 2) as usize;
        let body = format!("{number} at {}", world.now_ms());
        send(world, from, &body);
        world.run_for(2_000);
    }
}

/// Whatever was sent arrives: everything, once, in order, with no promise broken on the way.
pub(crate) fn assert_delivered(world: &mut World, messages: u64, what: &str) {
    let quiet = world.run_until_quiet(6 * HOUR_MS);
    assert!(quiet, "{what}: {:?} {:?}", world.states(0), world.states(1));
    let verdict = world.history().judge(world.now_ms());
    assert_eq!(world.violations(), [], "{what}");
    assert_eq!((verdict.messages, verdict.violations), (messages, Vec::new()), "{what}");
}

/// No server replicates.
pub(crate) fn without_replication(world: &mut World) {
    for server in 0..world.node_count() {
        world.fault(server, Fault::KeepsToItself);
    }
}

pub(crate) fn state(world: &World, from: usize, body: &str) -> MessageState {
    world.states(from)[body]
}

/// Members of a device's swarm that hold something for it, with what they hold.
pub(crate) fn holders(world: &World, device: usize) -> Vec<(usize, Vec<DumpedMessage>)> {
    let account = world.account(device).unwrap();
    let for_device = |server: usize| {
        let held: Vec<_> = world.held(server).into_iter().filter(|held| held.account == account).collect();
        (server, held)
    };
    let all = (0..world.node_count()).map(for_device);
    all.filter(|(_, held)| !held.is_empty()).collect()
}

/// A stored message as its sender sent it.
pub(crate) fn as_sent(message: &DumpedMessage) -> rpc::Store {
    let ttl_ms = message.expiry - message.timestamp;
    let store = rpc::Store::public(message.account, message.timestamp, ttl_ms, message.data.as_str().into());
    rpc::Store { nonce: message.nonce.clone(), ..store }
}

/// The server a request is for, and its relays, as numbers.
pub(crate) fn way(world: &World, departure: &Departure) -> (Vec<usize>, usize) {
    let number = |node: &starling_protocol::ServiceNode| world.server(&node.key).unwrap();
    match &departure.request.route {
        Route::Seed(_) => (Vec::new(), usize::MAX),
        Route::Direct(node) => (Vec::new(), number(node)),
        Route::Onion { relays, destination } => (relays.iter().map(number).collect(), number(destination)),
    }
}

pub(crate) fn is_store(departure: &Departure) -> bool {
    matches!(departure.request.purpose, Purpose::Store(_))
}

pub(crate) fn is_retrieve(departure: &Departure) -> bool {
    matches!(departure.request.purpose, Purpose::Retrieve(_))
}

/// Requests that a device made since `since` and that are wanted.
pub(crate) fn requests(
    world: &World,
    device: usize,
    since: u64,
    wanted: impl Fn(&Departure) -> bool,
) -> Vec<Departure> {
    let ours = |departure: &&Departure| departure.device == device && departure.at >= since;
    world.departures().iter().filter(ours).filter(|departure| wanted(departure)).cloned().collect()
}

/// Requests that left together, in order: the rounds of a send, the polls of a recipient.
pub(crate) fn waves(world: &World, departures: &[Departure]) -> Vec<(u64, BTreeSet<usize>)> {
    let mut waves: Vec<(u64, BTreeSet<usize>)> = Vec::new();
    for departure in departures {
        let (_, destination) = way(world, departure);
        match waves.last_mut().filter(|(at, _)| *at == departure.at) {
            Some((_, wave)) => {
                wave.insert(destination);
            }
            None => waves.push((departure.at, [destination].into())),
        }
    }
    waves
}

/// Runs in small steps until something is so; returns when, or `None` after `ms`.
pub(crate) fn run_until(world: &mut World, ms: u64, mut so: impl FnMut(&mut World) -> bool) -> Option<u64> {
    let end = world.now_ms() + ms;
    while world.now_ms() < end {
        if so(world) {
            return Some(world.now_ms());
        }
        world.run_for(100);
    }
    so(world).then(|| world.now_ms())
}

/// Everything a server with this number does again works.
pub(crate) fn repair(world: &mut World, servers: &[usize]) {
    for server in servers {
        world.change(Change::Repair(*server));
    }
}

/// How often something happened inside a world.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicU64>);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
