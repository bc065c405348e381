//! The prekey bundle: what one account needs to start a session with another (extensions section 4).
//!
//! Fresh keys for one peer, signed by their owner, valid up to one instant. A bundle travels in friend
//! requests, renewals, re-keys and upgrades, and always in field 201 of a Content.

use core::fmt;

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::account::{AccountId, AccountKeys, PeerKeyError, check_peer_key, verify_ed25519};
use crate::hybrid::{KEM_KEY_BYTES, is_valid_key};
use crate::sealed_box::has_small_order;
use crate::{proto, signed};

/// The only suite: Olm with full MACs and ML-KEM-768.
pub const SUITE: u32 = 1;
/// The longest life of a bundle and of the request it comes with, in seconds: 14 days.
pub const LIFE_S: u64 = 14 * 24 * 3_600;

/// What the owner decides about a bundle.
#[derive(Clone, PartialEq, Eq)]
pub struct Offer {
    /// The only account that may use the bundle.
    pub recipient: AccountId,
    /// 16 random bytes; those of the friend request, if it comes with one.
    pub request_id: [u8; 16],
    /// The pair epoch.
    pub epoch: u64,
    /// Network seconds.
    pub created_s: u64,
    /// Network seconds, at most [`LIFE_S`] after `created_s`.
    pub expiry_s: u64,
    /// The Curve25519 identity key of the fresh Olm account.
    pub ratchet_identity: [u8; 32],
    /// The one one-time key of the fresh Olm account.
    pub one_time_key: [u8; 32],
    /// The fresh ML-KEM-768 encapsulation key.
    pub kem_key: Box<[u8; KEM_KEY_BYTES]>,
}

/// An offer with its owner's name and signature. Decoding checks its shape alone; [`Bundle::verify`] the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Who made it.
    pub owner: AccountId,
    /// What is signed, besides the owner and the suite.
    pub offer: Offer,
    /// The key that signed.
    pub owner_ed25519: [u8; 32],
    /// Ed25519 over the label `starling/v1/bundle`, the suite, the owner and the offer.
    pub signature: [u8; 64],
}

/// Why a bundle is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BundleError {
    /// A field is missing or has not its length, or an id is not a user's.
    #[error("the bundle is incomplete")]
    Incomplete,
    /// Cryptography we do not know.
    #[error("the bundle is of suite {0}")]
    OtherSuite(u32),
    /// Its owner is not the sender.
    #[error("the bundle is another account's")]
    OtherOwner,
    /// It was made for somebody else: taking it would share keys with whoever passed it on.
    #[error("the bundle is for another account")]
    OtherRecipient,
    /// It does not expire after it was created, or too long after.
    #[error("the life of the bundle is not between 1 second and 14 days")]
    BadLife,
    /// The signing key is not the owner's.
    #[error(transparent)]
    Key(#[from] PeerKeyError),
    /// A ratchet key has small order, or the ML-KEM key fails the check of FIPS 203.
    #[error("a key of the bundle can agree on no secret")]
    WeakKey,
    /// The signature is not the owner's over these fields.
    #[error("the signature of the bundle is not valid")]
    BadSignature,
}

impl Bundle {
    /// Signs an offer.
    pub fn sign(offer: Offer, keys: &AccountKeys) -> Self {
        let owner = keys.account_id();
        let signature = keys.sign(&signed_bytes(&owner, &offer));
        Self { owner, offer, owner_ed25519: keys.ed25519_public(), signature }
    }

    /// Whether we, `recipient`, may start a session with `owner` from this bundle. Whether it is time to is
    /// for the caller: expiry and epoch are not compared with anything here.
    ///
    /// `pinned`: the Ed25519 key that is known of the owner.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn verify(
        &self,
        owner: &AccountId,
        recipient: &AccountId,
        pinned: Option<&[u8; 32]>,
    ) -> Result<(), BundleError> {
        if self.owner != *owner {
            return Err(BundleError::OtherOwner);
        }
        if self.offer.recipient != *recipient {
            return Err(BundleError::OtherRecipient);
        }
        let life = self.offer.expiry_s.checked_sub(self.offer.created_s);
        if !life.is_some_and(|life| (1..=LIFE_S).contains(&life)) {
            return Err(BundleError::BadLife);
        }
        check_peer_key(owner, &self.owner_ed25519, pinned)?;
        if !verify_ed25519(&self.owner_ed25519, &signed_bytes(owner, &self.offer), &self.signature) {
            return Err(BundleError::BadSignature);
        }
        let Offer { ratchet_identity, one_time_key, kem_key, .. } = &self.offer;
        let weak = has_small_order(ratchet_identity) || has_small_order(one_time_key);
        if weak || !is_valid_key(kem_key) { Err(BundleError::WeakKey) } else { Ok(()) }
    }

    /// SHA-256 of the very bytes that are signed, which name the bundle in all that follows from it. Not of
    /// the protobuf, which has many encodings.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(signed_bytes(&self.owner, &self.offer)).into()
    }

    /// The protobuf, as it stands in a Content: to keep a bundle until it is accepted.
    pub fn encode(&self) -> Vec<u8> {
        proto::Bundle::from(self).encode_to_vec()
    }

    /// Reads what [`Bundle::encode`] wrote. Its shape is checked, nothing else.
    ///
    /// # Errors
    /// [`BundleError::Incomplete`] or [`BundleError::OtherSuite`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        proto::Bundle::decode(bytes).map_err(|_| BundleError::Incomplete)?.try_into()
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, offer, .. } = self;
        f.debug_struct("Bundle").field("owner", owner).field("offer", offer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recipient, epoch, .. } = self;
        f.debug_struct("Offer").field("recipient", recipient).field("epoch", epoch).finish_non_exhaustive()
    }
}

/// Numbers are 8 bytes, big-endian; the suite 4.
fn signed_bytes(owner: &AccountId, offer: &Offer) -> Vec<u8> {
    signed::bytes(
        "starling/v1/bundle",
        &[
            &SUITE.to_be_bytes(),
            owner.as_bytes(),
            offer.recipient.as_bytes(),
            &offer.request_id,
            &offer.epoch.to_be_bytes(),
            &offer.created_s.to_be_bytes(),
            &offer.expiry_s.to_be_bytes(),
            &offer.ratchet_identity,
            &offer.one_time_key,
            &*offer.kem_key,
        ],
    )
}

impl From<&Bundle> for proto::Bundle {
    fn from(bundle: &Bundle) -> Self {
        let Bundle { owner, offer, owner_ed25519, signature } = bundle;
        Self {
            suite: Some(SUITE),
            owner: Some(owner.as_bytes().to_vec()),
            recipient: Some(offer.recipient.as_bytes().to_vec()),
            request_id: Some(offer.request_id.to_vec()),
            epoch: Some(offer.epoch),
            created: Some(offer.created_s),
            expiry: Some(offer.expiry_s),
            ratchet_identity: Some(offer.ratchet_identity.to_vec()),
            one_time_key: Some(offer.one_time_key.to_vec()),
            kem_key: Some(offer.kem_key.to_vec()),
            owner_ed25519: Some(owner_ed25519.to_vec()),
            signature: Some(signature.to_vec()),
        }
    }
}

impl TryFrom<proto::Bundle> for Bundle {
    type Error = BundleError;

    fn try_from(bundle: proto::Bundle) -> Result<Self, BundleError> {
        match bundle.suite {
            Some(SUITE) => Self::from_fields(bundle).ok_or(BundleError::Incomplete),
            Some(other) => Err(BundleError::OtherSuite(other)),
            None => Err(BundleError::Incomplete),
        }
    }
}

impl Bundle {
    fn from_fields(bundle: proto::Bundle) -> Option<Self> {
        let id = |bytes: Option<Vec<u8>>| AccountId::from_bytes(&bytes?).ok();
        let offer = Offer {
            recipient: id(bundle.recipient)?,
            request_id: bundle.request_id?.try_into().ok()?,
            epoch: bundle.epoch?,
            created_s: bundle.created?,
            expiry_s: bundle.expiry?,
            ratchet_identity: bundle.ratchet_identity?.try_into().ok()?,
            one_time_key: bundle.one_time_key?.try_into().ok()?,
            kem_key: bundle.kem_key?.into_boxed_slice().try_into().ok()?,
        };
        Some(Self {
            owner: id(bundle.owner)?,
            offer,
            owner_ed25519: bundle.owner_ed25519?.try_into().ok()?,
            signature: bundle.signature?.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use curve25519_dalek::constants::EIGHT_TORSION;
    use proptest::prelude::*;

    use super::*;
    use crate::account::Seed;
    use crate::hybrid::KemSeed;

    fn keys(byte: u8) -> AccountKeys {
        AccountKeys::from_seed(&Seed::from_bytes(&[byte; 16]).unwrap())
    }

    fn offer() -> Offer {
        Offer {
            recipient: keys(2).account_id(),
            request_id: [3; 16],
            epoch: 1_700_000_000,
            created_s: 1_700_000_000,
            expiry_s: 1_700_000_000 + LIFE_S,
            ratchet_identity: [9; 32],
            one_time_key: [10; 32],
            kem_key: KemSeed::from_bytes([5; 64]).public_key(),
        }
    }

    /// What Bob finds about a bundle that Alice signed after this change.
    fn signed_after(change: impl FnOnce(&mut Offer)) -> Result<(), BundleError> {
        let mut offer = offer();
        change(&mut offer);
        let alice = keys(1);
        let bundle = Bundle::sign(offer, &alice);
        bundle.verify(&alice.account_id(), &keys(2).account_id(), Some(&alice.ed25519_public()))
    }

    #[test]
    fn a_bundle_is_good_for_its_recipient_alone() {
        let (alice, bob, carol) = (keys(1), keys(2).account_id(), keys(3));
        let bundle = Bundle::sign(offer(), &alice);
        let owner = alice.account_id();
        assert_eq!(bundle.verify(&owner, &bob, None), Ok(()));
        assert_eq!(bundle.verify(&owner, &bob, Some(&alice.ed25519_public())), Ok(()));
        // Attack (unknown key share): Carol passes Alice's bundle on as if it were for Carol, or her own.
        assert_eq!(bundle.verify(&owner, &carol.account_id(), None), Err(BundleError::OtherRecipient));
        assert_eq!(bundle.verify(&carol.account_id(), &bob, None), Err(BundleError::OtherOwner));
    }

    #[test]
    fn a_bundle_in_another_name_is_refused() {
        let (alice, bob, carol) = (keys(1).account_id(), keys(2).account_id(), keys(3));
        let forged = Bundle { owner: alice, ..Bundle::sign(offer(), &carol) };
        let other = Err(BundleError::Key(PeerKeyError::OtherAccount));
        assert_eq!(forged.verify(&alice, &bob, None), other);
        let named = Bundle { owner_ed25519: keys(1).ed25519_public(), ..forged };
        assert_eq!(named.verify(&alice, &bob, None), Err(BundleError::BadSignature));
    }

    #[test]
    fn only_the_pinned_key_of_the_owner_signs() {
        let (alice, bob) = (keys(1), keys(2).account_id());
        let bundle = Bundle::sign(offer(), &alice);
        let mut twin = alice.ed25519_public();
        twin[31] ^= 0x80;
        let refused = bundle.verify(&alice.account_id(), &bob, Some(&twin));
        assert_eq!(refused, Err(BundleError::Key(PeerKeyError::NotPinned)));
        let with_twin = Bundle { owner_ed25519: twin, ..bundle };
        assert_eq!(with_twin.verify(&alice.account_id(), &bob, None), Err(BundleError::BadSignature));
    }

    #[test]
    fn a_bundle_lives_14_days_at_most() {
        assert_eq!(signed_after(|_| ()), Ok(()));
        assert_eq!(signed_after(|offer| offer.expiry_s = offer.created_s + 1), Ok(()));
        for bad in [0, 1_700_000_000, 1_700_000_001 + LIFE_S, u64::MAX] {
            assert_eq!(signed_after(|offer| offer.expiry_s = bad), Err(BundleError::BadLife));
        }
    }

    #[test]
    fn keys_without_secrets_are_refused() {
        for point in EIGHT_TORSION {
            let weak = point.to_montgomery().to_bytes();
            assert_eq!(signed_after(|offer| offer.ratchet_identity = weak), Err(BundleError::WeakKey));
            assert_eq!(signed_after(|offer| offer.one_time_key = weak), Err(BundleError::WeakKey));
        }
        // A coefficient of 4,095 is not below 3,329.
        let unreduced = |offer: &mut Offer| offer.kem_key[..2].fill(0xff);
        assert_eq!(signed_after(unreduced), Err(BundleError::WeakKey));
    }

    #[test]
    fn the_signature_and_the_hash_cover_every_field() {
        let (alice, bob) = (keys(1), keys(2).account_id());
        let bundle = Bundle::sign(offer(), &alice);
        let changes: [fn(&mut Offer); 7] = [
            |offer| offer.request_id[0] ^= 1,
            |offer| offer.epoch += 1,
            |offer| offer.created_s += 1,
            |offer| offer.expiry_s -= 1,
            |offer| offer.ratchet_identity[0] ^= 1,
            |offer| offer.one_time_key[0] ^= 1,
            |offer| offer.kem_key = KemSeed::from_bytes([6; 64]).public_key(),
        ];
        for change in changes {
            let mut changed = bundle.clone();
            change(&mut changed.offer);
            assert_eq!(changed.verify(&alice.account_id(), &bob, None), Err(BundleError::BadSignature));
            assert_ne!(changed.hash(), bundle.hash());
        }
    }

    #[test]
    fn other_suites_and_torn_fields_are_told_apart() {
        let proto = proto::Bundle::from(&Bundle::sign(offer(), &keys(1)));
        let decode = |change: fn(&mut proto::Bundle)| {
            let mut changed = proto.clone();
            change(&mut changed);
            Bundle::decode(&changed.encode_to_vec()).err()
        };
        assert_eq!(decode(|_| ()), None);
        assert_eq!(decode(|bundle| bundle.suite = Some(2)), Some(BundleError::OtherSuite(2)));
        assert_eq!(decode(|bundle| bundle.suite = None), Some(BundleError::Incomplete));
        assert_eq!(decode(|bundle| bundle.signature = None), Some(BundleError::Incomplete));
        assert_eq!(decode(|bundle| bundle.owner = Some(vec![3; 33])), Some(BundleError::Incomplete));
        assert_eq!(decode(|bundle| bundle.kem_key = Some(vec![0; 1_183])), Some(BundleError::Incomplete));
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(epoch: u64, created_s: u64, expiry_s: u64, request_id: [u8; 16]) {
            let bundle = Bundle::sign(Offer { epoch, created_s, expiry_s, request_id, ..offer() }, &keys(1));
            prop_assert_eq!(Bundle::decode(&bundle.encode()), Ok(bundle));
        }

        #[test]
        fn every_flipped_bit_is_seen(place in any::<prop::sample::Index>(), bit in 0..8) {
            let bundle = Bundle::sign(offer(), &keys(1));
            let mut bytes = bundle.encode();
            let place = place.index(bytes.len());
            let _ = Bundle::decode(&bytes[..place]);
            bytes[place] ^= 1u8 << bit;
            let (alice, bob) = (keys(1).account_id(), keys(2).account_id());
            let taken = Bundle::decode(&bytes).and_then(|bundle| bundle.verify(&alice, &bob, None));
            prop_assert!(taken.is_err());
        }

        #[test]
        fn hostile_bundles_are_harmless(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Bundle::decode(&noise).is_err());
        }
    }
}
