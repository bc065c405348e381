//! Onion requests: from outside, beneath a layer, and their answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starling_fuzz_bodies::cast::{NODE, dice, public};
use starling_protocol::NodeKey;
use starling_protocol::onion::{Cipher, Hop, Peeled, build, frame, peel};

use crate::Seed;

/// Bits of the first byte: XChaCha20 instead of AES-GCM, beneath the encryption instead of outside.
const XCHACHA: u8 = 1;
const BENEATH: u8 = 2;

pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = vec![
        ("frame", "empty", frame::join(b"", b"")),
        ("frame", "json", frame::join(b"blob", br#"{"headers":""}"#)),
        ("layer_key", "aes", [&[0], public(&NODE).as_slice(), b"plaintext"].concat()),
        ("layer_key", "xchacha", [&[XCHACHA], public(&NODE).as_slice(), b"plaintext"].concat()),
    ];
    seeds.extend(posted());
    seeds.extend(beneath());
    seeds.extend(answers());
    seeds
}

/// Requests as they are posted: for the node itself, and to be passed on.
fn posted() -> Vec<Seed> {
    let node = Hop { key: NodeKey([1; 32]), x25519: public(&NODE) };
    let one = |choice: u8, cipher, relays: &[Hop]| {
        [&[choice], build(relays, &node, b"{}", cipher, &mut dice()).unwrap().body.as_slice()].concat()
    };
    vec![
        ("onion_peel", "final_aes", one(0, Cipher::AesGcm, &[])),
        ("onion_peel", "final_xchacha", one(XCHACHA, Cipher::XChaCha20, &[])),
        ("onion_peel", "relay_aes", one(0, Cipher::AesGcm, &[node])),
        ("onion_peel", "relay_xchacha", one(XCHACHA, Cipher::XChaCha20, &[node])),
    ]
}

/// What nodes find beneath their layer: every kind of routing, every optional field.
fn beneath() -> Vec<Seed> {
    let one = |choice: u8, json: &str| {
        [&[BENEATH | choice], frame::join(b"{}", json.as_bytes()).as_slice()].concat()
    };
    let (destination, key) = ("02".repeat(32), hex::encode(public(&NODE)));
    vec![
        ("onion_peel", "destination", one(0, r#"{"headers":""}"#)),
        ("onion_peel", "destination_raw", one(XCHACHA, r#"{"headers":{},"json":true,"base64":false}"#)),
        (
            "onion_peel",
            "relay",
            one(0, &format!(r#"{{"destination":"{destination}","ephemeral_key":"{key}"}}"#)),
        ),
        (
            "onion_peel",
            "relay_last_hop",
            one(
                15 << 4,
                &format!(r#"{{"destination":"{destination}","ephemeral_key":"{key}","enc_type":"gcm"}}"#),
            ),
        ),
        ("onion_peel", "server", one(0, r#"{"host":"files.example","target":"/oxen/v4/lsrpc"}"#)),
        (
            "onion_peel",
            "server_http",
            one(0, r#"{"host":"files.example","target":"/loki/v3/lsrpc","port":80,"protocol":"http"}"#),
        ),
    ]
}

/// Answers: what the request of the body was answered with, and plaintexts of all shapes.
fn answers() -> Vec<Seed> {
    let destination = Hop { key: NodeKey([1; 32]), x25519: public(&NODE) };
    let sealed = |choice: u8, cipher, body: &str| {
        let request = build(&[], &destination, b"{}", cipher, &mut dice()).unwrap();
        let Ok(Peeled::Final { reply, .. }) = peel(&NODE, &request.body) else {
            panic!("it is for the node")
        };
        [&[choice], reply.seal(200, body, &mut dice()).as_slice()].concat()
    };
    let beneath = |json: &str| [&[BENEATH], json.as_bytes()].concat();
    let aes = sealed(0, Cipher::AesGcm, r#"{"t":1}"#);
    let wrapped = format!(r#"{{"result":"{}"}}"#, str::from_utf8(&aes[1..]).unwrap());
    assert!(STANDARD.decode(&aes[1..]).is_ok());
    vec![
        ("onion_reply", "aes", aes),
        ("onion_reply", "xchacha", sealed(XCHACHA, Cipher::XChaCha20, "text")),
        ("onion_reply", "wrapped", [&[0], wrapped.as_bytes()].concat()),
        ("onion_reply", "text", beneath(r#"{"status":200,"body":"{\"t\":1}"}"#)),
        ("onion_reply", "embedded", beneath(r#"{"status_code":421,"body":{"snodes":[]}}"#)),
    ]
}
