//! Marks of frames, parked frames, refusals and second tries.

use starling_store::*;

use crate::fixture::*;

#[test]
fn a_frame_is_known_until_its_mark_expires() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let mark = FrameMark { hash: [1; 32], conversation, message_id: None, verdict: 3, expires_ms: 100 };
    assert_eq!(store.read(|view| view.frame(&[1; 32])), Ok(None));
    store.transact(|tx| tx.mark_frame(&mark)).unwrap();
    assert_eq!(store.read(|view| view.frame(&[1; 32])), Ok(Some(mark.clone())));
    // One that failed may be opened later.
    let opened = FrameMark { message_id: Some(id(1)), verdict: 1, expires_ms: 200, ..mark.clone() };
    store.transact(|tx| tx.mark_frame(&opened)).unwrap();
    store.transact(|tx| tx.sweep_marks(200)).unwrap();
    assert_eq!(store.read(|view| view.frame(&[1; 32])), Ok(Some(opened)));
    store.transact(|tx| tx.sweep_marks(201)).unwrap();
    assert_eq!(store.read(|view| view.frame(&[1; 32])), Ok(None));
    let nowhere = FrameMark { conversation: ConversationId(9), ..mark };
    let failed = store.transact(|tx| tx.mark_frame(&nowhere));
    assert!(matches!(failed, Err(StoreError::Conflict { .. })));
}

#[test]
fn parked_frames_wait_in_order() {
    let mut store = in_memory();
    let (one, other) = (open_with(&mut store, 1), open_with(&mut store, 2));
    let mut park = |conversation, number: u8, at| {
        store.transact(|tx| tx.park(conversation, &[number; 32], &[number; 900], at)).unwrap()
    };
    assert!(park(one, 1, 50) && park(one, 2, 40) && park(other, 3, 60));
    // The same frame from another replica.
    assert!(park(one, 1, 70));
    let parked = store.read(|view| view.parked(one, 10)).unwrap();
    let expected = |id, number: u8, parked_ms| Parked {
        id,
        conversation: one,
        hash: [number; 32],
        frame: vec![number; 900],
        parked_ms,
    };
    assert_eq!(parked, [expected(parked[0].id, 1, 50), expected(parked[1].id, 2, 40)]);
    assert_eq!(store.read(|view| view.parked(one, 1)).unwrap(), parked[..1]);
    assert_eq!(store.read(|view| view.parked_conversations()).unwrap(), [one, other]);
    assert_eq!(store.read(|view| view.oldest_parked()), Ok(Some(40)));
    for frame in &parked {
        store.transact(|tx| tx.unpark(frame.id)).unwrap();
    }
    assert_eq!(store.read(|view| view.parked_conversations()).unwrap(), [other]);
    assert_eq!(store.read(|view| view.oldest_parked()), Ok(Some(60)));
}

#[test]
fn parking_has_bounds() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let mut number = 0_u64;
    let mut park = |store: &mut Store, bytes: usize| {
        number += 1;
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        store.transact(|tx| tx.park(conversation, &hash, &vec![0; bytes], 0)).unwrap()
    };
    assert!((0..83).all(|_| park(&mut store, 100_000)));
    assert!(!park(&mut store, 100_000));
    assert!((83..1000).all(|_| park(&mut store, 10)));
    assert!(!park(&mut store, 10));
    // What waits was not thrown away for it.
    assert_eq!(store.read(|view| view.parked(conversation, 2000)).unwrap().len(), 1000);
}

#[test]
fn refusals_are_told_in_batches() {
    let mut store = in_memory();
    let (one, other) = (open_with(&mut store, 1), open_with(&mut store, 2));
    let hash = |number: u16| {
        let mut hash = [0; 32];
        hash[..2].copy_from_slice(&number.to_be_bytes());
        hash
    };
    for number in 0..300 {
        store.transact(|tx| tx.add_nack(one, &hash(number % 280))).unwrap();
    }
    assert!(store.read(|view| view.has_nacks(one)).unwrap());
    assert!(!store.read(|view| view.has_nacks(other)).unwrap());
    let mut told = Vec::new();
    loop {
        let batch = store.transact(|tx| tx.take_nacks(one)).unwrap();
        assert!(batch.len() <= 64);
        if batch.is_empty() {
            break;
        }
        told.extend(batch);
    }
    assert_eq!(told, (0..256).map(hash).collect::<Vec<_>>());
    assert!(!store.read(|view| view.has_nacks(one)).unwrap());
}

#[test]
fn the_quarantine_can_be_tried_again() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    for (number, conversation) in [None, Some(conversation), Some(conversation)].into_iter().enumerate() {
        let hash = format!("h{number}");
        let poison = Quarantined { conversation, hash: &hash, data: "data", reason: 4, now_ms: 5 };
        store.transact(|tx| tx.quarantine(poison)).unwrap();
    }
    let first = store.read(|view| view.quarantined(None, 2)).unwrap();
    assert_eq!((first[0].conversation, first[1].conversation), (None, Some(conversation)));
    assert_eq!((first[0].hash.as_str(), first[0].data.as_str()), ("h0", "data"));
    assert_eq!((first[0].reason, first[0].received_ms), (4, 5));
    let rest = store.read(|view| view.quarantined(Some(first[1].id), 2)).unwrap();
    assert_eq!(rest[0].hash, "h2");
    store.transact(|tx| tx.leave_quarantine(first[0].id)).unwrap();
    assert_eq!(store.read(|view| view.quarantined(None, 9)).unwrap().len(), 2);
    assert_eq!(store.read(|view| view.quarantine_size()), Ok((2, 8)));
}
