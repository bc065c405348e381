//! Device clocks that are wrong or jump (research pain 8).

use starling_protocol::rpc::Request;
use starling_sim::{Act, DAY_MS, HOUR_MS, MINUTE_MS, World};
use starling_store::MessageState;

use crate::stage::*;

const TEN_YEARS_MS: i64 = 10 * 365 * 86_400_000;
/// Unix time at the beginning of a world.
const EPOCH_MS: u64 = starling_sim::EPOCH_MS.unsigned_abs();

/// No store was dated more than ten seconds off the network's time.
fn assert_well_dated(world: &World, what: &str) {
    let stores: Vec<_> = world.departures().iter().filter(|departure| is_store(departure)).collect();
    assert!(!stores.is_empty());
    for store in stores {
        let Request::Store(body) = &store.request.body else { panic!("not a store") };
        let network = EPOCH_MS + store.at;
        let early = body.timestamp.saturating_sub(network);
        assert!(early <= 10_000, "{what}: dated {early} ms into the future");
        assert!(network.saturating_sub(body.timestamp) <= DAY_MS, "{what}: dated into the past");
    }
}

#[test]
fn a_device_clock_ten_years_off_harms_nothing() {
    for (seed, by_ms) in [(1_400, TEN_YEARS_MS), (1_401, -TEN_YEARS_MS)] {
        let mut world = sevens(seed).build().unwrap();
        world.act(0, Act::ClockJump { by_ms });
        world.act(0, Act::Foreground);
        world.act(1, Act::Foreground);
        world.run_for(MINUTE_MS);
        let offset = world.status(0).unwrap().clock_offset_ms.unwrap();
        assert!((offset + by_ms).abs() < 2_000, "the engine knows: {offset}");
        talk(&mut world, 6);
        assert_delivered(&mut world, 6, &format!("{by_ms}"));
        assert_well_dated(&world, &format!("{by_ms}"));
    }
}

#[test]
fn a_clock_that_jumps_while_messages_are_queued_neither_parks_nor_loses_them() {
    for (seed, by_ms) in
        [(1_410, TEN_YEARS_MS), (1_411, -TEN_YEARS_MS), (1_412, 86_400_000), (1_413, -3_600_000)]
    {
        let mut world = settled(sevens(seed));
        world.act(0, Act::Offline);
        for number in 0..4 {
            send(&mut world, 0, &format!("queued {number}"));
        }
        world.run_for(10 * MINUTE_MS);
        assert!(
            world.states(0).values().all(|state| !matches!(state, MessageState::Stored { .. })),
            "still queued when the clock jumps"
        );
        world.act(0, Act::ClockJump { by_ms });
        world.run_for(MINUTE_MS);
        world.act(0, Act::Online);
        let stored = |world: &mut World| {
            world.states(0).values().all(|state| matches!(state, MessageState::Stored { .. }))
        };
        let took = run_until(&mut world, HOUR_MS, stored);
        assert!(took.is_some(), "{by_ms}: {:?}", world.states(0));
        assert_delivered(&mut world, 4, &format!("{by_ms}"));
        assert_well_dated(&world, &format!("{by_ms}"));
    }
}

#[test]
fn a_clock_that_jumps_every_hour_for_a_day_fails_no_send() {
    let mut world = settled(sevens(1_420));
    for hour in 0..24_i64 {
        let by_ms = if hour % 2 == 0 { TEN_YEARS_MS } else { -TEN_YEARS_MS } + hour * 1_000_003;
        world.act(0, Act::ClockJump { by_ms });
        world.act(1, Act::ClockJump { by_ms: -by_ms });
        talk(&mut world, 2);
        world.run_for(HOUR_MS);
    }
    assert_delivered(&mut world, 48, "hourly jumps");
    assert_well_dated(&world, "hourly jumps");
}

#[test]
fn a_jump_between_two_processes_harms_nothing() {
    let mut world = settled(sevens(1_430));
    talk(&mut world, 2);
    world.run_for(MINUTE_MS);
    world.act(0, Act::Kill);
    world.act(0, Act::ClockJump { by_ms: -TEN_YEARS_MS });
    send(&mut world, 0, "after the jump");
    world.act(0, Act::Foreground);
    assert_delivered(&mut world, 3, "jump while dead");
    assert_eq!(world.kills(0), 1);
    assert_well_dated(&world, "jump while dead");
}
