//! What the protocol's inner loops cost, for comparing one version with the next. Ratios against bare
//! primitives: `starling bench`.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use starling_protocol::bundle::{Bundle, Offer};
use starling_protocol::frame::{self, Sending};
use starling_protocol::hybrid::{BoxKey, Handshake, KemSeed};
use starling_protocol::onion::{Cipher, Hop, build, peel};
use starling_protocol::pow::{Puzzle, Search};
use starling_protocol::sealed::{self, Opened};
use starling_protocol::{AccountKeys, NodeKey, Placement, Seed, Text, envelope, rpc, session};
use x25519_dalek::{PublicKey, StaticSecret};

fn proof_of_work(criterion: &mut Criterion) {
    let (account, data) = ("05".repeat(33), "CAES".repeat(150));
    let puzzle = Puzzle::new("1700000000000", "1209600000", &account, &data, 1).unwrap();
    let search = Search::new(puzzle.clone());
    search.work();
    let mut group = criterion.benchmark_group("proof of work");
    group.throughput(Throughput::Elements(search.tries()));
    group.bench_function("search on one thread", |bench| bench.iter(|| Search::new(puzzle.clone()).work()));
}

fn onion(criterion: &mut Criterion) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secrets: Vec<_> = (0..4).map(|_| StaticSecret::random_from_rng(&mut rng)).collect();
    let hop =
        |(number, secret)| Hop { key: NodeKey([number; 32]), x25519: PublicKey::from(secret).to_bytes() };
    let hops: Vec<Hop> = (0..).zip(&secrets).map(hop).collect();
    let (destination, relays) = hops.split_last().unwrap();
    let body = vec![b'x'; 1_200];
    let mut group = criterion.benchmark_group("onion");
    for cipher in [Cipher::XChaCha20, Cipher::AesGcm] {
        group.bench_function(format!("build {cipher:?}"), |bench| {
            bench.iter(|| build(relays, destination, black_box(&body), cipher, &mut rng).unwrap());
        });
        let request = build(relays, destination, &body, cipher, &mut rng).unwrap();
        group.bench_function(format!("peel {cipher:?}"), |bench| {
            bench.iter(|| peel(&secrets[0], black_box(&request.body)).unwrap());
        });
    }
}

fn messages(criterion: &mut Criterion) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let sender = AccountKeys::from_seed(&Seed::generate(&mut rng));
    let recipient = AccountKeys::from_seed(&Seed::generate(&mut rng));
    let placement = Placement { message_id: [1; 16], stream: 1, seq: 2, clock: 3, base: 1 };
    let text = Text { body: "x".repeat(80), sent_ms: 1_700_000_000_000, placement: Some(placement) };
    let sealed = session::seal(&text.encode(), &sender, &recipient.account_id(), &mut rng).unwrap();
    let mut group = criterion.benchmark_group("message");
    group.bench_function("seal and wrap", |bench| {
        bench.iter(|| {
            let content = black_box(&text).encode();
            let sealed = session::seal(&content, &sender, &recipient.account_id(), &mut rng).unwrap();
            envelope::wrap(sealed, text.sent_ms)
        });
    });
    group.bench_function("open", |bench| {
        bench.iter(|| Text::decode(&session::open(black_box(&sealed), &recipient).unwrap().content).unwrap());
    });
}

/// What the protocol adds around an Olm message: box, tag, sealed box and wrapping.
fn frames(criterion: &mut Criterion) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let sender = AccountKeys::from_seed(&Seed::generate(&mut rng));
    let recipient = AccountKeys::from_seed(&Seed::generate(&mut rng));
    let (olm, key) = (vec![b'x'; 300], BoxKey::from_bytes([7; 32]));
    let sending = Sending {
        session_id: [1; 32],
        kem_ciphertext: None,
        olm: &olm,
        key: &key,
        timestamp_ms: 1_700_000_000_000,
    };
    let ours = sender.frame_key(&recipient.account_id()).unwrap();
    let data = frame::seal(&sending, &ours, &mut rng).unwrap().data;
    let content = envelope::unwrap(&rpc::decode_data(&data).unwrap()).unwrap().content;
    let mut group = criterion.benchmark_group("frame");
    group.bench_function("agree on a tag key", |bench| {
        bench.iter(|| sender.frame_key(black_box(&recipient.account_id())).unwrap());
    });
    group.bench_function("seal and wrap", |bench| {
        bench.iter(|| frame::seal(black_box(&sending), &ours, &mut rng).unwrap());
    });
    let theirs = recipient.frame_key(&sender.account_id()).unwrap();
    group.bench_function("open", |bench| {
        bench.iter(|| match sealed::open(black_box(&content), &recipient, |_| Ok(theirs.clone())).unwrap() {
            Opened::Frame(frame) => frame.open(&key).unwrap(),
            Opened::Session(_) => unreachable!("it is a frame"),
        });
    });
}

/// What a session costs once: bundle and accept without their Olm part.
fn handshakes(criterion: &mut Criterion) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let owner = AccountKeys::from_seed(&Seed::generate(&mut rng));
    let acceptor = AccountKeys::from_seed(&Seed::generate(&mut rng)).account_id();
    let seed = KemSeed::generate(&mut rng);
    let offer = Offer {
        recipient: acceptor,
        request_id: [1; 16],
        epoch: 1_700_000_000,
        created_s: 1_700_000_000,
        expiry_s: 1_701_000_000,
        ratchet_identity: [9; 32],
        one_time_key: [9; 32],
        kem_key: seed.public_key(),
    };
    let bundle = Bundle::sign(offer.clone(), &owner);
    let handshake = Handshake { bundle_hash: bundle.hash(), session_id: [2; 32], acceptor };
    let (ciphertext, _) = handshake.encapsulate(&bundle.offer.kem_key, &mut rng).unwrap();
    let mut group = criterion.benchmark_group("handshake");
    group.bench_function("generate and sign", |bench| {
        bench.iter(|| {
            let kem_key = KemSeed::generate(&mut rng).public_key();
            Bundle::sign(Offer { kem_key, ..offer.clone() }, &owner)
        });
    });
    group.bench_function("verify", |bench| {
        bench.iter(|| black_box(&bundle).verify(&owner.account_id(), &acceptor, None).unwrap());
    });
    group.bench_function("encapsulate", |bench| {
        bench.iter(|| handshake.encapsulate(black_box(&bundle.offer.kem_key), &mut rng).unwrap());
    });
    group.bench_function("decapsulate", |bench| {
        bench.iter(|| handshake.decapsulate(&seed, black_box(&ciphertext)));
    });
}

criterion_group!(benches, proof_of_work, onion, messages, frames, handshakes);
criterion_main!(benches);
