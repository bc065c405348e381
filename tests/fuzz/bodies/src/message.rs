//! What is stored in a swarm, from the outside in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::PublicKey;
use crypto_box::aead::rand_core as old_rand_core;
use starling_core::unseal;
use starling_protocol::envelope::EnvelopeError;
use starling_protocol::session::{self, Opened};
use starling_protocol::text::foreign_message_id;
use starling_protocol::{AccountId, MAX_DATA_BYTES, Text};
use starling_protocol::{envelope as envelopes, padding as pads};

use crate::cast::{FRIEND, OURS, dice, mode};

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

/// How [`session_open`] and [`unseal()`] come to the bytes they open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// As they are.
    Raw,
    /// Sealed to us: content, sender's key and signature are the fuzzer's.
    Sealed,
    /// Signed by a friend and sealed to us: the content is the fuzzer's.
    Signed,
}

impl Wrapping {
    fn of(byte: u8) -> Wrapping {
        [Wrapping::Raw, Wrapping::Sealed, Wrapping::Signed][usize::from(byte % 3)]
    }

    fn ciphertext(self, data: &[u8]) -> Option<Vec<u8>> {
        match self {
            Wrapping::Raw => Some(data.to_vec()),
            Wrapping::Sealed => Some(sealed(data)),
            Wrapping::Signed => session::seal(data, &FRIEND, &OURS.account_id(), &mut dice()).ok(),
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

/// Everything that happens to a message that a node hands out. The first byte chooses whether the rest is
/// base64 already, the wrapped data, or an envelope's content in one of three [`Wrapping`]s.
pub fn unseal(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    let text = match choice % 5 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        1 => STANDARD.encode(rest),
        wrapping => match Wrapping::of(wrapping - 2).ciphertext(rest) {
            Some(ciphertext) => envelopes::wrap(ciphertext, 1_700_000_000_000),
            None => return false,
        },
    };
    let Ok(opened) = unseal::unseal(&OURS, &text) else { return false };
    check_sender(&opened);
    if let Ok(text) = Text::decode(&opened.content) {
        foreign_message_id(&opened.sender, text.sent_ms, &opened.content);
    }
    true
}

/// Content: a text that is read is written and read again as the same text.
pub fn text(data: &[u8]) -> bool {
    let Ok(text) = Text::decode(data) else { return false };
    assert!(!text.body.is_empty());
    if let Some(placement) = text.placement {
        assert!(1 <= placement.base && placement.base <= placement.seq);
    }
    assert_eq!(Text::decode(&text.encode()).as_ref(), Ok(&text));
    true
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
fn check_sender(opened: &Opened) {
    assert_eq!(AccountId::from_ed25519(&opened.sender_ed25519), Ok(opened.sender));
    assert!(!format!("{opened:?}").contains("content"));
}

/// A sealed box to us around anything, as a hostile sender makes it.
fn sealed(inner: &[u8]) -> Vec<u8> {
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
