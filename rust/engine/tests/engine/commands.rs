//! What a host asks for, and that it lasts.

use starling_engine::{BadInput, EngineError, Sent};
use starling_store::{Event, MessageState, PageDirection};

use crate::world::{Behaviour, World, account, seed};

#[tokio::test]
async fn what_was_sent_is_there_in_the_next_process() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.open().unwrap();
    assert_eq!(engine.account_id(), None);
    assert_eq!(engine.recovery_phrase().await, Err(EngineError::NeedsAccount));
    assert_eq!(engine.send(account(2), "early".into()).await, Err(EngineError::NeedsAccount));
    assert_eq!(engine.create_account(seed(1)).await, Ok(account(1)));
    assert_eq!(engine.account_id(), Some(account(1)));
    let sent = engine.send(account(2), "hello world".into()).await.unwrap();
    engine.shutdown().await.unwrap();

    let engine = world.open().unwrap();
    assert_eq!(engine.account_id(), Some(account(1)));
    assert_eq!(*engine.recovery_phrase().await.unwrap(), *starling_protocol::phrase::encode(&seed(1)));
    let message = engine.message(sent.message).await.unwrap().unwrap();
    assert_eq!((message.body.as_str(), message.state), ("hello world", MessageState::Queued));
    let conversations = engine.conversations(None, 10).await.unwrap();
    assert_eq!((conversations.len(), conversations[0].peer), (1, account(2)));
    assert_eq!(engine.conversation_with(account(2)).await.unwrap().unwrap().id, sent.conversation);
    let page = engine.messages(sent.conversation, None, PageDirection::Older, 10).await.unwrap();
    assert_eq!(page.messages, std::slice::from_ref(&message));
    let hits = engine.search("world".into(), None, 10).await.unwrap();
    assert_eq!(hits[0].message, message);
    assert_eq!(engine.quarantine_count().await, Ok(0));
}

#[tokio::test]
async fn bad_input_changes_nothing() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.engine().await;
    let refused = |problem| Err(EngineError::FixInput(problem));
    assert_eq!(engine.create_account(seed(2)).await.map(drop), refused(BadInput::AccountExists));
    assert_eq!(engine.send(account(2), String::new()).await.map(drop), refused(BadInput::EmptyText));
    assert_eq!(engine.send(account(1), "me".into()).await.map(drop), refused(BadInput::SendToSelf));
    let long = "x".repeat(80_000);
    let error = engine.send(account(2), long).await.unwrap_err();
    assert!(matches!(error, EngineError::FixInput(BadInput::TextTooLong { bytes: 80_000, .. })));
    let unknown = starling_store::MessageRow(99);
    assert_eq!(engine.retry(unknown).await, refused(BadInput::NoSuchMessage));
    assert_eq!(engine.give_up(unknown).await, refused(BadInput::NoSuchMessage));
    let introduction = "x".repeat(513);
    let too_long = BadInput::IntroductionTooLong { bytes: 513, limit: 512 };
    assert_eq!(engine.request_friend(account(2), introduction.clone()).await.map(drop), refused(too_long));
    let needs_request = BadInput::NeedsFriendRequest { limit: 512 };
    assert_eq!(engine.send(account(2), introduction).await.map(drop), refused(needs_request));
    assert_eq!(engine.accept(account(2)).await, refused(BadInput::NothingAsked));
    assert_eq!(engine.decline(account(2)).await, refused(BadInput::NothingAsked));
    assert_eq!(engine.withdraw(account(2)).await, refused(BadInput::NothingToWithdraw));
    assert_eq!(engine.block(account(1)).await, refused(BadInput::SendToSelf));
    let too_long = BadInput::NameTooLong { bytes: 65, limit: 64 };
    assert_eq!(engine.set_display_name("x".repeat(65)).await, refused(too_long));
    assert_eq!(engine.display_name().await, Ok(None));
    assert_eq!(engine.contact(account(2)).await, Ok(None));
    assert!(engine.conversations(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_dropped_future_cancels_nothing() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.engine().await;
    tokio::select! {
        biased;
        _ = engine.send(account(2), "dropped".into()) => {}
        () = std::future::ready(()) => {}
    }
    // Orders are carried out one after the other, so the first is done with the second.
    let second = engine.send(account(2), "kept".into()).await.unwrap();
    let page = engine.messages(second.conversation, None, PageDirection::Newer, 10).await.unwrap();
    let bodies: Vec<_> = page.messages.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(bodies, ["dropped", "kept"]);
}

#[tokio::test]
async fn events_come_until_they_are_acknowledged() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.engine().await;
    let version = engine.events_changed(0).await.unwrap();
    let sent = engine.send(account(2), "x".into()).await.unwrap();
    engine.give_up(sent.message).await.unwrap();
    assert_ne!(engine.events_changed(version).await.unwrap(), version);
    let events = engine.next_events(10).await.unwrap();
    assert_eq!(engine.next_events(10).await.unwrap(), events);
    let (last, event) = *events.last().unwrap();
    let Sent { conversation, message } = sent;
    assert_eq!(event, Event::MessageStateChanged { conversation, message });
    engine.ack_events(last).await.unwrap();
    assert!(engine.next_events(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn network_changes_reach_the_network() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.engine().await;
    engine.network_changed().await.unwrap();
    assert_eq!(world.network.changes.load(std::sync::atomic::Ordering::SeqCst), 1);
}
