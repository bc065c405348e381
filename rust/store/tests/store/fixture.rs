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

/// A conversation with a stranger, to whom no text goes.
pub(crate) fn meet(store: &mut Store, number: u8) -> ConversationId {
    store.transact(|tx| tx.open_conversation(&peer(number), Security::Basic, 1000)).unwrap().id
}

/// A conversation with a friend.
pub(crate) fn open_with(store: &mut Store, number: u8) -> ConversationId {
    let open = |tx: &mut Tx<'_>| {
        let id = tx.open_conversation(&peer(number), Security::Basic, 1000)?.id;
        let contact = tx.contact(id)?.ok_or(StoreError::NotFound)?;
        tx.put_contact(&Contact { relation: Relation::Friend, open: true, ..contact })?;
        Ok::<_, StoreError>(id)
    };
    store.transact(open).unwrap()
}

pub(crate) fn contact(store: &Store, conversation: ConversationId) -> Contact {
    store.read(|view| view.contact(conversation)).unwrap().unwrap()
}

/// Changes a contact.
pub(crate) fn amend(store: &mut Store, conversation: ConversationId, change: impl FnOnce(&mut Contact)) {
    let mut contact = contact(store, conversation);
    change(&mut contact);
    store.transact(|tx| tx.put_contact(&contact)).unwrap();
}

pub(crate) fn enqueue(store: &mut Store, conversation: ConversationId, number: u64) -> MessageRow {
    enqueue_kind(store, conversation, number, MessageKind::Text)
}

pub(crate) fn enqueue_kind(
    store: &mut Store,
    conversation: ConversationId,
    number: u64,
    kind: MessageKind,
) -> MessageRow {
    let new = NewOutgoing {
        conversation,
        message_id: id(number),
        kind,
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
        kind: MessageKind::Text,
        stream: Some(1),
        seq: Some(i64::try_from(number).unwrap()),
        clock,
        body: format!("answer {number}"),
        sent_ms: 4000,
        received_ms: 6000,
        held: Held::No,
    }
}

pub(crate) fn item(store: &Store, row: MessageRow) -> OutboxItem {
    store.read(|view| view.outbox_item(row)).unwrap().unwrap()
}

pub(crate) fn due(store: &Store, now_ms: i64, per_conversation: usize, limit: usize) -> Vec<MessageRow> {
    let items = store.read(|view| view.due_outbox(now_ms, per_conversation, limit)).unwrap();
    items.into_iter().map(|item| item.message).collect()
}

pub(crate) fn state(store: &Store, row: MessageRow) -> MessageState {
    store.read(|view| view.any_message(row)).unwrap().unwrap().state
}

/// A ratchet session with recognisable secrets.
pub(crate) fn session(store: &mut Store, conversation: ConversationId, number: u8) -> SessionRow {
    let handshake = Handshake {
        kem_ciphertext: vec![number; 1088],
        accept_signature: [number; 64],
        ratchet_identity: [number; 32],
        bundle_hash: [number; 32],
    };
    let secrets = SessionSecrets {
        pickle: vec![number; 700].into(),
        send_key: [number; 32].into(),
        receive_key: [number; 32].into(),
        handshake: Some(handshake),
    };
    let new = NewSession {
        conversation,
        session_id: [number; 32],
        epoch: number.into(),
        owned: false,
        received: false,
        created_s: 10,
        secrets: &secrets,
    };
    store.transact(|tx| tx.insert_session(&new)).unwrap()
}

/// Seals a message and notes it under the key with the index `number` on a chain.
pub(crate) fn seal(
    store: &mut Store,
    row: MessageRow,
    (session, chain, number): (Option<SessionRow>, i64, u8),
    sealed_ms: i64,
) {
    let note = SealNote {
        message: row,
        session,
        chain,
        chain_index: number.into(),
        frame_hash: [number; 32],
        sealed_ms,
        restore_ms: Some(sealed_ms + 800),
    };
    let seal = |tx: &mut Tx<'_>| {
        tx.seal_message(row, 70, "data", "hash", sealed_ms)?;
        tx.note_sealed(&note)
    };
    store.transact(seal).unwrap();
}

/// Seals a message and has the swarm store it.
pub(crate) fn send(store: &mut Store, row: MessageRow, place: (Option<SessionRow>, i64, u8), sealed_ms: i64) {
    seal(store, row, place, sealed_ms);
    store.transact(|tx| tx.finish_outbox(row, MessageState::Stored { k: 3, n: 5 })).unwrap();
}
