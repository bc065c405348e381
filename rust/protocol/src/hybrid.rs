//! The post-quantum half of a session: ML-KEM-768 and the keys it gives (extensions section 4).
//!
//! The owner of a bundle publishes an ML-KEM key; whoever accepts encapsulates to it once. Both sides then
//! hold one key per direction, under which every ratchet frame of the session is boxed ([`crate::frame`]):
//!
//! ```text
//! T = SHA-256("starling/v1/pq" | SHA-256(bundle) | session id | acceptor id | ML-KEM ciphertext)
//! K_acceptor | K_owner = HKDF-SHA256(salt = T, ikm = shared secret, info = "starling/v1/pq-keys", 64 bytes)
//! ```

use core::fmt;

use libcrux_ml_kem::mlkem768::{self, MlKem768Ciphertext, MlKem768PublicKey};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::account::AccountId;
use crate::kdf;

/// Bytes of an ML-KEM-768 encapsulation key.
pub const KEM_KEY_BYTES: usize = 1_184;
/// Bytes of an ML-KEM-768 ciphertext.
pub const KEM_CIPHERTEXT_BYTES: usize = 1_088;
/// Bytes of the seed that both keys of ML-KEM-768 are derived from (FIPS 203: d, then z).
pub const KEM_SEED_BYTES: usize = 64;

/// The secret half of a bundle's ML-KEM key: the seed it is derived from.
///
/// Erased when dropped; never shown by `Debug`. The decapsulation key exists only while
/// [`Handshake::decapsulate`] runs.
#[derive(Clone)]
pub struct KemSeed(Zeroizing<[u8; KEM_SEED_BYTES]>);

impl KemSeed {
    /// Draws a new seed.
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut seed = Zeroizing::new([0; KEM_SEED_BYTES]);
        rng.fill_bytes(&mut *seed);
        Self(seed)
    }

    /// Takes a seed that was stored.
    pub fn from_bytes(seed: [u8; KEM_SEED_BYTES]) -> Self {
        Self(Zeroizing::new(seed))
    }

    /// The seed, to store it.
    pub fn as_bytes(&self) -> &[u8; KEM_SEED_BYTES] {
        &self.0
    }

    /// The encapsulation key that goes into the bundle.
    pub fn public_key(&self) -> Box<[u8; KEM_KEY_BYTES]> {
        Box::new(*mlkem768::generate_key_pair(*self.0).pk())
    }
}

impl fmt::Debug for KemSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemSeed(redacted)")
    }
}

/// The key under which one direction of a session boxes its Olm messages.
///
/// Erased when dropped; never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct BoxKey(Zeroizing<[u8; 32]>);

impl BoxKey {
    /// Takes a key that was stored.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The key, to store it.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxKey(redacted)")
    }
}

/// The keys of a session, one per direction, so that neither side's frames can be turned back on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectionKeys {
    /// For what the acceptor of the bundle sends.
    pub acceptor: BoxKey,
    /// For what the owner of the bundle sends.
    pub owner: BoxKey,
}

/// An ML-KEM key that FIPS 203 tells to refuse: a coefficient is not reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the ML-KEM key is not valid")]
pub struct InvalidKemKey;

/// What the keys of a session are bound to, besides the secret: another bundle, session, acceptor or
/// ciphertext gives other keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// [`crate::bundle::Bundle::hash`] of the bundle that was accepted.
    pub bundle_hash: [u8; 32],
    /// The id of the Olm session.
    pub session_id: [u8; 32],
    /// Who accepted the bundle.
    pub acceptor: AccountId,
}

impl Handshake {
    /// The acceptor's side: encapsulates to the bundle's key. The ciphertext goes into every prekey frame.
    ///
    /// # Errors
    /// [`InvalidKemKey`].
    pub fn encapsulate(
        &self,
        kem_key: &[u8; KEM_KEY_BYTES],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(Box<[u8; KEM_CIPHERTEXT_BYTES]>, DirectionKeys), InvalidKemKey> {
        let kem_key = MlKem768PublicKey::from(kem_key);
        if !mlkem768::validate_public_key(&kem_key) {
            return Err(InvalidKemKey);
        }
        let mut randomness = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *randomness);
        let (ciphertext, secret) = mlkem768::encapsulate(&kem_key, *randomness);
        let keys = self.derive(&Zeroizing::new(secret), ciphertext.as_slice());
        Ok((Box::new(*ciphertext.as_slice()), keys))
    }

    /// The owner's side. A ciphertext that was not made for this seed gives keys nobody else has: the box of
    /// its frame does not open.
    pub fn decapsulate(&self, seed: &KemSeed, ciphertext: &[u8; KEM_CIPHERTEXT_BYTES]) -> DirectionKeys {
        let pair = mlkem768::generate_key_pair(*seed.0);
        let secret = mlkem768::decapsulate(pair.private_key(), &MlKem768Ciphertext::from(ciphertext));
        self.derive(&Zeroizing::new(secret), ciphertext)
    }

    fn derive(&self, secret: &[u8; 32], ciphertext: &[u8; KEM_CIPHERTEXT_BYTES]) -> DirectionKeys {
        let transcript = Sha256::new_with_prefix("starling/v1/pq")
            .chain_update(self.bundle_hash)
            .chain_update(self.session_id)
            .chain_update(self.acceptor.as_bytes())
            .chain_update(ciphertext)
            .finalize();
        let both = kdf::derive::<64>(&transcript, secret, &[b"starling/v1/pq-keys"]);
        let [mut acceptor, mut owner] = [(); 2].map(|()| Zeroizing::new([0; 32]));
        let (first, second) = both.split_at(acceptor.len());
        acceptor.copy_from_slice(first);
        owner.copy_from_slice(second);
        DirectionKeys { acceptor: BoxKey(acceptor), owner: BoxKey(owner) }
    }
}

/// Whether an ML-KEM key passes the check of FIPS 203, section 7.2.
pub fn is_valid_key(kem_key: &[u8; KEM_KEY_BYTES]) -> bool {
    mlkem768::validate_public_key(&MlKem768PublicKey::from(kem_key))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use ml_kem::kem::{Decapsulate as _, KeyExport as _};
    use ml_kem::{DecapsulationKey, EncapsulationKey, MlKem768};
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn handshake() -> Handshake {
        let acceptor = AccountId::from_bytes(&[5; 33]).unwrap();
        Handshake { bundle_hash: [1; 32], session_id: [2; 32], acceptor }
    }

    fn accepted(seed: &KemSeed) -> (Box<[u8; KEM_CIPHERTEXT_BYTES]>, DirectionKeys) {
        handshake().encapsulate(&seed.public_key(), &mut ChaCha20Rng::seed_from_u64(1)).unwrap()
    }

    #[test]
    fn both_sides_have_the_same_keys_one_per_direction() {
        let seed = KemSeed::generate(&mut ChaCha20Rng::seed_from_u64(2));
        let (ciphertext, keys) = accepted(&seed);
        assert_eq!(handshake().decapsulate(&seed, &ciphertext), keys);
        assert_ne!(keys.acceptor, keys.owner);
        assert_eq!(KemSeed::from_bytes(*seed.as_bytes()).public_key(), seed.public_key());
    }

    #[test]
    fn keys_are_bound_to_the_whole_handshake() {
        let seed = KemSeed::from_bytes([7; 64]);
        let (ciphertext, keys) = accepted(&seed);
        let changes: [fn(&mut Handshake); 3] = [
            |handshake| handshake.bundle_hash[0] ^= 1,
            |handshake| handshake.session_id[0] ^= 1,
            |handshake| {
                handshake.acceptor = AccountId::from_bytes(&[[5].as_slice(), &[6; 32]].concat()).unwrap()
            },
        ];
        for change in changes {
            let mut changed = handshake();
            change(&mut changed);
            let others = changed.decapsulate(&seed, &ciphertext);
            assert!(others.acceptor != keys.acceptor && others.owner != keys.owner);
        }
        let mut other = ciphertext;
        other[0] ^= 1;
        assert_ne!(handshake().decapsulate(&seed, &other), keys);
        assert_ne!(handshake().decapsulate(&KemSeed::from_bytes([8; 64]), &other), keys);
    }

    #[test]
    fn keys_that_fips_203_refuses_are_refused() {
        let mut kem_key = KemSeed::from_bytes([7; 64]).public_key();
        assert!(is_valid_key(&kem_key));
        // The first coefficient becomes 3,329, the modulus itself.
        kem_key[0] = 0x01;
        kem_key[1] = kem_key[1] & 0xf0 | 0x0d;
        assert!(!is_valid_key(&kem_key));
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        assert_eq!(handshake().encapsulate(&kem_key, &mut rng).err(), Some(InvalidKemKey));
    }

    #[test]
    fn debug_shows_no_key() {
        let seed = KemSeed::from_bytes([7; 64]);
        assert_eq!(format!("{seed:?}"), "KemSeed(redacted)");
        let shown = format!("{:?}", accepted(&seed).1);
        assert_eq!(shown, "DirectionKeys { acceptor: BoxKey(redacted), owner: BoxKey(redacted) }");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn another_implementation_agrees_in_both_directions(seed: [u8; 64], randomness: [u8; 32]) {
            let ours = mlkem768::generate_key_pair(seed);
            let theirs = DecapsulationKey::<MlKem768>::from_seed(seed.into());
            let their_key = theirs.encapsulation_key();
            prop_assert_eq!(*ours.pk(), <[u8; KEM_KEY_BYTES]>::from(their_key.to_bytes()));

            let (ciphertext, secret) = mlkem768::encapsulate(ours.public_key(), randomness);
            let opened = theirs.decapsulate(&(*ciphertext.as_slice()).into());
            prop_assert_eq!(opened.as_slice(), &secret);

            let their_key = EncapsulationKey::<MlKem768>::new(&(*ours.pk()).into()).unwrap();
            let (ciphertext, secret) = their_key.encapsulate_deterministic(&randomness.into());
            let ciphertext = MlKem768Ciphertext::from(<[u8; KEM_CIPHERTEXT_BYTES]>::from(ciphertext));
            prop_assert_eq!(&mlkem768::decapsulate(ours.private_key(), &ciphertext), secret.as_slice());

            // A ciphertext that was changed is rejected implicitly, to the same secret in both.
            let mut changed = *ciphertext.as_slice();
            changed[7] ^= 1;
            let ours = mlkem768::decapsulate(ours.private_key(), &changed.into());
            let theirs = theirs.decapsulate(&changed.into());
            prop_assert_eq!(theirs.as_slice(), &ours);
        }
    }
}
