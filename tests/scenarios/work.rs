//! Absurd demands for proof of work cost nobody's battery and stop no message that others take.

use starling_protocol::pow::Nonce;
use starling_protocol::rpc::Request;
use starling_sim::{Fault, MINUTE_MS, World};
use starling_store::{FailureReason, MessageState};

use crate::stage::*;

/// More than any client will do.
const ABSURD: u64 = 1_000_000;
/// What a demand may cost at most: the default ceiling.
const CEILING: u64 = 1_000;

/// The work behind each store that left device 0: here a nonce says what it was worked to.
fn work_done(world: &World, since: u64) -> Vec<u64> {
    let work = |request: &Request| match request {
        Request::Store(store) => {
            store.nonce.as_deref().map_or(0, |nonce| Nonce::from_base64(nonce).unwrap().0)
        }
        _ => 0,
    };
    requests(world, 0, since, is_store).iter().map(|store| work(&store.request.body)).collect()
}

fn demanding(seed: u64, demanding: usize) -> (World, Vec<usize>) {
    let mut world = settled(sevens(seed).difficulty(2));
    let greedy: Vec<usize> = world.swarm_of(1).into_iter().take(demanding).collect();
    for server in &greedy {
        world.fault(*server, Fault::Demand(ABSURD));
    }
    (world, greedy)
}

/// Sends eight messages past greedy members; the greedy are met, and nobody works for them.
fn send_past(world: &mut World, greedy: &[usize], what: &str) {
    let before = world.now_ms();
    for number in 0..8 {
        send(world, 0, &format!("message {number}"));
        world.run_for(30_000);
    }
    let stores = requests(world, 0, before, is_store);
    let met = stores.iter().filter(|store| greedy.contains(&way(world, store).1)).count();
    assert!(met > 0, "{what}: a greedy member was asked");
    let worked = work_done(world, before);
    assert!(worked.iter().any(|work| *work >= 2), "{what}: the honest demand is met");
    assert!(worked.iter().all(|work| *work <= CEILING), "{what}: {worked:?}");
}

#[test]
fn an_absurd_demand_of_one_member_changes_nothing() {
    for seed in 1_300..1_306 {
        let (mut world, greedy) = demanding(seed, 1);
        send_past(&mut world, &greedy, &format!("seed {seed}"));
        assert!(world.states(0).values().all(has_arrived));
        assert_delivered(&mut world, 8, &format!("seed {seed}"));
    }
}

#[test]
fn an_absurd_demand_of_two_members_is_at_most_said_and_never_worked_for() {
    for seed in 1_303..1_312 {
        let (mut world, greedy) = demanding(seed, 2);
        send_past(&mut world, &greedy, &format!("seed {seed}"));
        world.run_for(10 * MINUTE_MS);
        let states = world.states(0);
        let failed = |state: &&MessageState| **state == MessageState::Failed(FailureReason::TooHard);
        let arrived = states.values().filter(|state| has_arrived(state)).count();
        let failed = states.values().filter(failed).count();
        assert_eq!(failed + arrived, 8, "seed {seed}: {states:?}");
        // Two who are struck for it are avoided afterwards.
        assert!(failed <= 1, "seed {seed}: {states:?}");
        assert_eq!(world.violations(), []);
        assert_eq!(world.history().missing().len(), failed, "seed {seed}: what is not said to fail arrives");
    }
}

#[test]
fn a_swarm_that_asks_the_absurd_is_told_from_one_that_does_not_answer() {
    let (mut world, greedy) = demanding(1_310, 7);
    let before = world.now_ms();
    send(&mut world, 0, "too hard");
    world.run_for(10 * MINUTE_MS);
    let stores = requests(&world, 0, before, is_store);
    assert!(stores.iter().all(|store| greedy.contains(&way(&world, store).1)) && !stores.is_empty());
    assert_eq!(state(&world, 0, "too hard"), MessageState::Failed(FailureReason::TooHard));
    assert!(work_done(&world, before).iter().all(|work| *work <= CEILING));
    // With sense back, a retry brings it through.
    repair(&mut world, &greedy);
    world.act(0, starling_sim::Act::Retry);
    assert_delivered(&mut world, 1, "retried");
}

#[test]
fn a_demand_of_half_the_swarm_below_the_ceiling_is_met() {
    let mut world = settled(sevens(1_320).difficulty(2));
    let swarm = world.swarm_of(1);
    for server in swarm.iter().take(4) {
        world.fault(*server, Fault::Demand(50));
    }
    let before = world.now_ms();
    for number in 0..8 {
        send(&mut world, 0, &format!("message {number}"));
        world.run_for(30_000);
    }
    assert!(work_done(&world, before).iter().any(|work| *work >= 50), "the higher demand was met");
    assert_delivered(&mut world, 8, "two demands");
}
