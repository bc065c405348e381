//! Bytes that somebody else chose.

use proptest::prelude::*;
use starling_ratchet::{
    Kind, MAX_MESSAGE_BYTES, OlmMessage, Prekeys, RatchetError, Session, largest_message,
};
use vodozemac::hazmat::olm::MessageKey;
use vodozemac::olm::{Account, Message, PreKeyMessage, SessionConfig};

use crate::pair::{accepted, established, hear, parsed, say};

#[test]
fn a_failed_decrypt_leaves_the_session_as_it_was() {
    let (mut owner, acceptor) = established();
    let before = acceptor.pickle().unwrap();
    let sealed = owner.encrypt(b"text").unwrap();
    for place in (2..sealed.message.len()).step_by(5) {
        let mut forged = sealed.message.clone();
        forged[place] ^= 1;
        if let Ok(forged) = OlmMessage::decode(sealed.kind, &forged) {
            assert!(acceptor.decrypt(&forged).is_err());
        }
        assert_eq!(acceptor.pickle().unwrap(), before);
    }
    assert!(acceptor.decrypt(&parsed(&sealed)).is_ok());
}

#[test]
fn a_session_moves_on_only_when_the_copy_is_kept() {
    let (mut owner, acceptor) = established();
    let before = acceptor.pickle().unwrap();
    let message = say(&mut owner, "text");
    let (advanced, _) = acceptor.decrypt(&message).unwrap();
    assert_eq!(acceptor.pickle().unwrap(), before);
    assert_ne!(advanced.pickle().unwrap(), before);
    assert!(acceptor.decrypt(&message).is_ok(), "the check after it may fail; the message comes again");
}

#[test]
fn keys_of_small_order_make_no_session() {
    let (zero, mut one) = ([0; 32], [0; 32]);
    one[0] = 1;
    let good = Prekeys::generate().unwrap();
    for small in [zero, one] {
        for (identity, one_time_key) in [(small, good.one_time_key()), (good.identity(), small)] {
            let refused = Session::initiate(&identity, &one_time_key);
            assert_eq!(refused.unwrap_err(), RatchetError::ZeroSharedSecret);
        }
    }
}

/// A prekey message that is right in everything but its ratchet key, which is 0: its owner could never seal anything.
#[test]
fn a_first_message_that_would_make_a_mute_session_is_refused() {
    let prekeys = Prekeys::generate().unwrap();
    let mut session = Account::new()
        .create_outbound_session(
            SessionConfig::version_2(),
            prekeys.identity().into(),
            prekeys.one_time_key().into(),
        )
        .unwrap();
    let key = session.next_message_key().unwrap();
    let crafted = MessageKey::new(Box::new(*key.key()), [0; 32].into(), 0).encrypt(b"accept");
    let message = PreKeyMessage::wrap(session.session_keys(), crafted).to_bytes();
    let message = OlmMessage::decode(Kind::Prekey, &message).unwrap();
    assert_eq!(prekeys.answer(&message).unwrap_err(), RatchetError::ZeroSharedSecret);
}

#[test]
fn a_key_in_another_spelling_is_refused() {
    let (mut owner, _) = established();
    let sealed = owner.encrypt(b"text").unwrap();
    let message = Message::from_bytes(&sealed.message).unwrap();
    let key_at =
        sealed.message.windows(32).position(|window| window == message.ratchet_key().as_bytes()).unwrap();
    let mut respelled = sealed.message.clone();
    respelled[key_at + 31] |= 0x80;
    assert_eq!(OlmMessage::decode(sealed.kind, &respelled).unwrap_err(), RatchetError::Malformed);
}

/// The library's MAC does not cover how a message is encoded.
#[test]
fn a_message_in_another_encoding_is_refused() {
    let (mut owner, mut acceptor) = established();
    let sealed = owner.encrypt(b"text").unwrap();
    let mac = sealed.message.len() - 32;
    let unknown_field = [0x28, 0x01];
    let longer = [&sealed.message[..mac], &unknown_field, &sealed.message[mac..]].concat();
    assert!(Message::from_bytes(&longer).is_ok(), "the library reads it");
    assert_eq!(OlmMessage::decode(sealed.kind, &longer).unwrap_err(), RatchetError::Malformed);
    hear(&mut acceptor, &parsed(&sealed));
}

#[test]
fn nothing_longer_than_a_frame_is_read_or_written() {
    let (mut owner, acceptor) = established();
    let most =
        (0..=MAX_MESSAGE_BYTES).rev().find(|len| largest_message(Kind::Normal, *len) <= MAX_MESSAGE_BYTES);
    let most = most.unwrap();
    let before = owner.pickle().unwrap();
    assert_eq!(owner.encrypt(&vec![7; most + 1]).unwrap_err(), RatchetError::PlaintextTooLong);
    assert_eq!(owner.pickle().unwrap(), before);
    let sealed = owner.encrypt(&vec![7; most]).unwrap();
    assert_eq!(acceptor.decrypt(&parsed(&sealed)).unwrap().1.as_slice(), vec![7; most]);
    for kind in [Kind::Prekey, Kind::Normal] {
        let long = vec![4; MAX_MESSAGE_BYTES + 1];
        assert_eq!(OlmMessage::decode(kind, &long).unwrap_err(), RatchetError::Malformed);
    }
}

proptest! {
    #[test]
    fn a_message_is_never_longer_than_foretold(plaintext in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let (_, mut acceptor) = accepted();
        let (mut owner, _) = established();
        for session in [&mut acceptor, &mut owner] {
            let sealed = session.encrypt(&plaintext).unwrap();
            let foretold = largest_message(sealed.kind, plaintext.len());
            prop_assert!(sealed.message.len() <= foretold);
            prop_assert!(sealed.message.len() + 16 >= foretold, "{} of {foretold}", sealed.message.len());
        }
    }

    #[test]
    fn decoding_never_panics_and_reads_one_encoding(bytes in prop::collection::vec(any::<u8>(), 0..300), head in prop::sample::select(vec![3_u8, 4])) {
        for kind in [Kind::Prekey, Kind::Normal] {
            let bytes = [&[head], bytes.as_slice()].concat();
            if let Ok(message) = OlmMessage::decode(kind, &bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_damaged_message_is_never_opened(place in any::<prop::sample::Index>(), flip in 1_u8..) {
        let (prekeys, mut acceptor) = accepted();
        let sealed = acceptor.encrypt(b"accept").unwrap();
        let mut damaged = sealed.message.clone();
        damaged[place.index(sealed.message.len())] ^= flip;
        if let Ok(damaged) = OlmMessage::decode(sealed.kind, &damaged) {
            prop_assert_eq!(damaged.encode().len(), sealed.message.len());
            prop_assert!(prekeys.answer(&damaged).is_err());
        }
    }
}
