//! The client's side: building a request and reading its answer (network-protocol sections 6.3, 6.4).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;
use x25519_dalek::{PublicKey, StaticSecret};

use super::layer::{Cipher, LayerKey};
use super::{MAX_HOP_NO, MAX_REQUEST_BYTES, frame};
use crate::node::NodeKey;

/// The largest answer that is read, in bytes: a full `retrieve` has 7.8 MB, a third more in base64.
const MAX_REPLY_BYTES: usize = 16 * 1_024 * 1_024;

/// Nodes answer with padded base64; whoever repacks it on the way may drop the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A node on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// What the node before it calls it by.
    pub key: NodeKey,
    /// What its layer is encrypted to.
    pub x25519: [u8; 32],
}

/// A request ready to be posted to the first hop's `/onion_req/v2`.
#[derive(Debug)]
pub struct OnionRequest {
    /// The HTTP body.
    pub body: Vec<u8>,
    /// Opens the answer.
    pub reply: ReplyKey,
}

/// Opens the answer to one request; knows nothing else. Erased when dropped.
#[derive(Clone, Debug)]
pub struct ReplyKey(LayerKey);

/// What the destination answered, beneath whatever HTTP status the path gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The destination's status, apart from the HTTP status of the guard.
    pub status: u16,
    /// The destination's body: the text of a JSON string, or JSON that was embedded as it was.
    pub body: Vec<u8>,
}

/// Why a request cannot be built, or its answer not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OnionError {
    /// More hops than a node passes on (16 with the destination).
    #[error("the path has too many hops")]
    PathTooLong,
    /// More than 10 MiB to send, or more than 16 MiB to read.
    #[error("the onion request or its answer is too long")]
    TooLong,
    /// A hop whose key has small order.
    #[error("the key of a hop cannot receive secrets")]
    WeakHop,
    /// An answer that is not base64: an error of the path, in plain text.
    #[error("the answer is not encrypted")]
    NotEncrypted,
    /// An answer that was not made for this request, or was changed.
    #[error("the answer does not open with the key of this request")]
    Undecryptable,
    /// A decrypted answer without a status between 100 and 999 and a body.
    #[error("the answer has no status and body")]
    Malformed,
}

/// The outermost JSON: how to open the first layer.
#[derive(Serialize)]
struct Outer {
    ephemeral_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    enc_type: Option<&'static str>,
}

/// A relay's JSON: where the blob goes, and how it is opened there.
#[derive(Serialize)]
struct Routing {
    destination: NodeKey,
    #[serde(flatten)]
    outer: Outer,
}

/// A blob and the public key it was encrypted with.
struct Sealed {
    blob: Vec<u8>,
    outer: Outer,
    key: LayerKey,
}

/// Encrypts `body` (a JSON request) for `destination`, to travel by `relays` in order, first the guard.
///
/// Draws from `rng`, for the destination and then for the relays from last to first: 32 bytes for the
/// ephemeral key, then the nonce.
///
/// # Errors
/// [`OnionError::PathTooLong`], [`OnionError::TooLong`] or [`OnionError::WeakHop`].
pub fn build(
    relays: &[Hop],
    destination: &Hop,
    body: &[u8],
    cipher: Cipher,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<OnionRequest, OnionError> {
    if relays.len() as u64 > MAX_HOP_NO {
        return Err(OnionError::PathTooLong);
    }
    if body.len() > MAX_REQUEST_BYTES {
        return Err(OnionError::TooLong);
    }
    let inner = frame::join(body, br#"{"headers":""}"#);
    let mut sealed = seal_for(destination, &inner, cipher, rng)?;
    let reply = ReplyKey(sealed.key);
    let mut next = destination.key;
    for relay in relays.iter().rev() {
        let routing = to_json(&Routing { destination: next, outer: sealed.outer });
        sealed = seal_for(relay, &frame::join(&sealed.blob, &routing), cipher, rng)?;
        next = relay.key;
    }
    let body = frame::join(&sealed.blob, &to_json(&sealed.outer));
    if body.len() > MAX_REQUEST_BYTES { Err(OnionError::TooLong) } else { Ok(OnionRequest { body, reply }) }
}

fn seal_for(
    hop: &Hop,
    plaintext: &[u8],
    cipher: Cipher,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Sealed, OnionError> {
    let ephemeral = StaticSecret::random_from_rng(rng);
    let public = PublicKey::from(&ephemeral);
    let key = LayerKey::for_client(cipher, &ephemeral, &public, &hop.x25519).ok_or(OnionError::WeakHop)?;
    let blob = key.seal(plaintext, rng).ok_or(OnionError::TooLong)?;
    let ephemeral_key = hex::encode(public);
    Ok(Sealed { blob, outer: Outer { ephemeral_key, enc_type: cipher.enc_type() }, key })
}

/// Structs of strings always become JSON.
fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

impl ReplyKey {
    /// Opens the HTTP body of an answer: base64, bare or as the `result` of a JSON object.
    ///
    /// # Errors
    /// [`OnionError::NotEncrypted`] if the path answered in plain text, otherwise what is wrong.
    pub fn open(&self, http_body: &[u8]) -> Result<Reply, OnionError> {
        if http_body.len() > MAX_REPLY_BYTES {
            return Err(OnionError::TooLong);
        }
        let wrapped = serde_json::from_slice::<Wrapped<'_>>(http_body);
        let text = wrapped.as_ref().map_or(http_body, |wrapped| wrapped.result.as_bytes());
        let sealed = BASE64.decode(text.trim_ascii()).map_err(|_| OnionError::NotEncrypted)?;
        let plaintext = self.0.open(&sealed).ok_or(OnionError::Undecryptable)?;
        parse_reply(&plaintext).ok_or(OnionError::Malformed)
    }
}

/// The shape push servers give an answer.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    result: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(alias = "status_code")]
    status: u16,
    #[serde(borrow)]
    body: &'a RawValue,
}

fn parse_reply(plaintext: &[u8]) -> Option<Reply> {
    let Answer { status, body } = serde_json::from_slice(plaintext).ok()?;
    let text = body.get();
    // A string is a body in quotes, anything else was embedded.
    let body = if text.starts_with('"') { serde_json::from_str(text).ok()? } else { text.to_owned() };
    (100..1_000).contains(&status).then(|| Reply { status, body: body.into_bytes() })
}
