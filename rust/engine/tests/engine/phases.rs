//! The table of phases: open, suspended, ended.

use std::time::Duration;

use starling_engine::{Connection, Damage, EngineError};

use crate::world::{Behaviour, World, account};

const NO_GRACE: Duration = Duration::ZERO;

#[tokio::test]
async fn failures_to_open_are_told_apart() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.engine().await;
    assert_eq!(world.open().unwrap_err(), EngineError::InUse);
    engine.shutdown().await.unwrap();
    assert_eq!(world.open_at(world.directory.path(), 2).unwrap_err(), EngineError::Unlock);
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("starling.db"), "not a database ".repeat(400)).unwrap();
    let error = world.open_at(other.path(), 1).unwrap_err();
    assert_eq!(error, EngineError::Damaged(Damage::NotADatabase));
}

#[tokio::test]
async fn a_suspended_engine_holds_no_lock_and_takes_no_calls() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.engine().await;
    engine.start().await.unwrap();
    engine.start().await.unwrap();
    engine.suspend(NO_GRACE).await.unwrap();
    engine.suspend(NO_GRACE).await.unwrap();
    assert_eq!(engine.status().status.connection, Connection::Idle);
    assert_eq!(engine.start().await, Err(EngineError::Suspended));
    assert_eq!(engine.send(account(2), "x".into()).await, Err(EngineError::Suspended));
    assert_eq!(engine.network_changed().await, Err(EngineError::Suspended));
    assert_eq!(engine.next_events(1).await, Err(EngineError::Suspended));

    let other = world.open().unwrap();
    assert_eq!(engine.resume().await, Err(EngineError::InUse));
    assert_eq!(engine.next_events(1).await, Err(EngineError::Suspended));
    other.send(account(3), "from elsewhere".into()).await.unwrap();
    other.shutdown().await.unwrap();

    engine.resume().await.unwrap();
    engine.resume().await.unwrap();
    assert_eq!(engine.conversations(None, 10).await.unwrap()[0].peer, account(3));
    engine.send(account(2), "x".into()).await.unwrap();
}

#[tokio::test]
async fn suspending_waits_for_what_is_under_way_no_longer_than_the_grace() {
    let world = World::new(Behaviour::Silent);
    let engine = world.engine().await;
    let mut feed = engine.activity();
    engine.start().await.unwrap();
    feed.next().await.unwrap();
    let suspended = engine.suspend(Duration::from_secs(5));
    let resumed = engine.resume();
    tokio::pin!(suspended, resumed);
    tokio::select! {
        biased;
        _ = &mut suspended => panic!("a request is under way"),
        // Waits for the end of the suspend, whenever it is asked.
        _ = &mut resumed => panic!("steps are carried out one after the other"),
        () = std::future::ready(()) => {}
    }
    // Still open: commands are taken.
    engine.send(account(2), "x".into()).await.unwrap();
    world.clock.advance(5_000);
    suspended.await.unwrap();
    resumed.await.unwrap();
    engine.send(account(2), "y".into()).await.unwrap();
}

#[tokio::test]
async fn shutdown_is_final_and_may_be_repeated() {
    let world = World::new(Behaviour::Silent);
    let engine = world.engine().await;
    engine.start().await.unwrap();
    let (first, second) = tokio::join!(engine.shutdown(), engine.shutdown());
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(engine.shutdown().await, Ok(()));
    assert_eq!(engine.start().await, Err(EngineError::ShutDown));
    assert_eq!(engine.suspend(NO_GRACE).await, Err(EngineError::ShutDown));
    assert_eq!(engine.send(account(2), "x".into()).await, Err(EngineError::ShutDown));
    assert_eq!(engine.next_events(1).await, Err(EngineError::ShutDown));
    assert_eq!(
        engine.events_changed(engine.events_changed(0).await.unwrap()).await,
        Err(EngineError::ShutDown)
    );
    assert_eq!(engine.activity().next().await, None);
    world.open().unwrap();
}

#[tokio::test]
async fn a_suspended_engine_can_be_shut_down() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.engine().await;
    engine.suspend(NO_GRACE).await.unwrap();
    engine.shutdown().await.unwrap();
    assert_eq!(engine.resume().await, Err(EngineError::ShutDown));
}

#[tokio::test]
async fn the_last_handle_releases_the_lock() {
    let world = World::new(Behaviour::Silent);
    let engine = world.engine().await;
    let clone = engine.clone();
    engine.start().await.unwrap();
    drop(engine);
    assert_eq!(clone.account_id(), Some(account(1)));
    assert_eq!(world.open().unwrap_err(), EngineError::InUse);
    drop(clone);
    // The thread ends on its own; nothing tells when.
    while let Err(error) = world.open() {
        assert_eq!(error, EngineError::InUse);
        tokio::task::yield_now().await;
    }
}
