//! The outbox.

use starling_store::*;

use crate::fixture::*;

#[test]
fn a_message_goes_through_its_stages() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = enqueue(&mut store, conversation, 1);
    let queued = item(&store, row);
    assert_eq!((queued.stage, queued.seq, queued.peer, queued.due_ms), (Stage::Queued, 1, peer(1), 5000));
    assert_eq!((queued.data.clone(), queued.hash.clone(), queued.timestamp), (None, None, None));

    store.transact(|tx| tx.seal_message(row, 77, "data", "hash", 5500)).unwrap();
    let sealed = item(&store, row);
    assert_eq!(
        (sealed.stage, sealed.data.as_deref(), sealed.hash.as_deref()),
        (Stage::Sealed, Some("data"), Some("hash"))
    );
    let message = store.read(|view| view.message(row)).unwrap().unwrap();
    assert_eq!((message.stream, message.sent_ms), (Some(77), 5500));

    store.transact(|tx| tx.prove_message(row, 6000, Some("nonce"), 10)).unwrap();
    let proven = item(&store, row);
    assert_eq!(
        (proven.stage, proven.timestamp, proven.nonce.as_deref()),
        (Stage::Proven, Some(6000), Some("nonce"))
    );
    assert_eq!(
        (proven.difficulty, proven.expires_ms, proven.recomputed),
        (10, Some(5500 + 1_209_600_000), false)
    );

    store.transact(|tx| tx.reopen_proof(row)).unwrap();
    let reopened = item(&store, row);
    assert_eq!((reopened.stage, reopened.timestamp, reopened.nonce), (Stage::Sealed, None, None));
    assert_eq!((reopened.recomputed, reopened.data.as_deref()), (true, Some("data")));

    store.transact(|tx| tx.prove_message(row, 6500, None, 0)).unwrap();
    store.transact(|tx| tx.advance_round(row, 1)).unwrap();
    assert_eq!(item(&store, row).rounds, 1);
    store.transact(|tx| tx.defer_outbox(row, 2, 9000)).unwrap();
    let deferred = item(&store, row);
    assert_eq!((deferred.nonce, deferred.attempts, deferred.due_ms), (None, 2, 9000));
    assert_eq!((deferred.rounds, deferred.recomputed), (0, false));

    store.transact(|tx| tx.finish_outbox(row, MessageState::Stored { k: 3, n: 5 })).unwrap();
    assert_eq!(store.read(|view| view.outbox_item(row)), Ok(None));
    let message = store.read(|view| view.message(row)).unwrap().unwrap();
    assert_eq!(message.state, MessageState::Stored { k: 3, n: 5 });
    assert_eq!(store.read(|view| view.outbox_len()), Ok(0));
    let gone = store.transact(|tx| tx.finish_outbox(row, MessageState::Expired));
    assert_eq!(gone, Err(StoreError::NotFound));
}

#[test]
fn receipts_count_members_of_the_current_bytes() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = enqueue(&mut store, conversation, 1);
    let mut record = |members: &[u8]| {
        let members: Vec<_> = members.iter().copied().map(node).collect();
        store.transact(|tx| tx.record_receipts(row, &members)).unwrap()
    };
    assert_eq!(record(&[3, 1, 3]), 2);
    assert_eq!(record(&[1]), 2);
    assert_eq!(record(&[2]), 3);
    assert_eq!(store.read(|view| view.receipts(row)).unwrap(), [node(1), node(2), node(3)]);
    store.transact(|tx| tx.reopen_proof(row)).unwrap();
    assert_eq!(store.read(|view| view.receipts(row)).unwrap().len(), 3);
    store.transact(|tx| tx.seal_message(row, 1, "other", "other", 0)).unwrap();
    assert_eq!(store.read(|view| view.receipts(row)).unwrap(), []);
    store.transact(|tx| tx.record_receipts(row, &[node(1)])).unwrap();
    store.transact(|tx| tx.finish_outbox(row, MessageState::Sent)).unwrap();
    let late = store.transact(|tx| tx.record_receipts(row, &[node(1)]));
    assert!(matches!(late, Err(StoreError::Conflict { .. })));
}

#[test]
fn conversations_take_turns() {
    let mut store = in_memory();
    let (one, other) = (open_with(&mut store, 1), open_with(&mut store, 2));
    let a: Vec<_> = (0..4).map(|number| enqueue(&mut store, one, number)).collect();
    let b: Vec<_> = (10..12).map(|number| enqueue(&mut store, other, number)).collect();
    assert_eq!(due(&store, 4999, 3, 10), []);
    assert_eq!(due(&store, 5000, 3, 10), [a[0], b[0], a[1], b[1], a[2]]);
    assert_eq!(due(&store, 5000, 3, 3), [a[0], b[0], a[1]]);
    assert_eq!(due(&store, 5000, 1, 10), [a[0], b[0]]);
}

#[test]
fn nothing_overtakes_the_first() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let rows: Vec<_> = (0..3).map(|number| enqueue(&mut store, conversation, number)).collect();
    store.transact(|tx| tx.seal_message(rows[0], 1, "d", "h", 0)).unwrap();
    store.transact(|tx| tx.defer_outbox(rows[0], 1, 8000)).unwrap();
    assert_eq!(due(&store, 7999, 3, 10), []);
    // Nobody wakes up in vain meanwhile.
    assert_eq!(store.read(|view| view.next_outbox_due(3)), Ok(Some(8000)));
    assert_eq!(due(&store, 8000, 3, 10), rows);
}

#[test]
fn what_is_not_sealed_holds_back_what_follows() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let rows: Vec<_> = (0..3).map(|number| enqueue(&mut store, conversation, number)).collect();
    store.transact(|tx| tx.defer_outbox(rows[1], 1, 8000)).unwrap();
    assert_eq!(due(&store, 7999, 3, 10), rows[..1]);
    // Sealed, it may be overtaken: the order is fixed.
    store.transact(|tx| tx.seal_message(rows[1], 1, "d", "h", 0)).unwrap();
    assert_eq!(due(&store, 7999, 3, 10), [rows[0], rows[2]]);
    assert_eq!(store.read(|view| view.next_outbox_due(3)), Ok(Some(5000)));
    store.transact(|tx| tx.hasten_outbox(7000)).unwrap();
    assert_eq!(due(&store, 7000, 3, 10), rows);
}

#[test]
fn the_first_sealed_message_fixes_the_stream() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let rows: Vec<_> = (0..2).map(|number| enqueue(&mut store, conversation, number)).collect();
    store.transact(|tx| tx.seal_message(rows[0], 70, "d", "h", 0)).unwrap();
    store.transact(|tx| tx.seal_message(rows[1], 71, "d", "h", 0)).unwrap();
    assert_eq!(store.read(|view| view.conversation(conversation)).unwrap().unwrap().stream, Some(70));
}

#[test]
fn a_failed_message_is_queued_again_behind_the_others() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let rows: Vec<_> = (0..2).map(|number| enqueue(&mut store, conversation, number)).collect();
    let mut requeue = |row| store.transact(|tx| tx.requeue_message(row, 60, 9000)).unwrap();
    assert!(!requeue(rows[0]));
    assert!(!requeue(MessageRow(99)));
    let failed = MessageState::Failed(FailureReason::GivenUp);
    store.transact(|tx| tx.finish_outbox(rows[0], failed)).unwrap();
    assert!(store.transact(|tx| tx.requeue_message(rows[0], 60, 9000)).unwrap());
    let again = item(&store, rows[0]);
    assert_eq!((again.stage, again.seq, again.ttl_ms, again.due_ms), (Stage::Queued, 3, 60, 9000));
    assert_eq!(due(&store, 9000, 3, 10), [rows[1], rows[0]]);
    assert_eq!(store.read(|view| view.message(rows[0])).unwrap().unwrap().state, MessageState::Queued);
}

#[test]
fn the_lowest_live_place_is_unfinished_or_young() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let rows: Vec<_> = (0..4).map(|number| enqueue(&mut store, conversation, number)).collect();
    let live = |store: &Store, after| store.read(|view| view.lowest_live_seq(conversation, after)).unwrap();
    let finish = |store: &mut Store, row, state| store.transact(|tx| tx.finish_outbox(row, state)).unwrap();
    assert_eq!(live(&store, 100), Some(1));
    for (row, sent_ms) in rows.iter().zip([50, 120, 110]) {
        store.transact(|tx| tx.seal_message(*row, 1, "d", "h", sent_ms)).unwrap();
        finish(&mut store, *row, MessageState::Stored { k: 3, n: 5 });
    }
    assert_eq!(live(&store, 100), Some(2));
    assert_eq!(live(&store, 115), Some(2));
    assert_eq!(live(&store, 120), Some(4));
    // Given up before it was sealed, it never comes.
    finish(&mut store, rows[3], MessageState::Failed(FailureReason::GivenUp));
    assert_eq!(live(&store, 120), None);
}

#[test]
fn a_clock_that_jumped_parks_nothing() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let rows: Vec<_> = (0..2).map(|number| enqueue(&mut store, conversation, number)).collect();
    store.transact(|tx| tx.defer_outbox(rows[0], 1, i64::MAX)).unwrap();
    store.transact(|tx| tx.clamp_outbox_due(1000, 600)).unwrap();
    assert_eq!(item(&store, rows[0]).due_ms, 1600);
    assert_eq!(item(&store, rows[1]).due_ms, 1600);
    store.transact(|tx| tx.clamp_outbox_due(2000, 600)).unwrap();
    assert_eq!(item(&store, rows[0]).due_ms, 1600);
}

#[test]
fn an_empty_outbox_has_nothing_due() {
    let store = in_memory();
    assert_eq!(store.read(|view| view.next_outbox_due(3)), Ok(None));
    assert_eq!(due(&store, i64::MAX, 3, 10), []);
}
