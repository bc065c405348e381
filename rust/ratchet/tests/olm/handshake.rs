//! From a bundle to a session that both ends hold.

use starling_ratchet::{Kind, OlmMessage, Prekeys, RatchetError, Session};

use crate::pair::{accepted, established, hear, parsed, say};

#[test]
fn a_bundle_becomes_a_session_that_speaks_both_ways() {
    let (prekeys, mut acceptor) = accepted();
    let (mut owner, plaintext) = prekeys.answer(&say(&mut acceptor, "accept")).unwrap();
    assert_eq!(plaintext.as_slice(), b"accept");
    assert_eq!(owner.id(), acceptor.id());
    let reply = say(&mut owner, "welcome");
    assert_eq!(hear(&mut acceptor, &reply), "welcome");
    let text = say(&mut acceptor, "first text");
    assert_eq!(hear(&mut owner, &text), "first text");
}

#[test]
fn the_session_id_of_prekey_messages_is_that_of_the_session() {
    let (prekeys, mut acceptor) = accepted();
    let (identity, one_time_key) = (prekeys.identity(), prekeys.one_time_key());
    let first = say(&mut acceptor, "accept");
    let header = first.prekey().unwrap();
    assert_eq!(header.session_id, acceptor.id());
    assert_eq!(header.one_time_key, one_time_key);
    assert_eq!(header.identity, acceptor.acceptor_identity());
    assert_ne!(header.identity, identity);
    let (owner, _) = prekeys.answer(&first).unwrap();
    assert_eq!(owner.id(), header.session_id);
    assert_eq!(owner.acceptor_identity(), header.identity);
}

#[test]
fn messages_are_prekey_messages_until_something_was_received() {
    let (prekeys, mut acceptor) = accepted();
    let first = acceptor.encrypt(b"accept").unwrap();
    assert_eq!((first.kind, first.index, acceptor.has_received()), (Kind::Prekey, 0, false));
    assert_eq!(acceptor.encrypt(b"again").unwrap().kind, Kind::Prekey);
    let (mut owner, _) = prekeys.answer(&parsed(&first)).unwrap();
    assert!(owner.has_received());
    let reply = owner.encrypt(b"welcome").unwrap();
    assert_eq!(reply.kind, Kind::Normal);
    hear(&mut acceptor, &parsed(&reply));
    assert!(acceptor.has_received());
    let sealed = acceptor.encrypt(b"text").unwrap();
    assert_eq!((sealed.kind, sealed.index), (Kind::Normal, 0));
    assert_eq!(parsed(&sealed).prekey(), None);
}

#[test]
fn a_later_prekey_message_answers_when_the_first_is_lost() {
    let (prekeys, mut acceptor) = accepted();
    let lost = say(&mut acceptor, "accept");
    let second = say(&mut acceptor, "accept, said again");
    let (mut owner, plaintext) = prekeys.answer(&second).unwrap();
    assert_eq!(plaintext.as_slice(), b"accept, said again");
    assert_eq!(hear(&mut owner, &lost), "accept");
}

#[test]
fn later_prekey_messages_of_a_known_session_go_to_that_session() {
    let (prekeys, mut acceptor) = accepted();
    let (mut owner, _) = prekeys.answer(&say(&mut acceptor, "accept")).unwrap();
    for text in ["one", "two", "three"] {
        let message = say(&mut acceptor, text);
        assert_eq!(message.prekey().unwrap().session_id, owner.id());
        assert_eq!(hear(&mut owner, &message), text);
    }
}

#[test]
fn a_prekey_message_of_another_session_is_refused() {
    let (owner, _) = established();
    let (_, mut stranger) = accepted();
    let message = say(&mut stranger, "not yours");
    assert_eq!(owner.decrypt(&message).unwrap_err(), RatchetError::OtherSession);
}

#[test]
fn a_one_time_key_is_of_one_bundle_alone() {
    let (_, mut acceptor) = accepted();
    let message = say(&mut acceptor, "accept");
    let others = Prekeys::generate().unwrap();
    assert_eq!(others.answer(&message).unwrap_err(), RatchetError::UnknownOneTimeKey);
}

/// That prekeys are gone once they answered is a doc test of `Prekeys::answer`; what is left of them could not answer either.
#[test]
fn a_failed_answer_uses_up_nothing() {
    let (prekeys, mut acceptor) = accepted();
    let kept = prekeys.pickle().unwrap();
    let sealed = acceptor.encrypt(b"accept").unwrap();
    let mut forged = sealed.message.clone();
    *forged.last_mut().unwrap() ^= 1;
    let forged = OlmMessage::decode(sealed.kind, &forged).unwrap();
    assert_eq!(prekeys.answer(&forged).unwrap_err(), RatchetError::BadMac);
    let again = Prekeys::unpickle(&kept).unwrap();
    assert_eq!(again.pickle().unwrap(), kept);
    let (_, plaintext) = again.answer(&parsed(&sealed)).unwrap();
    assert_eq!(plaintext.as_slice(), b"accept");
}

#[test]
fn a_normal_message_answers_nothing() {
    let (mut owner, _) = established();
    let message = say(&mut owner, "text");
    let prekeys = Prekeys::generate().unwrap();
    assert_eq!(prekeys.answer(&message).unwrap_err(), RatchetError::Malformed);
}

#[test]
fn every_session_has_its_own_id_and_identity() {
    let prekeys = Prekeys::generate().unwrap();
    let one = Session::initiate(&prekeys.identity(), &prekeys.one_time_key()).unwrap();
    let other = Session::initiate(&prekeys.identity(), &prekeys.one_time_key()).unwrap();
    assert_ne!(one.id(), other.id());
    assert_ne!(one.acceptor_identity(), other.acceptor_identity());
}
