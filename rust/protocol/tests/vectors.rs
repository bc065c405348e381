//! Every format against the network's own test data (network-protocol section 13).
//!
//! `vectors.json` is the specification's file, unchanged. Of its sections these are history the crate
//! does not implement, because no current node or client speaks them: `account_legacy` (accounts before
//! 2020), `fallback_cipher` (friend requests without a MAC), `pow.relay_difficulty` (nodes forwarding
//! work they did not accept), `nearest_swarm_current.old_rule_differences` (checked for the new rule
//! alone), `protobuf.loki_address*` and `protobuf.websocket_friend_request_hex` (direct connections and
//! their envelope type), and `timers_ms`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use core::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::{Value, json};
use starling_protocol::account::{AccountId, AccountKeys, Seed, verify_ed25519};
use starling_protocol::envelope::{self, EnvelopeError};
use starling_protocol::onion::layer::LayerKey;
use starling_protocol::onion::{Cipher, Hop, Peeled, build, frame, peel};
use starling_protocol::pow::{self, Nonce, Puzzle};
use starling_protocol::{NodeKey, hash, padding, phrase, session, swarm};
use x25519_dalek::{PublicKey, StaticSecret};

fn vectors(section: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    all[section].clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is no text"))
}

fn bytes(value: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(value, key)).unwrap()
}

fn key32(value: &Value, key: &str) -> [u8; 32] {
    bytes(value, key).try_into().unwrap()
}

fn secret(value: &Value, key: &str) -> StaticSecret {
    StaticSecret::from(key32(value, key))
}

fn keys(value: &Value, key: &str) -> AccountKeys {
    AccountKeys::from_seed(&Seed::from_bytes(&bytes(value, key)).unwrap())
}

fn pairs(value: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    value.as_array().unwrap().iter().map(|pair| (&pair[0], &pair[1]))
}

/// "Random" bytes written down beforehand.
struct Script(Vec<u8>);

impl TryRng for Script {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        let rest = self.0.split_off(dst.len());
        dst.copy_from_slice(&std::mem::replace(&mut self.0, rest));
        Ok(())
    }
}

impl TryCryptoRng for Script {}

#[test]
fn accounts() {
    for case in vectors("accounts").as_array().unwrap() {
        let seed = Seed::from_bytes(&bytes(case, "seed_hex")).unwrap();
        let keys = AccountKeys::from_seed(&seed);
        assert_eq!(keys.ed25519_public(), key32(case, "ed25519_pub_hex"));
        assert_eq!(keys.x25519_secret().to_bytes(), key32(case, "x25519_priv_hex"));
        assert_eq!(keys.account_id().x25519(), key32(case, "x25519_pub_hex"));
        assert_eq!(keys.account_id().to_string(), text(case, "account_id"));
        assert_eq!(AccountId::from_ed25519(&keys.ed25519_public()).unwrap(), keys.account_id());
        if let Some(words) = case["mnemonic_english"].as_str() {
            assert_eq!(phrase::encode(&seed).as_str(), words);
            assert_eq!(phrase::decode(words).unwrap(), seed);
        }
    }
}

#[test]
fn ed25519_sign() {
    let case = vectors("ed25519_sign");
    let keys = keys(&case, "seed_hex");
    let (message, signature) = (text(&case, "message_utf8").as_bytes(), bytes(&case, "signature_hex"));
    assert_eq!(keys.sign(message).to_vec(), signature);
    assert!(verify_ed25519(&keys.ed25519_public(), message, &signature));
}

#[test]
fn swarm_space() {
    for (account, space) in pairs(&vectors("swarm_space")["cases"]) {
        let account: AccountId = account.as_str().unwrap().parse().unwrap();
        assert_eq!(swarm::space(&account).to_string(), space.as_str().unwrap());
    }
}

#[test]
fn nearest_swarm_current() {
    let case = vectors("nearest_swarm_current");
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let hex = |value: &Value| u64::from_str_radix(value.as_str().unwrap(), 16).unwrap();
    let swarms: Vec<u64> = case["swarms_decimal"].as_array().unwrap().iter().map(number).collect();
    for (space, expected) in pairs(&case["space_hex_to_swarm"]) {
        assert_eq!(swarm::nearest(hex(space), &swarms), Some(number(expected)), "{space}");
    }
    for difference in case["old_rule_differences"].as_array().unwrap() {
        let third = [0, u64::MAX - 19];
        let list = if text(difference, "swarms") == "first list" { &swarms[..] } else { &third };
        let nearest = swarm::nearest(hex(&difference["space_hex"]), list);
        assert_eq!(nearest, Some(number(&difference["new"])));
        assert_ne!(nearest, Some(number(&difference["old"])));
    }
}

fn puzzle(case: &Value) -> Option<Puzzle> {
    let [timestamp, ttl, account, data] =
        ["timestamp", "ttl_ms", "pubkey", "data"].map(|key| text(case, key));
    Puzzle::new(timestamp, ttl, account, data, case["difficulty"].as_u64().unwrap()).ok()
}

#[test]
fn pow_digest_and_target() {
    let case = vectors("pow");
    let puzzle = puzzle(&case).unwrap();
    let nonce = Nonce::from_base64(text(&case, "nonce_b64")).unwrap();
    assert_eq!(nonce.0.to_be_bytes().to_vec(), bytes(&case, "nonce_hex"));
    assert_eq!(nonce.to_base64(), text(&case, "nonce_b64"));
    assert_eq!(format!("{:016x}", puzzle.target()), text(&case, "target_hex"));
    assert_eq!(hex::encode(puzzle.check(nonce.0).unwrap()), text(&case, "hash_hex"));
    let payload = case["payload_len"].as_u64().unwrap() as usize;
    assert_eq!(pow::cost(payload, 345_600, 10), puzzle.expected_tries());
}

#[test]
fn pow_invalid_variants() {
    let valid = vectors("pow");
    for variant in valid["invalid_variants"].as_array().unwrap() {
        let mut case = valid.clone();
        for (key, value) in variant.as_object().unwrap() {
            case[key] = value.clone();
        }
        let (puzzle, nonce) = (puzzle(&case).unwrap(), Nonce::from_base64(text(&case, "nonce_b64")));
        // One variant is not even canonical base64.
        assert!(!nonce.is_ok_and(|nonce| puzzle.check(nonce.0).is_some()), "{variant}");
    }
}

#[test]
fn pow_ttl_and_targets() {
    let case = vectors("pow");
    for (ttl, expected) in pairs(&case["ttl_parse"]) {
        assert_eq!(pow::parse_ttl(ttl.as_str().unwrap()), expected.as_u64(), "{ttl}");
    }
    for target in case["targets"]["cases"].as_array().unwrap() {
        let number = |key: &str| target[key].as_u64().unwrap();
        let cost = pow::cost(number("payload_len") as usize, number("ttl_ms"), number("difficulty"));
        assert_eq!(json!((u64::MAX / cost).to_be_bytes()), target["target_bytes"]);
    }
}

#[test]
fn message_hash() {
    let case = vectors("message_hash");
    let account: AccountId = text(&case, "pubkey").parse().unwrap();
    let data = STANDARD.decode(text(&case, "data_b64")).unwrap();
    assert_eq!(hash::message_hash(&account, 0, &data), text(&case, "current_ns0"));
    assert_eq!(hash::message_hash(&account, 5, &data), text(&case, "current_ns5"));
}

#[test]
fn padded_lengths() {
    for (length, padded) in pairs(&vectors("padding")["len_to_padded_len"]) {
        let content = vec![1; length.as_u64().unwrap() as usize];
        assert_eq!(padding::pad(&content).len() as u64, padded.as_u64().unwrap());
    }
}

#[test]
fn onion_layer() {
    let case = vectors("onion_layer");
    let plaintext = text(&case, "plaintext_utf8").as_bytes();
    let (client, node) = (secret(&case, "client_priv_a"), secret(&case, "server_priv_b"));
    for (cipher, name, nonce) in [(Cipher::AesGcm, "aes_gcm", 12), (Cipher::XChaCha20, "xchacha20", 24)] {
        let sealed = bytes(&case, &format!("{name}_hex"));
        let ours =
            LayerKey::for_client(cipher, &client, &PublicKey::from(&client), &key32(&case, "server_pub_B"))
                .unwrap();
        let theirs = LayerKey::for_node(cipher, &node, &key32(&case, "client_pub_A")).unwrap();
        assert_eq!(theirs.open(&sealed).unwrap(), plaintext);
        assert_eq!(ours.seal(plaintext, &mut Script(sealed[..nonce].to_vec())).unwrap(), sealed);
        for tampered in case[format!("{name}_tampered_hex")].as_array().into_iter().flatten() {
            assert_eq!(theirs.open(&hex::decode(tampered.as_str().unwrap()).unwrap()), None);
        }
    }
}

#[test]
fn onion_outer_frame() {
    let case = vectors("onion_outer_frame");
    for key in ["aes_gcm_frame_hex", "xchacha20_frame_hex"] {
        let outer = bytes(&case, key);
        let (blob, json) = frame::split(&outer).unwrap();
        let json: Value = serde_json::from_slice(json).unwrap();
        let cipher = Cipher::from_name(text(&json, "enc_type")).unwrap();
        let node = secret(&case, "server_priv");
        let layer = LayerKey::for_node(cipher, &node, &key32(&json, "ephemeral_key")).unwrap();
        assert_eq!(layer.open(blob).unwrap(), text(&case, "plaintext_utf8").as_bytes());
    }
}

/// What a node makes of a layer that holds `blob_prefix` followed by `routing`.
fn peel_inner(blob_prefix: &[u8], routing: &Value) -> Peeled {
    let (node, client) = (StaticSecret::from([1; 32]), StaticSecret::from([2; 32]));
    let layer = LayerKey::for_client(
        Cipher::AesGcm,
        &client,
        &PublicKey::from(&client),
        PublicKey::from(&node).as_bytes(),
    )
    .unwrap();
    let plaintext = [blob_prefix, routing.to_string().as_bytes()].concat();
    let blob = layer.seal(&plaintext, &mut Script(vec![0; 12])).unwrap();
    let outer = json!({"ephemeral_key": hex::encode(PublicKey::from(&client))});
    peel(&node, &frame::join(&blob, outer.to_string().as_bytes())).unwrap()
}

#[test]
fn onion_inner_parse() {
    let vector = vectors("onion_inner_parse");
    let prefix = bytes(&vector, "prefix_hex");
    for case in vector["cases"].as_array().unwrap() {
        let routing = &case["json"];
        match (text(case, "kind"), peel_inner(&prefix, routing)) {
            ("final", Peeled::Final { body, .. }) => assert_eq!(body, text(case, "body").as_bytes()),
            ("server", Peeled::Server(server)) => {
                assert_eq!((&*server.host, &*server.target), ("host", "target"));
                assert_eq!(json!(server.port), case["port"]);
                assert_eq!(server.protocol, text(case, "protocol"));
                assert_eq!(server.body, b"ciphertext");
            }
            ("relay", Peeled::Relay { next, body }) => {
                assert_eq!(next.to_string(), text(routing, "destination"));
                let (blob, json) = frame::split(&body).unwrap();
                let json: Value = serde_json::from_slice(json).unwrap();
                assert_eq!(blob, b"ciphertext");
                assert_eq!(json["ephemeral_key"], routing["ephemeral_key"]);
                // Assumed when missing, so it is passed on missing.
                assert_eq!((text(case, "enc_type"), &json["enc_type"]), ("aes-gcm", &Value::Null));
            }
            (kind, peeled) => panic!("{kind} was read as {peeled:?}"),
        }
    }
}

#[test]
fn onion_server_targets() {
    let vector = vectors("onion_inner_parse");
    for (list, allowed) in [("targets_ok", true), ("targets_rejected", false)] {
        for target in vector[list].as_array().unwrap() {
            let routing = json!({"host": "host", "target": target});
            let Peeled::Server(server) = peel_inner(&[0; 4], &routing) else { panic!("{target}") };
            assert_eq!(server.is_allowed(), allowed, "{target}");
        }
    }
}

#[test]
fn onion_full_path() {
    use sha2::{Digest as _, Sha256};
    let case = vectors("onion_full_path");
    let test_key = |i: u8| -> [u8; 32] { Sha256::digest(format!("onion-test-{i}")).into() };
    let list = |key: &str| -> Vec<[u8; 32]> {
        let entries = case[key].as_array().unwrap().iter();
        entries.map(|entry| hex::decode(entry.as_str().unwrap()).unwrap().try_into().unwrap()).collect()
    };
    let secrets = list("hop_priv_hex").into_iter().chain([key32(&case, "dest_priv_hex")]);
    let secrets: Vec<StaticSecret> = secrets.map(StaticSecret::from).collect();
    let names = list("hop_ed25519_hex").into_iter().chain([key32(&case, "dest_ed25519_hex")]);
    let hops: Vec<Hop> = (secrets.iter().zip(names))
        .map(|(secret, name)| Hop { key: NodeKey(name), x25519: PublicKey::from(secret).to_bytes() })
        .collect();
    assert_eq!(hops[3].x25519, key32(&case, "dest_pub_hex"));
    assert_eq!(test_key(14), key32(&case, "final_ephemeral_priv_hex"));
    // Keys and nonces in the order they are drawn: destination first, guard last.
    let drawn = [(14, 4), (13, 3), (12, 2), (11, 1)];
    let script = drawn.iter().flat_map(|(key, nonce)| [&test_key(*key)[..], &[*nonce; 12]].concat());
    let body = text(&case, "expected_final_body").as_bytes();
    let request = build(&hops[..3], &hops[3], body, Cipher::AesGcm, &mut Script(script.collect())).unwrap();
    assert_eq!(hex::encode(&request.body), text(&case, "outer_frame_hex"));
    assert_eq!(hex::encode(Sha256::digest(&request.body)), text(&case, "outer_sha256"));
    let mut travelling = request.body;
    for (node, secret) in secrets[..3].iter().enumerate() {
        let Ok(Peeled::Relay { next, body }) = peel(secret, &travelling) else { panic!("hop {node}") };
        assert_eq!(next, hops[node + 1].key);
        travelling = body;
    }
    let Ok(Peeled::Final { body: arrived, reply }) = peel(&secrets[3], &travelling) else { panic!("final") };
    assert_eq!(arrived, body);
    let plaintext: Value = serde_json::from_str(text(&case, "response_plaintext")).unwrap();
    let answer = text(&case, "response_http_body_b64");
    let sealed = reply.seal(200, text(&plaintext, "body"), &mut Script(vec![9; 12]));
    assert_eq!(sealed, answer.as_bytes());
    let opened = request.reply.open(answer.as_bytes()).unwrap();
    assert_eq!((opened.status, opened.body), (200, text(&plaintext, "body").into()));
}

#[test]
fn session_protocol() {
    let case = vectors("session_protocol");
    let (sender, recipient) = (keys(&case, "sender_seed_hex"), keys(&case, "recipient_seed_hex"));
    let opened = session::open(&bytes(&case, "ciphertext_hex"), &recipient).unwrap();
    // The vector is unpadded, as content may be.
    assert_eq!(opened.content, text(&case, "plaintext_utf8").as_bytes());
    assert_eq!(opened.sender, sender.account_id());
    assert_eq!(opened.sender_ed25519, sender.ed25519_public());
}

#[test]
fn request_signatures() {
    let vector = vectors("request_signatures");
    let keys = keys(&vector, "signer_seed_hex");
    for (message, signature) in pairs(&vector["cases"]) {
        let message = message.as_str().unwrap();
        assert_eq!(STANDARD.encode(keys.sign(message.as_bytes())), signature.as_str().unwrap(), "{message}");
    }
}

#[test]
fn protobuf() {
    let case = vectors("protobuf");
    let content = text(&case, "content_bytes_utf8").as_bytes();
    let timestamp = case["timestamp"].as_u64().unwrap();
    let data = bytes(&case, "websocket_session_message_hex");
    assert_eq!(STANDARD.decode(envelope::wrap(content.to_vec(), timestamp)).unwrap(), data);
    let unwrapped = envelope::unwrap(&data).unwrap();
    assert_eq!((unwrapped.timestamp, unwrapped.content.as_slice()), (timestamp, content));
    let historic = bytes(&case, "websocket_friend_request_hex");
    assert_eq!(envelope::unwrap(&historic), Err(EnvelopeError::OtherType(101)));
}
