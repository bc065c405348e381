//! Conversations.

use starling_store::*;

use crate::fixture::*;

#[test]
fn opening_twice_gives_the_same() {
    let mut store = in_memory();
    let first = store.transact(|tx| tx.open_conversation(&peer(1), Security::Basic, 10)).unwrap();
    assert_eq!(first.peer, peer(1));
    assert_eq!((first.created_ms, first.next_seq, first.clock, first.stream), (10, 1, 0, None));
    let again = store.transact(|tx| tx.open_conversation(&peer(1), Security::Ratchet, 20)).unwrap();
    assert_eq!(again, first);
    assert_eq!(store.read(|view| view.conversation(first.id)), Ok(Some(first.clone())));
    assert_eq!(store.read(|view| view.conversation_with(&peer(1))), Ok(Some(first)));
    assert_eq!(store.read(|view| view.conversation_with(&peer(2))), Ok(None));
}

#[test]
fn stream_and_swarm_check_are_kept() {
    let mut store = in_memory();
    let id = open_with(&mut store, 1);
    let get = |store: &Store| store.read(|view| view.conversation(id)).unwrap().unwrap();
    store.transact(|tx| tx.set_stream(id, 1_700_000_000)).unwrap();
    store.transact(|tx| tx.set_swarm_checked(id, Some(5))).unwrap();
    assert_eq!((get(&store).stream, get(&store).swarm_checked_ms), (Some(1_700_000_000), Some(5)));
    store.transact(|tx| tx.set_swarm_checked(id, None)).unwrap();
    assert_eq!(get(&store).swarm_checked_ms, None);
    store.transact(|tx| tx.set_security(id, Security::Ratchet)).unwrap();
    assert_eq!(get(&store).security, Security::Ratchet);
    let missing = store.transact(|tx| tx.set_stream(ConversationId(99), 1));
    assert_eq!(missing, Err(StoreError::NotFound));
}

#[test]
fn the_list_pages_by_id() {
    let mut store = in_memory();
    let ids: Vec<_> = (1..=5).map(|number| open_with(&mut store, number)).collect();
    let list = |after, limit| -> Vec<ConversationId> {
        let found = store.read(|view| view.conversations(after, limit)).unwrap();
        found.into_iter().map(|conversation| conversation.id).collect()
    };
    assert_eq!(list(None, 2), ids[..2]);
    assert_eq!(list(Some(ids[1]), 2), ids[2..4]);
    assert_eq!(list(Some(ids[3]), 9), ids[4..]);
    assert_eq!(list(Some(ids[4]), 9), []);
}
