//! Makes the vectors. Alice owns the bundle, Bob accepts it.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use libcrux_ml_kem::mlkem768;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use starling_protocol::accept::{AcceptProof, Acceptance};
use starling_protocol::bundle::{Bundle, Offer};
use starling_protocol::content::{Ack, FriendRequest};
use starling_protocol::frame::{self, Sending};
use starling_protocol::hybrid::{BoxKey, DirectionKeys, Handshake, KemSeed};
use starling_protocol::plaintext::Plaintext;
use starling_protocol::{AccountKeys, Content, Placement, Seed, envelope, rpc, sealed, session, signed};

use super::olm;

const CREATED_S: u64 = 1_700_000_000;
const EXPIRY_S: u64 = CREATED_S + 14 * 24 * 3_600;
const SENT_MS: u64 = 1_700_000_000_123;
const SESSION_ID: [u8; 32] = [0x51; 32];
const ACCEPTOR_IDENTITY: [u8; 32] = [0xb1; 32];
const ALICE: [u8; 16] = [0x0a; 16];
const BOB: [u8; 16] = [0x0b; 16];

fn keys(seed: [u8; 16]) -> AccountKeys {
    AccountKeys::from_seed(&Seed::from_bytes(&seed).unwrap())
}

fn rng(number: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(number)
}

pub(super) fn all() -> Value {
    let (bundle, seed) = (bundle(), kem_seed());
    let (ciphertext, hybrid, keys) = hybrid(&bundle, &seed);
    json!({
        "about": "Formats of friend requests, sessions and ratchet frames; docs/protocol.md says what they mean. \
                  Binary is hex, data is base64. An Olm message of n bytes is here the bytes i mod 251, i < n.",
        "accounts": { "alice": account(ALICE), "bob": account(BOB) },
        "bundle": bundle_vector(&bundle),
        "kem": kem(&seed, &ciphertext),
        "hybrid": hybrid,
        "accept": accept(&bundle),
        "sender_tag": sender_tag(&keys),
        "plaintexts": plaintexts(&bundle),
        "frames": frames(&keys, &ciphertext),
        "contents": contents(),
        "friend_request": friend_request(&bundle),
    })
}

fn account(seed: [u8; 16]) -> Value {
    let keys = keys(seed);
    json!({
        "seed": hex::encode(seed),
        "ed25519": hex::encode(keys.ed25519_public()),
        "x25519_secret": hex::encode(keys.x25519_secret().to_bytes()),
        "id": keys.account_id().to_string(),
    })
}

fn kem_seed() -> KemSeed {
    KemSeed::from_bytes(core::array::from_fn(|place| place as u8))
}

fn bundle() -> Bundle {
    let offer = Offer {
        recipient: keys(BOB).account_id(),
        request_id: [0x1d; 16],
        epoch: CREATED_S,
        created_s: CREATED_S,
        expiry_s: EXPIRY_S,
        ratchet_identity: [0xa1; 32],
        one_time_key: [0xa2; 32],
        kem_key: kem_seed().public_key(),
    };
    Bundle::sign(offer, &keys(ALICE))
}

fn bundle_vector(bundle: &Bundle) -> Value {
    let Bundle { owner, offer, .. } = bundle;
    let fields: [&[u8]; 10] = [
        &1u32.to_be_bytes(),
        owner.as_bytes(),
        offer.recipient.as_bytes(),
        &offer.request_id,
        &offer.epoch.to_be_bytes(),
        &offer.created_s.to_be_bytes(),
        &offer.expiry_s.to_be_bytes(),
        &offer.ratchet_identity,
        &offer.one_time_key,
        offer.kem_key.as_slice(),
    ];
    let signed = signed::bytes("starling/v1/bundle", &fields);
    assert_eq!(bundle.hash(), <[u8; 32]>::from(Sha256::digest(&signed)));
    assert_eq!(bundle.signature, keys(ALICE).sign(&signed));
    json!({
        "suite": 1,
        "owner": owner.to_string(),
        "recipient": offer.recipient.to_string(),
        "request_id": hex::encode(offer.request_id),
        "epoch": offer.epoch,
        "created": offer.created_s,
        "expiry": offer.expiry_s,
        "ratchet_identity": hex::encode(offer.ratchet_identity),
        "one_time_key": hex::encode(offer.one_time_key),
        "kem_key": hex::encode(offer.kem_key.as_slice()),
        "owner_ed25519": hex::encode(bundle.owner_ed25519),
        "signed": hex::encode(&signed),
        "signature": hex::encode(bundle.signature),
        "hash": hex::encode(bundle.hash()),
        "protobuf": hex::encode(bundle.encode()),
    })
}

/// What the acceptor draws to encapsulate.
fn kem_randomness() -> [u8; 32] {
    let mut randomness = [0; 32];
    rng(1).fill_bytes(&mut randomness);
    randomness
}

fn kem(seed: &KemSeed, ciphertext: &[u8; 1_088]) -> Value {
    let (again, secret) = mlkem768::encapsulate(&(*seed.public_key()).into(), kem_randomness());
    assert_eq!(again.as_slice(), ciphertext);
    json!({
        "seed": hex::encode(seed.as_bytes()),
        "kem_key": hex::encode(seed.public_key().as_slice()),
        "randomness": hex::encode(kem_randomness()),
        "ciphertext": hex::encode(ciphertext),
        "shared_secret": hex::encode(secret),
    })
}

fn hybrid(bundle: &Bundle, seed: &KemSeed) -> (Box<[u8; 1_088]>, Value, DirectionKeys) {
    let acceptor = keys(BOB).account_id();
    let handshake = Handshake { bundle_hash: bundle.hash(), session_id: SESSION_ID, acceptor };
    let (ciphertext, derived) = handshake.encapsulate(&seed.public_key(), &mut rng(1)).unwrap();
    let (_, secret) = mlkem768::encapsulate(&(*seed.public_key()).into(), kem_randomness());
    let transcript = [
        b"starling/v1/pq",
        &handshake.bundle_hash[..],
        &SESSION_ID,
        acceptor.as_bytes(),
        ciphertext.as_slice(),
    ];
    let salt = Sha256::digest(transcript.concat());
    let mut both = [0; 64];
    Hkdf::<Sha256>::new(Some(&salt), &secret).expand(b"starling/v1/pq-keys", &mut both).unwrap();
    assert_eq!(both, *[*derived.acceptor.as_bytes(), *derived.owner.as_bytes()].concat());
    let value = json!({
        "bundle_hash": hex::encode(handshake.bundle_hash),
        "session_id": hex::encode(SESSION_ID),
        "acceptor": acceptor.to_string(),
        "transcript_hash": hex::encode(salt),
        "acceptor_key": hex::encode(derived.acceptor.as_bytes()),
        "owner_key": hex::encode(derived.owner.as_bytes()),
    });
    (ciphertext, value, derived)
}

fn acceptance(bundle: &Bundle) -> (Acceptance, AcceptProof) {
    let acceptance = Acceptance {
        bundle_hash: bundle.hash(),
        acceptor: keys(BOB).account_id(),
        ratchet_identity: ACCEPTOR_IDENTITY,
        session_id: SESSION_ID,
    };
    (acceptance, acceptance.sign(&keys(BOB)))
}

fn accept(bundle: &Bundle) -> Value {
    let (Acceptance { bundle_hash, acceptor, ratchet_identity, session_id }, proof) = acceptance(bundle);
    let fields: [&[u8]; 4] = [&bundle_hash, acceptor.as_bytes(), &ratchet_identity, &session_id];
    let signed = signed::bytes("starling/v1/accept", &fields);
    assert_eq!(proof.signature, keys(BOB).sign(&signed));
    json!({
        "bundle_hash": hex::encode(bundle_hash),
        "acceptor": acceptor.to_string(),
        "acceptor_ed25519": hex::encode(proof.ed25519),
        "ratchet_identity": hex::encode(ratchet_identity),
        "session_id": hex::encode(session_id),
        "signed": hex::encode(&signed),
        "signature": hex::encode(proof.signature),
    })
}

/// A frame from one to the other: its data, and its hash.
fn frame(from: [u8; 16], to: [u8; 16], sending: &Sending<'_>) -> (String, [u8; 32]) {
    let frame_key = keys(from).frame_key(&keys(to).account_id()).unwrap();
    let sealed = frame::seal(sending, &frame_key, &mut rng(2)).unwrap();
    (sealed.data, sealed.frame_hash)
}

/// The smallest frame from Bob, opened down to its tag.
fn sender_tag(derived: &DirectionKeys) -> Value {
    let (alice, bob) = (keys(ALICE), keys(BOB));
    let shared = bob.x25519_secret().diffie_hellman(&alice.account_id().x25519().into());
    let mut ids = [*alice.account_id().as_bytes(), *bob.account_id().as_bytes()];
    ids.sort();
    let (info, mut key) = ([b"frame", ids.concat().as_slice()].concat(), [0; 32]);
    Hkdf::<Sha256>::new(Some(b"starling/v1"), shared.as_bytes()).expand(&info, &mut key).unwrap();

    let (data, _) = frame(BOB, ALICE, &sending(&olm(87), None, &derived.acceptor));
    let data = rpc::decode_data(&data).unwrap();
    let content = envelope::unwrap(&data).unwrap().content;
    let sealed::Opened::Frame(frame) = sealed::open(&content, &alice, |peer| alice.frame_key(peer)).unwrap()
    else {
        panic!("no frame")
    };
    let (tagged, tag) = frame.as_bytes().split_last_chunk::<32>().unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let mac = mac.chain_update(alice.account_id().as_bytes()).chain_update(tagged);
    assert_eq!(<[u8; 32]>::from(mac.finalize().into_bytes()), *tag);
    json!({
        "from": "bob",
        "to": "alice",
        "shared_secret": hex::encode(shared.as_bytes()),
        "info": hex::encode(info),
        "key": hex::encode(key),
        "tagged": hex::encode(tagged),
        "tag": hex::encode(tag),
    })
}

fn sending<'a>(olm: &'a [u8], kem_ciphertext: Option<&'a [u8; 1_088]>, key: &'a BoxKey) -> Sending<'a> {
    Sending { session_id: SESSION_ID, kem_ciphertext, olm, key, timestamp_ms: SENT_MS }
}

fn frames(derived: &DirectionKeys, ciphertext: &[u8; 1_088]) -> Vec<Value> {
    let normal = [87, 600, 1_400, 3_500, 8_000, 15_000, 30_000, 60_000].map(|length| (length, false));
    let frames = normal.into_iter().chain([(300, true), (2_000, true)]);
    // Who accepted the bundle writes prekey frames; the owner's direction has the other key.
    let made = frames.map(|(length, prekey)| {
        let (from, to, names, key) = if prekey {
            (BOB, ALICE, ["bob", "alice"], &derived.acceptor)
        } else {
            (ALICE, BOB, ["alice", "bob"], &derived.owner)
        };
        let (data, hash) = frame(from, to, &sending(&olm(length), prekey.then_some(ciphertext), key));
        json!({
            "from": names[0],
            "to": names[1],
            "kind": if prekey { "prekey" } else { "normal" },
            "session_id": hex::encode(SESSION_ID),
            "box_key": hex::encode(key.as_bytes()),
            "timestamp_ms": SENT_MS,
            "olm_length": length,
            "data_bytes": rpc::decode_data(&data).unwrap().len(),
            "frame_hash": hex::encode(hash),
            "data": data,
        })
    });
    made.collect()
}

fn placement() -> Placement {
    Placement { message_id: [0x3d; 16], stream: CREATED_S, seq: 3, clock: 7, base: 2 }
}

fn plaintexts(bundle: &Bundle) -> Vec<Value> {
    let text = Content { body: Some("Hello".to_owned()), sent_ms: SENT_MS, ..Content::default() };
    let made = [("alice", None, text.clone()), ("bob", Some(acceptance(bundle).1), text)];
    let made = made.map(|(from, accept, content)| {
        let (sender, recipient) = if from == "alice" { (ALICE, BOB) } else { (BOB, ALICE) };
        let Placement { message_id, stream, seq, clock, base } = placement();
        let (sender, recipient) = (keys(sender).account_id(), keys(recipient).account_id());
        let encoded = hex::encode(content.encode().unwrap());
        let plaintext =
            Plaintext { sender, recipient, epoch: CREATED_S, placement: placement(), accept, content };
        json!({
            "from": from,
            "epoch": CREATED_S,
            "stream": stream,
            "seq": seq,
            "clock": clock,
            "base": base,
            "message_id": hex::encode(message_id),
            "prekey": accept.is_some(),
            "content": encoded,
            "plaintext": hex::encode(&*plaintext.encode().unwrap()),
        })
    });
    made.to_vec()
}

fn contents() -> Value {
    let timed = || Content { sent_ms: SENT_MS, ..Content::default() };
    let ack =
        Ack { stream: CREATED_S, through: 5, above: vec![[0x71; 16], [0x72; 16]], read_through: Some(4) };
    let encoded = |content: Content| hex::encode(content.encode().unwrap());
    json!({
        "empty_accept": { "sent_ms": SENT_MS, "protobuf": encoded(timed()) },
        "ack": {
            "sent_ms": SENT_MS,
            "stream": ack.stream,
            "through": ack.through,
            "above": ack.above.iter().map(hex::encode).collect::<Vec<_>>(),
            "read_through": ack.read_through,
            "protobuf": encoded(Content { ack: Some(ack), ..timed() }),
        },
        "nack": {
            "sent_ms": SENT_MS,
            "frames": [hex::encode([0x81; 32]), hex::encode([0x82; 32])],
            "protobuf": encoded(Content { nacks: vec![[0x81; 32], [0x82; 32]], ..timed() }),
        },
        "unprotected": {
            "sent_ms": SENT_MS,
            "ids": [hex::encode([0x91; 16])],
            "protobuf": encoded(Content { unprotected: vec![[0x91; 16]], ..timed() }),
        },
    })
}

fn friend_request(bundle: &Bundle) -> Value {
    let request = FriendRequest {
        request_id: bundle.offer.request_id,
        created_s: CREATED_S,
        expiry_s: EXPIRY_S,
        ed25519: bundle.owner_ed25519,
        invite: None,
    };
    let content = Content {
        body: Some("Hello Bob, it is Alice.".to_owned()),
        sent_ms: SENT_MS,
        placement: Some(placement()),
        request: Some(request),
        name: Some("Alice".to_owned()),
        bundle: Some(bundle.clone()),
        ..Content::default()
    };
    let encoded = content.encode().unwrap();
    let sealed = session::seal(&encoded, &keys(ALICE), &keys(BOB).account_id(), &mut rng(3)).unwrap();
    let data = envelope::wrap(sealed, SENT_MS);
    assert_eq!(data.len(), 4_092);
    json!({
        "from": "alice",
        "to": "bob",
        "introduction": content.body,
        "display_name": content.name,
        "sent_ms": SENT_MS,
        "request_id": hex::encode(request.request_id),
        "created": request.created_s,
        "expiry": request.expiry_s,
        "ed25519": hex::encode(request.ed25519),
        "content": hex::encode(&encoded),
        "data": data,
    })
}
