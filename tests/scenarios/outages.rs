//! All nodes down, and back.

use starling_sim::{Act, Change, Fault, HOUR_MS, MINUTE_MS, World};
use starling_store::MessageState;

use crate::stage::*;

/// The longest pause between two attempts, by default.
const CAP_MS: u64 = 300_000;

/// A message waits while no node and no seed answers, for two hours.
fn outage(seed: u64, fault: Fault) -> World {
    let mut world = settled(sevens(seed));
    talk(&mut world, 4);
    for server in 0..world.node_count() {
        world.fault(server, fault);
    }
    world.change(Change::Seeds(false));
    send(&mut world, 0, "into the outage");
    world.run_for(HOUR_MS);
    let before = world.requests(0);
    world.run_for(HOUR_MS);
    let hourly = world.requests(0) - before;
    // A scout for each of two guards, every five minutes; jitter takes up to half a pause off.
    assert!(hourly > 0, "{fault:?}: somebody looks whether it is over");
    assert!(hourly <= 2 * 2 * HOUR_MS / CAP_MS, "{fault:?}: {hourly} requests in an hour");
    assert!(!matches!(state(&world, 0, "into the outage"), MessageState::Stored { .. }));
    world
}

fn peace(world: &mut World) {
    world.change(Change::Peace);
}

fn stored(world: &mut World) -> bool {
    matches!(state(world, 0, "into the outage"), MessageState::Stored { .. })
}

#[test]
fn after_an_outage_of_everything_a_host_that_says_so_sends_at_once() {
    for (seed, fault) in [(1_800, Fault::Down), (1_801, Fault::Hung)] {
        let mut world = outage(seed, fault);
        peace(&mut world);
        world.act(0, Act::NetworkChanged);
        world.act(1, Act::NetworkChanged);
        let recovered = run_until(&mut world, 5_000, stored);
        assert!(recovered.is_some(), "{fault:?}: {:?}", world.status(0));
        assert_delivered(&mut world, 5, &format!("{fault:?}"));
    }
}

#[test]
fn after_an_outage_of_everything_the_engine_finds_back_within_one_pause() {
    for (seed, fault) in [(1_810, Fault::Down), (1_811, Fault::Hung)] {
        let mut world = outage(seed, fault);
        peace(&mut world);
        let recovered = run_until(&mut world, CAP_MS + CAP_MS / 2 + 30_000, stored);
        assert!(recovered.is_some(), "{fault:?}: {:?}", world.status(0));
        assert_delivered(&mut world, 5, &format!("{fault:?}"));
    }
}

#[test]
fn an_outage_at_the_first_start_is_survived() {
    let mut world = sevens(1_820).build().unwrap();
    for server in 0..world.node_count() {
        world.fault(server, Fault::Down);
    }
    world.change(Change::Seeds(false));
    world.act(0, Act::Foreground);
    world.act(1, Act::Foreground);
    send(&mut world, 0, "into the outage");
    world.run_for(2 * HOUR_MS);
    let before = world.requests(0);
    world.run_for(HOUR_MS);
    let hourly = world.requests(0) - before;
    assert!((1..=2 * HOUR_MS / CAP_MS).contains(&hourly), "{hourly} requests in an hour");
    peace(&mut world);
    assert!(run_until(&mut world, 2 * CAP_MS + MINUTE_MS, stored).is_some(), "{:?}", world.status(0));
    assert_delivered(&mut world, 1, "first start");
}
