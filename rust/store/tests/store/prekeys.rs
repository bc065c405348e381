//! Bundles of ours and their secrets.

use starling_store::*;

use crate::fixture::*;

fn prekey(conversation: ConversationId, number: u8) -> Prekey {
    Prekey {
        conversation,
        epoch: number.into(),
        request_id: [number; 16],
        one_time_key: [number; 32],
        bundle_hash: [number; 32],
        expires_s: i64::from(number) * 100,
        carrier: 2,
        bundle: vec![number; 1400],
    }
}

fn secrets(number: u8) -> PrekeySecrets {
    PrekeySecrets { account: vec![number; 300].into(), kem_seed: [number; 64].into() }
}

fn insert(store: &mut Store, conversation: ConversationId, number: u8) -> PrekeyRow {
    store.transact(|tx| tx.insert_prekey(&prekey(conversation, number), &secrets(number))).unwrap()
}

#[test]
fn a_prekey_is_found_by_key_request_and_peer() {
    let mut store = in_memory();
    let (one, other) = (meet(&mut store, 1), meet(&mut store, 2));
    let rows = [insert(&mut store, one, 5), insert(&mut store, one, 4), insert(&mut store, other, 6)];
    let expected = [(rows[1], prekey(one, 4)), (rows[0], prekey(one, 5))];
    assert_eq!(store.read(|view| view.prekeys(one)).unwrap(), expected);
    assert_eq!(store.read(|view| view.prekey_of_key(&[6; 32])), Ok(Some((rows[2], prekey(other, 6)))));
    assert_eq!(store.read(|view| view.prekey_of_key(&[7; 32])), Ok(None));
    let of_request =
        |conversation| store.read(|view| view.prekey_of_request(conversation, &[6; 16])).unwrap();
    assert_eq!(of_request(other).map(|(row, _)| row), Some(rows[2]));
    assert_eq!(of_request(one), None);
    assert!(store.read(|view| view.prekey_secrets(rows[0])).unwrap().unwrap() == secrets(5));
}

#[test]
fn a_one_time_key_is_kept_once() {
    let mut store = in_memory();
    let (one, other) = (meet(&mut store, 1), meet(&mut store, 2));
    insert(&mut store, one, 5);
    let again = store.transact(|tx| tx.insert_prekey(&prekey(other, 5), &secrets(5)));
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
}

#[test]
fn erased_prekeys_are_gone() {
    let mut store = in_memory();
    let (one, other) = (meet(&mut store, 1), meet(&mut store, 2));
    let rows: Vec<_> = (1..4).map(|number| insert(&mut store, one, number)).collect();
    let kept = insert(&mut store, other, 9);
    store.transact(|tx| tx.erase_prekey(rows[0])).unwrap();
    assert_eq!(store.read(|view| view.prekey_of_key(&[1; 32])), Ok(None));
    assert_eq!(store.read(|view| view.prekeys(one)).unwrap().len(), 2);
    store.transact(|tx| tx.erase_prekeys(one)).unwrap();
    assert_eq!(store.read(|view| view.prekeys(one)).unwrap(), []);
    assert!(store.read(|view| view.prekey_secrets(rows[1])).unwrap().is_none());
    assert!(store.read(|view| view.prekey_secrets(kept)).unwrap().is_some());
}

#[test]
fn expired_prekeys_are_found_in_time() {
    let mut store = in_memory();
    assert_eq!(store.read(|view| view.next_prekey_expiry()), Ok(None));
    let (one, other) = (meet(&mut store, 1), meet(&mut store, 2));
    for (conversation, number) in [(one, 1), (one, 2), (other, 3)] {
        insert(&mut store, conversation, number);
    }
    let due = |now| store.read(|view| view.prekeys_due(now, 10)).unwrap();
    assert_eq!(due(99), []);
    assert_eq!(due(200), [one]);
    assert_eq!(due(300), [one, other]);
    assert_eq!(store.read(|view| view.next_prekey_expiry()), Ok(Some(100)));
}

#[test]
fn debug_shows_no_secret() {
    assert_eq!(format!("{:?}", secrets(1)), "PrekeySecrets(redacted)");
}

/// Decrypted, no page of the file holds an erased secret any more.
#[test]
fn erased_secrets_do_not_linger() {
    let OnDisk { directory, mut store } = on_disk();
    let conversation = meet(&mut store, 1);
    // Long enough for pages of its own, which deleting frees.
    let mark = b"unmistakable secret";
    let secrets = PrekeySecrets { account: mark.repeat(1000).into(), kem_seed: [1; 64].into() };
    let row = store.transact(|tx| tx.insert_prekey(&prekey(conversation, 1), &secrets)).unwrap();
    let held = |store: Store| {
        drop(store);
        let plain = crate::opening::plaintext(&directory);
        plain.windows(mark.len()).any(|window| window == mark)
    };
    assert!(held(store));
    let mut store = Store::open(options(&directory)).unwrap();
    store.transact(|tx| tx.erase_prekey(row)).unwrap();
    assert!(!held(store));
}
