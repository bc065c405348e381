//! What a host decides about others, and sees of them.

use starling_engine::{BadInput, Contact, Engine, EngineError, FriendRequest, RequestKind};
use starling_store::{
    ContactList, Held, MessageKind, MessageState, Options, Received, Relation, Security, Store, StoreError,
    StoreKey,
};

use crate::world::{Behaviour, World, account};

const LISTS: [ContactList; 4] =
    [ContactList::Friends, ContactList::Incoming, ContactList::Outgoing, ContactList::Blocked];

async fn counts(engine: &Engine) -> Vec<usize> {
    let mut counts = Vec::new();
    for list in LISTS {
        counts.push(engine.contacts(list, None, 10).await.unwrap().len());
    }
    counts
}

async fn contact(engine: &Engine, number: u8) -> Contact {
    engine.contact(account(number)).await.unwrap().unwrap()
}

fn refused<T>(problem: BadInput) -> Result<T, EngineError> {
    Err(EngineError::FixInput(problem))
}

/// Writes requests into the store of an account as they would have come: with keys, with two texts of a
/// Session client, and with nothing.
fn receive_requests(world: &World) {
    let key = StoreKey::from_bytes([1; 32]);
    let mut store = Store::open(Options { directory: world.directory.path().into(), key }).unwrap();
    let kinds = [Relation::AskedBundle, Relation::AskedBasic, Relation::AskedEmpty];
    store
        .transact(|tx| {
            for (number, relation) in (2_u8..).zip(kinds) {
                let conversation = tx.open_conversation(&account(number), Security::Basic, 0)?.id;
                let mut contact = tx.contact(conversation)?.unwrap();
                contact.relation = relation;
                contact.name = Some(format!("number {number}"));
                contact.until_s = Some(i64::from(number));
                tx.put_contact(&contact)?;
                let texts = match relation {
                    Relation::AskedBundle => 1,
                    Relation::AskedBasic => 20,
                    _ => 0,
                };
                for text in 0..texts {
                    tx.insert_received(Received {
                        conversation,
                        message_id: [text; 16],
                        kind: MessageKind::Text,
                        stream: None,
                        seq: None,
                        clock: i64::from(text),
                        body: format!("text {text}"),
                        sent_ms: 0,
                        received_ms: 0,
                        held: Held::WithRequest,
                    })?;
                }
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[tokio::test]
async fn requests_are_listed_with_what_they_say() {
    let world = World::new(Behaviour::Unreachable);
    world.engine().await.shutdown().await.unwrap();
    receive_requests(&world);
    let engine = world.open().unwrap();
    let requests = engine.friend_requests(None, 10).await.unwrap();
    let kinds: Vec<_> = requests.iter().map(|request| (request.kind, request.texts.len())).collect();
    assert_eq!(
        kinds,
        [(RequestKind::Bundle, 1), (RequestKind::Basic, 16), (RequestKind::Empty, 0)],
        "of many texts the first 16"
    );
    let FriendRequest { peer, conversation, name, texts, expires_s, .. } = requests[0].clone();
    assert_eq!((peer, name.as_deref(), expires_s), (account(2), Some("number 2"), Some(2)));
    assert_eq!(texts, ["text 0"]);
    let rest = engine.friend_requests(Some(conversation), 1).await.unwrap();
    assert_eq!(rest, &requests[1..2]);
    assert_eq!(counts(&engine).await, [0, 3, 0, 0]);
    assert_eq!(contact(&engine, 3).await.relation, Relation::AskedBasic);

    engine.decline(account(3)).await.unwrap();
    assert_eq!(engine.decline(account(3)).await, refused(BadInput::NothingAsked));
    engine.block(account(4)).await.unwrap();
    assert_eq!(counts(&engine).await, [0, 1, 0, 1]);
    assert_eq!(engine.accept(account(4)).await, refused(BadInput::Blocked));
    assert_eq!(engine.send(account(4), "x".into()).await.map(drop), refused(BadInput::Blocked));
    engine.unblock(account(4)).await.unwrap();
    assert_eq!(counts(&engine).await, [0, 1, 0, 0]);
}

#[tokio::test]
async fn a_basic_request_is_accepted_and_shown() {
    let world = World::new(Behaviour::Unreachable);
    world.engine().await.shutdown().await.unwrap();
    receive_requests(&world);
    let engine = world.open().unwrap();
    engine.accept(account(3)).await.unwrap();
    let friend = contact(&engine, 3).await;
    let Contact { relation, security, blocked, .. } = &friend;
    assert_eq!((relation, security, blocked), (&Relation::Friend, &Security::Basic, &false));
    assert_eq!(engine.contacts(ContactList::Friends, None, 10).await.unwrap(), [friend]);
    let again = engine.request_friend(account(3), "x".into()).await;
    assert_eq!(again, refused(BadInput::AlreadyFriend));
}

#[tokio::test]
async fn a_request_without_a_network_waits_and_can_be_withdrawn() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.engine().await;
    let sent = engine.request_friend(account(2), "We have met".into()).await.unwrap().unwrap();
    assert_eq!(contact(&engine, 2).await.relation, Relation::Requested);
    let again = engine.request_friend(account(2), "again".into()).await;
    assert_eq!(again, refused(BadInput::AlreadyRequested));
    let text = engine.send(account(2), "x".repeat(600)).await.unwrap();
    engine.shutdown().await.unwrap();

    let engine = world.open().unwrap();
    let request = engine.message(sent.message).await.unwrap().unwrap();
    assert_eq!((request.kind, request.state), (MessageKind::Request, MessageState::Queued));
    engine.withdraw(account(2)).await.unwrap();
    assert_eq!(engine.withdraw(account(2)).await, refused(BadInput::NothingToWithdraw));
    for row in [sent.message, text.message] {
        let state = engine.message(row).await.unwrap().unwrap().state;
        assert!(matches!(state, MessageState::Failed(_)), "{state:?}");
    }
    assert_eq!(contact(&engine, 2).await.relation, Relation::Stranger);
}

#[tokio::test]
async fn the_name_and_the_limit_to_known_contacts_last() {
    let world = World::new(Behaviour::Unreachable);
    let engine = world.open().unwrap();
    assert_eq!(engine.set_display_name("x".into()).await, Err(EngineError::NeedsAccount));
    engine.shutdown().await.unwrap();
    let engine = world.engine().await;
    engine.set_display_name("Alice".into()).await.unwrap();
    engine.set_known_contacts_only(true).await.unwrap();
    assert_ne!(engine.create_invite().await.unwrap(), engine.create_invite().await.unwrap());
    engine.shutdown().await.unwrap();
    let engine = world.open().unwrap();
    assert_eq!(engine.display_name().await.unwrap().as_deref(), Some("Alice"));
    assert_eq!(engine.known_contacts_only().await, Ok(true));
    engine.set_display_name(String::new()).await.unwrap();
    engine.set_known_contacts_only(false).await.unwrap();
    let open = (engine.display_name().await, engine.known_contacts_only().await);
    assert_eq!(open, (Ok(None), Ok(false)));
}
