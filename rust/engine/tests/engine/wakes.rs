//! Wakes, time limits and the alarm, on a clock that moves when told.

use std::time::Duration;

use starling_engine::{Activity, ActivityFeed, EngineError, Hindrance, Purpose, RequestEnd, What};

use crate::world::{Behaviour, World, account};

const BUDGET: Duration = Duration::from_secs(10);

/// The next request that ended.
async fn finished(feed: &mut ActivityFeed) -> (Purpose, RequestEnd, u64) {
    loop {
        if let Activity { what: What::RequestFinished { purpose, end, ms, .. }, .. } =
            feed.next().await.unwrap()
        {
            return (purpose, end, ms);
        }
    }
}

#[tokio::test]
async fn a_wake_needs_an_account() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.open().unwrap();
    assert_eq!(engine.wake(BUDGET).await, Err(EngineError::NeedsAccount));
}

#[tokio::test]
async fn a_wake_returns_in_time_though_nothing_answers() {
    let world = World::new(Behaviour::Silent);
    let engine = world.engine().await;
    engine.send(account(2), "x".into()).await.unwrap();
    let mut feed = engine.activity();
    let wake = tokio::spawn({
        let engine = engine.clone();
        async move { engine.wake(BUDGET).await }
    });
    let started = feed.next().await.unwrap().what;
    assert!(matches!(started, What::RequestStarted { purpose: Purpose::Bootstrap, destination: None, .. }));
    assert_eq!(engine.wake(BUDGET).await, Err(EngineError::RetryLater(Hindrance::Busy)));
    world.clock.advance(9_999);
    let report = wake.await.unwrap().unwrap();
    assert!(report.cut_short && report.requests >= 1 && report.outbox_left == 1, "{report:?}");
}

#[tokio::test]
async fn a_wake_of_a_suspended_engine_suspends_it_again() {
    let world = World::new(Behaviour::Silent);
    let engine = world.engine().await;
    engine.suspend(Duration::ZERO).await.unwrap();
    let mut feed = engine.activity();
    let wake = tokio::spawn({
        let engine = engine.clone();
        async move { engine.wake(BUDGET).await }
    });
    feed.next().await.unwrap();
    assert_eq!(world.open().unwrap_err(), EngineError::InUse);
    world.clock.advance(9_999);
    assert!(wake.await.unwrap().unwrap().cut_short);
    world.open().unwrap().shutdown().await.unwrap();
    // In a wake a request gets a third of the time, so it has ended too; the clock jumped past that.
    assert_eq!(finished(&mut feed).await, (Purpose::Bootstrap, RequestEnd::TimedOut, 9_999));
    engine.resume().await.unwrap();
}

#[tokio::test]
async fn requests_end_when_their_time_is_over() {
    let world = World::new(Behaviour::Silent);
    let engine = world.engine().await;
    let mut feed = engine.activity();
    engine.start().await.unwrap();
    feed.next().await.unwrap();
    world.clock.advance(20_000);
    assert_eq!(finished(&mut feed).await, (Purpose::Bootstrap, RequestEnd::TimedOut, 20_000));
}

#[tokio::test]
async fn an_unreachable_seed_is_asked_again_after_a_while() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.engine().await;
    let mut feed = engine.activity();
    engine.start().await.unwrap();
    assert_eq!(finished(&mut feed).await, (Purpose::Bootstrap, RequestEnd::Unreachable, 0));
    // The pause is the core's business; here it matters that the alarm rings.
    let again = finished(&mut feed);
    tokio::pin!(again);
    let (purpose, end, _) = loop {
        tokio::select! {
            biased;
            ended = &mut again => break ended,
            () = tokio::task::yield_now() => world.clock.advance(10),
        }
    };
    assert_eq!((purpose, end), (Purpose::Bootstrap, RequestEnd::Unreachable));
}
