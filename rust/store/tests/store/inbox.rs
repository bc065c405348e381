//! Marks, cursors, gaps and quarantine.

use starling_store::*;

use crate::fixture::*;

#[test]
fn a_message_is_new_once_for_each_sender() {
    let mut store = in_memory();
    let mut mark =
        |sender, number| store.transact(|tx| tx.mark_seen(&peer(sender), &id(number), 100)).unwrap();
    assert!(mark(1, 1));
    assert!(!mark(1, 1));
    assert!(mark(2, 1));
    assert!(mark(1, 2));
}

#[test]
fn marks_expire() {
    let mut store = in_memory();
    let known = |store: &Store, hash| store.read(|view| view.hash_known(hash)).unwrap();
    assert!(!known(&store, "a"));
    store.transact(|tx| tx.mark_hash("a", 100)).unwrap();
    store.transact(|tx| tx.mark_hash("b", 100)).unwrap();
    store.transact(|tx| tx.mark_hash("b", 300)).unwrap();
    store.transact(|tx| tx.mark_hash("b", 200)).unwrap();
    store.transact(|tx| tx.mark_seen(&peer(1), &id(1), 100)).unwrap();
    store.transact(|tx| tx.sweep_marks(100)).unwrap();
    assert!(known(&store, "a") && known(&store, "b"));
    store.transact(|tx| tx.sweep_marks(300)).unwrap();
    assert!(!known(&store, "a") && known(&store, "b"));
    assert!(store.transact(|tx| tx.mark_seen(&peer(1), &id(1), 900)).unwrap());
}

#[test]
fn cursors_are_kept_for_each_node_and_namespace() {
    let mut store = in_memory();
    let get =
        |store: &Store, number, namespace| store.read(|view| view.cursor(&node(number), namespace)).unwrap();
    store.transact(|tx| tx.set_cursor(&node(1), 0, "first")).unwrap();
    store.transact(|tx| tx.set_cursor(&node(1), 0, "second")).unwrap();
    store.transact(|tx| tx.set_cursor(&node(1), -10, "other")).unwrap();
    assert_eq!(get(&store, 1, 0).as_deref(), Some("second"));
    assert_eq!(get(&store, 1, -10).as_deref(), Some("other"));
    assert_eq!(get(&store, 2, 0), None);
    store.transact(|tx| tx.forget_cursor(&node(1), 0)).unwrap();
    assert_eq!(get(&store, 1, 0), None);
    assert_eq!(get(&store, 1, -10).as_deref(), Some("other"));
}

#[test]
fn held_messages_are_listed_by_stream_and_sequence() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let mut hold = |number, stream| {
        let new =
            Received { held: Held::BehindGap, stream: Some(stream), ..received(conversation, number, 1) };
        store.transact(|tx| tx.insert_received(new)).unwrap()
    };
    let (five, three, other) = (hold(5, 1), hold(3, 1), hold(4, 2));
    store.transact(|tx| tx.fill_place(conversation, 1, 4)).unwrap();
    let waiting = store.read(|view| view.waiting(conversation, 1)).unwrap();
    assert_eq!(waiting, [(Some(three), 3), (None, 4), (Some(five), 5)]);
    assert_eq!(store.read(|view| view.held_streams()).unwrap(), [(conversation, 1), (conversation, 2)]);
    store.transact(|tx| tx.release(other)).unwrap();
    assert_eq!(store.read(|view| view.held_streams()).unwrap(), [(conversation, 1)]);
    assert_eq!(store.transact(|tx| tx.release(MessageRow(99))), Err(StoreError::NotFound));
}

#[test]
fn the_next_number_of_a_stream_is_kept() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    assert_eq!(store.read(|view| view.inbound_next(conversation, 1)), Ok(None));
    store.transact(|tx| tx.set_inbound_next(conversation, 1, 4)).unwrap();
    store.transact(|tx| tx.set_inbound_next(conversation, 1, 5)).unwrap();
    assert_eq!(store.read(|view| view.inbound_next(conversation, 1)), Ok(Some(5)));
    assert_eq!(store.read(|view| view.inbound_next(conversation, 2)), Ok(None));
    let nowhere = store.transact(|tx| tx.set_inbound_next(ConversationId(9), 1, 1));
    assert!(matches!(nowhere, Err(StoreError::Conflict { .. })));
}

#[test]
fn quarantine_has_bounds() {
    let mut store = in_memory();
    let mut quarantine = |count: usize, bytes: usize| {
        let data = "x".repeat(bytes);
        let poison = || Quarantined { conversation: None, hash: "h", data: &data, reason: 1, now_ms: 0 };
        store.transact(|tx| (0..count).try_for_each(|_| tx.quarantine(poison()))).unwrap();
        store.read(|view| view.quarantine_size()).unwrap()
    };
    assert_eq!(quarantine(1100, 10), (1000, 10_000));
    // 8 MiB are 83 of these, and one more of the small ones has to go for each.
    assert_eq!(quarantine(90, 100_000).1, 8_300_000);
    assert_eq!(quarantine(1, (8 << 20) + 1).1, 8_300_000);
    assert_eq!(quarantine(1, 8 << 20), (1, 8 << 20));
}
