//! Whom a message was offered to, and the bounds on what is kept of it.

use starling_protocol::NodeKey;
use starling_store::{MessageRow, StoreError, Verdict, Visit};

use crate::fixture::{enqueue, in_memory, open_with};

fn visit(n: u8, verdict: Verdict) -> Visit {
    Visit {
        at_ms: n.into(),
        node: NodeKey([n; 32]),
        relays: vec![NodeKey([1; 32]), NodeKey([2; 32])],
        verdict,
    }
}

#[test]
fn every_verdict_comes_back_as_it_went_in() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = enqueue(&mut store, conversation, 1);
    let verdicts = [
        Verdict::Stored { receipts: 5 },
        Verdict::NoAnswer,
        Verdict::WrongSwarm,
        Verdict::WrongTime,
        Verdict::NeedsWork { difficulty: 17 },
        Verdict::Refused { status: 503 },
        Verdict::Unreadable,
    ];
    let visits: Vec<Visit> = (1..).zip(verdicts).map(|(n, verdict)| visit(n, verdict)).collect();
    for visit in &visits {
        store.transact(|tx| tx.record_visit(row, visit)).unwrap();
    }
    let explanation = store.read(|view| view.explain(row)).unwrap().unwrap();
    assert_eq!(explanation.visits, visits);
    assert_eq!(explanation.message.row, row);
    let found = store.read(|view| view.messages_with_id(&explanation.message.message_id)).unwrap();
    assert_eq!(found, [explanation.message]);
    assert!(explanation.outbox.is_some());
}

#[test]
fn the_oldest_visits_of_a_message_make_room() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let (row, other) = (enqueue(&mut store, conversation, 1), enqueue(&mut store, conversation, 2));
    store.transact(|tx| tx.record_visit(other, &visit(9, Verdict::NoAnswer))).unwrap();
    for n in 0..100 {
        store.transact(|tx| tx.record_visit(row, &visit(n, Verdict::NoAnswer))).unwrap();
    }
    let kept = store.read(|view| view.explain(row)).unwrap().unwrap().visits;
    assert_eq!((kept.len(), kept[0].at_ms, kept[47].at_ms), (48, 52, 99));
    assert_eq!(store.read(|view| view.explain(other)).unwrap().unwrap().visits.len(), 1);
}

#[test]
fn an_unknown_message_has_no_explanation_and_no_visits() {
    let mut store = in_memory();
    let nobody = MessageRow(77);
    assert_eq!(store.read(|view| view.explain(nobody)).unwrap(), None);
    let refused = store.transact(|tx| tx.record_visit(nobody, &visit(1, Verdict::NoAnswer)));
    assert!(matches!(refused, Err(StoreError::Conflict { .. })));
}
