//! Anonymous encryption to an account: libsodium's sealed box (network-protocol section 8.4).

use crypto_box::aead::rand_core as old_rand_core;
use crypto_box::{PublicKey, SecretKey};
use curve25519_dalek::MontgomeryPoint;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::account::{AccountId, AccountKeys};

/// Bytes a sealed box adds: an ephemeral public key and a tag.
pub(crate) const OVERHEAD: usize = crypto_box::SEALBYTES;

/// Encrypts to an account. `None` if its key has small order, so that the agreed secret would be zero.
pub(crate) fn seal(
    plaintext: &[u8],
    recipient: &AccountId,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Option<Vec<u8>> {
    let key = recipient.x25519();
    if has_small_order(&key) {
        return None;
    }
    PublicKey::from(key).seal(&mut OldRng(rng), plaintext).ok()
}

/// Decrypts what was sealed to us. `None` if it was not, was changed, or agrees on a zero secret.
pub(crate) fn open(sealed: &[u8], recipient: &AccountKeys) -> Option<Zeroizing<Vec<u8>>> {
    if has_small_order(sealed.first_chunk()?) {
        return None;
    }
    // crypto_box 0.9 erases the scalar of this copy when it drops it, but not its bytes.
    let secret = SecretKey::from(recipient.x25519_secret().to_bytes());
    secret.unseal(sealed).ok().map(Zeroizing::new)
}

/// Whether every agreement with this key yields zero: eight times the point is the neutral element.
pub(crate) fn has_small_order(key: &[u8; 32]) -> bool {
    let eight = [true, false, false, false];
    MontgomeryPoint(*key).mul_bits_be(eight.into_iter()).to_bytes() == [0; 32]
}

/// Today's generator for `crypto_box`, which wants the traits of `rand_core` 0.6. It never fails.
struct OldRng<'a, R: ?Sized>(&'a mut R);

impl<R: CryptoRng + ?Sized> old_rand_core::RngCore for OldRng<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill_bytes(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), old_rand_core::Error> {
        self.0.fill_bytes(dest);
        Ok(())
    }
}

impl<R: CryptoRng + ?Sized> old_rand_core::CryptoRng for OldRng<'_, R> {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use curve25519_dalek::constants::{EIGHT_TORSION, X25519_BASEPOINT};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::account::Seed;

    #[test]
    fn zero_secrets_are_refused() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let keys = AccountKeys::from_seed(&Seed::generate(&mut rng));
        for point in EIGHT_TORSION {
            let key = point.to_montgomery().to_bytes();
            assert!(has_small_order(&key));
            let id = AccountId::from_bytes(&[&[5], &key[..]].concat()).unwrap();
            assert_eq!(seal(b"secret", &id, &mut rng), None);
            assert!(open(&[&key[..], &[0; 40]].concat(), &keys).is_none());
        }
        assert!(!has_small_order(X25519_BASEPOINT.as_bytes()));
        assert!(!has_small_order(&keys.account_id().x25519()));
    }
}
