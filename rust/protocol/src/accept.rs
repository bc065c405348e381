//! The accept signature: that an account takes a bundle up, with which session (extensions section 4).

use thiserror::Error;

use crate::account::{AccountId, AccountKeys, PeerKeyError, check_peer_key, verify_ed25519};
use crate::sealed_box::has_small_order;
use crate::signed;

/// What an accept says. Both sides know it all; only the proof travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// [`crate::bundle::Bundle::hash`] of the bundle that is taken up.
    pub bundle_hash: [u8; 32],
    /// Who takes it up.
    pub acceptor: AccountId,
    /// The Curve25519 identity key of the acceptor's fresh Olm account, as its prekey message names it.
    pub ratchet_identity: [u8; 32],
    /// The id of the Olm session.
    pub session_id: [u8; 32],
}

/// The acceptor's word for it, in every prekey frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AcceptProof {
    /// The acceptor's key.
    pub ed25519: [u8; 32],
    /// Ed25519 over the label `starling/v1/accept` and the fields of [`Acceptance`], in their order.
    pub signature: [u8; 64],
}

/// Why an accept is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AcceptError {
    /// The signing key is not the acceptor's.
    #[error(transparent)]
    Key(#[from] PeerKeyError),
    /// The ratchet identity has small order.
    #[error("the acceptor's ratchet key can agree on no secret")]
    WeakKey,
    /// The signature is not the acceptor's over this bundle and session.
    #[error("the signature of the accept is not valid")]
    BadSignature,
}

impl Acceptance {
    /// The acceptor's side.
    pub fn sign(&self, keys: &AccountKeys) -> AcceptProof {
        AcceptProof { ed25519: keys.ed25519_public(), signature: keys.sign(&self.signed_bytes()) }
    }

    /// The side of the bundle's owner. `pinned`: the Ed25519 key that is known of the acceptor.
    ///
    /// # Errors
    /// [`AcceptError`].
    pub fn verify(&self, proof: &AcceptProof, pinned: Option<&[u8; 32]>) -> Result<(), AcceptError> {
        check_peer_key(&self.acceptor, &proof.ed25519, pinned)?;
        if has_small_order(&self.ratchet_identity) {
            return Err(AcceptError::WeakKey);
        }
        let valid = verify_ed25519(&proof.ed25519, &self.signed_bytes(), &proof.signature);
        if valid { Ok(()) } else { Err(AcceptError::BadSignature) }
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let Self { bundle_hash, acceptor, ratchet_identity, session_id } = self;
        signed::bytes("starling/v1/accept", &[bundle_hash, acceptor.as_bytes(), ratchet_identity, session_id])
    }
}

impl core::fmt::Debug for AcceptProof {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AcceptProof").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::account::Seed;

    fn keys(byte: u8) -> AccountKeys {
        AccountKeys::from_seed(&Seed::from_bytes(&[byte; 16]).unwrap())
    }

    fn acceptance() -> Acceptance {
        Acceptance {
            bundle_hash: [1; 32],
            acceptor: keys(2).account_id(),
            ratchet_identity: [9; 32],
            session_id: [3; 32],
        }
    }

    #[test]
    fn an_accept_is_for_one_bundle_and_one_session() {
        let bob = keys(2);
        let proof = acceptance().sign(&bob);
        assert_eq!(acceptance().verify(&proof, None), Ok(()));
        assert_eq!(acceptance().verify(&proof, Some(&bob.ed25519_public())), Ok(()));
        let changes: [fn(&mut Acceptance); 3] = [
            |acceptance| acceptance.bundle_hash[0] ^= 1,
            |acceptance| acceptance.ratchet_identity[0] ^= 1,
            |acceptance| acceptance.session_id[0] ^= 1,
        ];
        for change in changes {
            let mut changed = acceptance();
            change(&mut changed);
            assert_eq!(changed.verify(&proof, None), Err(AcceptError::BadSignature));
        }
    }

    /// Attack (unknown key share): Carol presents Bob's accept as hers.
    #[test]
    fn an_accept_in_another_name_is_refused() {
        let (bob, carol) = (keys(2), keys(3));
        let stolen = Acceptance { acceptor: carol.account_id(), ..acceptance() };
        let proof = acceptance().sign(&bob);
        assert_eq!(stolen.verify(&proof, None), Err(AcceptError::Key(PeerKeyError::OtherAccount)));
        let renamed = AcceptProof { ed25519: carol.ed25519_public(), ..proof };
        assert_eq!(stolen.verify(&renamed, None), Err(AcceptError::BadSignature));
        let pinned = Some(carol.ed25519_public());
        let refused = acceptance().verify(&proof, pinned.as_ref());
        assert_eq!(refused, Err(AcceptError::Key(PeerKeyError::NotPinned)));
    }

    #[test]
    fn weak_ratchet_keys_are_refused() {
        let weak = Acceptance { ratchet_identity: [0; 32], ..acceptance() };
        assert_eq!(weak.verify(&weak.sign(&keys(2)), None), Err(AcceptError::WeakKey));
    }
}
