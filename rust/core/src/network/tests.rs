//! Blame, outages, bootstrap and quorum, without a single node.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use starling_protocol::rpc::reply::{Info, NodeList};
use starling_protocol::rpc::{AddressKind, Request as Call};
use starling_protocol::{NodeKey, ServiceNode};
use starling_store::{Store, StoreError};

use super::Network;
use crate::config::{Config, SeedNode};
use crate::effect::{Effect, Purpose, Request, Route};
use crate::input::{EffectId, Now, Outcome};
use crate::step::Step;

fn nodes(count: u8) -> Vec<ServiceNode> {
    let node = |n: u8| ServiceNode {
        key: NodeKey([n; 32]),
        x25519: [n; 32],
        ip: Ipv4Addr::new(127, 0, 0, n),
        port: 22021,
        swarm_id: u64::from(n % 2),
    };
    (1..=count).map(node).collect()
}

fn listing(nodes: Vec<ServiceNode>) -> Outcome {
    Outcome::Reply { status: 200, body: NodeList { nodes }.to_json(1) }
}

fn info(timestamp: u64) -> Outcome {
    Outcome::Reply { status: 200, body: Info { timestamp, version: vec![2, 8, 0] }.to_json() }
}

struct Bench {
    store: Store,
    network: Network,
    rng: ChaCha20Rng,
    boot_ms: u64,
}

impl Bench {
    /// A network that has its list and its time.
    fn settled(count: u8) -> Self {
        let mut bench = Self::empty();
        let seed = bench.pump();
        assert_eq!(seed[0].purpose, Purpose::Bootstrap);
        bench.land(seed[0].id, listing(nodes(count)));
        bench.boot_ms += 1;
        for request in bench.pump() {
            assert_eq!(request.purpose, Purpose::Clock);
            bench.land(request.id, info(1_700_000_000_000));
        }
        bench
    }

    fn empty() -> Self {
        let seeds = vec![SeedNode { url: "http://127.0.0.1:1".into(), address_kind: AddressKind::Loopback }];
        let mut store = Store::in_memory().unwrap();
        let config = Config { seeds, ..Config::default() };
        let network = store.transact(|tx| Network::load(tx, config, 0)).unwrap();
        Self { store, network, rng: ChaCha20Rng::seed_from_u64(3), boot_ms: 0 }
    }

    fn step<T>(
        &mut self,
        act: impl FnOnce(&mut Step<'_, '_>, &mut Network) -> Result<T, StoreError>,
    ) -> (T, Vec<Request>) {
        let now = self.now();
        let (network, rng) = (&mut self.network, &mut self.rng);
        self.store
            .transact(|tx| {
                let mut admission = crate::contacts::Admission::default();
                let mut step = Step {
                    tx,
                    now,
                    rng,
                    effects: Vec::new(),
                    admission: &mut admission,
                    queue_changed: false,
                    acks_changed: false,
                };
                let result = act(&mut step, network)?;
                let requests = step.effects.into_iter().filter_map(|effect| match effect {
                    Effect::Request(request) => Some(request),
                    _ => None,
                });
                Ok::<_, StoreError>((result, requests.collect()))
            })
            .unwrap()
    }

    fn now(&self) -> Now {
        Now { boot_ms: self.boot_ms, wall_ms: self.boot_ms as i64 }
    }

    fn pump(&mut self) -> Vec<Request> {
        self.step(|step, network| network.pump(step)).1
    }

    fn land(&mut self, id: EffectId, outcome: Outcome) -> Vec<Request> {
        self.step(|step, network| network.landed(step, id, outcome, 0).map(|_| ())).1
    }

    /// Asks `node` something and returns the request.
    fn ask(&mut self, node: NodeKey) -> Request {
        let asked = |step: &mut Step<'_, '_>, network: &mut Network| {
            Ok(network.ask(step, Purpose::Retrieve(node), &node, Call::Info))
        };
        let (id, mut requests) = self.step(asked);
        assert!(id.is_some());
        requests.pop().unwrap()
    }

    fn barred(&self) -> BTreeSet<NodeKey> {
        let now = self.now();
        self.network.directory.keys().filter(|node| self.network.standing.barred(node, now)).collect()
    }
}

fn relays(request: &Request) -> Vec<NodeKey> {
    match &request.route {
        Route::Onion { relays, .. } => relays.iter().map(|node| node.key).collect(),
        other => panic!("no onion: {other:?}"),
    }
}

fn destination(request: &Request) -> NodeKey {
    match &request.route {
        Route::Onion { destination, .. } | Route::Direct(destination) => destination.key,
        Route::Seed(_) => panic!("a seed"),
    }
}

#[test]
fn a_502_bars_the_node_it_names_and_nobody_else() {
    for at in 1..=3 {
        let mut bench = Bench::settled(12);
        let request = bench.ask(NodeKey([9; 32]));
        let hops: Vec<NodeKey> = relays(&request).into_iter().chain([destination(&request)]).collect();
        let text = format!("Next node not found: {}", hops[at]);
        let probes = bench.land(request.id, Outcome::PathError { status: 502, text });
        assert!(probes.is_empty());
        assert_eq!(bench.barred(), BTreeSet::from([hops[at]]), "hop {at}");
    }
}

#[test]
fn a_502_that_names_a_stranger_or_the_guard_bars_neither() {
    let mut bench = Bench::settled(12);
    let request = bench.ask(NodeKey([9; 32]));
    let hops = relays(&request);
    let stranger = (1..=12).map(|n| NodeKey([n; 32])).find(|n| !hops.contains(n) && n.0[0] != 9).unwrap();
    for named in [stranger, hops[0]] {
        let request = bench.ask(NodeKey([9; 32]));
        let text = format!("Next node not found: {named}");
        bench.land(request.id, Outcome::PathError { status: 502, text });
        assert!(bench.barred().is_empty());
    }
}

#[test]
fn a_silent_path_is_probed_hop_by_hop_and_the_first_dead_hop_is_barred() {
    for (dead, name) in [(1, "middle"), (2, "exit")] {
        let mut bench = Bench::settled(12);
        let request = bench.ask(NodeKey([9; 32]));
        let hops = relays(&request);
        let probes = bench.land(request.id, Outcome::TimedOut);
        assert_eq!(probes.iter().map(destination).collect::<Vec<_>>(), hops);
        assert_eq!(probes[0].route, Route::Direct(nodes(12)[usize::from(hops[0].0[0]) - 1].clone()));
        for (at, probe) in probes.into_iter().enumerate() {
            bench.land(probe.id, if at < dead { info(1) } else { Outcome::TimedOut });
        }
        assert_eq!(bench.barred(), BTreeSet::from([hops[dead]]), "{name}");
    }
}

#[test]
fn a_dead_destination_behind_a_good_path_costs_no_hop() {
    let mut bench = Bench::settled(12);
    let before: Vec<Vec<NodeKey>> = bench.network.status(bench.now()).paths;
    for _ in 0..3 {
        let request = bench.ask(NodeKey([9; 32]));
        for probe in bench.land(request.id, Outcome::TimedOut) {
            bench.land(probe.id, info(1));
        }
    }
    assert_eq!(bench.barred(), BTreeSet::from([NodeKey([9; 32])]));
    bench.pump();
    let after = bench.network.status(bench.now()).paths;
    let without_nine = |paths: &Vec<Vec<NodeKey>>| paths.iter().flatten().filter(|n| n.0[0] != 9).count();
    assert!(without_nine(&before) <= without_nine(&after));
}

#[test]
fn errors_of_the_destination_punish_nobody() {
    let mut bench = Bench::settled(12);
    for status in [400, 401, 406, 421, 432, 500] {
        for _ in 0..10 {
            let request = bench.ask(NodeKey([9; 32]));
            let probes = bench.land(request.id, Outcome::Reply { status, body: b"no".to_vec() });
            assert!(probes.is_empty());
        }
    }
    assert!(bench.barred().is_empty());
}

#[test]
fn with_every_node_down_the_request_rate_falls_to_the_cap() {
    let mut bench = Bench::settled(12);
    let cap = bench.network.config.backoff_cap_ms;
    let mut requests = 0;
    let day = 24 * 3_600_000;
    while bench.boot_ms < day {
        if bench.network.ready(bench.now()) {
            let request = bench.ask(NodeKey([9; 32]));
            requests += 1;
            let probes = bench.land(request.id, Outcome::Unreachable);
            requests += probes.len();
        }
        for request in bench.pump() {
            requests += 1;
            bench.land(request.id, Outcome::Unreachable);
        }
        let next = bench.network.next_timer(bench.now()).unwrap_or(bench.boot_ms + 1_000);
        bench.boot_ms = next.max(bench.boot_ms + 1);
    }
    let most = 5 * day / cap;
    assert!((requests as u64) < most, "{requests} requests in a day, at most {most} allowed");
}

#[test]
fn two_silent_guards_are_replaced_by_scouts_alone() {
    let mut bench = Bench::settled(12);
    let dead: BTreeSet<NodeKey> = bench.network.paths.guards().iter().copied().collect();
    while bench.network.ready(bench.now()) {
        let request = bench.ask(NodeKey([9; 32]));
        for probe in bench.land(request.id, Outcome::TimedOut) {
            bench.land(probe.id, Outcome::TimedOut);
        }
    }
    for _ in 0..10 {
        bench.boot_ms = bench.network.next_timer(bench.now()).unwrap().max(bench.boot_ms);
        for scout in bench.pump() {
            let answer = if dead.contains(&destination(&scout)) { Outcome::TimedOut } else { info(1) };
            bench.land(scout.id, answer);
        }
        bench.pump();
        if bench.network.ready(bench.now()) {
            assert!(relays(&bench.ask(NodeKey([9; 32]))).iter().all(|hop| !dead.contains(hop)));
            return;
        }
    }
    panic!("still out after ten pauses");
}

#[test]
fn a_guard_that_answers_but_forwards_nothing_is_found_out() {
    let mut bench = Bench::settled(12);
    let guard = bench.network.paths.guards()[0];
    for round in 0..40 {
        let request = bench.ask(NodeKey([9; 32]));
        let behind = relays(&request)[0] == guard;
        let probes = bench.land(request.id, if behind { Outcome::TimedOut } else { info(1) });
        for probe in probes {
            let direct = matches!(probe.route, Route::Direct(_));
            bench.land(probe.id, if direct { info(1) } else { Outcome::TimedOut });
        }
        bench.boot_ms += 1;
        bench.pump();
        if bench.barred().contains(&guard) {
            return;
        }
        assert!(round < 39, "the guard is still trusted");
    }
}

#[test]
fn a_vanished_destination_renews_the_list_ever_more_rarely_if_nothing_is_new() {
    let mut bench = Bench::settled(12);
    let mut renewals = 0;
    let hour = 3_600_000;
    while bench.boot_ms < hour {
        bench.boot_ms += 1_000;
        bench.network.standing.lift_bars();
        let request = bench.ask(NodeKey([9; 32]));
        let text = format!("Next node not found: {}", NodeKey([9; 32]));
        bench.land(request.id, Outcome::PathError { status: 502, text });
        for request in bench.pump() {
            renewals += u32::from(request.purpose == Purpose::Directory);
            bench.land(request.id, listing(nodes(12)));
        }
    }
    assert!((3..=3 * 10).contains(&renewals), "{renewals} list requests in an hour");
}

#[test]
fn after_an_outage_the_first_answer_ends_all_pauses() {
    let mut bench = Bench::settled(12);
    while bench.network.ready(bench.now()) {
        let request = bench.ask(NodeKey([9; 32]));
        bench.land(request.id, Outcome::Unreachable);
    }
    bench.network.network_changed();
    assert!(bench.network.ready(bench.now()), "a new network is tried at once");
    assert!(bench.barred().is_empty());
}

#[test]
fn a_list_on_which_two_of_three_agree_replaces_the_old_one() {
    let mut bench = Bench::settled(12);
    bench.boot_ms += 60_000;
    bench.network.doubt_directory();
    let asked = bench.pump();
    assert_eq!(asked.len(), 3);
    let honest: Vec<ServiceNode> = nodes(14);
    for (at, request) in asked.into_iter().enumerate() {
        let list = if at == 1 { nodes(4) } else { honest.clone() };
        bench.land(request.id, listing(list));
    }
    assert_eq!(bench.network.directory.len(), 14);
    let kept = bench.store.read(|view| view.directory()).unwrap();
    assert_eq!(kept.len(), 14, "and it is in the store");
}

#[test]
fn nodes_that_cannot_agree_lead_back_to_a_seed() {
    let mut bench = Bench::settled(12);
    bench.network.doubt_directory();
    let mut asked_seed = false;
    for _ in 0..10 {
        bench.boot_ms += 600_000;
        for request in bench.pump() {
            match request.purpose {
                Purpose::Directory => drop(bench.land(request.id, listing(nodes(3)))),
                Purpose::Bootstrap => asked_seed = true,
                _ => {}
            }
        }
    }
    assert!(asked_seed);
    assert_eq!(bench.network.directory.len(), 12, "and the old list stands meanwhile");
}

#[test]
fn addresses_of_another_kind_than_the_seeds_are_dropped() {
    let mut bench = Bench::empty();
    let mut list = nodes(5);
    list[0].ip = Ipv4Addr::new(192, 168, 1, 1);
    list[1].ip = Ipv4Addr::new(8, 8, 8, 8);
    let seed = bench.pump();
    bench.land(seed[0].id, listing(list));
    let known: Vec<u8> = bench.network.directory.keys().map(|key| key.0[0]).collect();
    assert_eq!(known, [2, 3, 4, 5], "private address dropped, public and loopback kept");
}

#[test]
fn replies_from_before_a_rebuild_are_ignored() {
    let mut bench = Bench::settled(12);
    let request = bench.ask(NodeKey([9; 32]));
    let next = bench.network.next_id();
    let config = bench.network.config.clone();
    bench.network = bench.store.transact(|tx| Network::load(tx, config, next)).unwrap();
    assert!(bench.land(request.id, Outcome::Unreachable).is_empty());
    bench.pump();
    assert!(bench.ask(NodeKey([9; 32])).id > request.id, "ids are never used twice");
}
