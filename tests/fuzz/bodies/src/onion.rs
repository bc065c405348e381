//! Onion requests at both ends and on the way.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starling_protocol::NodeKey;
use starling_protocol::onion::layer::LayerKey;
use starling_protocol::onion::{Cipher, Hop, OnionRequest, PeelError, Peeled, ReplySealer};
use starling_protocol::onion::{build, frame as frames, peel};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::cast::{NODE, dice, mode, public};

/// The client's key for layers that bodies seal themselves.
static CLIENT: LazyLock<StaticSecret> = LazyLock::new(|| StaticSecret::from([8; 32]));

/// A request to the node, in each cipher, with the node's key for its answer.
static REQUESTS: LazyLock<[(OnionRequest, LayerKey); 2]> = LazyLock::new(|| CIPHERS.map(request));

const CIPHERS: [Cipher; 2] = [Cipher::AesGcm, Cipher::XChaCha20];

fn cipher(byte: u8) -> Cipher {
    CIPHERS[usize::from(byte & 1)]
}

/// The client's side of a layer for the node.
fn client_key(cipher: Cipher) -> LayerKey {
    LayerKey::for_client(cipher, &CLIENT, &PublicKey::from(&*CLIENT), &public(&NODE)).unwrap()
}

/// Frames: what is taken apart is put together again.
pub fn frame(data: &[u8]) -> bool {
    let Some((blob, json)) = frames::split(data) else { return false };
    assert_eq!(frames::join(blob, json), data);
    true
}

/// One layer: cipher, the client's key, and the rest. The rest does not open; sealed it does, for the node,
/// until one bit of it is changed.
pub fn layer_key(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    let Some((ephemeral, rest)) = rest.split_first_chunk() else { return false };
    let cipher = cipher(choice);
    let Some(key) = LayerKey::for_node(cipher, &NODE, ephemeral) else { return false };
    key.open(rest);
    let client = client_key(cipher);
    let node = LayerKey::for_node(cipher, &NODE, &public(&CLIENT)).unwrap();
    let mut sealed = client.seal(rest, &mut dice()).unwrap();
    assert_eq!(node.open(&sealed).as_deref(), Some(rest));
    let place = usize::from(choice) * 31 % sealed.len();
    sealed[place] ^= 1;
    assert_eq!(node.open(&sealed), None);
    true
}

/// A request as a node peels it. The first byte chooses a cipher and how deep the fuzzer reaches: into the
/// posted body, or beneath a layer that opens.
pub fn onion_peel(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    let posted =
        if choice & 2 == 0 { rest.to_vec() } else { beneath_a_layer(cipher(choice), choice >> 4, rest) };
    match peel(&NODE, &posted) {
        Ok(peeled) => {
            check_peeled(&peeled);
            true
        }
        Err(error) => {
            assert!(matches!(error.status(), 400 | 413));
            if let PeelError::InvalidJson(sealer) = &error {
                answer(sealer);
            }
            false
        }
    }
}

/// An answer as a client opens it. The first byte chooses a cipher and how deep the fuzzer reaches: into the
/// HTTP body, or beneath the encryption.
pub fn onion_reply(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    let (request, key) = &REQUESTS[usize::from(choice & 1)];
    let body = if choice & 2 == 0 {
        rest.to_vec()
    } else {
        STANDARD.encode(key.seal(rest, &mut dice()).unwrap()).into_bytes()
    };
    let Ok(reply) = request.reply.open(&body) else { return false };
    assert!((100..1_000).contains(&reply.status));
    assert!(str::from_utf8(&reply.body).is_ok());
    true
}

/// The posted body around a plaintext that the node's layer opens to.
fn beneath_a_layer(cipher: Cipher, hop_no: u8, plaintext: &[u8]) -> Vec<u8> {
    let key = client_key(cipher);
    let name = if cipher == Cipher::AesGcm { "aes-gcm" } else { "xchacha20" };
    let ephemeral = hex::encode(public(&CLIENT));
    let json = format!(r#"{{"ephemeral_key":"{ephemeral}","enc_type":"{name}","hop_no":{hop_no}}}"#);
    frames::join(&key.seal(plaintext, &mut dice()).unwrap(), json.as_bytes())
}

/// What a node passes on another can read, up to the encryption; what it answers is for the client alone.
fn check_peeled(peeled: &Peeled) {
    match peeled {
        Peeled::Relay { body, .. } => match peel(&CLIENT, body) {
            Ok(_)
            | Err(PeelError::InvalidCiphertext | PeelError::PathTooLong | PeelError::InvalidJson(_)) => {}
            Err(error) => panic!("passes on what cannot be read: {error}"),
        },
        Peeled::Final { reply, .. } => answer(reply),
        Peeled::Server(request) => {
            assert!(matches!(request.protocol.as_str(), "http" | "https"));
            request.is_allowed();
            answer(&request.reply);
        }
    }
}

/// Every answer is encrypted, whatever its body.
fn answer(sealer: &ReplySealer) {
    for body in ["", "{}", r#"{"t":1}"#, "\"", "\u{1F426}"] {
        let sealed = sealer.seal(200, body, &mut dice());
        assert!(sealed.len() >= 28 + body.len());
    }
}

fn request(cipher: Cipher) -> (OnionRequest, LayerKey) {
    let destination = Hop { key: NodeKey([1; 32]), x25519: public(&NODE) };
    let request = build(&[], &destination, b"{}", cipher, &mut dice()).unwrap();
    let (_, json) = frames::split(&request.body).unwrap();
    let outer: serde_json::Value = serde_json::from_slice(json).unwrap();
    let mut ephemeral = [0; 32];
    hex::decode_to_slice(outer["ephemeral_key"].as_str().unwrap(), &mut ephemeral).unwrap();
    (request, LayerKey::for_node(cipher, &NODE, &ephemeral).unwrap())
}
