//! The sender tag: who sent a frame, provable to its recipient alone (extensions section 3).

use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::account::{AccountId, AccountKeys};
use crate::kdf;

/// Bytes of a tag.
pub(super) const TAG_BYTES: usize = 32;

/// The key of the sender tags between us and one peer, the same in both directions.
///
/// `K_ab = HKDF(X25519(own account key, peer's account key), info = "frame" | lower id | higher id)`.
/// Erased when dropped; never shown by `Debug`.
#[derive(Clone)]
pub struct FrameKey {
    own: AccountId,
    peer: AccountId,
    /// One block of the hash, as HMAC fills its keys up with zeros anyway.
    key: Zeroizing<[u8; 64]>,
}

/// The peer's account key has small order: what is agreed with it is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no secret can be agreed with the peer's key")]
pub struct WeakPeerKey;

impl AccountKeys {
    /// The key of the sender tags between this account and a peer. Those of the latest peers are kept.
    ///
    /// # Errors
    /// [`WeakPeerKey`].
    pub fn frame_key(&self, peer: &AccountId) -> Result<FrameKey, WeakPeerKey> {
        if let Some(kept) = self.kept.get(peer) {
            return Ok(kept);
        }
        let own = self.account_id();
        let shared = self.x25519_secret().diffie_hellman(&peer.x25519().into());
        if !shared.was_contributory() {
            return Err(WeakPeerKey);
        }
        let (lower, higher) = if own < *peer { (&own, peer) } else { (peer, &own) };
        let info: [&[u8]; 3] = [b"frame", lower.as_bytes(), higher.as_bytes()];
        let derived = kdf::derive::<32>(kdf::SALT, shared.as_bytes(), &info);
        let mut key = Zeroizing::new([0; 64]);
        for (to, from) in key.iter_mut().zip(derived.iter()) {
            *to = *from;
        }
        let key = FrameKey { own, peer: *peer, key };
        self.kept.put(&key);
        Ok(key)
    }
}

impl FrameKey {
    /// Our own account.
    pub fn own(&self) -> &AccountId {
        &self.own
    }

    /// The peer the key is shared with.
    pub fn peer(&self) -> &AccountId {
        &self.peer
    }

    /// The tag of a frame we send: over the recipient's id and all that stands before the tag.
    pub(super) fn tag(&self, frame: &[u8]) -> [u8; TAG_BYTES] {
        self.mac(&self.peer, frame).finalize().into_bytes().into()
    }

    /// Whether the peer sent this frame to us. In constant time.
    pub(super) fn verify(&self, frame: &[u8], tag: &[u8; TAG_BYTES]) -> bool {
        self.mac(&self.own, frame).verify(tag.into()).is_ok()
    }

    fn mac(&self, recipient: &AccountId, frame: &[u8]) -> Hmac<Sha256> {
        Hmac::<Sha256>::new((&*self.key).into()).chain_update(recipient.as_bytes()).chain_update(frame)
    }
}

impl fmt::Debug for FrameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameKey").field("peer", &self.peer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use curve25519_dalek::constants::EIGHT_TORSION;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::account::Seed;

    fn two_accounts() -> (AccountKeys, AccountKeys) {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut keys = || AccountKeys::from_seed(&Seed::generate(&mut rng));
        (keys(), keys())
    }

    #[test]
    fn both_sides_have_one_key() {
        let (alice, bob) = two_accounts();
        let alices = alice.frame_key(&bob.account_id()).unwrap();
        let bobs = bob.frame_key(&alice.account_id()).unwrap();
        assert_eq!(alices.key, bobs.key);
        assert!(bobs.verify(b"frame", &alices.tag(b"frame")));
        assert!(!bobs.verify(b"frome", &alices.tag(b"frame")));
    }

    #[test]
    fn a_frame_turned_back_on_its_sender_is_refused() {
        let (alice, bob) = two_accounts();
        let key = alice.frame_key(&bob.account_id()).unwrap();
        assert!(!key.verify(b"frame", &key.tag(b"frame")));
    }

    #[test]
    fn zero_secrets_are_refused() {
        let (alice, _) = two_accounts();
        for point in EIGHT_TORSION {
            let key = point.to_montgomery().to_bytes();
            let id = AccountId::from_bytes(&[&[5], &key[..]].concat()).unwrap();
            assert_eq!(alice.frame_key(&id).err(), Some(WeakPeerKey));
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let (alice, bob) = two_accounts();
        let shown = format!("{:?}", alice.frame_key(&bob.account_id()).unwrap());
        assert!(shown.starts_with("FrameKey { peer: AccountId(05") && shown.len() < 60, "{shown}");
    }
}
