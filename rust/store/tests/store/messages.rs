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
        kind: MessageKind::Text,
        stream: None,
        seq: Some(1),
        clock: 1,
        body: "message 1".into(),
        sent_ms: 5000,
        received_ms: None,
        state: MessageState::Queued,
        held: Held::No,
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
        MessageState::Failed(FailureReason::Withdrawn),
        MessageState::Failed(FailureReason::Blocked),
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

#[test]
fn the_host_sees_texts_and_introductions_only() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let kinds = [
        MessageKind::Text,
        MessageKind::Request,
        MessageKind::Handshake,
        MessageKind::Bundle,
        MessageKind::Signal,
    ];
    let rows: Vec<_> =
        (0..).zip(kinds).map(|(number, kind)| enqueue_kind(&mut store, conversation, number, kind)).collect();
    let empty = Received { kind: MessageKind::Request, body: String::new(), ..received(conversation, 9, 1) };
    let empty = store.transact(|tx| tx.insert_received(empty)).unwrap();

    let shown = &rows[..2];
    let page = store.read(|view| view.messages(conversation, None, PageDirection::Newer, 10)).unwrap();
    let list = |found: Vec<Message>| found.into_iter().map(|message| message.row).collect::<Vec<_>>();
    assert_eq!(list(page.messages), shown);
    assert_eq!(list(store.read(|view| view.dump()).unwrap()), shown);
    assert_eq!(store.read(|view| view.dump_all()).unwrap().len(), 6);
    let hits = store.read(|view| view.search("message", None, 10)).unwrap();
    assert_eq!(hits.len(), 2);
    for (row, kind) in rows.iter().zip(kinds) {
        assert_eq!(store.read(|view| view.message(*row)).unwrap().is_some(), shown.contains(row));
        assert_eq!(store.read(|view| view.any_message(*row)).unwrap().unwrap().kind, kind);
    }
    for number in 2..5 {
        let found = |direction| store.read(|view| view.message_by_id(&peer(1), direction, &id(number)));
        assert_eq!(found(Direction::Outgoing), Ok(None));
        assert_eq!(store.read(|view| view.messages_with_id(&id(number))), Ok(Vec::new()));
    }
    assert_eq!(store.read(|view| view.message(empty)), Ok(None));
}

#[test]
fn a_signal_takes_no_place() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let signal = enqueue_kind(&mut store, conversation, 1, MessageKind::Signal);
    assert_eq!(store.read(|view| view.any_message(signal)).unwrap().unwrap().seq, None);
    let now = store.read(|view| view.conversation(conversation)).unwrap().unwrap();
    assert_eq!((now.next_seq, now.clock), (1, 0));
    // Sealed, it begins no stream.
    store.transact(|tx| tx.seal_message(signal, 70, "d", "h", 5)).unwrap();
    assert_eq!(store.read(|view| view.conversation(conversation)).unwrap().unwrap().stream, None);
    assert_eq!(store.read(|view| view.lowest_live_seq(conversation, 0)), Ok(None));
    let visit = Visit { at_ms: 1, node: node(1), relays: vec![], verdict: Verdict::NoAnswer };
    store.transact(|tx| tx.record_visit(signal, &visit)).unwrap();
    // Stored, nothing of it is left.
    store.transact(|tx| tx.finish_outbox(signal, MessageState::Stored { k: 1, n: 1 })).unwrap();
    assert_eq!(store.read(|view| view.any_message(signal)), Ok(None));
    let nowhere = NewOutgoing {
        conversation: ConversationId(9),
        message_id: id(1),
        kind: MessageKind::Signal,
        body: String::new(),
        ttl_ms: 1,
        now_ms: 1,
    };
    assert_eq!(store.transact(|tx| tx.enqueue_message(nowhere)), Err(StoreError::NotFound));
}
