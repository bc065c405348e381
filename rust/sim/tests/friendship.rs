//! Two strangers become friends and talk, in virtual time.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use starling_core::friends::Command;
use starling_sim::{Acquaintance, Act, Shown, World};
use starling_store::MessageState;

const MINUTE: u64 = 60_000;

fn strangers(seed: u64) -> World {
    let printer: Option<starling_sim::Printer> =
        std::env::var("TRACE").ok().map(|_| Box::new(|line: &str| println!("{line}")) as _);
    let mut setup = World::setup(seed).acquaintance(Acquaintance::Strangers);
    if let Some(printer) = printer {
        setup = setup.printer(printer);
    }
    let mut world = setup.build().unwrap();
    for device in 0..2 {
        world.act(device, Act::Foreground);
    }
    world
}

fn shown(world: &World, device: usize) -> Vec<Shown> {
    world.events(device).iter().map(|event| event.what.clone()).collect()
}

fn send(world: &mut World, from: usize, body: &str) {
    world.act(from, Act::Send { to: 1 - from, body: body.into() });
}

fn peaceful(world: &mut World) {
    let verdict = world.history().judge(world.now_ms());
    assert!(world.violations().is_empty(), "{:#?}", world.violations());
    assert_eq!((verdict.lost, verdict.duplicates, verdict.out_of_order), (0, 0, 0), "{verdict:#?}");
}

#[test]
fn a_request_is_accepted_and_both_talk() {
    let mut world = strangers(1);
    world.act(0, Act::Request { to: 1, introduction: "I am Alice".into() });
    world.run_for(2 * MINUTE);
    assert_eq!(shown(&world, 1), [Shown::Request { from: 0 }]);
    world.act(1, Act::Decide { peer: 0, decision: Command::Accept });
    world.run_for(2 * MINUTE);
    assert!(shown(&world, 0).contains(&Shown::Friend { from: 1 }), "{:?}", shown(&world, 0));
    for number in 0..5 {
        send(&mut world, 0, &format!("from Alice {number}"));
        send(&mut world, 1, &format!("from Bob {number}"));
        world.run_for(MINUTE);
    }
    assert!(world.run_until_quiet(60 * MINUTE));
    peaceful(&mut world);
    assert!(shown(&world, 1).contains(&Shown::Friend { from: 0 }), "{:?}", shown(&world, 1));
    for device in 0..2 {
        let states = world.states(device);
        assert!(states.values().all(|state| *state == MessageState::Delivered), "{states:?}");
    }
}

#[test]
fn crossing_requests_become_one_friendship_without_a_prompt() {
    let mut world = strangers(2);
    world.act(0, Act::Request { to: 1, introduction: "I am Alice".into() });
    world.act(1, Act::Request { to: 0, introduction: "I am Bob".into() });
    world.run_for(5 * MINUTE);
    for device in 0..2 {
        let shown = shown(&world, device);
        assert!(shown.contains(&Shown::Friend { from: 1 - device }), "{device}: {shown:?}");
        assert!(!shown.contains(&Shown::Request { from: 1 - device }), "{device}: {shown:?}");
    }
    send(&mut world, 0, "from Alice");
    send(&mut world, 1, "from Bob");
    assert!(world.run_until_quiet(60 * MINUTE));
    peaceful(&mut world);
}

#[test]
fn old_friends_get_a_ratchet_by_talking() {
    let mut world = World::setup(3).build().unwrap();
    for device in 0..2 {
        world.act(device, Act::Foreground);
    }
    for number in 0..5 {
        send(&mut world, 0, &format!("from Alice {number}"));
        send(&mut world, 1, &format!("from Bob {number}"));
        world.run_for(MINUTE);
    }
    assert!(world.run_until_quiet(60 * MINUTE));
    peaceful(&mut world);
    let states = world.states(0);
    assert_eq!(states["from Alice 4"], MessageState::Delivered, "{states:?}");
}

#[test]
fn a_blocked_account_causes_no_event() {
    let mut world = strangers(4);
    world.act(1, Act::Decide { peer: 0, decision: Command::Block });
    world.act(0, Act::Request { to: 1, introduction: "I am Alice".into() });
    world.run_for(10 * MINUTE);
    assert!(shown(&world, 1).is_empty(), "{:?}", shown(&world, 1));
    assert!(world.violations().is_empty());
}

#[test]
fn two_requests_may_be_pending_at_once() {
    let mut world = World::setup(5).devices(3).acquaintance(Acquaintance::Strangers).build().unwrap();
    world.act(0, Act::Foreground);
    for to in 1..3 {
        world.act(0, Act::Request { to, introduction: "I am Alice".into() });
    }
    world.run_for(5 * MINUTE);
    for device in 1..3 {
        world.act(device, Act::Foreground);
    }
    world.run_for(5 * MINUTE);
    for device in 1..3 {
        assert_eq!(shown(&world, device), [Shown::Request { from: 0 }]);
    }
    peaceful(&mut world);
}
