//! What came with a request that nobody answered.

use starling_store::*;

use crate::fixture::*;

fn pend(store: &mut Store, conversation: ConversationId, number: u64, clock: i64, body: &str) -> MessageRow {
    let new =
        Received { held: Held::WithRequest, body: body.into(), ..received(conversation, number, clock) };
    store.transact(|tx| tx.insert_received(new)).unwrap()
}

fn found(store: &Store) -> usize {
    store.read(|view| view.search("introduction", None, 10)).unwrap().len()
}

#[test]
fn a_request_can_be_read_and_nothing_else_of_it() {
    let mut store = in_memory();
    let (conversation, other) = (meet(&mut store, 1), meet(&mut store, 2));
    let second = pend(&mut store, conversation, 1, 5, "introduction two");
    let first = pend(&mut store, conversation, 2, 4, "introduction one");
    pend(&mut store, conversation, 3, 3, "");
    pend(&mut store, other, 4, 3, "introduction of another");
    let pending = store.read(|view| view.pending_messages(conversation, 10)).unwrap();
    assert_eq!(pending.iter().map(|message| message.row).collect::<Vec<_>>(), [first, second]);
    assert_eq!(store.read(|view| view.pending_messages(conversation, 1)).unwrap()[0].row, first);
    let page = store.read(|view| view.messages(conversation, None, PageDirection::Older, 10)).unwrap();
    assert_eq!((page.messages, found(&store)), (vec![], 0));
    // Behind a gap is elsewhere.
    assert_eq!(store.read(|view| view.held_streams()).unwrap(), []);
}

#[test]
fn accepting_shows_it_in_order() {
    let mut store = in_memory();
    let conversation = meet(&mut store, 1);
    let second = pend(&mut store, conversation, 1, 5, "introduction two");
    let first = pend(&mut store, conversation, 2, 4, "introduction one");
    let empty = pend(&mut store, conversation, 3, 3, "");
    assert_eq!(store.transact(|tx| tx.release_pending(conversation)).unwrap(), [first, second]);
    let arrived = |message| Event::MessageReceived { conversation, message };
    let events = store.read(|view| view.events(10)).unwrap();
    let events: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
    assert_eq!(events, [arrived(first), arrived(second)]);
    let page = store.read(|view| view.messages(conversation, None, PageDirection::Newer, 10)).unwrap();
    assert_eq!(page.messages.iter().map(|message| message.row).collect::<Vec<_>>(), [first, second]);
    assert_eq!(found(&store), 2);
    assert_eq!(store.read(|view| view.any_message(empty)).unwrap().unwrap().held, Held::No);
    assert_eq!(store.transact(|tx| tx.release_pending(conversation)).unwrap(), []);
}

#[test]
fn declining_leaves_the_mark_alone() {
    let mut store = in_memory();
    let conversation = meet(&mut store, 1);
    let shown = store.transact(|tx| tx.insert_received(received(conversation, 9, 1))).unwrap();
    let row = pend(&mut store, conversation, 1, 5, "introduction");
    store.transact(|tx| tx.mark_seen(&peer(1), &id(1), 100)).unwrap();
    assert_eq!(store.transact(|tx| tx.drop_pending(conversation)), Ok(1));
    assert_eq!(store.read(|view| view.any_message(row)), Ok(None));
    assert!(store.read(|view| view.message(shown)).unwrap().is_some());
    assert_eq!(found(&store), 0);
    assert!(!store.transact(|tx| tx.mark_seen(&peer(1), &id(1), 100)).unwrap());
    assert_eq!(store.transact(|tx| tx.drop_pending(conversation)), Ok(0));
}
