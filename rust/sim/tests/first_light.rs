//! One message in virtual time; a recipient who is away; the network that asks for work; real onion bytes.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use starling_sim::{Act, HOUR_MS, MINUTE_MS, Setup, World};
use starling_store::MessageState;

fn send(to: usize, body: &str) -> Act {
    Act::Send { to, body: body.into() }
}

/// Everything that was accepted arrived once and in order, and no promise was broken on the way.
fn assert_clean(world: &mut World, messages: u64) {
    let verdict = world.history().judge(world.now_ms());
    world.compare_orders();
    assert_eq!(world.violations(), []);
    assert_eq!(verdict.violations, []);
    assert_eq!(verdict.messages, messages);
}

fn both_open(setup: Setup) -> World {
    let mut world = setup.build().unwrap();
    world.act(0, Act::Foreground);
    world.act(1, Act::Foreground);
    world
}

#[test]
fn one_message_in_virtual_time() {
    let mut world = both_open(World::setup(1));
    world.act(0, send(1, "hello"));
    assert!(world.run_until_quiet(5 * MINUTE_MS));
    assert_clean(&mut world, 1);
    assert_eq!(world.events(1).len(), 1);
    let MessageState::Stored { k, n } = world.states(0)["hello"] else { panic!("{:?}", world.states(0)) };
    assert!(2 * k > n && n == 5, "stored {k} of {n}");
}

#[test]
fn a_conversation_goes_both_ways() {
    let mut world = both_open(World::setup(2));
    for number in 0..10 {
        world.act(0, send(1, &format!("ping {number}")));
        world.act(1, send(0, &format!("pong {number}")));
        world.run_for(3_000);
    }
    assert!(world.run_until_quiet(5 * MINUTE_MS));
    assert_clean(&mut world, 20);
}

#[test]
fn a_recipient_who_was_away_gets_everything_with_the_first_wake() {
    let mut world = World::setup(3).build().unwrap();
    world.act(0, Act::Foreground);
    for number in 0..5 {
        world.act(0, send(1, &format!("while you were away {number}")));
    }
    world.run_for(20 * HOUR_MS);
    assert_eq!(world.events(1), []);
    world.act(1, Act::Wake { within_ms: 20_000 });
    world.run_for(30_000);
    assert_eq!(world.events(1).len(), 5);
    assert_clean(&mut world, 5);
}

#[test]
fn what_was_written_offline_goes_out_when_the_network_is_back() {
    let mut world = both_open(World::setup(4));
    world.run_for(MINUTE_MS);
    world.act(0, Act::Offline);
    world.act(0, send(1, "from the tunnel"));
    world.run_for(HOUR_MS);
    assert_eq!(world.events(1), []);
    world.act(0, Act::Online);
    world.run_for(15_000);
    assert_eq!(
        world.states(0).values().filter(|state| matches!(state, MessageState::Stored { .. })).count(),
        1
    );
    assert!(world.run_until_quiet(5 * MINUTE_MS));
    assert_clean(&mut world, 1);
}

#[test]
fn a_message_written_in_the_background_goes_out_with_the_next_wake() {
    let mut world = World::setup(5).build().unwrap();
    world.act(0, send(1, "later"));
    world.run_for(HOUR_MS);
    assert_eq!(world.requests(0), 0);
    world.act(0, Act::Wake { within_ms: 20_000 });
    world.run_for(MINUTE_MS);
    assert!(matches!(world.states(0)["later"], MessageState::Stored { .. }));
    world.act(1, Act::Wake { within_ms: 20_000 });
    world.run_for(MINUTE_MS);
    assert_clean(&mut world, 1);
}

/// The proofs that one printed step orders, as "device and message".
fn proofs(step: &str) -> Vec<String> {
    let device = step.split("device ").nth(1).and_then(|rest| rest.split(':').next()).unwrap_or_default();
    let orders = step.lines().filter_map(|line| line.split("-> prove #").nth(1));
    orders.map(|order| format!("{device} {}", order.split(' ').nth(2).unwrap_or_default())).collect()
}

#[test]
fn nodes_that_ask_for_work_get_it() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let copy = lines.clone();
    let print = move |line: &str| copy.lock().unwrap().push(line.to_owned());
    let mut world = both_open(World::setup(6).difficulty(4).printer(Box::new(print)));
    world.act(0, send(1, "worked for"));
    assert!(world.run_until_quiet(5 * MINUTE_MS));
    world.act(0, send(1, "known by now"));
    assert!(world.run_until_quiet(5 * MINUTE_MS));
    assert_clean(&mut world, 2);
    let lines = lines.lock().unwrap();
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert!(count("status 432") >= 2, "the difficulty is learned from refusals");
    let proven: Vec<String> = lines.iter().flat_map(|step| proofs(step)).collect();
    let distinct: BTreeSet<&String> = proven.iter().collect();
    assert!(
        proven.len() >= 2 && proven.len() == distinct.len(),
        "each message is worked for once: {proven:?}"
    );
    assert!(lines.iter().any(|line| line.contains("difficulty 4")));
}

#[test]
fn requests_travel_as_real_onion_bytes() {
    let mut world = both_open(World::setup(7).onion_bytes().difficulty(2));
    for number in 0..4 {
        world.act(0, send(1, &format!("through three relays {number}")));
        world.act(1, send(0, &format!("and back {number}")));
    }
    assert!(world.run_until_quiet(5 * MINUTE_MS));
    assert_clean(&mut world, 8);
}

#[test]
fn three_devices_with_wrong_clocks_write_to_one_another() {
    let mut world = World::setup(8).devices(3).wrong_clocks().build().unwrap();
    for device in 0..3 {
        world.act(device, Act::Foreground);
    }
    for (from, to) in [(0, 1), (1, 2), (2, 0), (1, 0), (0, 2), (2, 1)] {
        world.act(from, send(to, &format!("{from} to {to}")));
    }
    assert!(world.run_until_quiet(5 * MINUTE_MS));
    assert_clean(&mut world, 6);
}

#[test]
fn the_largest_text_fits_and_one_byte_does_too() {
    let mut world = both_open(World::setup(9));
    world.act(0, send(1, &"x".repeat(starling_core::largest_text())));
    world.act(0, send(1, "y"));
    assert!(world.run_until_quiet(5 * MINUTE_MS));
    assert_clean(&mut world, 2);
}

#[test]
fn a_message_given_up_leaves_a_gap_and_may_be_tried_again() {
    let mut world = both_open(World::setup(10));
    world.run_for(MINUTE_MS);
    world.act(0, Act::Offline);
    for number in 0..3 {
        world.act(0, send(1, &format!("written offline {number}")));
        if number == 1 {
            world.act(0, Act::GiveUp);
        }
    }
    world.run_for(HOUR_MS);
    world.act(0, Act::Online);
    assert!(world.run_until_quiet(HOUR_MS));
    let shown = |world: &World| {
        let message =
            |event: &&starling_sim::Displayed| !matches!(event.what, starling_sim::Shown::Gap { .. });
        world.events(1).iter().filter(message).count()
    };
    assert_eq!(shown(&world), 2);
    world.act(0, Act::Retry);
    assert!(world.run_until_quiet(HOUR_MS));
    assert_eq!(shown(&world), 3);
    assert_clean(&mut world, 3);
}
