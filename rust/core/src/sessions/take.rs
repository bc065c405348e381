//! A session from the peer's bundle: we are its acceptor (extensions section 4, "Accept").

use starling_protocol::AccountKeys;
use starling_protocol::accept::Acceptance;
use starling_protocol::bundle::Bundle;
use starling_protocol::hybrid;
use starling_ratchet::Session as Ratchet;
use starling_store::{Contact, Handshake, NewSession, SessionSecrets, StoreError};
use zeroize::Zeroizing;

use crate::step::Step;

/// Creates the session of a verified bundle and returns its id. `None` for keys with which there can be no session.
///
/// The shared secret of the key encapsulation is erased here: the two direction keys are all that
/// stays of it.
pub(crate) fn take(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    contact: &Contact,
    bundle: &Bundle,
    now_s: i64,
) -> Result<Option<[u8; 32]>, StoreError> {
    let Ok(ratchet) = Ratchet::initiate(&bundle.offer.ratchet_identity, &bundle.offer.one_time_key) else {
        return Ok(None);
    };
    let (session_id, acceptor) = (ratchet.id(), keys.account_id());
    let bundle_hash = bundle.hash();
    let handshake = hybrid::Handshake { bundle_hash, session_id, acceptor };
    let Ok((ciphertext, directions)) = handshake.encapsulate(&bundle.offer.kem_key, step.rng) else {
        return Ok(None);
    };
    let ratchet_identity = ratchet.acceptor_identity();
    let proof = Acceptance { bundle_hash, acceptor, ratchet_identity, session_id }.sign(keys);
    let Ok(pickle) = ratchet.pickle() else { return Ok(None) };
    let secrets = SessionSecrets {
        pickle,
        send_key: Zeroizing::new(*directions.acceptor.as_bytes()),
        receive_key: Zeroizing::new(*directions.owner.as_bytes()),
        handshake: Some(Handshake {
            kem_ciphertext: ciphertext.to_vec(),
            accept_signature: proof.signature,
            ratchet_identity,
            bundle_hash,
        }),
    };
    step.tx.insert_session(&NewSession {
        conversation: contact.conversation,
        session_id,
        epoch: signed(bundle.offer.epoch),
        owned: false,
        received: false,
        created_s: now_s,
        secrets: &secrets,
    })?;
    Ok(Some(session_id))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
