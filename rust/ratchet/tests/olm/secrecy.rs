//! What a stolen session reads, and what it does not.

use starling_ratchet::{RatchetError, Session};

use crate::pair::{established, hear, say, turn};

fn stolen(session: &Session) -> Session {
    Session::unpickle(&session.pickle().unwrap()).unwrap()
}

/// Forward secrecy.
#[test]
fn a_session_stolen_later_cannot_read_what_was_read_before() {
    let (mut owner, mut acceptor) = established();
    let earlier = say(&mut owner, "earlier");
    hear(&mut acceptor, &earlier);
    assert_eq!(stolen(&acceptor).decrypt(&earlier).unwrap_err(), RatchetError::UsedKey);
    assert!(stolen(&owner).decrypt(&earlier).is_err(), "nor can its sender's");
}

/// Healing: the thief reads the chain it stole, and nothing after the victim's next turn.
#[test]
fn a_session_stolen_once_cannot_read_later_chains() {
    let (mut owner, mut acceptor) = established();
    let thief = stolen(&acceptor);
    let same_chain = say(&mut owner, "same chain");
    assert!(thief.decrypt(&same_chain).is_ok(), "what was stolen is stolen");
    hear(&mut acceptor, &same_chain);
    turn(&mut acceptor, &mut owner);
    let healed = say(&mut owner, "healed");
    assert_eq!(thief.decrypt(&healed).unwrap_err(), RatchetError::BadMac);
    assert_eq!(hear(&mut acceptor, &healed), "healed");
}

#[test]
fn nothing_secret_is_in_the_debug_output() {
    let (mut owner, mut acceptor) = established();
    let sealed = owner.encrypt(b"text").unwrap();
    hear(&mut acceptor, &crate::pair::parsed(&sealed));
    let shown = format!("{owner:?} {acceptor:?} {sealed:?} {:?}", crate::pair::parsed(&sealed));
    assert_eq!(
        shown,
        "Session { has_received: true, .. } Session { has_received: true, .. } \
         Sealed { kind: Normal, index: 1, .. } OlmMessage { kind: Normal, index: 1, .. }"
    );
    assert_eq!(format!("{:?}", crate::pair::accepted().0), "Prekeys { .. }");
}
