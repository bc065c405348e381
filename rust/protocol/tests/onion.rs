//! Onion requests between a client and nodes, honest and hostile (network-protocol section 6).
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};
use starling_protocol::NodeKey;
use starling_protocol::onion::layer::LayerKey;
use starling_protocol::onion::{
    Cipher, Hop, MAX_REQUEST_BYTES, OnionError, PeelError, Peeled, ReplySealer, build, frame, peel,
};
use x25519_dalek::{PublicKey, StaticSecret};

const CIPHERS: [Cipher; 2] = [Cipher::AesGcm, Cipher::XChaCha20];

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn secret(node: u8) -> StaticSecret {
    StaticSecret::from([node + 1; 32])
}

fn hop(node: u8) -> Hop {
    Hop { key: NodeKey([node; 32]), x25519: PublicKey::from(&secret(node)).to_bytes() }
}

/// A request whose layer for node 0 holds `plaintext`, sent with `outer` beside the ephemeral key.
fn request(plaintext: &[u8], mut outer: Value, cipher: Cipher) -> (LayerKey, Vec<u8>) {
    let ephemeral = StaticSecret::from([99; 32]);
    let key = LayerKey::for_client(cipher, &ephemeral, &PublicKey::from(&ephemeral), &hop(0).x25519).unwrap();
    outer["ephemeral_key"] = hex::encode(PublicKey::from(&ephemeral)).into();
    let blob = key.seal(plaintext, &mut rng()).unwrap();
    (key, frame::join(&blob, outer.to_string().as_bytes()))
}

fn inner(body: &str, routing: Value) -> Vec<u8> {
    frame::join(body.as_bytes(), routing.to_string().as_bytes())
}

fn peel_inner(body: &str, routing: Value) -> Result<Peeled, PeelError> {
    peel(&secret(0), &request(&inner(body, routing), json!({}), Cipher::AesGcm).1)
}

fn final_reply(routing: Value) -> (LayerKey, ReplySealer) {
    let (key, body) = request(&inner("{}", routing), json!({}), Cipher::AesGcm);
    match peel(&secret(0), &body).unwrap() {
        Peeled::Final { reply, .. } => (key, reply),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_relay_learns_the_next_node_and_the_answer_comes_back() {
    for cipher in CIPHERS {
        for relays in 0..=15 {
            let path: Vec<Hop> = (0..relays).map(hop).collect();
            let request = build(&path, &hop(relays), b"{\"method\":\"info\"}", cipher, &mut rng()).unwrap();
            let mut travelling = request.body;
            for relay in 0..relays {
                let Peeled::Relay { next, body } = peel(&secret(relay), &travelling).unwrap() else {
                    panic!("relay {relay} is not a relay");
                };
                assert_eq!(next, hop(relay + 1).key);
                travelling = body;
            }
            let Peeled::Final { body, reply } = peel(&secret(relays), &travelling).unwrap() else {
                panic!("the destination is not final");
            };
            assert_eq!(body, b"{\"method\":\"info\"}");
            let answer = request.reply.open(&reply.seal(421, "{\"snodes\":[]}", &mut rng())).unwrap();
            assert_eq!((answer.status, answer.body.as_slice()), (421, &b"{\"snodes\":[]}"[..]));
        }
    }
}

#[test]
fn paths_and_bodies_are_bounded() {
    let build = |relays: u8, body: &[u8]| {
        let path: Vec<Hop> = (0..relays).map(hop).collect();
        build(&path, &hop(99), body, Cipher::AesGcm, &mut rng()).err()
    };
    assert_eq!(build(16, b"{}"), Some(OnionError::PathTooLong));
    let large = vec![b' '; MAX_REQUEST_BYTES];
    assert_eq!(build(3, &large[..MAX_REQUEST_BYTES - 2_000]), None);
    assert_eq!(build(3, &large), Some(OnionError::TooLong));
    assert_eq!(build(0, &[&large[..], b" "].concat()), Some(OnionError::TooLong));
    assert!(matches!(peel(&secret(0), &[&large[..], b" "].concat()), Err(PeelError::TooLong)));
}

#[test]
fn hops_of_small_order_are_refused() {
    let weak = Hop { key: NodeKey([1; 32]), x25519: [0; 32] };
    for (relays, destination) in [(vec![], weak), (vec![weak, hop(1)], hop(2))] {
        let result = build(&relays, &destination, b"{}", Cipher::AesGcm, &mut rng());
        assert_eq!(result.unwrap_err(), OnionError::WeakHop);
    }
    let (_, body) = request(&inner("{}", json!({"headers": ""})), json!({}), Cipher::AesGcm);
    let (blob, _) = frame::split(&body).unwrap();
    let zero = json!({"ephemeral_key": "00".repeat(32)});
    let result = peel(&secret(0), &frame::join(blob, zero.to_string().as_bytes()));
    assert!(matches!(result, Err(PeelError::InvalidCiphertext)));
}

#[test]
fn hop_numbers_end_at_fifteen() {
    let with_hop = |hop_no: i64| {
        let routing = json!({"destination": hop(1).key, "ephemeral_key": "11".repeat(32)});
        let outer = json!({"hop_no": hop_no});
        peel(&secret(0), &request(&inner("x", routing), outer, Cipher::AesGcm).1)
    };
    assert!(matches!(with_hop(16), Err(PeelError::PathTooLong)));
    for (hop_no, passed_on) in [(-3, 1), (0, 1), (15, 16)] {
        let Ok(Peeled::Relay { body, .. }) = with_hop(hop_no) else { panic!("hop {hop_no}") };
        let (blob, json) = frame::split(&body).unwrap();
        assert_eq!(blob, b"x");
        assert_eq!(serde_json::from_slice::<Value>(json).unwrap()["hop_no"], passed_on);
    }
}

#[test]
fn ciphers_are_found_by_every_name() {
    let names = [("aes-gcm", CIPHERS[0]), ("gcm", CIPHERS[0]), ("xchacha20", CIPHERS[1])];
    for (name, cipher) in names.into_iter().chain([("xchacha20-poly1305", CIPHERS[1])]) {
        let (_, body) = request(&inner("{}", json!({"headers": ""})), json!({"enc_type": name}), cipher);
        assert!(matches!(peel(&secret(0), &body), Ok(Peeled::Final { .. })), "{name}");
    }
    let (_, body) = request(b"", json!({"enc_type": "aes-cbc"}), Cipher::AesGcm);
    assert!(matches!(peel(&secret(0), &body), Err(PeelError::Malformed(_))));
}

#[test]
fn the_destination_is_known_by_the_key_headers_alone() {
    for value in [json!(""), json!([]), json!({}), json!(null), json!("x")] {
        let routing = json!({"headers": value, "destination": hop(1).key});
        assert!(matches!(peel_inner("{}", routing), Ok(Peeled::Final { .. })));
    }
}

#[test]
fn unreadable_routing_is_answered_encrypted() {
    let (to_relay, to_server) = (hop(1).key, "h");
    for routing in [
        json!({}),
        json!([]),
        json!({"destination": to_relay}),
        json!({"destination": "ab", "ephemeral_key": "11".repeat(32)}),
        json!({"destination": to_relay, "ephemeral_key": "11"}),
        json!({"destination": to_relay, "ephemeral_key": "11".repeat(32), "enc_type": "rot13"}),
        json!({"host": to_server}),
        json!({"host": to_server, "target": "/loki/v3/lsrpc", "protocol": "gopher"}),
        json!({"host": to_server, "target": "/loki/v3/lsrpc", "port": 65_536}),
    ] {
        let (key, body) = request(&inner("x", routing.clone()), json!({}), Cipher::AesGcm);
        let error = peel(&secret(0), &body).unwrap_err();
        assert_eq!((error.status(), error.to_string().as_str()), (400, "Invalid json"), "{routing}");
        let PeelError::InvalidJson(reply) = error else { panic!("{error:?}") };
        let answer = STANDARD.decode(reply.seal(400, "Invalid json", &mut rng())).unwrap();
        assert!(key.open(&answer).is_some());
    }
}

#[test]
fn answers_take_the_shape_that_was_asked_for() {
    let shape = |routing, body: &str| {
        let (key, reply) = final_reply(routing);
        (key, reply.seal(200, body, &mut rng()))
    };
    let text = |key: LayerKey, sealed: &[u8]| String::from_utf8(key.open(sealed).unwrap()).unwrap();
    let (key, answer) = shape(json!({"headers": ""}), "{}");
    assert_eq!(text(key, &STANDARD.decode(answer).unwrap()), r#"{"body":"{}","status":200}"#);
    let (key, answer) = shape(json!({"headers": "", "json": true}), "{\"a\": 1}");
    assert_eq!(text(key, &STANDARD.decode(answer).unwrap()), r#"{"body":{"a": 1},"status":200}"#);
    let (key, answer) = shape(json!({"headers": "", "json": true}), "no json");
    assert_eq!(text(key, &STANDARD.decode(answer).unwrap()), r#"{"body":"no json","status":200}"#);
    let (key, answer) = shape(json!({"headers": "", "base64": false}), "{}");
    assert_eq!(text(key, &answer), r#"{"body":"{}","status":200}"#);
}

/// A request of one hop, and the key its destination answers with.
fn asked() -> (starling_protocol::onion::ReplyKey, ReplySealer) {
    let request = build(&[], &hop(0), b"{}", Cipher::AesGcm, &mut rng()).unwrap();
    let Ok(Peeled::Final { reply, .. }) = peel(&secret(0), &request.body) else { panic!("not final") };
    (request.reply, reply)
}

#[test]
fn answers_are_read_bare_wrapped_and_unpadded() {
    let (key, reply) = asked();
    let bare = reply.seal(200, "body", &mut rng());
    let unpadded = STANDARD_NO_PAD.encode(STANDARD.decode(&bare).unwrap());
    let wrapped = json!({"result": String::from_utf8(bare.clone()).unwrap()}).to_string();
    for answer in [bare, unpadded.into_bytes(), wrapped.into_bytes()] {
        assert_eq!(key.open(&answer).unwrap().body, b"body");
    }
}

#[test]
fn answers_that_are_none_are_told_apart() {
    let (key, _) = asked();
    assert_eq!(key.open(b"Next node not found: 00"), Err(OnionError::NotEncrypted));
    assert_eq!(key.open(b"AAAA"), Err(OnionError::Undecryptable));
    assert_eq!(key.open(b""), Err(OnionError::Undecryptable));
    assert_eq!(key.open(&vec![b'A'; 17 * 1_024 * 1_024]), Err(OnionError::TooLong));
    let other = build(&[], &hop(0), b"{}", Cipher::AesGcm, &mut ChaCha20Rng::seed_from_u64(8)).unwrap();
    let (_, reply) = asked();
    assert_eq!(other.reply.open(&reply.seal(200, "", &mut rng())), Err(OnionError::Undecryptable));
}

#[test]
fn decrypted_answers_need_a_status_and_a_body() {
    let request = build(&[], &hop(0), b"{}", Cipher::AesGcm, &mut rng()).unwrap();
    let (blob, outer) = frame::split(&request.body).unwrap();
    assert!(!blob.is_empty());
    let outer: Value = serde_json::from_slice(outer).unwrap();
    let ephemeral = hex::decode(outer["ephemeral_key"].as_str().unwrap()).unwrap().try_into().unwrap();
    let node = LayerKey::for_node(Cipher::AesGcm, &secret(0), &ephemeral).unwrap();
    let open = |answer: &str| {
        request.reply.open(STANDARD.encode(node.seal(answer.as_bytes(), &mut rng()).unwrap()).as_bytes())
    };
    assert_eq!(open(r#"{"status":200,"body":"x"}"#).unwrap().body, b"x");
    assert_eq!(open(r#"{"status_code":200,"body":[1, 2]}"#).unwrap().body, b"[1, 2]");
    for answer in
        ["", "[]", r#"{"status":200}"#, r#"{"status":70000,"body":""}"#, r#"{"status":99,"body":""}"#]
    {
        assert_eq!(open(answer), Err(OnionError::Malformed), "{answer}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn changed_requests_and_answers_never_open(
        place in any::<prop::sample::Index>(),
        bit in 0..8,
        body in "[a-z]{0,40}",
    ) {
        let request = build(&[hop(0)], &hop(1), body.as_bytes(), Cipher::XChaCha20, &mut rng()).unwrap();
        let (blob, json) = frame::split(&request.body).unwrap();
        let mut changed = blob.to_vec();
        changed[place.index(blob.len())] ^= 1u8 << bit;
        let result = peel(&secret(0), &frame::join(&changed, json));
        prop_assert!(matches!(result, Err(PeelError::InvalidCiphertext)));
        let cut = peel(&secret(0), &request.body[..place.index(request.body.len())]);
        prop_assert!(cut.is_err());

        let (key, reply) = asked();
        let mut answer = STANDARD.decode(reply.seal(200, &body, &mut rng())).unwrap();
        let place = place.index(answer.len());
        answer[place] ^= 1u8 << bit;
        prop_assert_eq!(key.open(STANDARD.encode(answer).as_bytes()), Err(OnionError::Undecryptable));
    }

    #[test]
    fn noise_is_harmless(noise in prop::collection::vec(any::<u8>(), 0..300), text in ".*") {
        prop_assert!(peel(&secret(0), &noise).is_err());
        let (key, _) = asked();
        prop_assert!(key.open(&noise).is_err());
        let (_, body) = request(&noise, json!({}), Cipher::AesGcm);
        let _ = peel(&secret(0), &body);
        let (_, body) = request(&frame::join(&noise, text.as_bytes()), json!({}), Cipher::AesGcm);
        let _ = peel(&secret(0), &body);
    }
}
