//! The rules of extensions sections 3 to 5 and 7, end to end through two real cores.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod acks;
mod attacks;
mod bench;
mod blocking;
mod crossing;
mod floors;
mod healing;
mod hostile;
mod order;
mod requests;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use starling_protocol::accept::{AcceptProof, Acceptance};
use starling_protocol::bundle::Bundle;
use starling_protocol::content::{Content, Placement};
use starling_protocol::frame::{self, Sending};
use starling_protocol::hybrid::Handshake;
use starling_protocol::plaintext::Plaintext;
use starling_protocol::{AccountKeys, Seed};
use starling_ratchet::Session as Ratchet;

/// Keys of an account that takes part in nothing.
fn stranger(number: u64) -> AccountKeys {
    AccountKeys::from_seed(&Seed::generate(&mut ChaCha20Rng::seed_from_u64(1_000 + number)))
}

/// A first frame of a session made from a bundle, by whoever has `keys`; honestly signed, unless there is
/// another proof.
fn answered(keys: &AccountKeys, bundle: &Bundle, sent_ms: u64, proof: Option<AcceptProof>) -> String {
    let mut rng = ChaCha20Rng::seed_from_u64(sent_ms);
    let mut ratchet = Ratchet::initiate(&bundle.offer.ratchet_identity, &bundle.offer.one_time_key).unwrap();
    let (session_id, acceptor, bundle_hash) = (ratchet.id(), keys.account_id(), bundle.hash());
    let handshake = Handshake { bundle_hash, session_id, acceptor };
    let (ciphertext, directions) = handshake.encapsulate(&bundle.offer.kem_key, &mut rng).unwrap();
    let ratchet_identity = ratchet.acceptor_identity();
    let honest = Acceptance { bundle_hash, acceptor, ratchet_identity, session_id }.sign(keys);
    let plaintext = Plaintext {
        sender: acceptor,
        recipient: bundle.owner,
        epoch: bundle.offer.epoch,
        placement: Placement { message_id: [3; 16], stream: 9, seq: 1, clock: 1, base: 1 },
        accept: Some(proof.unwrap_or(honest)),
        content: Content { sent_ms, ..Content::default() },
    };
    let olm = ratchet.encrypt(&plaintext.encode().unwrap()).unwrap();
    let sending = Sending {
        session_id,
        kem_ciphertext: Some(&ciphertext),
        olm: &olm.message,
        key: &directions.acceptor,
        timestamp_ms: sent_ms,
    };
    frame::seal(&sending, &keys.frame_key(&bundle.owner).unwrap(), &mut rng).unwrap().data
}
