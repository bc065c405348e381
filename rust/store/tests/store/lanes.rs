//! The two lanes of the outbox.

use starling_store::*;

use crate::fixture::*;

#[test]
fn nothing_goes_out_of_a_closed_queue() {
    let mut store = in_memory();
    let conversation = meet(&mut store, 1);
    let rows: Vec<_> = (0..3).map(|number| enqueue(&mut store, conversation, number)).collect();
    assert_eq!(due(&store, i64::MAX, 3, 10), []);
    // Nor does anybody wake up for it.
    assert_eq!(store.read(|view| view.next_outbox_due(3)), Ok(None));
    assert_eq!(store.read(|view| view.queue(conversation, 2)).unwrap(), rows[..2]);
    amend(&mut store, conversation, |contact| contact.open = true);
    assert_eq!(due(&store, 5000, 3, 10), rows);
    assert_eq!(store.read(|view| view.next_outbox_due(3)), Ok(Some(5000)));
}

#[test]
fn a_closed_queue_does_not_hold_up_others() {
    let mut store = in_memory();
    for number in 1..=50 {
        let conversation = meet(&mut store, number);
        enqueue(&mut store, conversation, 1);
    }
    let open = open_with(&mut store, 51);
    let row = enqueue(&mut store, open, 1);
    assert_eq!(due(&store, 5000, 3, 1), [row]);
}

#[test]
fn express_overtakes_and_goes_while_closed() {
    let mut store = in_memory();
    let conversation = meet(&mut store, 1);
    let text = enqueue(&mut store, conversation, 1);
    let kinds = [MessageKind::Request, MessageKind::Handshake, MessageKind::Bundle, MessageKind::Signal];
    let express: Vec<_> =
        (2..).zip(kinds).map(|(number, kind)| enqueue_kind(&mut store, conversation, number, kind)).collect();
    let lanes: Vec<_> = express.iter().map(|row| item(&store, *row).lane).collect();
    assert_eq!(lanes, [Lane::Express; 4]);
    assert_eq!((item(&store, text).lane, item(&store, text).kind), (Lane::Ordered, MessageKind::Text));
    // A signal has no place, so it stands before the others of its moment.
    assert_eq!(due(&store, 5000, 4, 10), [express[3], express[0], express[1], express[2]]);
    // One that is put off holds back none.
    store.transact(|tx| tx.defer_outbox(express[3], 1, 9000)).unwrap();
    assert_eq!(due(&store, 5000, 4, 10), express[..3]);
    assert_eq!(due(&store, 5000, 2, 10), express[..2]);
    amend(&mut store, conversation, |contact| contact.open = true);
    assert_eq!(due(&store, 5000, 2, 10), [express[0], text, express[1]]);
}

#[test]
fn a_signal_is_not_kept_waiting_by_rows_that_are_put_off() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    for number in 0..3 {
        let row = enqueue_kind(&mut store, conversation, number, MessageKind::Bundle);
        store.transact(|tx| tx.defer_outbox(row, 1, 8000)).unwrap();
    }
    let signal = enqueue_kind(&mut store, conversation, 9, MessageKind::Signal);
    assert_eq!(due(&store, 5000, 3, 10), [signal]);
    assert_eq!(store.read(|view| view.next_outbox_due(3)), Ok(Some(5000)));
}

#[test]
fn what_is_planned_for_later_is_not_hastened() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let rows: Vec<_> =
        (0..2).map(|number| enqueue_kind(&mut store, conversation, number, MessageKind::Bundle)).collect();
    store.transact(|tx| tx.defer_outbox(rows[0], 0, 9000)).unwrap();
    store.transact(|tx| tx.defer_outbox(rows[1], 2, 9000)).unwrap();
    store.transact(|tx| tx.hasten_outbox(6000)).unwrap();
    assert_eq!([item(&store, rows[0]).due_ms, item(&store, rows[1]).due_ms], [9000, 6000]);
}
