//! Who is let in: invite codes, vouched messages, requests that wait, the own name.

use starling_store::*;

use crate::fixture::*;

#[test]
fn a_code_counts_once() {
    let mut store = in_memory();
    let invited = |store: &Store| store.read(|view| view.invited(&[1; 16])).unwrap();
    assert!(!invited(&store));
    store.transact(|tx| tx.add_invite(&[1; 16], 5)).unwrap();
    assert!(invited(&store));
    let again = store.transact(|tx| tx.add_invite(&[1; 16], 6));
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    store.transact(|tx| tx.use_invite(&[1; 16])).unwrap();
    assert!(!invited(&store));
}

#[test]
fn a_request_carries_its_code() {
    let mut store = in_memory();
    store.transact(|tx| tx.attach_invite(&id(1), &[7; 16])).unwrap();
    assert_eq!(store.read(|view| view.invite_of(&id(1))), Ok(Some([7; 16])));
    assert_eq!(store.read(|view| view.invite_of(&id(2))), Ok(None));
}

#[test]
fn a_peer_vouches_for_its_own_messages_for_a_while() {
    let mut store = in_memory();
    let (one, other) = (open_with(&mut store, 1), open_with(&mut store, 2));
    store.transact(|tx| tx.vouch(one, &[id(1), id(2)], 100)).unwrap();
    store.transact(|tx| tx.vouch(one, &[id(2)], 300)).unwrap();
    let vouched = |store: &Store, conversation, number| {
        store.read(|view| view.vouched(conversation, &id(number))).unwrap()
    };
    assert!(vouched(&store, one, 1) && vouched(&store, one, 2));
    assert!(!vouched(&store, one, 3) && !vouched(&store, other, 1));
    store.transact(|tx| tx.sweep_marks(100)).unwrap();
    assert!(vouched(&store, one, 1));
    store.transact(|tx| tx.sweep_marks(101)).unwrap();
    assert!(!vouched(&store, one, 1));
}

#[test]
fn the_latest_unprotected_messages_are_listed() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let other = open_with(&mut store, 2);
    for (number, sent_ms) in (1..=4).zip([100, 200, 300, 400]) {
        store.transact(|tx| tx.note_unprotected(conversation, &id(number), sent_ms)).unwrap();
    }
    let since = |store: &Store, ms, limit| {
        store.read(|view| view.unprotected_since(conversation, ms, limit)).unwrap()
    };
    assert_eq!(since(&store, 100, 10), [id(4), id(3), id(2)]);
    assert_eq!(since(&store, 0, 2), [id(4), id(3)]);
    assert!(store.read(|view| view.unprotected_since(other, 0, 9)).unwrap().is_empty());
    let fortnight_ms = 14 * 24 * 3_600_000;
    store.transact(|tx| tx.note_unprotected(conversation, &id(5), fortnight_ms + 250)).unwrap();
    assert_eq!(since(&store, 0, 10), [id(5), id(4), id(3)], "the oldest are gone from every swarm");
}

#[test]
fn a_request_that_waits_is_found() {
    let mut store = in_memory();
    let conversation = meet(&mut store, 1);
    enqueue(&mut store, conversation, 1);
    enqueue_kind(&mut store, conversation, 2, MessageKind::Bundle);
    let waiting = |store: &Store| store.read(|view| view.waiting_request(conversation)).unwrap();
    assert_eq!(waiting(&store), None);
    let request = enqueue_kind(&mut store, conversation, 3, MessageKind::Request);
    assert_eq!(waiting(&store), Some(request));
    store.transact(|tx| tx.set_time_to_live(request, 77)).unwrap();
    assert_eq!(item(&store, request).ttl_ms, 77);
    store.transact(|tx| tx.finish_outbox(request, MessageState::Stored { k: 3, n: 5 })).unwrap();
    assert_eq!(waiting(&store), None);
}

#[test]
fn the_own_name_may_be_none() {
    let mut store = in_memory();
    let name = |store: &Store| store.read(|view| view.own_name()).unwrap();
    assert_eq!(name(&store), None);
    store.transact(|tx| tx.set_own_name("Käthe")).unwrap();
    assert_eq!(name(&store).as_deref(), Some("Käthe"));
    store.transact(|tx| tx.set_own_name("")).unwrap();
    assert_eq!(name(&store), None);
    let nobody = Store::in_memory().unwrap().transact(|tx| tx.set_own_name("x"));
    assert_eq!(nobody, Err(StoreError::NotFound));
}
