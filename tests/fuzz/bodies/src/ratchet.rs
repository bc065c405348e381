//! What sessions are made of and what travels on them: bundles, frames, plaintexts, Olm messages, pickles.

use std::sync::LazyLock;

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit as _, Nonce, Payload};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use starling_protocol::AccountKeys;
use starling_protocol::bundle::{Bundle, BundleError, LIFE_S};
use starling_protocol::frame::{BoxError, Frame, FrameError};
use starling_protocol::hybrid::{BoxKey, Handshake};
use starling_protocol::plaintext::{Expected, Plaintext};
use starling_ratchet::{Kind, MAX_MESSAGE_BYTES, OlmMessage, Prekeys, Session};

use crate::cast::{FRIEND, OURS, dice, mode};

/// The pair epoch of every session of the cast.
pub const EPOCH: u64 = 1_700_000_000;

/// The key of the boxes in frames to us.
const BOX_KEY: [u8; 32] = [6; 32];

/// A session with the friend, and the prekeys it was made from.
static HELD: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    ["session", "prekeys"].map(|name| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../seeds/pickle/").to_owned() + name;
        let seed = std::fs::read(path).expect("the seeds are there");
        seed[1..].to_vec()
    })
});

/// Bundles: what is read is written the same again; one that holds is the friend's, for us and in time, and
/// its key can be encapsulated to. Signed by the friend it is refused for what it says, never for who says it.
pub fn bundle(data: &[u8]) -> bool {
    let Ok(bundle) = Bundle::decode(data) else { return false };
    assert_eq!(Bundle::decode(&bundle.encode()).as_ref(), Ok(&bundle));
    let (friend, us, key) = (FRIEND.account_id(), OURS.account_id(), FRIEND.ed25519_public());
    if bundle.verify(&friend, &us, None).is_ok() {
        check_bundle(&bundle);
    }
    let signed = Bundle::sign(bundle.offer.clone(), &FRIEND);
    match signed.verify(&friend, &us, Some(&key)) {
        Ok(()) => check_bundle(&signed),
        Err(error) => {
            let said = [BundleError::OtherRecipient, BundleError::BadLife, BundleError::WeakKey];
            assert!(said.contains(&error), "{error} of what a friend signed");
        }
    }
    true
}

fn check_bundle(bundle: &Bundle) {
    let offer = &bundle.offer;
    assert_eq!((bundle.owner, offer.recipient), (FRIEND.account_id(), OURS.account_id()));
    assert!(offer.created_s < offer.expiry_s && offer.expiry_s - offer.created_s <= LIFE_S);
    let acceptor = OURS.account_id();
    let handshake = Handshake { bundle_hash: bundle.hash(), session_id: [5; 32], acceptor };
    assert!(handshake.encapsulate(&offer.kem_key, &mut dice()).is_ok());
}

/// How [`ratchet_frame`] comes to the bytes it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Making {
    /// As they are.
    Raw,
    /// Tagged by the friend.
    Tagged,
    /// What is in the box of a frame that the friend tagged: length, Olm message, zeros.
    Boxed,
}

/// Frames. The first byte chooses how the rest becomes one. What is read is the friend's, and says the same
/// when it is read again; a box made under our key is refused for its padding alone.
pub fn ratchet_frame(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    let making = [Making::Raw, Making::Tagged, Making::Boxed][usize::from(choice % 3)];
    let bytes = match making {
        Making::Raw => rest.to_vec(),
        Making::Tagged => tagged(&FRIEND, rest),
        Making::Boxed => tagged(&FRIEND, &boxed(rest, choice / 3 % 2 == 1)),
    };
    let read = |bytes| Frame::read(bytes, |peer| OURS.frame_key(peer));
    let frame = match read(bytes.clone()) {
        Ok(frame) => frame,
        Err(error) => {
            assert!(making != Making::Boxed || error == FrameError::WrongLength);
            return false;
        }
    };
    assert_eq!((frame.sender(), frame.as_bytes()), (FRIEND.account_id(), bytes.as_slice()));
    assert_eq!(frame.kem_ciphertext().is_some(), frame.is_prekey());
    assert_eq!(read(bytes), Ok(frame.clone()));
    let opened = frame.open(&BoxKey::from_bytes(BOX_KEY));
    if making == Making::Boxed {
        match opened {
            Ok(olm) => assert!(rest[4..].starts_with(&olm) && rest[4 + olm.len()..].iter().all(|b| *b == 0)),
            Err(error) => assert_eq!(error, BoxError::BadPadding),
        }
    }
    true
}

/// A frame to us, of everything before its tag: from bare primitives.
pub(crate) fn tagged(sender: &AccountKeys, frame: &[u8]) -> Vec<u8> {
    let us = OURS.account_id();
    let shared = sender.x25519_secret().diffie_hellman(&us.x25519().into());
    let mut ids = [*sender.account_id().as_bytes(), *us.as_bytes()];
    ids.sort();
    let (mut key, info) = ([0; 32], [b"frame", ids.concat().as_slice()].concat());
    Hkdf::<Sha256>::new(Some(b"starling/v1"), shared.as_bytes()).expand(&info, &mut key).unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(us.as_bytes()).chain_update(frame);
    [frame, &mac.finalize().into_bytes()].concat()
}

/// All of a frame before its tag, around the plaintext of its box.
fn boxed(plaintext: &[u8], prekey: bool) -> Vec<u8> {
    let mut frame = [&[0xff, 1, 1], &FRIEND.account_id().as_bytes()[..], &[5; 32]].concat();
    frame.push(u8::from(!prekey));
    if prekey {
        frame.extend([4; 1_088]);
    }
    let (nonce, cipher) = (Nonce::<XChaCha20Poly1305>::default(), XChaCha20Poly1305::new(&BOX_KEY.into()));
    let sealed = cipher.encrypt(&nonce, Payload { msg: plaintext, aad: &frame }).unwrap();
    [frame.as_slice(), &nonce, &sealed].concat()
}

/// Plaintexts of Olm messages; the first byte chooses the kind. What is read is the friend's, to us, of this
/// epoch and in order; it is written and read again as the same.
pub fn plaintext(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    let (sender, recipient) = (FRIEND.account_id(), OURS.account_id());
    let expected = Expected { sender, recipient, epoch: EPOCH, prekey: choice % 2 == 1 };
    let Ok(read) = Plaintext::decode(rest, &expected) else { return false };
    assert_eq!((read.sender, read.recipient, read.epoch), (sender, recipient, EPOCH));
    assert_eq!(read.accept.is_some(), expected.prekey);
    let place = read.placement;
    assert!(place.seq == 0 || (1..=place.seq).contains(&place.base));
    assert_eq!(Plaintext::decode(&read.encode().unwrap(), &expected), Ok(read));
    true
}

/// Olm messages; the first byte chooses the kind. What is read has one encoding; whether or not it opens on a
/// session, the session is as before. Builds for fuzzing take any MAC, so that what is behind it is reached.
pub fn olm_message(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    let kind = Kind::try_from(choice % 2).unwrap();
    let Ok(message) = OlmMessage::decode(kind, rest) else { return false };
    assert!(rest.len() <= MAX_MESSAGE_BYTES);
    assert_eq!((message.encode().as_slice(), message.kind()), (rest, kind));
    assert_eq!(message.prekey().is_some(), kind == Kind::Prekey);
    let [session, prekeys] = &*HELD;
    let session = Session::unpickle(session).unwrap();
    let before = session.pickle().unwrap();
    if let Ok((_, plaintext)) = session.decrypt(&message) {
        assert!(plaintext.len() < rest.len());
    }
    assert_eq!(session.pickle().unwrap(), before);
    if kind == Kind::Prekey {
        let answered = Prekeys::unpickle(prekeys).unwrap().answer(&message);
        assert!(
            !answered.is_ok_and(|(session, _)| Some(session.id()) != message.prekey().map(|p| p.session_id))
        );
    }
    true
}

/// Pickles; the first byte chooses of what. What is read can be written and read again, and is never shown.
pub fn pickle(data: &[u8]) -> bool {
    let Some((choice, rest)) = mode(data) else { return false };
    if choice % 2 == 0 {
        let Ok(prekeys) = Prekeys::unpickle(rest) else { return false };
        assert_eq!(format!("{prekeys:?}"), format!("{:?}", Prekeys::generate().unwrap()));
        if let Ok(again) = prekeys.pickle().map(|bytes| Prekeys::unpickle(&bytes).unwrap()) {
            assert_eq!(again.one_time_key(), prekeys.one_time_key());
        }
    } else {
        let Ok(session) = Session::unpickle(rest) else { return false };
        if let Ok(again) = session.pickle().map(|bytes| Session::unpickle(&bytes).unwrap()) {
            assert_eq!(again.id(), session.id());
        }
    }
    true
}
