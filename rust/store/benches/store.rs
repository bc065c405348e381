//! What single operations of an encrypted store on disk cost, for comparing one version with the next.
//! A store with a million messages: `starling bench store`.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use starling_protocol::AccountId;
use starling_store::{
    ConversationId, Held, MessageKind, NewOutgoing, Options, PageDirection, Received, Security, Store,
    StoreKey,
};
use tempfile::TempDir;

const FILLED: u64 = 20_000;

fn peer(number: u8) -> AccountId {
    let mut bytes = [number; 33];
    bytes[0] = 5;
    AccountId::from_bytes(&bytes).unwrap()
}

fn options(directory: &TempDir) -> Options {
    Options { directory: directory.path().to_owned(), key: StoreKey::from_bytes([7; 32]) }
}

fn received(conversation: ConversationId, number: u64) -> Received {
    let counter = number as i64;
    Received {
        conversation,
        message_id: u128::from(number).to_be_bytes(),
        kind: MessageKind::Text,
        stream: Some(1),
        seq: Some(counter),
        clock: counter,
        body: format!("message {number} of a conversation with word{} in it", number % 1_000),
        sent_ms: counter,
        received_ms: counter,
        held: Held::No,
    }
}

fn insert(store: &mut Store, conversation: ConversationId, numbers: std::ops::Range<u64>) {
    store
        .transact(|tx| {
            numbers
                .clone()
                .try_for_each(|number| tx.insert_received(received(conversation, number)).map(drop))
        })
        .unwrap();
}

fn store(criterion: &mut Criterion) {
    let directory = TempDir::new().unwrap();
    let mut store = Store::open(options(&directory)).unwrap();
    store.transact(|tx| tx.create_account(&[1; 16], &peer(100))).unwrap();
    let conversation = store.transact(|tx| tx.open_conversation(&peer(1), Security::Basic, 0)).unwrap().id;
    insert(&mut store, conversation, 0..FILLED);
    let mut next = FILLED;
    let mut group = criterion.benchmark_group("store");

    group.bench_function("one message to send, committed", |bench| {
        bench.iter(|| {
            next += 1;
            let message_id = u128::from(next).to_be_bytes();
            let body = "a text of usual length, written by hand".into();
            let new =
                NewOutgoing { conversation, message_id, kind: MessageKind::Text, body, ttl_ms: 1, now_ms: 1 };
            store.transact(|tx| tx.enqueue_message(new)).unwrap()
        });
    });
    group.throughput(Throughput::Elements(500));
    group.bench_function("500 received messages, one commit", |bench| {
        bench.iter(|| {
            insert(&mut store, conversation, next + 1..next + 501);
            next += 501;
        });
    });
    group.throughput(Throughput::Elements(1));
    let reader = store.reader().unwrap();
    let page = || reader.read(|view| view.messages(conversation, None, PageDirection::Older, 50)).unwrap();
    group.bench_function("newest page of 50", |bench| bench.iter(page));
    let search = || reader.read(|view| view.search("conversation word7", None, 50)).unwrap();
    group.bench_function("search for two words", |bench| bench.iter(search));
    group.bench_function("close and open", |bench| {
        bench.iter(|| {
            store.suspend();
            store.resume().unwrap()
        });
    });
}

criterion_group!(benches, store);
criterion_main!(benches);
