//! Receives what is in the vectors, knowing nothing but the file.

use serde_json::{Value, json};
use starling_protocol::accept::{AcceptProof, Acceptance};
use starling_protocol::bundle::Bundle;
use starling_protocol::hybrid::{BoxKey, Handshake, KemSeed};
use starling_protocol::plaintext::{Expected, Plaintext};
use starling_protocol::sealed::{self, Opened};
use starling_protocol::{AccountId, AccountKeys, Content, Seed, envelope, rpc};

use super::{olm, stored};

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} is no text"))
}

fn bytes<const N: usize>(case: &Value, key: &str) -> [u8; N] {
    hex::decode(text(case, key)).unwrap().try_into().unwrap()
}

fn id(case: &Value, key: &str) -> AccountId {
    text(case, key).parse().unwrap()
}

fn keys(all: &Value, name: &str) -> AccountKeys {
    AccountKeys::from_seed(&Seed::from_bytes(&bytes::<16>(&all["accounts"][name], "seed")).unwrap())
}

fn bundle(all: &Value) -> Bundle {
    Bundle::decode(&hex::decode(text(&all["bundle"], "protobuf")).unwrap()).unwrap()
}

/// Opens the `data` of a case for the one it is for.
fn open(all: &Value, case: &Value) -> Opened {
    let recipient = keys(all, text(case, "to"));
    let data = rpc::decode_data(text(case, "data")).unwrap();
    let content = envelope::unwrap(&data).unwrap().content;
    sealed::open(&content, &recipient, |peer| recipient.frame_key(peer)).unwrap()
}

#[test]
fn bundle_and_accept_are_valid() {
    let all = stored();
    let bundle = bundle(&all);
    let (alice, bob) = (keys(&all, "alice").account_id(), keys(&all, "bob").account_id());
    assert_eq!(bundle.verify(&alice, &bob, Some(&bytes(&all["bundle"], "owner_ed25519"))), Ok(()));
    assert_eq!(bundle.hash(), bytes::<32>(&all["bundle"], "hash"));
    let case = &all["accept"];
    let acceptance = Acceptance {
        bundle_hash: bundle.hash(),
        acceptor: id(case, "acceptor"),
        ratchet_identity: bytes(case, "ratchet_identity"),
        session_id: bytes(case, "session_id"),
    };
    let proof = AcceptProof { ed25519: bytes(case, "acceptor_ed25519"), signature: bytes(case, "signature") };
    assert_eq!(acceptance.verify(&proof, None), Ok(()));
}

#[test]
fn the_owner_of_the_bundle_derives_the_keys() {
    let all = stored();
    let (kem, case) = (&all["kem"], &all["hybrid"]);
    let handshake = Handshake {
        bundle_hash: bytes(case, "bundle_hash"),
        session_id: bytes(case, "session_id"),
        acceptor: id(case, "acceptor"),
    };
    let seed = KemSeed::from_bytes(bytes(kem, "seed"));
    assert_eq!(seed.public_key(), bundle(&all).offer.kem_key);
    let keys = handshake.decapsulate(&seed, &bytes(kem, "ciphertext"));
    assert_eq!(*keys.acceptor.as_bytes(), bytes::<32>(case, "acceptor_key"));
    assert_eq!(*keys.owner.as_bytes(), bytes::<32>(case, "owner_key"));
}

#[test]
fn frames_of_every_padding_class_open() {
    let all = stored();
    let mut classes = Vec::new();
    for case in all["frames"].as_array().unwrap() {
        let Opened::Frame(frame) = open(&all, case) else { panic!("no frame") };
        assert_eq!(frame.sender(), keys(&all, text(case, "from")).account_id());
        assert_eq!(*frame.session_id(), bytes::<32>(case, "session_id"));
        assert_eq!(frame.hash(), bytes::<32>(case, "frame_hash"));
        assert_eq!(frame.is_prekey(), text(case, "kind") == "prekey");
        let kem = hex::decode(text(&all["kem"], "ciphertext")).unwrap();
        assert_eq!(
            frame.kem_ciphertext().map(|ciphertext| ciphertext.to_vec()),
            frame.is_prekey().then_some(kem)
        );
        let message = frame.open(&BoxKey::from_bytes(bytes(case, "box_key"))).unwrap();
        assert_eq!(message, olm(case["olm_length"].as_u64().unwrap() as usize));
        let length = rpc::decode_data(text(case, "data")).unwrap().len();
        assert_eq!(case["data_bytes"], length);
        classes.push(length);
    }
    classes.sort_unstable();
    classes.dedup();
    assert_eq!(classes, [768, 1_536, 3_072, 6_144, 12_288, 24_576, 49_152, 76_800]);
}

#[test]
fn plaintexts_are_read() {
    let all = stored();
    for case in all["plaintexts"].as_array().unwrap() {
        let to = if text(case, "from") == "alice" { "bob" } else { "alice" };
        let expected = Expected {
            sender: keys(&all, text(case, "from")).account_id(),
            recipient: keys(&all, to).account_id(),
            epoch: case["epoch"].as_u64().unwrap(),
            prekey: case["prekey"].as_bool().unwrap(),
        };
        let plaintext = Plaintext::decode(&hex::decode(text(case, "plaintext")).unwrap(), &expected).unwrap();
        let placement = plaintext.placement;
        assert_eq!(placement.message_id, bytes::<16>(case, "message_id"));
        let numbers = [placement.stream, placement.seq, placement.clock, placement.base];
        assert_eq!(numbers, ["stream", "seq", "clock", "base"].map(|key| case[key].as_u64().unwrap()));
        assert_eq!(hex::encode(plaintext.content.encode().unwrap()), text(case, "content"));
        assert_eq!(plaintext.accept.is_some(), expected.prekey);
    }
}

#[test]
fn signals_are_read() {
    let all = stored();
    let content = |name: &str| {
        let case = &all["contents"][name];
        Content::decode(&hex::decode(text(case, "protobuf")).unwrap()).unwrap()
    };
    assert!(content("empty_accept").is_empty());
    let (ack, case) = (content("ack").ack.unwrap(), &all["contents"]["ack"]);
    let above: Vec<_> = ack.above.iter().map(hex::encode).collect();
    let read = [("stream", json!(ack.stream)), ("through", json!(ack.through)), ("above", json!(above))];
    for (key, value) in read {
        assert_eq!(value, case[key]);
    }
    assert_eq!(ack.read_through, case["read_through"].as_u64());
    let nacks: Vec<_> = content("nack").nacks.iter().map(hex::encode).collect();
    assert_eq!(json!(nacks), all["contents"]["nack"]["frames"]);
    let ids: Vec<_> = content("unprotected").unprotected.iter().map(hex::encode).collect();
    assert_eq!(json!(ids), all["contents"]["unprotected"]["ids"]);
}

#[test]
fn the_friend_request_is_read() {
    let all = stored();
    let case = &all["friend_request"];
    assert_eq!(text(case, "data").len(), 4_092);
    let Opened::Session(opened) = open(&all, case) else { panic!("a frame") };
    assert_eq!(hex::encode(&opened.content), text(case, "content"));
    let content = Content::decode_basic(&opened.content).unwrap().unwrap();
    assert_eq!(content.body.as_deref(), case["introduction"].as_str());
    assert_eq!(content.name.as_deref(), case["display_name"].as_str());
    assert_eq!(content.request.unwrap().ed25519, opened.sender_ed25519);
    let bob = keys(&all, "bob").account_id();
    let bundle = content.bundle.unwrap();
    assert_eq!(bundle.verify(&opened.sender, &bob, Some(&opened.sender_ed25519)), Ok(()));
}
