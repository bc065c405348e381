//! Hops that die: the dead one is blamed, nobody else.

use std::collections::BTreeSet;

use starling_sim::{Act, Change, Fault, MINUTE_MS, World};
use starling_store::MessageState;

use crate::stage::*;

/// Eight nodes: two paths need seven that work, so a second path tells that only one node is blamed.
fn eight(seed: u64) -> World {
    settled(World::setup(seed).nodes(8).swarm_size(4).recorded())
}

/// Device 0's paths, as server numbers.
fn paths(world: &World) -> Vec<Vec<usize>> {
    let paths = world.status(0).unwrap().paths;
    paths.iter().map(|path| path.iter().map(|key| world.server(key).unwrap()).collect()).collect()
}

/// The hop in this place of the first path stops working in the middle of a conversation.
fn assert_only_the_dead_hop_is_blamed(place: usize, fault: Fault, seed: u64) {
    let what = format!("hop {place}, {fault:?}, seed {seed}");
    let mut world = eight(seed);
    talk(&mut world, 4);
    let before = paths(&world);
    assert_eq!(before.len(), 2, "{what}");
    let dead = before[0][place];
    world.fault(dead, fault);
    let since = world.now_ms();
    let mut number = 0;
    let avoided = run_until(&mut world, 5 * MINUTE_MS, |world| {
        if (world.now_ms() - since).is_multiple_of(2_000) {
            send(world, (number % 2) as usize, &format!("{what}: {number}"));
            number += 1;
        }
        paths(world).iter().all(|path| !path.contains(&dead))
    });
    let avoided = avoided.unwrap_or_else(|| panic!("{what}: still in use: {:?}", paths(&world)));
    let met = requests(&world, 0, since, |_| true)
        .iter()
        .filter(|ask| {
            let (relays, destination) = way(&world, ask);
            ask.at <= avoided && (relays.contains(&dead) || destination == dead)
        })
        .count();
    assert!(met > 0, "{what}: requests met the dead hop");
    let after = paths(&world);
    assert_eq!(after.len(), 2, "{what}: an innocent node is barred: {before:?} -> {after:?}");
    let guards: BTreeSet<usize> = before.iter().map(|path| path[0]).filter(|guard| *guard != dead).collect();
    assert!(guards.iter().all(|guard| after.iter().any(|path| path[0] == *guard)), "{what}: guards stay");
    repair(&mut world, &[dead]);
    let sent = world.states(0).len() + world.states(1).len();
    assert_delivered(&mut world, sent as u64, &what);
}

#[test]
fn a_guard_that_dies_is_the_one_that_is_blamed() {
    for seed in 1_700..1_704 {
        assert_only_the_dead_hop_is_blamed(0, Fault::Down, seed);
        assert_only_the_dead_hop_is_blamed(0, Fault::Hung, seed);
    }
}

#[test]
fn a_middle_that_dies_is_the_one_that_is_blamed() {
    for seed in 1_710..1_714 {
        assert_only_the_dead_hop_is_blamed(1, Fault::Down, seed);
        assert_only_the_dead_hop_is_blamed(1, Fault::Hung, seed);
    }
}

#[test]
fn an_exit_that_dies_is_the_one_that_is_blamed() {
    for seed in 1_720..1_724 {
        assert_only_the_dead_hop_is_blamed(2, Fault::Down, seed);
        assert_only_the_dead_hop_is_blamed(2, Fault::Hung, seed);
    }
}

#[test]
fn a_destination_that_answers_500_punishes_no_hop() {
    let mut world = eight(1_730);
    let swarm = world.swarm_of(1);
    let refused = Count::default();
    for server in swarm.iter().take(2) {
        let refused = refused.clone();
        world.meddle(*server, move |_, _| {
            refused.add();
            starling_simnet::Reply { status: 500, body: b"Internal Server Error".to_vec() }
        });
    }
    // A minute at a time, so that rotation is not taken for punishment.
    for _ in 0..5 {
        let guards: BTreeSet<usize> = paths(&world).iter().map(|path| path[0]).collect();
        for number in 0..10 {
            let body = format!("{number} at {}", world.now_ms());
            send(&mut world, 0, &body);
            world.run_for(5_000);
        }
        let after: BTreeSet<usize> = paths(&world).iter().map(|path| path[0]).collect();
        let innocent: BTreeSet<usize> =
            guards.into_iter().filter(|guard| !swarm[..2].contains(guard)).collect();
        assert!(innocent.is_subset(&after), "an innocent guard was set aside");
    }
    assert!(refused.get() > 0, "the destination answered 500");
    assert_delivered(&mut world, 50, "500");
}

#[test]
fn a_storm_of_network_changes_breaks_nothing() {
    let mut world = settled(sevens(1_740));
    for change in 0..600_u64 {
        world.plan(world.now_ms() + change * 500 + change % 7, (change % 2) as usize, Act::NetworkChanged);
    }
    let before = world.requests(0) + world.requests(1);
    talk(&mut world, 40);
    world.run_for(5 * MINUTE_MS);
    let made = world.requests(0) + world.requests(1) - before;
    assert!(made < 12_000, "{made} requests in 600 changes");
    assert_delivered(&mut world, 40, "storm");
}

#[test]
fn after_every_flip_of_the_network_a_message_goes_out_within_two_seconds() {
    let mut world = settled(sevens(1_750));
    for flip in 0..200 {
        world.act(0, Act::Offline);
        let body = format!("flip {flip}");
        send(&mut world, 0, &body);
        world.run_for(500 + flip * 97 % 5_000);
        assert!(!matches!(state(&world, 0, &body), MessageState::Stored { .. }), "offline is offline");
        world.act(0, Act::Online);
        let stored = run_until(&mut world, 2_000, |world| {
            matches!(state(world, 0, &body), MessageState::Stored { .. })
        });
        assert!(stored.is_some(), "flip {flip}: {:?} {:?}", state(&world, 0, &body), world.status(0));
    }
    assert_delivered(&mut world, 200, "flips");
}

#[test]
fn a_node_that_comes_back_is_used_again() {
    let mut world = eight(1_760);
    let guard = paths(&world)[0][0];
    world.fault(guard, Fault::Down);
    talk(&mut world, 20);
    assert!(paths(&world).iter().all(|path| !path.contains(&guard)), "set aside");
    world.change(Change::Repair(guard));
    let back =
        run_until(&mut world, 90 * MINUTE_MS, |world| paths(world).iter().any(|path| path[0] == guard));
    assert!(back.is_some(), "a guard is set aside, not forgotten");
    assert_delivered(&mut world, 20, "came back");
}
