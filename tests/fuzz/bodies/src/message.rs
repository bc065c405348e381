//! What is stored in a swarm, from the outside in, down to the content.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::PublicKey;
use crypto_box::aead::rand_core as old_rand_core;
use starling_core::unseal;
use starling_protocol::content::{
    MAX_ACK_IDS, MAX_INTRODUCTION_BYTES, MAX_NACKS, MAX_NAME_BYTES, MAX_UNPROTECTED, foreign_message_id,
};
use starling_protocol::envelope::EnvelopeError;
use starling_protocol::sealed::{self, OpenError, Opened};
use starling_protocol::session;
use starling_protocol::{AccountId, Content, MAX_DATA_BYTES};
use starling_protocol::{envelope as envelopes, padding as pads};

use crate::cast::{FRIEND, OURS, dice, mode};
use crate::ratchet::tagged;

/// Bytes of a friend request and of a re-key, before they are padded.
const FILLED_BYTES: usize = 2_878;

/// Envelopes: what is unwrapped can be wrapped again and then says the same.
pub fn envelope(data: &[u8]) -> bool {
    let Ok(found) = envelopes::unwrap(data) else { return false };
    let wrapped = STANDARD.decode(envelopes::wrap(found.content.clone(), found.timestamp)).unwrap();
    match envelopes::unwrap(&wrapped) {
        Ok(again) => assert_eq!(again, found),
        // A wrapping without verb and path leaves room that ours needs.
        Err(error) => assert!(error == EnvelopeError::TooLong && wrapped.len() > MAX_DATA_BYTES),
    }
    true
}

/// How [`session_open`], [`sealed_open`] and [`unseal()`] come to the bytes they open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// As they are.
    Raw,
    /// Sealed to us: content, sender's key and signature are the fuzzer's.
    Sealed,
    /// Signed by a friend and sealed to us: the content is the fuzzer's.
    Signed,
    /// Tagged as a frame by a friend and sealed to us: all before the tag is the fuzzer's.
    Tagged,
}

impl Wrapping {
    fn of(byte: u8) -> Wrapping {
        [Wrapping::Raw, Wrapping::Sealed, Wrapping::Signed, Wrapping::Tagged][usize::from(byte % 4)]
    }

    fn ciphertext(self, data: &[u8]) -> Option<Vec<u8>> {
        match self {
            Wrapping::Raw => Some(data.to_vec()),
            Wrapping::Sealed => Some(sealed(data)),
            Wrapping::Signed => session::seal(data, &FRIEND, &OURS.account_id(), &mut dice()).ok(),
            Wrapping::Tagged => Some(sealed(&tagged(&FRIEND, data))),
        }
    }
}

/// The Session protocol. The first byte chooses the [`Wrapping`] of the rest; what a friend signed and
/// fits opens, and nothing opens that no sender signed.
pub fn session_open(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    let wrapping = Wrapping::of(choice);
    let Some(ciphertext) = wrapping.ciphertext(rest) else { return false };
    let opened = session::open(&ciphertext, &OURS);
    match &opened {
        Ok(opened) => check_sender(opened),
        Err(error) => {
            let fits = ciphertext.len() <= MAX_DATA_BYTES;
            assert!(wrapping != Wrapping::Signed || !fits, "{error} of what a friend signed");
        }
    }
    if let (Ok(opened), Wrapping::Signed) = (&opened, wrapping) {
        assert_eq!((opened.sender, opened.content.as_slice()), (FRIEND.account_id(), rest));
    }
    opened.is_ok()
}

/// What a sealed box holds. The first byte chooses the [`Wrapping`] of the rest; whatever opens is from whom it
/// says, and what a friend signed or tagged is refused for its form alone.
pub fn sealed_open(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    let wrapping = Wrapping::of(choice);
    let Some(ciphertext) = wrapping.ciphertext(rest) else { return false };
    let opened = sealed::open(&ciphertext, &OURS, |peer| OURS.frame_key(peer));
    match &opened {
        Ok(Opened::Session(opened)) => check_sender(opened),
        Ok(Opened::Frame(frame)) => assert_eq!(frame.sender(), FRIEND.account_id()),
        Err(OpenError::Session(session::OpenError::WrongLength)) => {}
        // Signed content may begin like a frame.
        Err(error) => assert!(wrapping != Wrapping::Signed || rest.first() == Some(&0xff), "{error}"),
    }
    opened.is_ok()
}

/// Everything that happens to a message that a node hands out. The first byte chooses whether the rest is
/// base64 already, the wrapped data, or an envelope's content in one of four [`Wrapping`]s.
pub fn unseal(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    let text = match choice % 6 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        1 => STANDARD.encode(rest),
        wrapping => match Wrapping::of(wrapping - 2).ciphertext(rest) {
            Some(ciphertext) => envelopes::wrap(ciphertext, 1_700_000_000_000),
            None => return false,
        },
    };
    match unseal::unseal(&OURS, &text) {
        Ok(Opened::Session(opened)) => {
            check_sender(&opened);
            if let Ok(Some(content)) = Content::decode_basic(&opened.content) {
                foreign_message_id(&opened.sender, content.sent_ms, &opened.content);
            }
        }
        Ok(Opened::Frame(frame)) => assert_eq!(frame.sender(), FRIEND.account_id()),
        Err(_) => return false,
    }
    true
}

/// Content: what is read keeps every limit, is written and read again as the same, and the Session protocol
/// differs from the ratchet only in what it passes over.
pub fn content(data: &[u8]) -> bool {
    let read = Content::decode(data);
    if let Ok(content) = &read {
        check_content(content);
    }
    match Content::decode_basic(data) {
        Ok(Some(basic)) => assert_eq!(read, Ok(basic)),
        Ok(None) => {}
        Err(error) => assert_eq!(read, Err(error)),
    }
    read.is_ok()
}

fn check_content(content: &Content) {
    let encoded = content.encode().unwrap();
    assert_eq!(Content::decode(&encoded).as_ref(), Ok(content));
    assert!(content.body.as_deref() != Some(""));
    assert!(content.name.as_ref().is_none_or(|name| (1..=MAX_NAME_BYTES).contains(&name.len())));
    assert!(content.placement.is_none_or(|place| (1..=place.seq).contains(&place.base)));
    assert!(content.ack.as_ref().is_none_or(|ack| ack.above.len() <= MAX_ACK_IDS));
    assert!(content.nacks.len() <= MAX_NACKS && content.unprotected.len() <= MAX_UNPROTECTED);
    if let Some(request) = &content.request {
        let bundle = content.bundle.as_ref().expect("a request has a bundle");
        assert_eq!((request.ed25519, request.expiry_s), (bundle.owner_ed25519, bundle.offer.expiry_s));
    }
    if content.request.is_some() || content.rekey {
        assert!(content.body.as_ref().is_none_or(|body| body.len() <= MAX_INTRODUCTION_BYTES));
        let bare = content.ack.is_none() && content.nacks.is_empty() && content.unprotected.is_empty();
        assert!(!bare || encoded.len() == FILLED_BYTES);
    }
}

/// Padding: added and removed it leaves the content; removed from anything it leaves a beginning.
pub fn padding(data: &[u8]) -> bool {
    let padded = pads::pad(data);
    assert_eq!(padded.len() % 160, 159);
    assert!(padded.len() - data.len() <= 160);
    assert_eq!(pads::unpad(&padded), data);
    let rest = pads::unpad(data);
    assert!(data.starts_with(rest));
    rest.len() < data.len()
}

/// Whoever is named as the sender is the owner of the key that signed.
fn check_sender(opened: &session::Opened) {
    assert_eq!(AccountId::from_ed25519(&opened.sender_ed25519), Ok(opened.sender));
    assert!(!format!("{opened:?}").contains("content"));
}

/// A sealed box to us around anything, as a hostile sender makes it.
pub(crate) fn sealed(inner: &[u8]) -> Vec<u8> {
    PublicKey::from(OURS.account_id().x25519()).seal(&mut Ones, inner).unwrap()
}

/// A generator for `crypto_box`, which wants the traits of `rand_core` 0.6.
struct Ones;

impl old_rand_core::RngCore for Ones {
    fn next_u32(&mut self) -> u32 {
        0x0101_0101
    }

    fn next_u64(&mut self) -> u64 {
        0x0101_0101_0101_0101
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        dest.fill(1);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), old_rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl old_rand_core::CryptoRng for Ones {}
