//! Session config `version_2` and no other: version 1 cuts MACs to 8 bytes.

use starling_ratchet::{Kind, OlmMessage, PickleError, Prekeys, RatchetError, Session};
use vodozemac::olm::{
    Account, InboundCreationResult, OlmMessage as Raw, Session as RawSession, SessionConfig,
};

use crate::pair::{accepted, parsed, say};

fn old_session(prekeys: &Prekeys) -> RawSession {
    Account::new()
        .create_outbound_session(
            SessionConfig::version_1(),
            prekeys.identity().into(),
            prekeys.one_time_key().into(),
        )
        .unwrap()
}

fn account_with_key() -> (Account, vodozemac::Curve25519PublicKey) {
    let mut account = Account::new();
    let key = account.generate_one_time_keys(1).created[0];
    (account, key)
}

#[test]
fn a_prekey_message_of_version_1_is_refused() {
    let prekeys = Prekeys::generate().unwrap();
    let bytes = old_session(&prekeys).encrypt(b"old").unwrap().to_parts().1;
    assert_eq!(OlmMessage::decode(Kind::Prekey, &bytes).unwrap_err(), RatchetError::WrongConfig);
}

#[test]
fn a_normal_message_of_version_1_is_refused() {
    let (mut account, key) = account_with_key();
    let identity = account.curve25519_key();
    let acceptor = Account::new();
    let mut session = acceptor.create_outbound_session(SessionConfig::version_1(), identity, key).unwrap();
    let Raw::PreKey(first) = session.encrypt(b"old").unwrap() else { panic!("a prekey message") };
    let InboundCreationResult { session: mut owner, .. } = account
        .create_inbound_session(SessionConfig::version_1(), acceptor.curve25519_key(), &first)
        .unwrap();
    let bytes = owner.encrypt(b"old").unwrap().to_parts().1;
    assert_eq!(OlmMessage::decode(Kind::Normal, &bytes).unwrap_err(), RatchetError::WrongConfig);
}

#[test]
fn an_owner_of_version_1_refuses_us() {
    let (mut account, key) = account_with_key();
    let mut ours = Session::initiate(&account.curve25519_key().to_bytes(), &key.to_bytes()).unwrap();
    let sealed = ours.encrypt(b"new").unwrap();
    let Raw::PreKey(message) = Raw::from_parts(0, &sealed.message).unwrap() else {
        panic!("a prekey message")
    };
    let refused =
        account.create_inbound_session(SessionConfig::version_1(), message.identity_key(), &message);
    assert!(refused.is_err());
    assert!(
        account.create_inbound_session(SessionConfig::version_2(), message.identity_key(), &message).is_ok(),
        "it is the version alone that is refused"
    );
}

#[test]
fn a_session_of_version_1_is_not_taken_from_the_store() {
    let prekeys = Prekeys::generate().unwrap();
    let old = rmp_serde::to_vec_named(&old_session(&prekeys).pickle()).unwrap();
    assert_eq!(Session::unpickle(&old).unwrap_err(), PickleError::WrongConfig);
}

#[test]
fn a_message_cannot_be_relabelled_as_version_1() {
    let (prekeys, mut acceptor) = accepted();
    let (owner, _) = prekeys.answer(&say(&mut acceptor, "accept")).unwrap();
    let mut owner = owner;
    let sealed = owner.encrypt(b"text").unwrap();
    let mut relabelled = sealed.message.clone();
    relabelled[0] = 3;
    assert!(OlmMessage::decode(Kind::Normal, &relabelled).is_err());
    assert!(acceptor.decrypt(&parsed(&sealed)).is_ok());
}
