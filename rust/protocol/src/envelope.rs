//! The wrapping every stored message has, whatever its encryption (network-protocol sections 7.1, 7.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use thiserror::Error;

use crate::proto;

pub use crate::rpc::MAX_STORE_BYTES as MAX_DATA_BYTES;

/// The envelope type of a message between two accounts.
const SESSION_MESSAGE: u32 = 6;

/// An encrypted message with the time its sender gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Milliseconds; the sender's word for it.
    pub timestamp: u64,
    /// Ciphertext of the Session protocol, or a frame inside a sealed box.
    pub content: Vec<u8>,
}

/// Why stored data is not a message between accounts.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// More than [`MAX_DATA_BYTES`].
    #[error("the data is longer than a node stores")]
    TooLong,
    /// Not the protobuf it should be.
    #[error("the data is not a message: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// Not a request, or a request without a body.
    #[error("the data is not a request with a body")]
    NotARequest,
    /// Another kind of envelope, such as a closed group's.
    #[error("envelopes of type {0} are not messages between accounts")]
    OtherType(u32),
    /// An envelope without type, timestamp or content.
    #[error("the envelope is incomplete")]
    Incomplete,
}

/// Wraps encrypted content: the base64 text that becomes the `data` of a store request.
pub fn wrap(content: Vec<u8>, timestamp_ms: u64) -> String {
    STANDARD.encode(message(content, timestamp_ms).encode_to_vec())
}

/// Unwraps stored data, base64 already decoded.
///
/// # Errors
/// [`EnvelopeError`].
pub fn unwrap(data: &[u8]) -> Result<Envelope, EnvelopeError> {
    if data.len() > MAX_DATA_BYTES {
        return Err(EnvelopeError::TooLong);
    }
    let message = proto::WebSocketMessage::decode(data)?;
    if message.r#type() != proto::web_socket_message::Type::Request {
        return Err(EnvelopeError::NotARequest);
    }
    let body = message.request.and_then(|request| request.body).ok_or(EnvelopeError::NotARequest)?;
    let envelope = proto::Envelope::decode(body.as_slice())?;
    match (envelope.r#type, envelope.timestamp, envelope.content) {
        (Some(SESSION_MESSAGE), Some(timestamp), Some(content)) => Ok(Envelope { timestamp, content }),
        (None | Some(SESSION_MESSAGE), _, _) => Err(EnvelopeError::Incomplete),
        (Some(other), _, _) => Err(EnvelopeError::OtherType(other)),
    }
}

/// The length of decoded data that carries `content` bytes, at most (the timestamp's length varies).
pub(crate) fn wrapped_len(content: usize) -> usize {
    wrapped_len_at(content, u64::MAX)
}

/// How much encrypted content makes decoded data of exactly `data` bytes.
///
/// `data` is one of [`crate::frame::DATA_BYTES`]: none of them lies so close above a power of 128 that a
/// length prefix inside would be shorter than for `data` itself.
pub(crate) fn content_len(data: usize, timestamp_ms: u64) -> usize {
    data - (wrapped_len_at(data, timestamp_ms) - data)
}

fn wrapped_len_at(content: usize, timestamp_ms: u64) -> usize {
    // Every field has a number below 16, so a tag of one byte.
    let field = |length: usize| 1 + prost::length_delimiter_len(length) + length;
    let envelope = envelope(None, timestamp_ms).encoded_len() + field(content);
    let request = request(None).encoded_len() + field(envelope);
    web_socket(None).encoded_len() + field(request)
}

fn message(content: Vec<u8>, timestamp_ms: u64) -> proto::WebSocketMessage {
    let envelope = envelope(Some(content), timestamp_ms);
    web_socket(Some(request(Some(envelope.encode_to_vec()))))
}

fn envelope(content: Option<Vec<u8>>, timestamp_ms: u64) -> proto::Envelope {
    proto::Envelope { r#type: Some(SESSION_MESSAGE), timestamp: Some(timestamp_ms), content }
}

fn request(body: Option<Vec<u8>>) -> proto::WebSocketRequestMessage {
    proto::WebSocketRequestMessage {
        verb: Some("PUT".to_owned()),
        path: Some("/api/v1/message".to_owned()),
        body,
        id: Some(0),
    }
}

fn web_socket(request: Option<proto::WebSocketRequestMessage>) -> proto::WebSocketMessage {
    proto::WebSocketMessage { r#type: Some(proto::web_socket_message::Type::Request.into()), request }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    fn data(content: &[u8]) -> Vec<u8> {
        STANDARD.decode(wrap(content.to_vec(), 1_700_000_000_000)).unwrap()
    }

    #[test]
    fn looks_like_every_session_message() {
        assert!(wrap(vec![0; 303], 1_700_000_000_000).starts_with("CAES"));
    }

    #[test]
    fn other_messages_are_told_apart() {
        assert_eq!(unwrap(&[]), Err(EnvelopeError::NotARequest));
        assert_eq!(unwrap(&[8, 1]), Err(EnvelopeError::NotARequest));
        assert_eq!(unwrap(&[8, 1, 18, 2, 26, 0]), Err(EnvelopeError::Incomplete));
        assert_eq!(unwrap(&[8, 1, 18, 4, 26, 2, 8, 7]), Err(EnvelopeError::OtherType(7)));
        assert_eq!(unwrap(&vec![0; MAX_DATA_BYTES + 1]), Err(EnvelopeError::TooLong));
        let mut response = data(b"content");
        response[1] = 2;
        assert_eq!(unwrap(&response), Err(EnvelopeError::NotARequest));
    }

    #[test]
    fn huge_lengths_are_refused() {
        let claims = [&[18][..], &[0xff; 9], &[1]].concat();
        assert!(matches!(unwrap(&claims), Err(EnvelopeError::Malformed(_))));
    }

    proptest! {
        #[test]
        fn unwrap_undoes_wrap(content in prop::collection::vec(any::<u8>(), 0..500), timestamp: u64) {
            let data = STANDARD.decode(wrap(content.clone(), timestamp)).unwrap();
            prop_assert!(data.len() <= wrapped_len(content.len()));
            prop_assert_eq!(unwrap(&data), Ok(Envelope { timestamp, content }));
        }

        #[test]
        fn hostile_data_is_harmless(
            noise in prop::collection::vec(any::<u8>(), 0..200),
            place in any::<prop::sample::Index>(),
            bit in 0..8,
        ) {
            let _ = unwrap(&noise);
            let mut data = data(b"content");
            let place = place.index(data.len());
            let _ = unwrap(&data[..place]);
            data[place] ^= 1u8 << bit;
            let _ = unwrap(&data);
        }
    }
}
