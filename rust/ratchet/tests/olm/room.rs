//! The longest text there may be passes Olm and frame, whatever kind of frame it meets.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use starling_protocol::accept::AcceptProof;
use starling_protocol::content::largest_body;
use starling_protocol::frame::{self, Sending, largest_olm};
use starling_protocol::hybrid::BoxKey;
use starling_protocol::plaintext::Plaintext;
use starling_protocol::{AccountKeys, Content, Placement, Seed};
use starling_ratchet::{Kind, Session, largest_message};

use crate::pair::{accepted, established};

fn fits(session: &mut Session, kind: Kind, accept: Option<AcceptProof>) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let keys = AccountKeys::from_seed(&Seed::generate(&mut rng));
    let recipient = AccountKeys::from_seed(&Seed::generate(&mut rng)).account_id();
    let placement = Placement { message_id: [1; 16], stream: u64::MAX, seq: 2, clock: u64::MAX, base: 1 };
    let content = Content { body: Some("x".repeat(largest_body())), sent_ms: 1 << 52, ..Content::default() };
    let sender = keys.account_id();
    let plaintext = Plaintext { sender, recipient, epoch: u64::MAX, placement, accept, content };
    let bytes = plaintext.encode().unwrap();
    assert!(largest_message(kind, bytes.len()) <= largest_olm(kind == Kind::Prekey));
    let sealed = session.encrypt(&bytes).unwrap();
    assert_eq!(sealed.kind, kind);
    let sending = Sending {
        session_id: session.id(),
        kem_ciphertext: (kind == Kind::Prekey).then_some(&[9; 1_088]),
        olm: &sealed.message,
        key: &BoxKey::from_bytes([7; 32]),
        timestamp_ms: u64::MAX,
    };
    frame::seal(&sending, &keys.frame_key(&recipient).unwrap(), &mut rng).unwrap();
}

#[test]
fn the_longest_text_fits_a_prekey_frame() {
    let proof = AcceptProof { ed25519: [1; 32], signature: [2; 64] };
    fits(&mut accepted().1, Kind::Prekey, Some(proof));
}

#[test]
fn the_longest_text_fits_a_normal_frame() {
    fits(&mut established().0, Kind::Normal, None);
}
