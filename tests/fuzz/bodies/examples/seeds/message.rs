//! Stored messages at every depth.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starling_fuzz_bodies::cast::{FRIEND, OURS, dice};
use starling_protocol::{Content, Placement, envelope, padding, session};

use crate::Seed;

/// When everything was sent, network milliseconds.
pub(crate) const SENT_MS: u64 = 1_700_000_000_000;

/// What the first byte of `session_open` and `sealed_open` means; `unseal` has two wrappings before these.
const RAW: u8 = 0;
const SEALED: u8 = 1;
const SIGNED: u8 = 2;

pub(crate) fn seeds() -> Vec<Seed> {
    let placement = Placement { message_id: [7; 16], stream: 1_700_000_000, seq: 3, clock: 9, base: 2 };
    let text = |placement| {
        let body = Some("Hello, Starling".into());
        Content { body, sent_ms: SENT_MS, placement, ..Content::default() }.encode().unwrap()
    };
    let (ours, theirs) = (text(Some(placement)), text(None));
    let ciphertext = session::seal(&ours, &FRIEND, &OURS.account_id(), &mut dice()).unwrap();
    let stored = envelope::wrap(ciphertext.clone(), SENT_MS);
    let wrapped = STANDARD.decode(&stored).unwrap();
    let inner = signed(&ours);
    vec![
        ("content", "starling", ours.clone()),
        ("content", "session_client", theirs.clone()),
        ("padding", "padded", padding::pad(&ours)),
        ("padding", "longest_block", padding::pad(&[b'x'; 158])),
        ("envelope", "wrapped", wrapped.clone()),
        ("envelope", "empty", STANDARD.decode(envelope::wrap(Vec::new(), 0)).unwrap()),
        ("session_open", "raw", chosen(RAW, &ciphertext)),
        ("session_open", "sealed", chosen(SEALED, &inner)),
        ("session_open", "signed", chosen(SIGNED, &theirs)),
        ("sealed_open", "raw", chosen(RAW, &ciphertext)),
        ("sealed_open", "sealed", chosen(SEALED, &inner)),
        ("sealed_open", "signed", chosen(SIGNED, &theirs)),
        ("unseal", "base64", chosen(0, stored.as_bytes())),
        ("unseal", "unpadded_base64", chosen(0, stored.trim_end_matches('=').as_bytes())),
        ("unseal", "wrapped", chosen(1, &wrapped)),
        ("unseal", "raw", chosen(2 + RAW, &ciphertext)),
        ("unseal", "sealed", chosen(2 + SEALED, &inner)),
        ("unseal", "signed", chosen(2 + SIGNED, &ours)),
    ]
}

/// What is inside the sealed box: padded content, the sender's key, its signature.
fn signed(content: &[u8]) -> Vec<u8> {
    let key = FRIEND.ed25519_public();
    let mut inner = [padding::pad(content).as_slice(), &key].concat();
    let signature = FRIEND.sign(&[inner.as_slice(), &OURS.account_id().x25519()].concat());
    inner.extend(signature);
    inner
}

pub(crate) fn chosen(choice: u8, rest: &[u8]) -> Vec<u8> {
    [&[choice], rest].concat()
}
