//! Two ends of one session, and messages between them.

use starling_ratchet::{OlmMessage, Prekeys, Sealed, Session};

/// The parsed form of what was sealed.
pub(crate) fn parsed(sealed: &Sealed) -> OlmMessage {
    OlmMessage::decode(sealed.kind, &sealed.message).unwrap()
}

/// Seals a text.
pub(crate) fn say(from: &mut Session, text: &str) -> OlmMessage {
    parsed(&from.encrypt(text.as_bytes()).unwrap())
}

/// Opens a message and keeps the advanced session.
pub(crate) fn hear(at: &mut Session, message: &OlmMessage) -> String {
    let (advanced, plaintext) = at.decrypt(message).unwrap();
    *at = advanced;
    String::from_utf8(plaintext.to_vec()).unwrap()
}

/// Fresh prekeys and a session that an acceptor made with them.
pub(crate) fn accepted() -> (Prekeys, Session) {
    let prekeys = Prekeys::generate().unwrap();
    let acceptor = Session::initiate(&prekeys.identity(), &prekeys.one_time_key()).unwrap();
    (prekeys, acceptor)
}

/// Owner and acceptor of a bundle, each having heard the other.
pub(crate) fn established() -> (Session, Session) {
    let (prekeys, mut acceptor) = accepted();
    let (mut owner, _) = prekeys.answer(&say(&mut acceptor, "accept")).unwrap();
    let reply = say(&mut owner, "welcome");
    hear(&mut acceptor, &reply);
    (owner, acceptor)
}

/// One whole turn: both ends send once and so have new chains.
pub(crate) fn turn(one: &mut Session, other: &mut Session) {
    let there = say(one, "there");
    hear(other, &there);
    let back = say(other, "back");
    hear(one, &back);
}
