//! Ratchet sessions, their secrets and chains.

use starling_store::*;

use crate::fixture::*;

fn get(store: &Store, row: SessionRow) -> Session {
    store.read(|view| view.session(row)).unwrap().unwrap()
}

fn secrets(store: &Store, row: SessionRow) -> Option<SessionSecrets> {
    store.read(|view| view.session_secrets(row)).unwrap()
}

fn step(received: bool) -> SessionStep<'static> {
    SessionStep { pickle: &[9; 800], received, sending_key: Some([8; 32]), sending_chain: 3, sent_count: 17 }
}

#[test]
fn a_session_is_kept_with_its_secrets() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = session(&mut store, conversation, 4);
    let expected = Session {
        row,
        conversation,
        session_id: [4; 32],
        epoch: 4,
        owned: false,
        received: false,
        sending_key: None,
        sending_chain: 0,
        sent_count: 0,
        created_s: 10,
        retired_s: None,
        erased: false,
    };
    assert_eq!(get(&store, row), expected);
    assert_eq!(store.read(|view| view.session_by_id(&[4; 32])), Ok(Some(expected)));
    assert_eq!(store.read(|view| view.session_by_id(&[5; 32])), Ok(None));
    let kept = secrets(&store, row).unwrap();
    assert_eq!(
        (kept.pickle.as_slice(), *kept.send_key, *kept.receive_key),
        (&[4; 700][..], [4; 32], [4; 32])
    );
    assert_eq!(kept.handshake.unwrap().kem_ciphertext, [4; 1088]);
}

#[test]
fn the_handshake_goes_with_the_first_reply() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = session(&mut store, conversation, 4);
    store.transact(|tx| tx.save_session(row, &step(false))).unwrap();
    let kept = secrets(&store, row).unwrap();
    assert!(kept.handshake.is_some() && kept.pickle.as_slice() == [9; 800]);
    let now = get(&store, row);
    assert_eq!((now.sending_key, now.sending_chain, now.sent_count), (Some([8; 32]), 3, 17));
    store.transact(|tx| tx.save_session(row, &step(true))).unwrap();
    assert!(secrets(&store, row).unwrap().handshake.is_none());
    // What was received stays received.
    store.transact(|tx| tx.save_session(row, &step(false))).unwrap();
    assert!(get(&store, row).received);
}

#[test]
fn an_erased_session_leaves_its_id() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let (one, other) = (session(&mut store, conversation, 4), session(&mut store, conversation, 2));
    store.transact(|tx| tx.advance_chain(one, &[1; 32], 0)).unwrap();
    let live = |store: &Store| {
        let found = store.read(|view| view.sessions(conversation)).unwrap();
        found.into_iter().map(|session| session.row).collect::<Vec<_>>()
    };
    assert_eq!(live(&store), [other, one]);
    store.transact(|tx| tx.erase_session(one)).unwrap();
    assert_eq!(live(&store), [other]);
    assert!(secrets(&store, one).is_none());
    assert_eq!(store.read(|view| view.received_chain(one, &[1; 32])), Ok(None));
    let erased = store.read(|view| view.session_by_id(&[4; 32])).unwrap().unwrap();
    assert!(erased.erased && erased.conversation == conversation);
    assert_eq!(store.transact(|tx| tx.save_session(one, &step(true))), Err(StoreError::NotFound));
    store.transact(|tx| tx.erase_sessions(conversation)).unwrap();
    assert_eq!(live(&store), []);
}

#[test]
fn a_session_id_is_never_used_again() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = session(&mut store, conversation, 4);
    store.transact(|tx| tx.erase_session(row)).unwrap();
    let kept = SessionSecrets {
        pickle: vec![1].into(),
        send_key: [1; 32].into(),
        receive_key: [1; 32].into(),
        handshake: None,
    };
    let again = NewSession {
        conversation,
        session_id: [4; 32],
        epoch: 9,
        owned: true,
        received: true,
        created_s: 1,
        secrets: &kept,
    };
    let result = store.transact(|tx| tx.insert_session(&again));
    assert!(matches!(result, Err(StoreError::Conflict { .. })));
    // One of our own bundle has no handshake to repeat.
    let new = NewSession { session_id: [5; 32], ..again };
    let row = store.transact(|tx| tx.insert_session(&new)).unwrap();
    assert!(secrets(&store, row).unwrap() == kept);
    assert!(get(&store, row).owned && get(&store, row).received);
}

#[test]
fn retired_sessions_are_found_in_time() {
    let mut store = in_memory();
    let (one, other) = (open_with(&mut store, 1), open_with(&mut store, 2));
    let rows = [session(&mut store, one, 1), session(&mut store, one, 2), session(&mut store, other, 3)];
    assert_eq!(store.read(|view| view.next_session_retired()), Ok(None));
    for (row, at) in rows.iter().zip([50, 60, 70]) {
        store.transact(|tx| tx.retire_session(*row, at)).unwrap();
    }
    // The first time counts.
    store.transact(|tx| tx.retire_session(rows[0], 55)).unwrap();
    assert_eq!(get(&store, rows[0]).retired_s, Some(50));
    let due = |store: &Store, by| store.read(|view| view.sessions_due(by, 10)).unwrap();
    assert_eq!(due(&store, 49), []);
    assert_eq!(due(&store, 70), [one, other]);
    store.transact(|tx| tx.erase_session(rows[0])).unwrap();
    assert_eq!(store.read(|view| view.next_session_retired()), Ok(Some(60)));
    assert_eq!(due(&store, 55), []);
}

#[test]
fn chains_keep_their_order_and_count_their_holes() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let (one, other) = (session(&mut store, conversation, 1), session(&mut store, conversation, 2));
    let mut advance =
        |row, key, index| store.transact(|tx| tx.advance_chain(row, &[key; 32], index)).unwrap();
    assert_eq!([advance(one, 7, 0), advance(one, 8, 2), advance(other, 7, 0)], [0, 1, 0]);
    assert_eq!([advance(one, 7, 4), advance(one, 7, 2)], [0, 0]);
    let chain = |row, key: u8| store.read(|view| view.received_chain(row, &[key; 32])).unwrap();
    let expected = |ordinal, next_index, holes| Some(ReceivedChain { ordinal, next_index, holes });
    // Of chain 7 the indexes 1 and 3 are missing, of chain 8 0 and 1.
    assert_eq!((chain(one, 7), chain(one, 8)), (expected(0, 5, 2), expected(1, 3, 2)));
    assert_eq!((chain(other, 7), chain(one, 9)), (expected(0, 1, 0), None));
    let nowhere = store.transact(|tx| tx.advance_chain(SessionRow(9), &[1; 32], 0));
    assert!(matches!(nowhere, Err(StoreError::Conflict { .. })));
}

#[test]
fn debug_shows_no_secret() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let row = session(&mut store, conversation, 1);
    assert_eq!(format!("{:?}", secrets(&store, row).unwrap()), "SessionSecrets(redacted)");
    assert_eq!(format!("{:?}", step(true)), "SessionStep(redacted)");
}
