//! Panics surface as errors and leave nothing locked.

use std::sync::atomic::Ordering;
use std::time::Duration;

use starling_engine::{EngineError, RequestEnd, What};

use crate::world::{Behaviour, World, account};

#[tokio::test]
async fn a_panicking_request_ends_like_any_other() {
    let world = World::new(Behaviour::Panics);
    let engine = world.engine().await;
    let mut feed = engine.activity();
    engine.start().await.unwrap();
    let end = loop {
        if let What::RequestFinished { end, .. } = feed.next().await.unwrap().what {
            break end;
        }
    };
    assert_eq!(end, RequestEnd::Garbled);
    engine.send(account(2), "still there".into()).await.unwrap();
}

#[tokio::test]
async fn a_panicking_writer_leaves_errors_and_no_lock() {
    let world = World::new(Behaviour::Silent);
    let engine = world.engine().await;
    engine.start().await.unwrap();
    let (events, status) = (engine.events_changed(0).await.unwrap(), engine.status());
    let suspended = engine.suspend(Duration::from_secs(60));
    tokio::pin!(suspended);
    tokio::select! {
        biased;
        _ = &mut suspended => {}
        () = std::future::ready(()) => {}
    }
    world.clock.broken.store(true, Ordering::SeqCst);
    assert_eq!(engine.send(account(2), "x".into()).await, Err(EngineError::Crashed));
    assert_eq!(suspended.await, Err(EngineError::Crashed));
    assert_eq!(engine.events_changed(events).await, Err(EngineError::Crashed));
    let changed = engine.status_changed(engine.status().version).await;
    assert_eq!(changed.map(drop), Err(EngineError::Crashed));
    assert!(engine.status().version >= status.version);
    world.clock.broken.store(false, Ordering::SeqCst);
    while let Err(error) = world.open() {
        assert_eq!(error, EngineError::InUse);
        tokio::task::yield_now().await;
    }
    assert_eq!(engine.start().await, Err(EngineError::Crashed));
}
