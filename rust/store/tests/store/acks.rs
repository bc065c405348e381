//! What is acknowledged to a peer, and when.

use proptest::collection::vec;
use proptest::prelude::*;
use starling_store::*;

use crate::fixture::*;

fn note(store: &mut Store, conversation: ConversationId, stream: i64, seq: u64, base: i64) {
    let place = i64::try_from(seq).unwrap();
    store.transact(|tx| tx.note_received(conversation, stream, place, base, &id(seq))).unwrap();
}

fn ack(store: &Store, conversation: ConversationId) -> Option<AckState> {
    store.read(|view| view.ack_state(conversation)).unwrap()
}

fn says(stream: i64, through: i64, above: &[u64]) -> Option<AckState> {
    Some(AckState { stream, through, above: above.iter().map(|number| id(*number)).collect() })
}

#[test]
fn the_contiguous_part_grows_past_what_was_above() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    assert_eq!(ack(&store, conversation), None);
    for (seq, expected) in [
        (1, says(7, 1, &[])),
        (4, says(7, 1, &[4])),
        (3, says(7, 1, &[3, 4])),
        (3, says(7, 1, &[3, 4])),
        (2, says(7, 4, &[])),
        (1, says(7, 4, &[])),
    ] {
        note(&mut store, conversation, 7, seq, 1);
        assert_eq!(ack(&store, conversation), expected);
    }
}

#[test]
fn what_is_below_the_base_counts_as_done() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    // New to the stream, we begin at its base.
    note(&mut store, conversation, 7, 12, 10);
    assert_eq!(ack(&store, conversation), says(7, 9, &[12]));
    note(&mut store, conversation, 7, 14, 12);
    assert_eq!(ack(&store, conversation), says(7, 12, &[14]));
    // No base acknowledges what was not received, and none goes back.
    note(&mut store, conversation, 7, 16, 1_000);
    assert_eq!(ack(&store, conversation), says(7, 16, &[]));
    note(&mut store, conversation, 7, 18, -5);
    assert_eq!(ack(&store, conversation), says(7, 16, &[18]));
}

#[test]
fn the_stream_written_to_last_is_named() {
    let mut store = in_memory();
    let (one, other) = (open_with(&mut store, 1), open_with(&mut store, 2));
    note(&mut store, one, 7, 1, 1);
    note(&mut store, one, 9, 3, 1);
    assert_eq!((ack(&store, one), ack(&store, other)), (says(9, 0, &[3]), None));
    note(&mut store, one, 7, 2, 1);
    assert_eq!(ack(&store, one), says(7, 2, &[]));
}

#[test]
fn showing_and_acknowledging_are_two_things() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    store.transact(|tx| tx.set_inbound_next(conversation, 7, 3)).unwrap();
    assert_eq!(ack(&store, conversation), None);
    note(&mut store, conversation, 7, 1, 1);
    assert_eq!(store.read(|view| view.inbound_next(conversation, 7)), Ok(Some(3)));
    store.transact(|tx| tx.set_inbound_next(conversation, 7, 9)).unwrap();
    assert_eq!(ack(&store, conversation), says(7, 1, &[]));
}

#[test]
fn the_latest_256_ids_are_named_and_4096_remembered() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let hole_at_1 = |tx: &mut Tx<'_>| {
        (2..4_200_u64).try_for_each(|seq| tx.note_received(conversation, 7, seq as i64, 1, &id(seq)))
    };
    store.transact(hole_at_1).unwrap();
    let above = ack(&store, conversation).unwrap().above;
    assert_eq!((above.len(), above[0], above[255]), (256, id(3_842), id(4_097)));
    note(&mut store, conversation, 7, 1, 1);
    assert_eq!(ack(&store, conversation), says(7, 4_097, &[]));
}

#[test]
fn acknowledgements_are_due_in_time() {
    let mut store = in_memory();
    let (one, other) = (open_with(&mut store, 1), open_with(&mut store, 2));
    assert_eq!(store.read(|view| view.next_ack_due()), Ok(None));
    store.transact(|tx| tx.set_ack_due(one, Some(200))).unwrap();
    store.transact(|tx| tx.set_ack_due(other, Some(100))).unwrap();
    let due = |store: &Store, now| store.read(|view| view.acks_due(now, 10)).unwrap();
    assert_eq!(due(&store, 99), []);
    assert_eq!(due(&store, 200), [other, one]);
    assert_eq!(store.read(|view| view.next_ack_due()), Ok(Some(100)));
    store.transact(|tx| tx.set_ack_due(other, None)).unwrap();
    assert_eq!((due(&store, 200), contact(&store, one).ack_due_ms), (vec![one], Some(200)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever comes in whatever order: everything is either below, or named, or was not received.
    #[test]
    fn an_acknowledgement_names_exactly_what_was_received(places in vec(1_u64..40, 1..60)) {
        let mut store = in_memory();
        let conversation = open_with(&mut store, 1);
        for seq in &places {
            note(&mut store, conversation, 7, *seq, 1);
        }
        let state = ack(&store, conversation).unwrap();
        for seq in 1..45 {
            let named = seq as i64 <= state.through || state.above.contains(&id(seq));
            prop_assert_eq!(named, places.contains(&seq), "{}", seq);
        }
        prop_assert!(!places.contains(&(state.through as u64 + 1)));
    }
}
