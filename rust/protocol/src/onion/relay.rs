//! The nodes' side: removing a layer and answering (network-protocol sections 6.3, 6.4, 6.6).

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_core::CryptoRng;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;
use x25519_dalek::StaticSecret;

use super::layer::{Cipher, LayerKey};
use super::{MAX_HOP_NO, MAX_REQUEST_BYTES, frame};
use crate::node::NodeKey;

/// What a node finds beneath its layer.
#[derive(Debug)]
pub enum Peeled {
    /// To be passed on.
    Relay {
        /// The node to pass it to.
        next: NodeKey,
        /// The frame to post there, its hop number raised.
        body: Vec<u8>,
    },
    /// For this node.
    Final {
        /// The request (JSON).
        body: Vec<u8>,
        /// Makes the answer.
        reply: ReplySealer,
    },
    /// For a server outside the network.
    Server(ServerRequest),
}

/// A request a node passes to a server outside the network, such as a file server.
#[derive(Debug)]
pub struct ServerRequest {
    /// Host name.
    pub host: String,
    /// Port; 443 if the client named none.
    pub port: u16,
    /// `https` or `http`.
    pub protocol: String,
    /// Path; see [`ServerRequest::is_allowed`].
    pub target: String,
    /// The ciphertext for the server.
    pub body: Vec<u8>,
    /// Makes the answer if the node refuses.
    pub reply: ReplySealer,
}

impl ServerRequest {
    /// Whether nodes pass requests to this target; the others are `Invalid url`.
    pub fn is_allowed(&self) -> bool {
        let target = self.target.as_str();
        let prefixed = target.starts_with("/loki/") || target.starts_with("/oxen/");
        prefixed && target.ends_with("/lsrpc") && !target.contains('?')
    }
}

/// Why a node cannot peel a request. The text is what nodes answer, and [`PeelError::status`] their status.
#[derive(Debug, Error)]
pub enum PeelError {
    /// More than 10 MiB.
    #[error("Request body too large")]
    TooLong,
    /// The frame, its JSON, or the name of the cipher.
    #[error("Error parsing onion request: {0}")]
    Malformed(&'static str),
    /// Passed on by too many nodes already.
    #[error("onion request max path length exceeded")]
    PathTooLong,
    /// Not encrypted to this node, or with a key of small order.
    #[error("Invalid ciphertext")]
    InvalidCiphertext,
    /// Decrypted, but no routing beneath: the answer goes back encrypted.
    #[error("Invalid json")]
    InvalidJson(Box<ReplySealer>),
}

impl PeelError {
    /// The status a node answers with.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLong => 413,
            _ => 400,
        }
    }
}

/// Encrypts one answer to the client who sent the request. Erased when dropped.
#[derive(Clone)]
pub struct ReplySealer {
    key: LayerKey,
    embed_json: bool,
    base64: bool,
}

impl fmt::Debug for ReplySealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplySealer").finish_non_exhaustive()
    }
}

/// JSON of the outermost frame, and of a relayed one.
#[derive(Deserialize)]
struct Outer {
    ephemeral_key: String,
    enc_type: Option<String>,
    #[serde(default)]
    hop_no: i64,
}

/// JSON beneath a layer: `headers` marks the destination, `host` a server, `destination` a relay.
#[derive(Deserialize)]
struct Routing {
    #[serde(default)]
    headers: Present,
    #[serde(default)]
    json: bool,
    base64: Option<bool>,
    host: Option<String>,
    target: Option<String>,
    port: Option<u16>,
    protocol: Option<String>,
    destination: Option<NodeKey>,
    ephemeral_key: Option<String>,
    enc_type: Option<String>,
}

/// Whether a key is there, whatever its value.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// Removes this node's layer from a request, whether a client posted it or a node passed it on.
///
/// # Errors
/// [`PeelError`], whose text and status are the network's.
pub fn peel(secret: &StaticSecret, http_or_relayed_body: &[u8]) -> Result<Peeled, PeelError> {
    if http_or_relayed_body.len() > MAX_REQUEST_BYTES {
        return Err(PeelError::TooLong);
    }
    let (blob, json) = frame::split(http_or_relayed_body).ok_or(PeelError::Malformed("frame too short"))?;
    let outer: Outer = serde_json::from_slice(json).map_err(|_| PeelError::Malformed("invalid json"))?;
    let hop_no = u64::try_from(outer.hop_no).unwrap_or_default();
    if hop_no > MAX_HOP_NO {
        return Err(PeelError::PathTooLong);
    }
    let cipher = cipher(outer.enc_type.as_deref()).ok_or(PeelError::Malformed("invalid enc_type"))?;
    let ephemeral = key(&outer.ephemeral_key).ok_or(PeelError::Malformed("invalid ephemeral_key"))?;
    let key = LayerKey::for_node(cipher, secret, &ephemeral).ok_or(PeelError::InvalidCiphertext)?;
    let plaintext = key.open(blob).ok_or(PeelError::InvalidCiphertext)?;
    let reply = ReplySealer { key, embed_json: false, base64: true };
    route(&plaintext, &reply, hop_no).ok_or_else(|| PeelError::InvalidJson(Box::new(reply)))
}

fn route(plaintext: &[u8], reply: &ReplySealer, hop_no: u64) -> Option<Peeled> {
    let (body, json) = frame::split(plaintext)?;
    let routing: Routing = serde_json::from_slice(json).ok()?;
    let reply =
        ReplySealer { embed_json: routing.json, base64: routing.base64.unwrap_or(true), ..reply.clone() };
    if routing.headers.0 {
        return Some(Peeled::Final { body: body.to_vec(), reply });
    }
    match routing.host {
        Some(host) => Some(Peeled::Server(ServerRequest {
            host,
            port: routing.port.unwrap_or(443),
            protocol: known_protocol(routing.protocol)?,
            target: routing.target?,
            body: body.to_vec(),
            reply,
        })),
        None => {
            let next = routing.destination?;
            let body = pass_on(body, &routing.ephemeral_key?, routing.enc_type.as_deref(), hop_no)?;
            Some(Peeled::Relay { next, body })
        }
    }
}

/// The frame for the next node. Everything is parsed first, so that it gets only what it can read.
fn pass_on(blob: &[u8], ephemeral_key: &str, enc_type: Option<&str>, hop_no: u64) -> Option<Vec<u8>> {
    #[derive(Serialize)]
    struct Next {
        ephemeral_key: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        enc_type: Option<&'static str>,
        hop_no: u64,
    }
    let next = Next {
        ephemeral_key: hex::encode(key(ephemeral_key)?),
        enc_type: cipher(enc_type)?.enc_type(),
        hop_no: hop_no + 1,
    };
    Some(frame::join(blob, &serde_json::to_vec(&next).ok()?))
}

fn known_protocol(protocol: Option<String>) -> Option<String> {
    let protocol = protocol.unwrap_or_else(|| "https".to_owned());
    matches!(protocol.as_str(), "https" | "http").then_some(protocol)
}

fn cipher(enc_type: Option<&str>) -> Option<Cipher> {
    enc_type.map_or(Some(Cipher::AesGcm), Cipher::from_name)
}

fn key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok()?;
    Some(key)
}

impl ReplySealer {
    /// The HTTP body of an answer: status and body, encrypted, in base64 unless the client wanted it raw.
    ///
    /// `body` is put in as a JSON string, or as it is if the client wanted that and it is JSON.
    pub fn seal(&self, status: u16, body: &str, rng: &mut (impl CryptoRng + ?Sized)) -> Vec<u8> {
        #[derive(Serialize)]
        struct Answer<B> {
            body: B,
            status: u16,
        }
        let embedded = self.embed_json.then(|| serde_json::from_str::<&RawValue>(body).ok()).flatten();
        let json = match embedded {
            Some(body) => serde_json::to_vec(&Answer { body, status }),
            None => serde_json::to_vec(&Answer { body, status }),
        };
        // Neither step fails: a string is always JSON, and an answer is far below a cipher's limit.
        let sealed = json.ok().and_then(|json| self.key.seal(&json, rng)).unwrap_or_default();
        if self.base64 { STANDARD.encode(sealed).into_bytes() } else { sealed }
    }
}
