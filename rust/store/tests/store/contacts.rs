//! Contacts, their lists, blocks.

use starling_store::*;

use crate::fixture::*;

fn list(store: &Store, list: ContactList) -> Vec<ConversationId> {
    let found = store.read(|view| view.contacts(list, None, 100)).unwrap();
    found.into_iter().map(|contact| contact.conversation).collect()
}

fn pending(store: &Store) -> (i64, i64) {
    let pending = store.read(|view| view.pending_requests()).unwrap();
    (pending.count, pending.bytes)
}

#[test]
fn whoever_is_met_is_a_closed_stranger() {
    let mut store = in_memory();
    let conversation = meet(&mut store, 1);
    let expected = Contact {
        conversation,
        peer: peer(1),
        relation: Relation::Stranger,
        until_s: None,
        asked_epoch: None,
        asked_bundle: None,
        blocked: false,
        ratchet_floor: false,
        seen_epoch: 0,
        accepted_epoch: 0,
        rekeyed_s: None,
        ed25519: None,
        name: None,
        open: false,
        upgrade_offered_s: None,
        ack_due_ms: None,
        reacked_ms: None,
        session_listed: false,
    };
    assert_eq!(contact(&store, conversation), expected);
    assert_eq!(store.read(|view| view.contact_with(&peer(1))), Ok(Some(expected)));
    assert_eq!(store.read(|view| view.contact_with(&peer(2))), Ok(None));
    // Opening again leaves it as it is.
    amend(&mut store, conversation, |contact| contact.open = true);
    let again = meet(&mut store, 1);
    assert!(contact(&store, again).open);
}

#[test]
fn every_column_survives() {
    let mut store = in_memory();
    let conversation = meet(&mut store, 1);
    let full = Contact {
        conversation,
        peer: peer(1),
        relation: Relation::AskedBundle,
        until_s: Some(1),
        asked_epoch: Some(2),
        asked_bundle: Some(vec![3; 1300]),
        blocked: true,
        ratchet_floor: true,
        seen_epoch: 4,
        accepted_epoch: 5,
        rekeyed_s: Some(6),
        ed25519: Some([7; 32]),
        name: Some("näme".into()),
        open: true,
        upgrade_offered_s: Some(8),
        ack_due_ms: Some(9),
        reacked_ms: Some(10),
        session_listed: true,
    };
    store.transact(|tx| tx.put_contact(&full)).unwrap();
    assert_eq!(contact(&store, conversation), full);
    let nowhere = Contact { conversation: ConversationId(9), ..full };
    assert_eq!(store.transact(|tx| tx.put_contact(&nowhere)), Err(StoreError::NotFound));
    let relations = [
        Relation::Stranger,
        Relation::Requested,
        Relation::AskedBasic,
        Relation::AskedEmpty,
        Relation::Accepting,
        Relation::Friend,
    ];
    for relation in relations {
        amend(&mut store, conversation, |contact| contact.relation = relation);
        assert_eq!(contact(&store, conversation).relation, relation);
    }
}

#[test]
fn a_contact_is_in_one_list() {
    let mut store = in_memory();
    let ids: Vec<_> = (1..=7).map(|number| meet(&mut store, number)).collect();
    let relations = [
        Relation::Stranger,
        Relation::Requested,
        Relation::AskedBundle,
        Relation::AskedBasic,
        Relation::AskedEmpty,
        Relation::Accepting,
        Relation::Friend,
    ];
    for (id, relation) in ids.iter().zip(relations) {
        amend(&mut store, *id, |contact| contact.relation = relation);
    }
    assert_eq!(list(&store, ContactList::Outgoing), ids[1..2]);
    assert_eq!(list(&store, ContactList::Incoming), ids[2..5]);
    assert_eq!(list(&store, ContactList::Friends), ids[5..]);
    assert_eq!(list(&store, ContactList::Blocked), []);
    let page = store.read(|view| view.contacts(ContactList::Incoming, Some(ids[2]), 1)).unwrap();
    assert_eq!(page[0].conversation, ids[3]);

    for id in [ids[0], ids[6]] {
        store.transact(|tx| tx.block(id, 1)).unwrap();
    }
    assert_eq!(list(&store, ContactList::Blocked), [ids[0], ids[6]]);
    assert_eq!(list(&store, ContactList::Friends), ids[5..6]);
}

#[test]
fn pending_requests_are_counted() {
    let mut store = in_memory();
    let (one, other) = (meet(&mut store, 1), meet(&mut store, 2));
    assert_eq!(pending(&store), (0, 0));
    let ask = |bundle: usize| {
        move |contact: &mut Contact| {
            contact.relation = Relation::AskedBundle;
            contact.asked_bundle = Some(vec![0; bundle]);
        }
    };
    amend(&mut store, one, ask(1000));
    amend(&mut store, other, ask(10));
    assert_eq!(pending(&store), (2, 1010));
    // A repeated request replaces the older one.
    amend(&mut store, one, ask(500));
    assert_eq!(pending(&store), (2, 510));
    let introduction = Received { held: Held::WithRequest, ..received(one, 1, 1) };
    let bytes = introduction.body.len() as i64;
    store.transact(|tx| tx.insert_received(introduction)).unwrap();
    store.transact(|tx| tx.insert_received(received(one, 2, 1))).unwrap();
    assert_eq!(pending(&store), (2, 510 + bytes));
    // A blocked one waits for no answer.
    store.transact(|tx| tx.block(other, 1)).unwrap();
    assert_eq!(pending(&store).0, 1);
    store.transact(|tx| tx.drop_pending(one)).unwrap();
    amend(&mut store, other, |contact| contact.asked_bundle = None);
    amend(&mut store, one, |contact| {
        contact.relation = Relation::Accepting;
        contact.asked_bundle = None;
    });
    assert_eq!(pending(&store), (0, 0));
}

#[test]
fn relations_that_end_are_found_in_time() {
    let mut store = in_memory();
    let ids: Vec<_> = (1..=3).map(|number| meet(&mut store, number)).collect();
    assert_eq!(store.read(|view| view.next_contact_due()), Ok(None));
    for (id, until) in ids.iter().zip([Some(30), None, Some(20)]) {
        amend(&mut store, *id, |contact| contact.until_s = until);
    }
    let due = |now| store.read(|view| view.contacts_due(now, 10)).unwrap();
    assert_eq!(due(19), []);
    assert_eq!(due(20), [ids[2]]);
    assert_eq!(due(30), [ids[2], ids[0]]);
    assert_eq!(store.read(|view| view.next_contact_due()), Ok(Some(20)));
}

#[test]
fn a_block_holds_from_its_beginning_to_its_end() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let at = |store: &Store, ms| store.read(|view| view.blocked_at(conversation, ms)).unwrap();
    let blocked = |store: &Store| store.read(|view| view.is_blocked(&peer(1))).unwrap();
    assert!(!blocked(&store) && !at(&store, 100));
    store.transact(|tx| tx.block(conversation, 100)).unwrap();
    store.transact(|tx| tx.block(conversation, 150)).unwrap();
    assert!(blocked(&store) && !at(&store, 99) && at(&store, 100) && at(&store, 1_000_000));
    store.transact(|tx| tx.unblock(conversation, 200)).unwrap();
    store.transact(|tx| tx.unblock(conversation, 250)).unwrap();
    assert!(!blocked(&store) && at(&store, 199) && !at(&store, 200));
    // A second block does not undo what the first one says.
    store.transact(|tx| tx.block(conversation, 300)).unwrap();
    store.transact(|tx| tx.unblock(conversation, 290)).unwrap();
    assert!(at(&store, 150) && !at(&store, 250) && !at(&store, 300));
    // The same moment again, and this time it stays.
    store.transact(|tx| tx.block(conversation, 300)).unwrap();
    assert!(at(&store, 300) && contact(&store, conversation).blocked);
    assert_eq!(contact(&store, conversation).relation, Relation::Friend);
    assert!(!store.read(|view| view.is_blocked(&peer(2))).unwrap());
    assert_eq!(store.transact(|tx| tx.block(ConversationId(9), 1)), Err(StoreError::NotFound));
}

#[test]
fn the_sidecar_knows_whom_we_chose() {
    let OnDisk { directory, mut store } = on_disk();
    let kept = || Store::salvage(&options(&directory)).unwrap().unwrap().peers;
    let ids: Vec<_> = (1..=4).map(|number| meet(&mut store, number)).collect();
    amend(&mut store, ids[0], |contact| contact.relation = Relation::AskedBundle);
    assert_eq!(kept(), []);
    amend(&mut store, ids[1], |contact| {
        contact.relation = Relation::Friend;
        contact.ed25519 = Some([9; 32]);
    });
    amend(&mut store, ids[2], |contact| contact.relation = Relation::Requested);
    store.transact(|tx| tx.block(ids[3], 1)).unwrap();
    let known =
        |number, relation, blocked, ed25519| KnownPeer { id: peer(number), relation, blocked, ed25519 };
    let expected = [
        known(2, Relation::Friend, false, Some([9; 32])),
        known(3, Relation::Requested, false, None),
        known(4, Relation::Stranger, true, None),
    ];
    assert_eq!(kept(), expected);
    store.transact(|tx| tx.unblock(ids[3], 2)).unwrap();
    assert_eq!(kept(), expected[..2]);
    drop(store);
    drop(Store::open(options(&directory)).unwrap());
    assert_eq!(kept(), expected[..2]);
}

#[test]
fn a_stranger_costs_no_write_of_the_sidecar() {
    let OnDisk { directory, mut store } = on_disk();
    let in_the_way = directory.path().join("starling.new");
    std::fs::create_dir(&in_the_way).unwrap();
    // A write would fail now, and be made up for by the next commit.
    let conversation = meet(&mut store, 1);
    amend(&mut store, conversation, |contact| contact.relation = Relation::AskedBundle);
    let before = std::fs::read(directory.path().join("starling.id")).unwrap();
    std::fs::remove_dir(&in_the_way).unwrap();
    store.transact(|tx| tx.set_number(Setting::Difficulty, 1)).unwrap();
    assert!(before == std::fs::read(directory.path().join("starling.id")).unwrap(), "written anew");
}

#[test]
fn after_a_block_the_next_place_is_any() {
    let mut store = in_memory();
    let (one, other) = (open_with(&mut store, 1), open_with(&mut store, 2));
    for conversation in [one, other] {
        store.transact(|tx| tx.set_inbound_next(conversation, 7, 3)).unwrap();
    }
    store.transact(|tx| tx.note_received(one, 7, 2, 1, &id(2))).unwrap();
    let before = store.read(|view| view.ack_state(one)).unwrap();
    store.transact(|tx| tx.block(one, 100)).unwrap();
    store.transact(|tx| tx.unblock(one, 200)).unwrap();
    let next = |store: &Store, conversation| store.read(|view| view.inbound_next(conversation, 7)).unwrap();
    assert_eq!((next(&store, one), next(&store, other)), (Some(0), Some(3)));
    // What came within the block stays unacknowledged.
    assert_eq!(store.read(|view| view.ack_state(one)).unwrap(), before);
}
