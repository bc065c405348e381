//! Stores, peers and messages to test with.

use starling_protocol::account::AccountId;
use starling_protocol::node::NodeKey;
use starling_store::*;
use tempfile::TempDir;

/// A store on disk, removed with the value.
pub(crate) struct OnDisk {
    pub(crate) directory: TempDir,
    pub(crate) store: Store,
}

pub(crate) const SEED: [u8; 16] = [0xa5; 16];

pub(crate) fn key() -> StoreKey {
    StoreKey::from_bytes([7; 32])
}

pub(crate) fn options(directory: &TempDir) -> Options {
    Options { directory: directory.path().to_owned(), key: key() }
}

pub(crate) fn on_disk() -> OnDisk {
    let directory = TempDir::new().unwrap();
    let mut store = Store::open(options(&directory)).unwrap();
    give_account(&mut store);
    OnDisk { directory, store }
}

pub(crate) fn in_memory() -> Store {
    let mut store = Store::in_memory().unwrap();
    give_account(&mut store);
    store
}

fn give_account(store: &mut Store) {
    store.transact(|tx| tx.create_account(&SEED, &own())).unwrap();
}

/// Our own id: in the middle, so that peers sort before and after it.
pub(crate) fn own() -> AccountId {
    peer(100)
}

pub(crate) fn peer(number: u8) -> AccountId {
    let mut bytes = [number; 33];
    bytes[0] = 5;
    AccountId::from_bytes(&bytes).unwrap()
}

pub(crate) fn node(number: u8) -> NodeKey {
    NodeKey([number; 32])
}

pub(crate) fn id(number: u64) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}

pub(crate) fn open_with(store: &mut Store, number: u8) -> ConversationId {
    store.transact(|tx| tx.open_conversation(&peer(number), Security::Basic, 1000)).unwrap().id
}

pub(crate) fn enqueue(store: &mut Store, conversation: ConversationId, number: u64) -> MessageRow {
    let new = NewOutgoing {
        conversation,
        message_id: id(number),
        body: format!("message {number}"),
        ttl_ms: 1_209_600_000,
        now_ms: 5000,
    };
    store.transact(|tx| tx.enqueue_message(new)).unwrap().row
}

pub(crate) fn received(conversation: ConversationId, number: u64, clock: i64) -> Received {
    Received {
        conversation,
        message_id: id(number),
        stream: Some(1),
        seq: Some(i64::try_from(number).unwrap()),
        clock,
        body: format!("answer {number}"),
        sent_ms: 4000,
        received_ms: 6000,
        held: false,
    }
}
