//! The event queue.

use starling_store::*;

use crate::fixture::*;

const HERE: ConversationId = ConversationId(1);

fn arrived(number: i64) -> Event {
    Event::MessageReceived { conversation: HERE, message: MessageRow(number) }
}

fn changed(number: i64) -> Event {
    Event::MessageStateChanged { conversation: HERE, message: MessageRow(number) }
}

fn push(store: &mut Store, events: impl IntoIterator<Item = Event>) {
    store.transact(|tx| events.into_iter().try_for_each(|event| tx.push_event(event))).unwrap();
}

fn queue(store: &Store) -> Vec<(EventSeq, Event)> {
    store.read(|view| view.events(usize::MAX)).unwrap()
}

fn events(store: &Store) -> Vec<Event> {
    queue(store).into_iter().map(|(_, event)| event).collect()
}

#[test]
fn events_stay_until_they_are_acknowledged() {
    let mut store = in_memory();
    let all = [
        arrived(1),
        Event::MessageInserted { conversation: HERE, message: MessageRow(2) },
        Event::Gap { conversation: HERE, from_seq: 3, to_seq: 5 },
        changed(4),
    ];
    push(&mut store, all);
    assert_eq!(events(&store), all);
    let first = store.read(|view| view.events(2)).unwrap();
    assert_eq!(first.len(), 2);
    assert_eq!(events(&store), all);
    store.transact(|tx| tx.ack_events(first[1].0)).unwrap();
    assert_eq!(events(&store), all[2..]);
    store.transact(|tx| tx.ack_events(first[1].0)).unwrap();
    assert_eq!(events(&store), all[2..]);
}

#[test]
fn only_the_latest_state_of_a_message_is_kept() {
    let mut store = in_memory();
    push(&mut store, [changed(1), arrived(1), changed(2), changed(1)]);
    assert_eq!(events(&store), [arrived(1), changed(2), changed(1)]);
}

#[test]
fn sequence_numbers_are_never_used_again() {
    let mut store = in_memory();
    push(&mut store, [arrived(1)]);
    let (first, _) = queue(&store)[0];
    store.transact(|tx| tx.ack_events(first)).unwrap();
    push(&mut store, [arrived(2)]);
    assert!(queue(&store)[0].0 > first);
}

#[test]
fn too_many_become_one_resync() {
    let mut store = in_memory();
    push(&mut store, (0..10_000).map(arrived));
    assert_eq!(events(&store).len(), 10_000);
    push(&mut store, [arrived(10_000)]);
    assert_eq!(events(&store), [Event::Resync]);
    // What happens while the host reads anew is not lost when it acknowledges.
    let (resync, _) = queue(&store)[0];
    push(&mut store, [arrived(1), changed(2)]);
    store.transact(|tx| tx.ack_events(resync)).unwrap();
    assert_eq!(events(&store), [arrived(1), changed(2)]);
}

#[test]
fn holes_in_the_numbers_do_not_count() {
    let mut store = in_memory();
    push(&mut store, [arrived(1)]);
    push(&mut store, (0..10_050).map(|_| changed(1)));
    assert_eq!(events(&store), [arrived(1), changed(1)]);
}

#[test]
fn every_event_survives() {
    let mut store = in_memory();
    let all = [
        Event::RequestReceived { conversation: HERE },
        Event::RequestReplaced { conversation: HERE },
        Event::RequestExpired { conversation: HERE },
        Event::FriendAdded { conversation: HERE },
        Event::SessionRenewed { conversation: HERE },
        Event::SecurityUpgraded { conversation: HERE },
        Event::RequestsDigest,
    ];
    push(&mut store, all);
    assert_eq!(events(&store), all);
}

#[test]
fn a_flood_of_requests_is_one_digest() {
    let mut store = in_memory();
    push(&mut store, [Event::RequestsDigest, arrived(1)]);
    let read = queue(&store)[0].0;
    // It comes again behind what was read already, or the host would acknowledge what it has not seen.
    push(&mut store, [Event::RequestsDigest, Event::RequestsDigest]);
    assert_eq!(events(&store), [arrived(1), Event::RequestsDigest]);
    store.transact(|tx| tx.ack_events(read)).unwrap();
    assert_eq!(events(&store), [arrived(1), Event::RequestsDigest]);
}
