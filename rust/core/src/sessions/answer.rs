//! A session from our bundle: the first frame of its acceptor (extensions section 4, "Accept").
//!
//! Nothing is written here: whether the session may exist is decided after it proved itself, by the
//! relation's table, and the one-time key and the key-encapsulation seed are erased in the commit that
//! creates it.

use starling_protocol::AccountKeys;
use starling_protocol::accept::Acceptance;
use starling_protocol::frame::Frame;
use starling_protocol::hybrid::{Handshake, KemSeed};
use starling_protocol::plaintext::{Expected, Plaintext};
use starling_ratchet::{Kind, OlmMessage, Prekeys};
use starling_store::{Contact, Prekey, SessionSecrets, StoreError};
use zeroize::Zeroizing;

use super::{Failure, Live};
use crate::step::Step;

/// A session that proved itself, not yet written.
pub(super) struct Answer {
    pub(super) prekey: Prekey,
    pub(super) live: Live,
    pub(super) plaintext: Plaintext,
    pub(super) ratchet_key: [u8; 32],
    pub(super) index: u64,
    /// The acceptor's Ed25519 key, proven.
    pub(super) ed25519: [u8; 32],
}

/// Looks for the bundle that a prekey frame of an unknown session answers. The key-encapsulation
/// ciphertext names none, so each open bundle made for this peer is tried: there are few.
pub(super) fn answer(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    contact: &Contact,
    frame: &Frame,
) -> Result<Result<Answer, Failure>, StoreError> {
    let Some(ciphertext) = frame.kem_ciphertext() else { return Ok(Err(Failure::Lost)) };
    for (row, prekey) in step.tx.prekeys(contact.conversation)? {
        let Some(secrets) = step.tx.prekey_secrets(row)? else { continue };
        let handshake = Handshake {
            bundle_hash: prekey.bundle_hash,
            session_id: *frame.session_id(),
            acceptor: frame.sender(),
        };
        let directions = handshake.decapsulate(&KemSeed::from_bytes(*secrets.kem_seed), ciphertext);
        let Ok(olm) = frame.open(&directions.acceptor) else { continue };
        let Ok(prekeys) = Prekeys::unpickle(&secrets.account) else {
            return Err(StoreError::Damaged { code: 0 });
        };
        let found = prove(keys, contact, frame, &prekey, prekeys, &olm);
        return Ok(found.map(|(ratchet, proven)| {
            let secrets = SessionSecrets {
                pickle: Zeroizing::default(),
                send_key: Zeroizing::new(*directions.owner.as_bytes()),
                receive_key: Zeroizing::new(*directions.acceptor.as_bytes()),
                handshake: None,
            };
            let Proven { plaintext, ratchet_key, index, ed25519 } = proven;
            Answer { prekey, live: Live { ratchet, secrets }, plaintext, ratchet_key, index, ed25519 }
        }));
    }
    Ok(Err(Failure::Lost))
}

struct Proven {
    plaintext: Plaintext,
    ratchet_key: [u8; 32],
    index: u64,
    ed25519: [u8; 32],
}

/// All checks of a first frame: the one-time key is the one made for this peer, the session id is the
/// frame's, and the acceptor's signature covers both.
fn prove(
    keys: &AccountKeys,
    contact: &Contact,
    frame: &Frame,
    prekey: &Prekey,
    prekeys: Prekeys,
    olm: &[u8],
) -> Result<(starling_ratchet::Session, Proven), Failure> {
    let message = OlmMessage::decode(Kind::Prekey, olm).map_err(|_| Failure::Rejected)?;
    let header = message.prekey().ok_or(Failure::Rejected)?;
    if header.session_id != *frame.session_id() || header.one_time_key != prekey.one_time_key {
        return Err(Failure::Rejected);
    }
    let (ratchet, bytes) = prekeys.answer(&message).map_err(|_| Failure::Rejected)?;
    let expected = Expected {
        sender: frame.sender(),
        recipient: keys.account_id(),
        epoch: prekey.epoch.unsigned_abs(),
        prekey: true,
    };
    let plaintext = Plaintext::decode(&bytes, &expected).map_err(|_| Failure::Rejected)?;
    let proof = plaintext.accept.as_ref().ok_or(Failure::Rejected)?;
    let acceptance = Acceptance {
        bundle_hash: prekey.bundle_hash,
        acceptor: frame.sender(),
        ratchet_identity: header.identity,
        session_id: header.session_id,
    };
    acceptance.verify(proof, contact.ed25519.as_ref()).map_err(|_| Failure::Rejected)?;
    let ed25519 = proof.ed25519;
    let (ratchet_key, index) = (message.ratchet_key(), message.index());
    Ok((ratchet, Proven { plaintext, ratchet_key, index, ed25519 }))
}
