//! Sealing again, and ending what waits in vain.

use starling_store::*;

use crate::fixture::*;

const STORED: MessageState = MessageState::Stored { k: 3, n: 5 };

#[test]
fn a_row_in_the_outbox_is_unsealed_in_its_place() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = enqueue(&mut store, conversation, 1);
    seal(&mut store, row, (None, 0, 1), 6000);
    store.transact(|tx| tx.prove_message(row, 6001, Some("nonce"), 3)).unwrap();
    store.transact(|tx| tx.record_receipts(row, &[node(1)])).unwrap();
    let before = item(&store, row);
    assert!(store.transact(|tx| tx.reseal(row, 99_000)).unwrap());
    let expected = OutboxItem {
        stage: Stage::Queued,
        data: None,
        hash: None,
        timestamp: None,
        nonce: None,
        difficulty: 0,
        ..before
    };
    assert_eq!(item(&store, row), expected);
    assert_eq!(store.read(|view| view.receipts(row)).unwrap(), []);
    assert!(!store.transact(|tx| tx.unseal(MessageRow(99))).unwrap());
}

#[test]
fn a_stored_message_comes_back_with_id_place_and_expiry() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = enqueue(&mut store, conversation, 1);
    send(&mut store, row, (None, 0, 1), 6000);
    assert!(!store.transact(|tx| tx.unseal(row)).unwrap());
    assert!(store.transact(|tx| tx.reseal(row, 7000)).unwrap());
    let again = item(&store, row);
    assert_eq!((again.stage, again.lane, again.seq, again.due_ms), (Stage::Queued, Lane::Express, 1, 7000));
    assert_eq!((again.expires_ms, again.ttl_ms), (Some(6000 + 1_209_600_000), 1_209_600_000));
    // Sealed a second time, it keeps time, stream and expiry of the first one.
    let before = store.read(|view| view.message(row)).unwrap().unwrap();
    store.transact(|tx| tx.seal_message(row, 71, "other", "other", 8000)).unwrap();
    let after = store.read(|view| view.message(row)).unwrap().unwrap();
    assert_eq!((after.sent_ms, after.stream, after.seq), (before.sent_ms, Some(70), Some(1)));
    assert_eq!(item(&store, row).expires_ms, again.expires_ms);
    store.transact(|tx| tx.extend_expiry(row, 9_000_000_000)).unwrap();
    assert_eq!(item(&store, row).expires_ms, Some(9_000_000_000));
    let sealed = store.read(|view| view.unacknowledged_message(row)).unwrap().unwrap();
    assert_eq!(sealed.expires_ms, 9_000_000_000);
}

#[test]
fn what_is_over_is_never_brought_back() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let rows: Vec<_> = (1..=4).map(|number| enqueue(&mut store, conversation, number)).collect();
    for (row, number) in rows[..3].iter().zip(1..) {
        send(&mut store, *row, (None, 0, number), 6000);
    }
    store.transact(|tx| tx.acknowledge(conversation, 70, 1)).unwrap();
    store.transact(|tx| tx.reseal(rows[1], 7000)).unwrap();
    store.transact(|tx| tx.finish_outbox(rows[1], MessageState::Expired)).unwrap();
    store.transact(|tx| tx.expire_sealed(i64::MAX, 1)).unwrap();
    store.transact(|tx| tx.finish_outbox(rows[3], MessageState::Failed(FailureReason::GivenUp))).unwrap();
    for row in rows {
        assert!(!store.transact(|tx| tx.reseal(row, 7000)).unwrap());
        assert_eq!(store.read(|view| view.outbox_item(row)), Ok(None));
    }
}

#[test]
fn a_withdrawn_request_takes_its_queue_along() {
    let mut store = in_memory();
    let (conversation, other) = (meet(&mut store, 1), meet(&mut store, 2));
    let request = enqueue_kind(&mut store, conversation, 1, MessageKind::Request);
    let texts: Vec<_> = (2..4).map(|number| enqueue(&mut store, conversation, number)).collect();
    let bundle = enqueue_kind(&mut store, conversation, 5, MessageKind::Bundle);
    let foreign = enqueue(&mut store, other, 1);
    send(&mut store, request, (None, 0, 1), 6000);
    let failed = store.transact(|tx| tx.fail_queue(conversation, FailureReason::Withdrawn)).unwrap();
    assert_eq!(failed, [request, texts[0], texts[1]]);
    for row in failed {
        assert_eq!(state(&store, row), MessageState::Failed(FailureReason::Withdrawn));
        assert_eq!(store.read(|view| view.outbox_item(row)), Ok(None));
    }
    assert_eq!(store.read(|view| view.unacknowledged_message(request)), Ok(None));
    assert_eq!((item(&store, bundle).stage, item(&store, foreign).stage), (Stage::Queued, Stage::Queued));
}

#[test]
fn texts_expire_with_the_request_they_waited_for() {
    let mut store = in_memory();
    let conversation = meet(&mut store, 1);
    // The request is on its way and still in the outbox: it is listed once.
    let request = enqueue_kind(&mut store, conversation, 1, MessageKind::Request);
    let text = enqueue(&mut store, conversation, 2);
    seal(&mut store, request, (None, 0, 1), 6000);
    assert_eq!(store.transact(|tx| tx.expire_queue(conversation)).unwrap(), [request, text]);
    assert_eq!([state(&store, request), state(&store, text)], [MessageState::Expired; 2]);
    assert_eq!(store.transact(|tx| tx.expire_queue(conversation)).unwrap(), []);
    // What went out before and was stored is another matter.
    let friend = open_with(&mut store, 2);
    let sent = enqueue(&mut store, friend, 1);
    send(&mut store, sent, (None, 0, 2), 6000);
    assert_eq!(store.transact(|tx| tx.expire_queue(friend)).unwrap(), []);
    assert_eq!(state(&store, sent), STORED);
}
