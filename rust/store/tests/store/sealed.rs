//! What is sealed and not acknowledged.

use starling_store::*;

use crate::fixture::*;

fn rows(found: Result<Vec<Unacknowledged>, StoreError>) -> Vec<MessageRow> {
    found.unwrap().into_iter().map(|sealed| sealed.message).collect()
}

/// A friend with a session and `count` stored messages, the key of each with its number as index.
fn stored(count: u8) -> (Store, ConversationId, SessionRow, Vec<MessageRow>) {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let session = session(&mut store, conversation, 1);
    let rows = (1..=count)
        .map(|number| {
            let row = enqueue(&mut store, conversation, number.into());
            send(&mut store, row, (Some(session), i64::from(number) / 3, number), 6000 + i64::from(number));
            row
        })
        .collect();
    (store, conversation, session, rows)
}

#[test]
fn a_sealed_message_outlives_its_outbox_row() {
    let (store, conversation, session, rows) = stored(1);
    let expected = Unacknowledged {
        message: rows[0],
        message_id: id(1),
        conversation,
        kind: MessageKind::Text,
        stream: 70,
        seq: 1,
        session: Some(session),
        chain: 0,
        chain_index: 1,
        frame_hash: Some([1; 32]),
        sealed_ms: 6001,
        last_stored_ms: None,
        restore_ms: Some(6801),
        expires_ms: 6001 + 1_209_600_000,
        ttl_ms: 1_209_600_000,
        restored: false,
        in_outbox: false,
    };
    assert_eq!(store.read(|view| view.unacknowledged(conversation, 10)), Ok(vec![expected]));
    assert_eq!(store.read(|view| view.unacknowledged_message(rows[0])), Ok(Some(expected)));
}

#[test]
fn a_later_sealing_supersedes_the_frame() {
    let (mut store, _, session, rows) = stored(1);
    store.transact(|tx| tx.note_stored(rows[0], 6500)).unwrap();
    store.transact(|tx| tx.reseal(rows[0], 7000)).unwrap();
    seal(&mut store, rows[0], (Some(session), 2, 9), 7500);
    assert_eq!(store.read(|view| view.sealed_frame(&[1; 32])), Ok(None));
    let now = store.read(|view| view.sealed_frame(&[9; 32])).unwrap().unwrap();
    assert_eq!((now.message, now.chain, now.chain_index, now.sealed_ms), (rows[0], 2, 9, 7500));
    assert_eq!((now.last_stored_ms, now.expires_ms), (Some(6500), 6001 + 1_209_600_000));
    assert_eq!((now.in_outbox, now.restore_ms), (true, Some(8300)));
}

#[test]
fn only_what_is_sealed_can_be_noted() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = enqueue(&mut store, conversation, 1);
    let signal = enqueue_kind(&mut store, conversation, 2, MessageKind::Signal);
    let note = |message| SealNote {
        message,
        session: None,
        chain: 0,
        chain_index: 0,
        frame_hash: [1; 32],
        sealed_ms: 0,
        restore_ms: None,
    };
    assert_eq!(store.transact(|tx| tx.note_sealed(&note(row))), Err(StoreError::NotFound));
    store.transact(|tx| tx.seal_message(signal, 70, "d", "h", 0)).unwrap();
    let result = store.transact(|tx| tx.note_sealed(&note(signal)));
    assert!(matches!(result, Err(StoreError::Conflict { .. })));
}

#[test]
fn an_acknowledgement_delivers_once() {
    let (mut store, conversation, _, rows) = stored(5);
    store.transact(|tx| tx.reseal(rows[1], 7000)).unwrap();
    let mut ack =
        |stream, through| store.transact(|tx| tx.acknowledge(conversation, stream, through)).unwrap();
    assert_eq!(ack(71, 5), []);
    assert_eq!(ack(70, 2), rows[..2]);
    assert_eq!(ack(70, 2), []);
    assert_eq!(ack(70, 1), []);
    // Even the copy that was about to go out again is called off.
    assert_eq!(store.read(|view| view.outbox_item(rows[1])), Ok(None));
    assert_eq!(state(&store, rows[1]), MessageState::Delivered);
    assert_eq!(state(&store, rows[2]), MessageState::Stored { k: 3, n: 5 });
    let ids = [id(5), id(99), id(1), id(3), id(3)];
    let found = store.transact(|tx| tx.acknowledge_ids(conversation, &ids)).unwrap();
    assert_eq!(found, [rows[2], rows[4]]);
    assert_eq!(super::sealed::rows(store.read(|view| view.unacknowledged(conversation, 10))), rows[3..4]);
}

#[test]
fn nobody_acknowledges_for_another() {
    let (mut store, _, _, rows) = stored(1);
    let other = open_with(&mut store, 2);
    assert_eq!(store.transact(|tx| tx.acknowledge(other, 70, 9)).unwrap(), []);
    assert_eq!(store.transact(|tx| tx.acknowledge_ids(other, &[id(1)])).unwrap(), []);
    assert_eq!(state(&store, rows[0]), MessageState::Stored { k: 3, n: 5 });
}

#[test]
fn what_was_never_sealed_cannot_be_acknowledged() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = enqueue(&mut store, conversation, 1);
    store.transact(|tx| tx.set_stream(conversation, 70)).unwrap();
    assert_eq!(store.transact(|tx| tx.acknowledge(conversation, 70, 9)).unwrap(), []);
    assert_eq!(store.transact(|tx| tx.acknowledge_ids(conversation, &[id(1)])).unwrap(), []);
    assert_eq!(item(&store, row).stage, Stage::Queued);
}

#[test]
fn keys_are_counted_by_chain() {
    // Chains: 0 with 1 and 2; 1 with 3, 4 and 5; 2 with 6.
    let (store, conversation, session, all) = stored(6);
    assert_eq!(store.read(|view| view.sealed_on_chain(session, 1)), Ok(3));
    assert_eq!(store.read(|view| view.sealed_on_chain(session, 3)), Ok(0));
    assert_eq!(rows(store.read(|view| view.sealed_through_chain(session, 1, 10))), all[..5]);
    assert_eq!(rows(store.read(|view| view.sealed_through_chain(session, 1, 3))), all[..3]);
    assert_eq!(rows(store.read(|view| view.unacknowledged(conversation, 4))), all[..4]);
    assert_eq!(rows(store.read(|view| view.sealed_through_chain(SessionRow(9), 5, 10))), []);
}

#[test]
fn a_message_is_stored_once_more_and_then_expires() {
    let (mut store, conversation, session, all) = stored(2);
    assert_eq!(store.read(|view| view.next_sealed_due()), Ok(Some(6801)));
    assert_eq!(rows(store.read(|view| view.due_restores(6800, 10))), []);
    assert_eq!(rows(store.read(|view| view.due_restores(6802, 10))), all);
    store.transact(|tx| tx.mark_restored(all[0])).unwrap();
    assert_eq!(rows(store.read(|view| view.due_restores(6802, 10))), all[1..]);
    // The sealing that goes with it does not ask for a third time.
    store.transact(|tx| tx.reseal(all[0], 7000)).unwrap();
    seal(&mut store, all[0], (Some(session), 1, 9), 7000);
    let once = store.read(|view| view.unacknowledged_message(all[0])).unwrap().unwrap();
    assert_eq!((once.restored, once.restore_ms), (true, None));

    let expiry = 6001 + 1_209_600_000;
    assert_eq!(store.transact(|tx| tx.expire_sealed(expiry - 1, 10)).unwrap(), []);
    assert_eq!(store.transact(|tx| tx.expire_sealed(expiry + 1, 1)).unwrap(), all[..1]);
    assert_eq!(store.transact(|tx| tx.expire_sealed(expiry + 1, 10)).unwrap(), all[1..]);
    assert_eq!(state(&store, all[0]), MessageState::Expired);
    assert_eq!(store.read(|view| view.outbox_len()), Ok(0));
    assert_eq!(store.read(|view| view.next_sealed_due()), Ok(None));
    // An acknowledgement that comes too late changes nothing.
    assert_eq!(store.transact(|tx| tx.acknowledge(conversation, 70, 9)).unwrap(), []);
}

#[test]
fn the_base_is_the_lowest_place_without_acknowledgement() {
    let (mut store, conversation, _, rows) = stored(3);
    let base = |store: &Store| store.read(|view| view.lowest_unacknowledged_seq(conversation)).unwrap();
    assert_eq!(base(&store), Some(1));
    store.transact(|tx| tx.acknowledge_ids(conversation, &[id(1), id(3)])).unwrap();
    assert_eq!(base(&store), Some(2));
    enqueue_kind(&mut store, conversation, 8, MessageKind::Signal);
    let queued = enqueue(&mut store, conversation, 9);
    store.transact(|tx| tx.acknowledge(conversation, 70, 3)).unwrap();
    assert_eq!(base(&store), Some(4));
    store.transact(|tx| tx.finish_outbox(queued, MessageState::Failed(FailureReason::GivenUp))).unwrap();
    assert_eq!(base(&store), None);
    // Another stream has places of its own.
    let late = enqueue(&mut store, conversation, 10);
    send(&mut store, late, (None, 0, 99), 9000);
    store.transact(|tx| tx.set_stream(conversation, 90)).unwrap();
    assert_eq!(base(&store), None);
    assert_eq!(rows.len(), 3);
}

#[test]
fn messages_without_a_session_have_no_frame() {
    let mut store = in_memory();
    let rows = [1, 2].map(|number| {
        let conversation = meet(&mut store, number);
        let row = enqueue_kind(&mut store, conversation, 1, MessageKind::Request);
        // Whatever stands there for a hash, two requests on their way do not collide.
        seal(&mut store, row, (None, 0, 0), 6000);
        row
    });
    assert_eq!(store.read(|view| view.sealed_frame(&[0; 32])), Ok(None));
    for row in rows {
        let sealed = store.read(|view| view.unacknowledged_message(row)).unwrap().unwrap();
        assert_eq!((sealed.frame_hash, sealed.session), (None, None));
    }
}

#[test]
fn a_peer_without_a_ratchet_is_not_waited_for() {
    let (mut store, conversation, _, rows) = stored(1);
    let basic = enqueue(&mut store, conversation, 9);
    send(&mut store, basic, (None, 0, 9), 7000);
    store.transact(|tx| tx.expect_no_acknowledgement(conversation)).unwrap();
    assert_eq!(super::sealed::rows(store.read(|view| view.unacknowledged(conversation, 10))), rows);
}
