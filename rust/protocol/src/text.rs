//! The content of a text message (network-protocol section 7.3, extensions section 3).

use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest as _};
use prost::Message as _;
use thiserror::Error;

use crate::account::AccountId;
use crate::envelope::wrapped_len;
use crate::padding::longest_content;
use crate::{proto, session};

pub use crate::envelope::MAX_DATA_BYTES;

/// The place of a message in its conversation, absent from messages of Session clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Names the message together with its sender.
    pub message_id: [u8; 16],
    /// Network seconds at which the sender's installation first wrote to us.
    pub stream: u64,
    /// Position in the stream, from 1.
    pub seq: u64,
    /// Lamport clock of the conversation.
    pub clock: u64,
    /// Lowest position of the stream still unacknowledged: from 1 to `seq`, as this message is one.
    pub base: u64,
}

/// A text message, as it is before sealing and after opening.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// What was written.
    pub body: String,
    /// Milliseconds; when, by the sender's word.
    pub sent_ms: u64,
    /// Where it belongs; `None` if the sender is a Session client.
    pub placement: Option<Placement>,
}

/// Why content is not a text message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Not a protobuf of the network.
    #[error("the content cannot be read: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// Something else: a receipt, a typing notice, an attachment alone, a copy from a linked device.
    #[error("the content is not a text message")]
    NotText,
    /// A text that does not say when it was sent.
    #[error("the text message has no time")]
    NoTime,
    /// A placement that lacks a field, whose id has not 16 bytes, or whose base is not from 1 to its seq.
    #[error("the placement of the text message is not valid")]
    BadPlacement,
}

impl Text {
    /// The content (protobuf) of this text.
    pub fn encode(&self) -> Vec<u8> {
        self.to_content().encode_to_vec()
    }

    /// Reads the content (protobuf, without padding) of a message.
    ///
    /// # Errors
    /// [`TextError::NotText`] for other kinds of content, otherwise what is wrong with the text.
    pub fn decode(content: &[u8]) -> Result<Self, TextError> {
        let content = proto::Content::decode(content)?;
        let message = content.data_message.ok_or(TextError::NotText)?;
        let body = message.body.filter(|body| !body.is_empty()).ok_or(TextError::NotText)?;
        if message.sync_target.is_some() {
            return Err(TextError::NotText);
        }
        let sent_ms = content.sig_timestamp.or(message.timestamp).ok_or(TextError::NoTime)?;
        let placement = content.starling.map(Placement::try_from).transpose()?;
        Ok(Self { body, sent_ms, placement })
    }

    fn to_content(&self) -> proto::Content {
        proto::Content {
            data_message: Some(proto::DataMessage {
                body: Some(self.body.clone()),
                timestamp: Some(self.sent_ms),
                sync_target: None,
            }),
            sig_timestamp: Some(self.sent_ms),
            starling: self.placement.map(proto::StarlingInfo::from),
        }
    }
}

impl core::fmt::Debug for Text {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Text").field("placement", &self.placement).finish_non_exhaustive()
    }
}

impl From<Placement> for proto::StarlingInfo {
    fn from(placement: Placement) -> Self {
        Self {
            message_id: Some(placement.message_id.to_vec()),
            stream: Some(placement.stream),
            seq: Some(placement.seq),
            clock: Some(placement.clock),
            base: Some(placement.base),
        }
    }
}

impl TryFrom<proto::StarlingInfo> for Placement {
    type Error = TextError;

    fn try_from(info: proto::StarlingInfo) -> Result<Self, TextError> {
        let number = |field: Option<u64>| field.ok_or(TextError::BadPlacement);
        let message_id = info.message_id.unwrap_or_default().try_into();
        let placement = Self {
            message_id: message_id.map_err(|_| TextError::BadPlacement)?,
            stream: number(info.stream)?,
            seq: number(info.seq)?,
            clock: number(info.clock)?,
            base: number(info.base)?,
        };
        // Positions count from one, and a message cannot follow what is not yet written.
        let in_order = (1..=placement.seq).contains(&placement.base);
        if in_order { Ok(placement) } else { Err(TextError::BadPlacement) }
    }
}

/// The id of a message whose sender has no ids, a Session client: BLAKE2b-128 over the sender's 33 bytes,
/// the time it was sent (8 bytes, big-endian) and the content without padding (extensions section 3).
pub fn foreign_message_id(sender: &AccountId, sig_timestamp: u64, plaintext: &[u8]) -> [u8; 16] {
    let hasher = Blake2b::<U16>::new().chain_update(sender.as_bytes());
    hasher.chain_update(sig_timestamp.to_be_bytes()).chain_update(plaintext).finalize().into()
}

/// The most bytes of text that surely fit one stored message, whatever its time and placement.
pub fn largest_body() -> usize {
    let wrapping = wrapped_len(MAX_DATA_BYTES) - MAX_DATA_BYTES;
    let content = longest_content(MAX_DATA_BYTES - wrapping - session::OVERHEAD);
    let numbers =
        Placement { message_id: [0; 16], stream: u64::MAX, seq: u64::MAX, clock: u64::MAX, base: u64::MAX };
    // As long as all the content, so that its length prefixes are as long as they get.
    let text = Text { body: "x".repeat(content), sent_ms: u64::MAX, placement: Some(numbers) };
    let around_body = text.to_content().encoded_len() - content;
    content - around_body
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::account::{AccountKeys, Seed};
    use crate::envelope::wrap;

    fn text(body: &str) -> Text {
        let placement = Placement { message_id: [7; 16], stream: 1_700_000_000, seq: 9, clock: 12, base: 3 };
        Text { body: body.to_owned(), sent_ms: 1_700_000_000_123, placement: Some(placement) }
    }

    fn stored_len(text: &Text) -> usize {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let keys = AccountKeys::from_seed(&Seed::generate(&mut rng));
        let sealed = session::seal(&text.encode(), &keys, &keys.account_id(), &mut rng).unwrap();
        STANDARD.decode(wrap(sealed, text.sent_ms)).unwrap().len()
    }

    #[test]
    fn the_largest_body_fits_and_one_block_more_does_not() {
        let worst =
            Placement { message_id: [0; 16], stream: u64::MAX, seq: u64::MAX, clock: u64::MAX, base: 1 };
        let mut text = text(&"x".repeat(largest_body()));
        assert!(stored_len(&text) <= MAX_DATA_BYTES);
        text.placement = Some(Placement { base: u64::MAX, ..worst });
        text.sent_ms = u64::MAX;
        assert!(stored_len(&text) <= MAX_DATA_BYTES);
        text.body.push('x');
        assert!(stored_len(&text) > MAX_DATA_BYTES);
    }

    #[test]
    fn a_session_client_has_no_placement() {
        let text = Text { placement: None, ..text("hello") };
        assert_eq!(Text::decode(&text.encode()), Ok(text));
    }

    #[test]
    fn other_content_is_not_text() {
        let typing = [0x32, 0x04, 0x08, 0x01, 0x10, 0x00];
        assert_eq!(Text::decode(&typing), Err(TextError::NotText));
        assert_eq!(Text::decode(&[]), Err(TextError::NotText));
        assert_eq!(Text::decode(&text("").encode()), Err(TextError::NotText));
        let mut copy = text("hello").to_content();
        copy.data_message.as_mut().unwrap().sync_target = Some("05".to_owned());
        assert_eq!(Text::decode(&copy.encode_to_vec()), Err(TextError::NotText));
    }

    #[test]
    fn time_comes_from_either_field_or_is_missed() {
        let mut content = text("hello").to_content();
        content.sig_timestamp = None;
        assert_eq!(Text::decode(&content.encode_to_vec()), Ok(text("hello")));
        content.data_message.as_mut().unwrap().timestamp = None;
        assert_eq!(Text::decode(&content.encode_to_vec()), Err(TextError::NoTime));
    }

    #[test]
    fn bad_placements_are_refused() {
        let change = |change: fn(&mut proto::StarlingInfo)| {
            let mut content = text("hello").to_content();
            change(content.starling.as_mut().unwrap());
            Text::decode(&content.encode_to_vec())
        };
        assert_eq!(change(|_| ()), Ok(text("hello")));
        assert_eq!(change(|info| info.message_id = Some(vec![1; 15])), Err(TextError::BadPlacement));
        assert_eq!(change(|info| info.message_id = None), Err(TextError::BadPlacement));
        assert_eq!(change(|info| info.base = Some(10)), Err(TextError::BadPlacement));
        assert_eq!(change(|info| info.base = Some(0)), Err(TextError::BadPlacement));
        assert_eq!(change(|info| info.clock = None), Err(TextError::BadPlacement));
    }

    #[test]
    fn foreign_ids_depend_on_everything() {
        let sender = |byte| AccountId::from_bytes(&[&[5], &[byte; 32][..]].concat()).unwrap();
        let id = foreign_message_id(&sender(1), 5, b"text");
        assert_eq!(id, foreign_message_id(&sender(1), 5, b"text"));
        assert_ne!(id, foreign_message_id(&sender(2), 5, b"text"));
        assert_ne!(id, foreign_message_id(&sender(1), 6, b"text"));
        assert_ne!(id, foreign_message_id(&sender(1), 5, b"test"));
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(body in ".+", sent_ms: u64, stream: u64, clock: u64, seq in 1..u64::MAX) {
            let placement = Placement { message_id: [9; 16], stream, seq, clock, base: seq };
            let text = Text { body, sent_ms, placement: Some(placement) };
            prop_assert_eq!(Text::decode(&text.encode()), Ok(text));
        }

        #[test]
        fn hostile_content_is_harmless(
            noise in prop::collection::vec(any::<u8>(), 0..200),
            place in any::<prop::sample::Index>(),
            bit in 0..8,
        ) {
            let _ = Text::decode(&noise);
            let mut content = text("hello").encode();
            let place = place.index(content.len());
            let _ = Text::decode(&content[..place]);
            content[place] ^= 1u8 << bit;
            let _ = Text::decode(&content);
        }
    }
}
