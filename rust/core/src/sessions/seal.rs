//! Sealing one message as a ratchet frame (extensions sections 3 and 4).
//!
//! The ratchet keeps 40 skipped keys on each of five receiving chains. So that none of ours is
//! evicted before its message was read, the sender counts: before it opens a fourth chain newer than
//! the one an unacknowledged message lies on, that message is sealed again.

use starling_protocol::accept::AcceptProof;
use starling_protocol::content::{Content, Placement};
use starling_protocol::frame;
use starling_protocol::plaintext::Plaintext;
use starling_protocol::{AccountId, AccountKeys};
use starling_store::{Session, SessionSecrets, SessionStep, StoreError};

use super::Live;
use crate::step::Step;

/// Unacknowledged messages on one chain beyond which a sender waits: its peer could not skip more.
const MOST_ON_A_CHAIN: i64 = 1_000;
/// Chains that may be newer than the one an unacknowledged message lies on.
const NEWER_CHAINS: i64 = 3;
/// A message sealed again goes to the store at most this often: 10 minutes.
const RESEAL_PAUSE_MS: i64 = 600_000;
/// Messages looked at in one go when a chain is left behind.
const MOST_RESEALED: usize = 1_000;

/// A sealed frame and the place of its key.
pub(crate) struct Sealed {
    pub(crate) data: String,
    pub(crate) frame_hash: [u8; 32],
    pub(crate) chain: i64,
    pub(crate) chain_index: i64,
}

/// One message to seal.
pub(crate) struct Letter<'a> {
    pub(crate) recipient: AccountId,
    pub(crate) placement: Placement,
    pub(crate) content: Content,
    pub(crate) session: &'a Session,
    pub(crate) network_ms: u64,
}

/// Whether so many unacknowledged messages lie on the sending chain that the next one has to wait.
pub(crate) fn crowded(step: &mut Step<'_, '_>, session: &Session) -> Result<bool, StoreError> {
    Ok(step.tx.sealed_on_chain(session.row, session.sending_chain)? >= MOST_ON_A_CHAIN)
}

/// Seals on a session and saves its new state; `None` if this can never be sealed.
pub(crate) fn seal(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    letter: Letter<'_>,
) -> Result<Option<Sealed>, StoreError> {
    let session = letter.session;
    let Some(secrets) = step.tx.session_secrets(session.row)? else { return Ok(None) };
    let mut live = Live::load(secrets)?;
    let Some(bytes) = plaintext(keys, &letter, &live) else { return Ok(None) };
    let Ok(olm) = live.ratchet.encrypt(&bytes) else { return Ok(None) };
    let ciphertext = live.secrets.handshake.as_ref().map(|handshake| handshake.kem_ciphertext.as_slice());
    let key = live.send_key();
    let sending = frame::Sending {
        session_id: session.session_id,
        kem_ciphertext: ciphertext.and_then(|bytes| bytes.try_into().ok()),
        olm: &olm.message,
        key: &key,
        timestamp_ms: letter.network_ms,
    };
    let sealed = keys.frame_key(&letter.recipient).map(|key| frame::seal(&sending, &key, step.rng));
    let Ok(Ok(frame)) = sealed else {
        return Ok(None);
    };
    let new_chain = session.sending_key != Some(olm.ratchet_key);
    let chain = session.sending_chain + i64::from(new_chain && session.sending_key.is_some());
    if chain != session.sending_chain {
        leave_behind(step, session, chain, letter.network_ms)?;
    }
    let Ok(pickle) = live.ratchet.pickle() else { return Ok(None) };
    step.tx.save_session(
        session.row,
        &SessionStep {
            pickle: &pickle,
            received: session.received,
            sending_key: Some(olm.ratchet_key),
            sending_chain: chain,
            sent_count: session.sent_count.saturating_add(1),
        },
    )?;
    let chain_index = i64::try_from(olm.index).unwrap_or(i64::MAX);
    Ok(Some(Sealed { data: frame.data, frame_hash: frame.frame_hash, chain, chain_index }))
}

/// What the ratchet encrypts; until the peer's first reply it carries our accept signature.
fn plaintext(keys: &AccountKeys, letter: &Letter<'_>, live: &Live) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let accept = accept_proof(keys, &live.secrets);
    let plaintext = Plaintext {
        sender: keys.account_id(),
        recipient: letter.recipient,
        epoch: letter.session.epoch.unsigned_abs(),
        placement: letter.placement,
        accept,
        content: letter.content.clone(),
    };
    plaintext.encode().ok()
}

fn accept_proof(keys: &AccountKeys, secrets: &SessionSecrets) -> Option<AcceptProof> {
    let handshake = secrets.handshake.as_ref()?;
    Some(AcceptProof { ed25519: keys.ed25519_public(), signature: handshake.accept_signature })
}

/// A new sending chain begins: what lies unacknowledged more than three chains back is sealed again.
fn leave_behind(
    step: &mut Step<'_, '_>,
    session: &Session,
    chain: i64,
    network_ms: u64,
) -> Result<(), StoreError> {
    let oldest_kept = chain - NEWER_CHAINS;
    for old in step.tx.sealed_through_chain(session.row, oldest_kept - 1, MOST_RESEALED)? {
        let since_stored = old.last_stored_ms.map_or(i64::MAX, |at| network_ms as i64 - at);
        let wait = (RESEAL_PAUSE_MS - since_stored).max(0);
        step.tx.reseal(old.message, step.now.wall_ms.saturating_add(wait))?;
    }
    Ok(())
}
