//! Each fault alone: a conversation goes on as if nothing were wrong, only later.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use starling_sim::{Act, Change, DAY_MS, Fault, HOUR_MS, MINUTE_MS, Weather, World};
use starling_store::MessageState;

/// Seven members per swarm, so that two may be bad.
fn world(seed: u64) -> World {
    let mut world = World::setup(seed).nodes(14).swarm_size(7).build().unwrap();
    world.act(0, Act::Foreground);
    world.act(1, Act::Foreground);
    world.run_for(MINUTE_MS);
    world
}

fn talk(world: &mut World, messages: u64) {
    for number in 0..messages {
        let from = (number % 2) as usize;
        world.act(from, Act::Send { to: 1 - from, body: format!("{} at {}", number, world.now_ms()) });
        world.run_for(2_000);
    }
}

fn assert_delivered(world: &mut World, messages: u64, what: &str) {
    assert!(world.run_until_quiet(6 * HOUR_MS), "{what}: {:?} {:?}", world.states(0), world.states(1));
    let verdict = world.history().judge(world.now_ms());
    assert_eq!(world.violations(), [], "{what}");
    assert_eq!((verdict.messages, verdict.violations), (messages, Vec::new()), "{what}");
}

#[test]
fn two_bad_members_of_seven() {
    let faults = [
        Fault::Down,
        Fault::Hung,
        Fault::NotReady,
        Fault::Slow(7_000),
        Fault::Withhold,
        Fault::Discard,
        Fault::WrongHash,
        Fault::ForgeReceipts,
        Fault::Demand(1_000_000),
        Fault::Demand(50),
        Fault::WrongClock(3_600_000),
        Fault::WrongClock(-3_600_000),
        Fault::KeepsToItself,
        Fault::Refuse,
    ];
    for (seed, fault) in (100..).zip(faults) {
        let mut world = world(seed);
        for device in 0..2 {
            for server in world.swarm_of(device).into_iter().take(2) {
                world.fault(server, fault);
            }
        }
        talk(&mut world, 8);
        assert_delivered(&mut world, 8, &format!("{fault:?}"));
    }
}

#[test]
fn without_replication_the_three_stores_and_three_reads_carry_every_message() {
    let mut world = world(120);
    for server in 0..world.node_count() {
        world.fault(server, Fault::KeepsToItself);
    }
    talk(&mut world, 10);
    assert_delivered(&mut world, 10, "no replication");
    for state in world.states(0).values() {
        // What left before there was a ratchet is acknowledged by nobody.
        let held = matches!(state, MessageState::Stored { k, .. } if *k >= 3);
        assert!(held || *state == MessageState::Delivered, "{state:?}");
    }
}

#[test]
fn bad_weather() {
    let weathers = [
        Weather { loss: 300, ..Weather::default() },
        Weather { duplication: 500, ..Weather::default() },
        Weather { peer_loss: 500, ..Weather::default() },
        Weather { latency_ms: (10, 3_000), ..Weather::default() },
        Weather { loss: 300, duplication: 100, peer_loss: 200, latency_ms: (10, 1_000) },
    ];
    for (seed, weather) in (130..).zip(weathers) {
        let mut world = world(seed);
        world.weather(weather);
        talk(&mut world, 20);
        assert_delivered(&mut world, 20, &format!("{weather:?}"));
    }
}

#[test]
fn a_device_cut_off_from_half_the_nodes() {
    let mut world = world(140);
    world.change(Change::Partition(0, (0..7).collect()));
    talk(&mut world, 10);
    assert_delivered(&mut world, 10, "partition");
}

#[test]
fn a_member_that_loses_its_data_is_made_up_for_by_the_others() {
    let mut world = world(150);
    world.act(1, Act::Background { grace_ms: 1_000 });
    world.run_for(MINUTE_MS);
    for number in 0..5 {
        world.act(0, Act::Send { to: 1, body: format!("kept by others {number}") });
    }
    world.run_for(MINUTE_MS);
    for server in world.swarm_of(1).into_iter().take(2) {
        world.change(Change::Wipe(server));
    }
    world.act(1, Act::Foreground);
    assert_delivered(&mut world, 5, "data loss");
}

/// The judge is no formality: what the whole swarm throws away is found to be missing.
#[test]
fn what_is_really_lost_is_found() {
    let mut world = world(155);
    world.act(1, Act::Background { grace_ms: 1_000 });
    world.run_for(MINUTE_MS);
    world.act(0, Act::Send { to: 1, body: "lost for good".into() });
    world.run_for(MINUTE_MS);
    for server in world.swarm_of(1) {
        world.change(Change::Wipe(server));
    }
    world.act(1, Act::Foreground);
    assert!(!world.run_until_quiet(HOUR_MS));
    let verdict = world.history().judge(world.now_ms());
    assert_eq!((verdict.lost, verdict.duplicates, verdict.out_of_order), (1, 0, 0));
}

#[test]
fn a_swarm_whose_members_are_all_replaced() {
    let mut world = world(160);
    talk(&mut world, 4);
    world.run_for(MINUTE_MS);
    for server in world.swarm_of(1) {
        world.change(Change::Join(server));
        world.run_for(HOUR_MS);
        world.change(Change::Leave(server));
        world.run_for(HOUR_MS);
    }
    talk(&mut world, 4);
    assert_delivered(&mut world, 8, "replaced");
}

#[test]
fn members_that_come_and_go() {
    let mut world = world(170);
    let swarm = world.swarm_of(1);
    let elsewhere = (0..14).find(|server| !swarm.contains(server)).unwrap();
    talk(&mut world, 4);
    world.run_for(MINUTE_MS);
    world.change(Change::Decommission(swarm[0]));
    talk(&mut world, 4);
    world.run_for(HOUR_MS);
    world.change(Change::Recommission(swarm[0]));
    world.change(Change::Move(swarm[1], elsewhere));
    talk(&mut world, 4);
    assert_delivered(&mut world, 12, "decommission and move");
}

#[test]
fn clocks_that_jump() {
    let mut world = world(180);
    for by_ms in [3_600_000, -7_200_000, 10 * 365 * 86_400_000, -10 * 365 * 86_400_000] {
        world.act(0, Act::ClockJump { by_ms });
        talk(&mut world, 4);
        world.run_for(MINUTE_MS);
    }
    world.act(1, Act::Reboot);
    talk(&mut world, 2);
    assert_delivered(&mut world, 18, "clock jumps");
}

#[test]
fn a_difficulty_that_rises_and_falls() {
    let mut world = world(190);
    for difficulty in [Some(3), Some(40), None, Some(7)] {
        world.change(Change::Difficulty(difficulty));
        talk(&mut world, 4);
        world.run_for(15 * MINUTE_MS);
    }
    assert_delivered(&mut world, 16, "difficulty");
}

#[test]
fn a_wake_among_hanging_nodes_ends_in_time() {
    let mut world = World::setup(200).build().unwrap();
    world.act(0, Act::Wake { within_ms: 30_000 });
    world.run_for(HOUR_MS);
    for server in 0..world.node_count() {
        world.fault(server, Fault::Hung);
    }
    for within_ms in [1_000, 2_000, 5_000, 30_000] {
        world.act(0, Act::Wake { within_ms });
        world.run_for(HOUR_MS);
    }
    assert_eq!(world.violations(), []);
}

#[test]
fn an_outage_of_everything_is_answered_with_patience() {
    let mut world = world(210);
    for server in 0..world.node_count() {
        world.fault(server, Fault::Down);
    }
    world.change(Change::Seeds(false));
    world.act(0, Act::Send { to: 1, body: "into the outage".into() });
    world.run_for(HOUR_MS);
    let before = world.requests(0);
    world.run_for(HOUR_MS);
    let hourly = world.requests(0) - before;
    assert!(hourly <= 250, "{hourly} requests in an hour in which nothing answers");
    world.change(Change::Peace);
    assert_delivered(&mut world, 1, "outage");
}

#[test]
fn an_idle_hour_is_quiet() {
    let mut world = world(220);
    world.run_for(HOUR_MS);
    let before = world.requests(0);
    world.run_for(HOUR_MS);
    let hourly = world.requests(0) - before;
    assert!((60..=400).contains(&hourly), "{hourly} requests in an idle hour in the foreground");
}

#[test]
fn an_idle_day_of_wakes_is_cheap() {
    let mut world = World::setup(230).build().unwrap();
    let first = world.now_ms();
    for wake in 0..96 {
        world.plan(first + wake * 15 * MINUTE_MS, 0, Act::Wake { within_ms: 30_000 });
    }
    world.run_for(DAY_MS);
    assert_eq!(world.violations(), []);
    assert!(world.requests(0) <= 400, "{} requests in a day of 96 wakes", world.requests(0));
}
