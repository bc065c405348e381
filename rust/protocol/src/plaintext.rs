//! The plaintext of an Olm message: who, to whom, where, and the content (extensions section 3).
//!
//! ```text
//! sender id (33) | recipient id (33) | pair epoch | stream | seq | clock | base (8 each, big-endian)
//!   | message id (16) | [acceptor's Ed25519 key (32) | accept signature (64), prekey frames only] | Content
//! ```
//!
//! The ids and the epoch are compared with what the session is known to be, so that a session set up under a
//! false name is noticed (unknown key share).

use thiserror::Error;
use zeroize::Zeroizing;

use crate::accept::AcceptProof;
use crate::account::AccountId;
use crate::content::{Content, ContentError, Placement};
use crate::frame::largest_olm;

/// Bytes before the content in a normal frame.
const HEADER_BYTES: usize = 33 + 33 + 5 * 8 + 16;
/// Bytes more before the content in a prekey frame.
const PROOF_BYTES: usize = 32 + 64;
/// What an Olm message adds to its plaintext at most: version (1), ratchet key (34), chain index (11),
/// tag, length (4) and padding (16) of the ciphertext, full MAC (32).
const OLM_BYTES: usize = 1 + 34 + 11 + 4 + 16 + 32;
/// What an Olm prekey message adds to that: version (1), three keys (34 each), tag and length of the message (4).
const OLM_PREKEY_BYTES: usize = 1 + 3 * 34 + 4;

/// What is encrypted with a session's ratchet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plaintext {
    /// Who wrote it.
    pub sender: AccountId,
    /// For whom.
    pub recipient: AccountId,
    /// The pair epoch of the bundle that the session was made from.
    pub epoch: u64,
    /// Its place. Position 0 is content without one, which is not durable: acks, nacks, presence, typing.
    pub placement: Placement,
    /// The accept, in prekey frames.
    pub accept: Option<AcceptProof>,
    /// What it says. Its own placement is not used.
    pub content: Content,
}

/// What is known of a session before one of its messages is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The account whose tag the frame has.
    pub sender: AccountId,
    /// We.
    pub recipient: AccountId,
    /// The pair epoch of the bundle that the session was made from.
    pub epoch: u64,
    /// Whether the frame is of the prekey kind.
    pub prekey: bool,
}

/// Why a plaintext is rejected although it decrypted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlaintextError {
    /// Shorter than its header.
    #[error("the plaintext is shorter than its header")]
    TooShort,
    /// Written by, or in the name of, another account than the frame's sender.
    #[error("the plaintext names another sender than its frame")]
    OtherSender,
    /// Written to somebody else.
    #[error("the plaintext is for another account")]
    OtherRecipient,
    /// Written for a session of another bundle.
    #[error("the plaintext is of another pair epoch than its session")]
    OtherEpoch,
    /// The base of a durable message is not from 1 to its seq.
    #[error("the place of the message is not valid")]
    BadPlacement,
    /// The header is good, the content is not.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl Plaintext {
    /// The bytes to encrypt.
    ///
    /// # Errors
    /// [`ContentError`] if the content exceeds a limit.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, ContentError> {
        let content = Zeroizing::new(self.content.encode()?);
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEADER_BYTES + PROOF_BYTES + content.len()));
        bytes.extend(self.sender.as_bytes());
        bytes.extend(self.recipient.as_bytes());
        let Placement { message_id, stream, seq, clock, base } = self.placement;
        for number in [self.epoch, stream, seq, clock, base] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(message_id);
        if let Some(AcceptProof { ed25519, signature }) = &self.accept {
            bytes.extend(ed25519);
            bytes.extend(signature);
        }
        bytes.extend_from_slice(&content);
        Ok(bytes)
    }

    /// Reads decrypted bytes and compares them with what is known of the session.
    ///
    /// # Errors
    /// [`PlaintextError`].
    pub fn decode(bytes: &[u8], expected: &Expected) -> Result<Self, PlaintextError> {
        let (sender, rest) = split::<33>(bytes)?;
        let (recipient, rest) = split::<33>(rest)?;
        let (epoch, rest) = number(rest)?;
        let (placement, rest) = placement(rest)?;
        let (accept, rest) = if expected.prekey { proof(rest)? } else { (None, rest) };
        if sender != expected.sender.as_bytes() {
            return Err(PlaintextError::OtherSender);
        }
        if recipient != expected.recipient.as_bytes() {
            return Err(PlaintextError::OtherRecipient);
        }
        if epoch != expected.epoch {
            return Err(PlaintextError::OtherEpoch);
        }
        if placement.seq != 0 && !placement.is_in_order() {
            return Err(PlaintextError::BadPlacement);
        }
        let Expected { sender, recipient, .. } = *expected;
        Ok(Self { sender, recipient, epoch, placement, accept, content: Content::decode(rest)? })
    }
}

/// The longest content that surely fits a frame, in bytes.
pub fn largest_content(prekey: bool) -> usize {
    let around = if prekey { OLM_PREKEY_BYTES + PROOF_BYTES } else { 0 };
    largest_olm(prekey) - OLM_BYTES - HEADER_BYTES - around
}

fn placement(bytes: &[u8]) -> Result<(Placement, &[u8]), PlaintextError> {
    let (stream, rest) = number(bytes)?;
    let (seq, rest) = number(rest)?;
    let (clock, rest) = number(rest)?;
    let (base, rest) = number(rest)?;
    let (message_id, rest) = split::<16>(rest)?;
    Ok((Placement { message_id: *message_id, stream, seq, clock, base }, rest))
}

fn proof(bytes: &[u8]) -> Result<(Option<AcceptProof>, &[u8]), PlaintextError> {
    let (ed25519, rest) = split::<32>(bytes)?;
    let (signature, rest) = split::<64>(rest)?;
    Ok((Some(AcceptProof { ed25519: *ed25519, signature: *signature }), rest))
}

fn number(bytes: &[u8]) -> Result<(u64, &[u8]), PlaintextError> {
    let (number, rest) = split::<8>(bytes)?;
    Ok((u64::from_be_bytes(*number), rest))
}

fn split<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), PlaintextError> {
    bytes.split_first_chunk().ok_or(PlaintextError::TooShort)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;
    use crate::content::{Ack, largest_body};
    use crate::envelope::MAX_DATA_BYTES;

    fn id(byte: u8) -> AccountId {
        AccountId::from_bytes(&[&[5], &[byte; 32][..]].concat()).unwrap()
    }

    fn plaintext(prekey: bool) -> Plaintext {
        Plaintext {
            sender: id(1),
            recipient: id(2),
            epoch: 3,
            placement: Placement { message_id: [7; 16], stream: 4, seq: 9, clock: 12, base: 5 },
            accept: prekey.then_some(AcceptProof { ed25519: [8; 32], signature: [9; 64] }),
            content: Content { body: Some("hello".to_owned()), sent_ms: 6, ..Content::default() },
        }
    }

    fn expected(prekey: bool) -> Expected {
        Expected { sender: id(1), recipient: id(2), epoch: 3, prekey }
    }

    fn decode(plaintext: &Plaintext, expected: &Expected) -> Result<Plaintext, PlaintextError> {
        Plaintext::decode(&plaintext.encode().unwrap(), expected)
    }

    #[test]
    fn decode_undoes_encode() {
        for prekey in [false, true] {
            let plaintext = plaintext(prekey);
            assert_eq!(decode(&plaintext, &expected(prekey)), Ok(plaintext));
        }
    }

    #[test]
    fn the_header_is_as_long_as_the_room_left_for_it() {
        for (prekey, header) in [(false, HEADER_BYTES), (true, HEADER_BYTES + PROOF_BYTES)] {
            let plaintext = plaintext(prekey);
            let content = plaintext.content.encode().unwrap().len();
            assert_eq!(plaintext.encode().unwrap().len() - content, header);
        }
    }

    /// Attack (unknown key share): a session was set up under a false name, or a frame redirected.
    #[test]
    fn sender_recipient_and_epoch_must_match() {
        let known = expected(false);
        let other = |expected| decode(&plaintext(false), &expected).err();
        assert_eq!(other(Expected { sender: id(3), ..known }), Some(PlaintextError::OtherSender));
        assert_eq!(other(Expected { recipient: id(3), ..known }), Some(PlaintextError::OtherRecipient));
        assert_eq!(other(Expected { epoch: 4, ..known }), Some(PlaintextError::OtherEpoch));
    }

    #[test]
    fn signals_have_no_position_and_durable_messages_a_valid_one() {
        let placed = |seq, base| {
            let mut plaintext = plaintext(false);
            plaintext.placement = Placement { seq, base, ..plaintext.placement };
            decode(&plaintext, &expected(false)).err()
        };
        assert_eq!(placed(0, 5), None);
        assert_eq!(placed(5, 5), None);
        assert_eq!(placed(4, 5), Some(PlaintextError::BadPlacement));
        assert_eq!(placed(4, 0), Some(PlaintextError::BadPlacement));
    }

    #[test]
    fn bad_content_is_told_from_a_bad_header() {
        let bytes = plaintext(false).encode().unwrap();
        let timeless = Plaintext::decode(&bytes[..HEADER_BYTES], &expected(false));
        assert_eq!(timeless, Err(PlaintextError::Content(ContentError::NoTime)));
        let torn = Plaintext::decode(&bytes[..HEADER_BYTES - 1], &expected(false));
        assert_eq!(torn, Err(PlaintextError::TooShort));
        let ack = Ack { above: vec![[0; 16]; 257], ..Ack::default() };
        let content = Content { ack: Some(ack), ..Content::default() };
        assert_eq!(Plaintext { content, ..plaintext(false) }.encode(), Err(ContentError::BadAck));
    }

    #[test]
    fn the_largest_body_fits_a_prekey_frame() {
        let content =
            Content { body: Some("x".repeat(largest_body())), sent_ms: u64::MAX, ..Content::default() };
        assert!(content.encode().unwrap().len() <= largest_content(true));
        assert!(largest_content(true) < largest_content(false) && largest_body() > MAX_DATA_BYTES - 2_000);
    }

    proptest! {
        #[test]
        fn hostile_plaintexts_are_harmless(
            noise in prop::collection::vec(any::<u8>(), 0..400),
            place in any::<prop::sample::Index>(),
            bit in 0..8,
            prekey: bool,
        ) {
            let _ = Plaintext::decode(&noise, &expected(prekey));
            let mut bytes = plaintext(prekey).encode().unwrap();
            let place = place.index(bytes.len());
            let _ = Plaintext::decode(&bytes[..place], &expected(prekey));
            bytes[place] ^= 1u8 << bit;
            let _ = Plaintext::decode(&bytes, &expected(prekey));
        }
    }
}
