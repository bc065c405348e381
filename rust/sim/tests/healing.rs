//! How a friendship heals: a store that is lost, requests that cross a withdrawal, a clock that is set back.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use starling_core::friends::Command;
use starling_sim::{Acquaintance, Act, DAY_MS, HOUR_MS, MINUTE_MS, Shown, World};
use starling_store::MessageState;

fn strangers(seed: u64) -> World {
    let mut setup = World::setup(seed).acquaintance(Acquaintance::Strangers);
    if std::env::var_os("TRACE").is_some() {
        setup = setup.printer(Box::new(|line| println!("{line}")));
    }
    let mut world = setup.build().unwrap();
    for device in 0..2 {
        world.act(device, Act::Foreground);
    }
    world.run_for(MINUTE_MS);
    world
}

/// Device 0 asked, device 1 accepted, both have written.
fn friends(seed: u64) -> World {
    let mut world = strangers(seed);
    world.act(0, Act::Request { to: 1, introduction: "I am Alice".into() });
    world.run_for(2 * MINUTE_MS);
    world.act(1, Act::Decide { peer: 0, decision: Command::Accept });
    world.run_for(2 * MINUTE_MS);
    send(&mut world, 0, "from Alice");
    send(&mut world, 1, "from Bob");
    world.run_for(5 * MINUTE_MS);
    world
}

fn send(world: &mut World, from: usize, body: &str) {
    world.act(from, Act::Send { to: 1 - from, body: body.into() });
}

fn prompts(world: &World, device: usize) -> usize {
    world.events(device).iter().filter(|event| matches!(event.what, Shown::Request { .. })).count()
}

fn peaceful(world: &mut World) {
    let verdict = world.history().judge(world.now_ms());
    assert!(world.violations().is_empty(), "{:#?}", world.violations());
    assert_eq!(verdict.violations, []);
    for device in 0..2 {
        let states = world.states(device);
        assert!(states.values().all(|state| *state == MessageState::Delivered), "{device}: {states:?}");
    }
}

#[test]
fn a_restored_side_is_asked_once_and_hears_everything_again() {
    let mut world = friends(11);
    world.act(1, Act::Background { grace_ms: 1_000 });
    world.run_for(MINUTE_MS);
    send(&mut world, 0, "sealed for a store that is lost");
    world.run_for(10 * MINUTE_MS);
    let before = prompts(&world, 1);
    world.act(1, Act::Restore);
    world.act(1, Act::Foreground);
    world.run_for(10 * MINUTE_MS);
    assert_eq!(prompts(&world, 1), before + 1);
    world.act(1, Act::Decide { peer: 0, decision: Command::Accept });
    world.run_for(2 * HOUR_MS);
    send(&mut world, 1, "from Bob, restored");
    world.run_for(30 * MINUTE_MS);
    assert_eq!((prompts(&world, 0), prompts(&world, 1)), (0, before + 1));
    peaceful(&mut world);
}

#[test]
fn what_was_sealed_for_a_withdrawn_request_is_sealed_again() {
    let mut world = strangers(12);
    world.act(1, Act::Request { to: 0, introduction: String::new() });
    world.run_for(2 * MINUTE_MS);
    world.act(1, Act::Offline);
    world.act(1, Act::Decide { peer: 0, decision: Command::Withdraw });
    world.act(1, Act::Request { to: 0, introduction: "after all".into() });
    world.act(0, Act::Decide { peer: 1, decision: Command::Accept });
    send(&mut world, 0, "on a session that never was");
    world.run_for(5 * MINUTE_MS);
    world.act(1, Act::Online);
    world.run_for(3 * HOUR_MS);
    send(&mut world, 1, "from Bob");
    world.run_for(2 * HOUR_MS);
    let states = world.states(0);
    assert_eq!(states["on a session that never was"], MessageState::Delivered, "{states:?}");
    assert!(world.violations().is_empty(), "{:#?}", world.violations());
}

#[test]
fn a_request_made_while_the_engine_rests_expires() {
    let mut world = strangers(13);
    for device in 0..2 {
        world.act(device, Act::Background { grace_ms: 1_000 });
    }
    world.run_for(MINUTE_MS);
    world.act(0, Act::Request { to: 1, introduction: "I am Alice".into() });
    send(&mut world, 0, "and this is a text");
    world.run_for(15 * DAY_MS);
    world.act(0, Act::Foreground);
    world.run_for(10 * MINUTE_MS);
    let states = world.states(0);
    assert!(states.values().all(|state| *state == MessageState::Expired), "{states:?}");
}

#[test]
fn a_wall_clock_set_back_parks_nothing() {
    let mut world = friends(14);
    world.act(0, Act::Background { grace_ms: 1_000 });
    world.run_for(MINUTE_MS);
    send(&mut world, 0, "written in the future");
    world.act(0, Act::ClockJump { by_ms: -400 * DAY_MS as i64 });
    world.act(0, Act::Foreground);
    world.run_for(HOUR_MS);
    peaceful(&mut world);
}

#[test]
fn a_request_without_an_introduction_tells_of_no_gap() {
    let mut world = strangers(15);
    world.act(1, Act::Background { grace_ms: 1_000 });
    for _ in 0..2 {
        world.act(0, Act::Request { to: 1, introduction: "to be taken back".into() });
        world.run_for(2 * MINUTE_MS);
        world.act(0, Act::Decide { peer: 1, decision: Command::Withdraw });
    }
    world.act(0, Act::Request { to: 1, introduction: String::new() });
    world.run_for(2 * MINUTE_MS);
    world.act(1, Act::Foreground);
    world.run_for(10 * MINUTE_MS);
    assert!(world.violations().is_empty(), "{:#?}", world.violations());
    assert!(!world.events(1).iter().any(|event| matches!(event.what, Shown::Gap { .. })));
}

#[test]
fn a_request_that_came_during_a_block_is_made_again() {
    let mut world = friends(16);
    world.act(0, Act::Decide { peer: 1, decision: Command::Block });
    world.act(1, Act::Restore);
    world.act(1, Act::Foreground);
    world.run_for(2 * MINUTE_MS);
    world.act(1, Act::Request { to: 0, introduction: "it is Bob".into() });
    world.run_for(2 * HOUR_MS);
    world.act(0, Act::Decide { peer: 1, decision: Command::Unblock });
    send(&mut world, 0, "are you still there?");
    world.run_for(3 * HOUR_MS);
    let states = world.states(0);
    assert_eq!(states["are you still there?"], MessageState::Delivered, "{states:?}");
    assert!(world.violations().is_empty(), "{:#?}", world.violations());
}
