//! Messages, their numbering and states.

use starling_store::*;

use crate::fixture::*;

fn get(store: &Store, row: MessageRow) -> Message {
    store.read(|view| view.message(row)).unwrap().unwrap()
}

#[test]
fn outgoing_messages_take_the_next_number_and_clock() {
    let mut store = in_memory();
    let (one, other) = (open_with(&mut store, 1), open_with(&mut store, 2));
    let rows = [enqueue(&mut store, one, 1), enqueue(&mut store, one, 2), enqueue(&mut store, other, 3)];
    let places = rows.map(|row| get(&store, row)).map(|message| (message.seq, message.clock));
    assert_eq!(places, [(Some(1), 1), (Some(2), 2), (Some(1), 1)]);

    // What the peer's clock said counts too.
    store.transact(|tx| tx.insert_received(received(one, 9, 40))).unwrap();
    let row = enqueue(&mut store, one, 4);
    assert_eq!((get(&store, row).seq, get(&store, row).clock), (Some(3), 41));
    // A lower clock does not turn ours back.
    store.transact(|tx| tx.insert_received(received(one, 10, 7))).unwrap();
    assert_eq!(store.read(|view| view.conversation(one)).unwrap().unwrap().clock, 41);
}

#[test]
fn a_new_message_is_complete() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = enqueue(&mut store, conversation, 1);
    let message = get(&store, row);
    let expected = Message {
        row,
        conversation,
        peer: peer(1),
        direction: Direction::Outgoing,
        message_id: id(1),
        stream: None,
        seq: Some(1),
        clock: 1,
        body: "message 1".into(),
        sent_ms: 5000,
        received_ms: None,
        state: MessageState::Queued,
        held: false,
    };
    assert_eq!(message, expected);
    let found = store.read(|view| view.message_by_id(&peer(1), Direction::Outgoing, &id(1)));
    assert_eq!(found, Ok(Some(expected)));
    assert_eq!(store.read(|view| view.message_by_id(&peer(1), Direction::Incoming, &id(1))), Ok(None));
    assert_eq!(store.read(|view| view.message_by_id(&peer(2), Direction::Outgoing, &id(1))), Ok(None));
}

#[test]
fn every_state_survives() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = enqueue(&mut store, conversation, 1);
    let states = [
        MessageState::Working,
        MessageState::Stored { k: 3, n: 7 },
        MessageState::Sent,
        MessageState::Delivered,
        MessageState::Read,
        MessageState::Failed(FailureReason::TooHard),
        MessageState::Failed(FailureReason::Rejected),
        MessageState::Failed(FailureReason::GivenUp),
        MessageState::Expired,
        MessageState::Received,
        MessageState::Queued,
    ];
    for state in states {
        store.transact(|tx| tx.set_message_state(row, state)).unwrap();
        assert_eq!(get(&store, row).state, state);
    }
}

#[test]
fn a_message_is_kept_once() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    store.transact(|tx| tx.insert_received(received(conversation, 1, 1))).unwrap();
    let twice = store.transact(|tx| tx.insert_received(received(conversation, 1, 2)));
    assert!(matches!(twice, Err(StoreError::Conflict { .. })));
    // The same id from the other side is another message.
    enqueue(&mut store, conversation, 1);
    assert_eq!(store.read(|view| view.dump()).unwrap().len(), 2);
    let nowhere = store.transact(|tx| tx.insert_received(received(ConversationId(9), 5, 1)));
    assert_eq!(nowhere, Err(StoreError::NotFound));
}

#[test]
fn texts_survive_byte_by_byte() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    for (number, body) in
        ["x", "👩‍👩‍👧‍👦 é", "a\0b", "'; DROP TABLE messages; --", &"ü".repeat(60_000)].iter().enumerate()
    {
        let mut new = received(conversation, number as u64, 1);
        new.body = (*body).to_string();
        let row = store.transact(|tx| tx.insert_received(new)).unwrap();
        assert_eq!(get(&store, row).body, *body);
    }
}
