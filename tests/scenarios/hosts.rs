//! Hosts that do not listen, and disks without room.

use starling_sim::{Act, DAY_MS, HOUR_MS, MINUTE_MS, Manners, Shown};
use starling_store::Event;

use crate::stage::*;

#[test]
fn a_host_that_never_polls_events_costs_no_message() {
    let mut world = settled(sevens(1_500));
    let never = Manners { fetch_ms: (u64::MAX / 4, u64::MAX / 4), ..Manners::default() };
    world.manners(1, never);
    for number in 0..200 {
        send(&mut world, 0, &format!("message {number}"));
        world.run_for(5_000);
    }
    world.run_for(HOUR_MS);
    let kept = world.read(1, |view| view.dump()).unwrap().unwrap();
    let seen = world.events(1).len();
    assert_eq!(kept.len(), 200, "all messages are in the database");
    assert!(seen < 200, "the host saw {seen}");
    let waiting = world.read(1, |view| view.events(1_000)).unwrap().unwrap();
    let received = waiting.iter().filter(|(_, event)| matches!(event, Event::MessageReceived { .. })).count();
    assert_eq!(received + seen, 200, "every event waits for it");
    // A host that listens at last is told all of it, in order, once.
    world.manners(1, Manners::default());
    world.act(1, Act::Kill);
    assert_delivered(&mut world, 200, "late reader");
    let shown = world.events(1).iter().filter(|event| matches!(event.what, Shown::Message(_))).count();
    assert_eq!(shown, 200);
}

#[test]
fn a_disk_full_in_mid_receive_loses_nothing() {
    for seed in 1_510..1_512 {
        let mut world = settled(sevens(seed));
        world.act(1, Act::Background { grace_ms: 1_000 });
        world.run_for(MINUTE_MS);
        for number in 0..30 {
            send(&mut world, 0, &format!("message {number} {}", "x".repeat(4_000)));
            world.run_for(1_000);
        }
        world.run_for(10 * MINUTE_MS);
        world.act(1, Act::Foreground);
        // The first pages are committed, then there is no room any more.
        let some = run_until(&mut world, MINUTE_MS, |world| {
            world.disk_full(1, true).unwrap();
            world.run_for(500);
            !world.violations().is_empty()
        });
        assert!(some.is_some(), "seed {seed}: the disk was never full");
        let before = world.requests(1);
        world.run_for(5 * MINUTE_MS);
        let made = world.requests(1) - before;
        let full = |what: &str| what.contains("a step failed in the store");
        assert!(world.violations().iter().all(|violation| full(&violation.what)), "seed {seed}");
        assert!(made < 1_500, "seed {seed}: {made} requests in five minutes without room");
        let kept = world.read(1, |view| view.dump()).unwrap().unwrap().len();
        assert!(kept < 30, "seed {seed}: the fault came too late");
        world.disk_full(1, false).unwrap();
        assert!(world.run_until_quiet(DAY_MS), "seed {seed}: {}", world.history().missing().len());
        let verdict = world.history().judge(world.now_ms());
        assert_eq!((verdict.messages, verdict.violations), (30, Vec::new()), "seed {seed}");
    }
}
