//! The process is killed after every single step of a short exchange, with none, one or all of the step's
//! effects released. Nothing that was accepted may be lost, doubled or reordered.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use starling_sim::{Act, HOUR_MS, MINUTE_MS, Manners, World};

/// Three messages one way, two the other, with proof of work. `death`: device, step, effects released.
fn exchange(death: Option<(usize, u64, usize)>) -> World {
    let mut world = World::setup(21).nodes(10).difficulty(2).build().unwrap();
    if let Some((device, after_steps, released)) = death {
        world.act(device, Act::Die { after_steps: after_steps - world.steps(device), released });
    }
    world.act(0, Act::Foreground);
    for number in 0..3 {
        world.act(0, Act::Send { to: 1, body: format!("question {number}") });
    }
    world.run_for(10_000);
    world.act(1, Act::Foreground);
    for number in 0..2 {
        world.act(1, Act::Send { to: 0, body: format!("answer {number}") });
    }
    let quiet = world.run_until_quiet(HOUR_MS);
    assert!(quiet, "{death:?}: never quiet; states {:?} {:?}", world.states(0), world.states(1));
    world
}

#[test]
fn a_kill_at_any_step_loses_doubles_and_reorders_nothing() {
    let undisturbed = exchange(None);
    for device in 0..2 {
        let first = World::setup(21).nodes(10).build().unwrap().steps(device);
        for step in first..undisturbed.steps(device) {
            for released in [0, 1, usize::MAX] {
                let mut world = exchange(Some((device, step, released)));
                let verdict = world.history().judge(world.now_ms());
                let place = format!("device {device} killed at step {step}, {released} effects released");
                assert_eq!(world.kills(device), 1, "{place}");
                assert_eq!(world.violations(), [], "{place}");
                assert_eq!(verdict.violations, [], "{place}");
                assert!(verdict.messages >= 4, "{place}: {} accepted", verdict.messages);
            }
        }
    }
}

#[test]
fn a_host_that_dies_before_it_acknowledges_sees_each_message_once() {
    let mut world = World::setup(22).build().unwrap();
    world.manners(1, Manners { dies_reading: 500, acknowledge_ms: (0, 50), fetch_ms: (0, 50) });
    world.act(0, Act::Foreground);
    world.act(1, Act::Foreground);
    for number in 0..20 {
        world.act(0, Act::Send { to: 1, body: format!("number {number}") });
        world.run_for(20_000);
    }
    world.run_for(10 * MINUTE_MS);
    assert!(world.kills(1) > 3);
    let verdict = world.history().judge(world.now_ms());
    assert_eq!(world.violations(), []);
    assert_eq!((verdict.messages, verdict.violations), (20, Vec::new()));
}

#[test]
fn a_wake_that_is_killed_at_any_step_is_made_up_for_by_the_next_one() {
    let run = |death: Option<u64>| {
        let mut world = World::setup(23).build().unwrap();
        world.act(0, Act::Foreground);
        for number in 0..3 {
            world.act(0, Act::Send { to: 1, body: format!("text {number}") });
        }
        world.run_for(MINUTE_MS);
        if let Some(step) = death {
            world.act(1, Act::Die { after_steps: step - world.steps(1), released: 0 });
        }
        for _ in 0..2 {
            world.act(1, Act::Wake { within_ms: 25_000 });
            world.run_for(HOUR_MS);
        }
        let verdict = world.history().judge(world.now_ms());
        assert_eq!(world.violations(), [], "killed at {death:?}");
        assert_eq!(verdict.violations, [], "killed at {death:?}");
        world
    };
    let undisturbed = run(None);
    let first = World::setup(23).build().unwrap().steps(1);
    for step in first..undisturbed.steps(1) {
        run(Some(step));
    }
}
