//! The Session protocol: sign, then seal (network-protocol section 8.4).
//!
//! The sealed box hides the sender from everyone but the recipient; the signature inside proves who it
//! was. No session state, so no forward secrecy.

use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::account::{AccountId, AccountKeys, verify_ed25519};
use crate::envelope::MAX_DATA_BYTES;
use crate::padding::{pad, unpad};
use crate::sealed_box;

/// Bytes the ciphertext is longer than the padded content: key, signature, sealed box.
pub(crate) const OVERHEAD: usize = 32 + 64 + sealed_box::OVERHEAD;

/// Why content cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The recipient's key has small order: nothing sealed to it would be secret.
    #[error("the recipient's key cannot receive secrets")]
    WeakRecipient,
    /// More than fits a stored message ([`MAX_DATA_BYTES`]).
    #[error("the content is longer than a message can be")]
    TooLong,
}

/// Why a ciphertext is not a message to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Shorter than an empty message or longer than [`MAX_DATA_BYTES`].
    #[error("no message has this length")]
    WrongLength,
    /// Not sealed to this account, or changed.
    #[error("the message is not sealed to this account")]
    Undecryptable,
    /// The sender's Ed25519 key is not canonical, torsion-free and different from the identity.
    #[error("the sender's key is not a safe curve point")]
    UnsafeSender,
    /// The signature is not the sender's, or not for this recipient.
    #[error("the sender's signature is not valid")]
    BadSignature,
}

/// A message that was opened: who proved to have sent it, and what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The sender's id, converted from the key that signed.
    pub sender: AccountId,
    /// The Ed25519 key that signed.
    pub sender_ed25519: [u8; 32],
    /// The content (protobuf), without padding.
    pub content: Vec<u8>,
}

impl core::fmt::Debug for Opened {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Opened").field("sender", &self.sender).finish_non_exhaustive()
    }
}

/// Pads, signs and seals content (a protobuf) for one recipient.
///
/// # Errors
/// [`SealError`].
pub fn seal(
    plaintext_content: &[u8],
    sender: &AccountKeys,
    recipient: &AccountId,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Vec<u8>, SealError> {
    if plaintext_content.len() > MAX_DATA_BYTES {
        return Err(SealError::TooLong);
    }
    let mut inner = Zeroizing::new(pad(plaintext_content));
    inner.reserve_exact(32 + 64);
    inner.extend(sender.ed25519_public());
    let signature = sender.sign(&signed_bytes(&inner, recipient));
    inner.extend(signature);
    sealed_box::seal(&inner, recipient, rng).ok_or(SealError::WeakRecipient)
}

/// Opens a ciphertext sealed to us and checks who sent it.
///
/// # Errors
/// [`OpenError`].
pub fn open(ciphertext: &[u8], recipient: &AccountKeys) -> Result<Opened, OpenError> {
    if !(OVERHEAD..=MAX_DATA_BYTES).contains(&ciphertext.len()) {
        return Err(OpenError::WrongLength);
    }
    verify(&sealed_box::open(ciphertext, recipient).ok_or(OpenError::Undecryptable)?, recipient)
}

/// Checks who signed the inside of a sealed box.
pub(crate) fn verify(inner: &[u8], recipient: &AccountKeys) -> Result<Opened, OpenError> {
    let (signed, signature) = inner.split_last_chunk::<64>().ok_or(OpenError::WrongLength)?;
    let (padded, sender_ed25519) = signed.split_last_chunk::<32>().ok_or(OpenError::WrongLength)?;
    let sender = AccountId::from_ed25519(sender_ed25519).map_err(|_| OpenError::UnsafeSender)?;
    if !verify_ed25519(sender_ed25519, &signed_bytes(signed, &recipient.account_id()), signature) {
        return Err(OpenError::BadSignature);
    }
    Ok(Opened { sender, sender_ed25519: *sender_ed25519, content: unpad(padded).to_vec() })
}

/// What is signed: padded content, sender's Ed25519 key, recipient's X25519 key.
fn signed_bytes(content_and_sender: &[u8], recipient: &AccountId) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([content_and_sender, &recipient.x25519()].concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::account::Seed;

    fn two_accounts() -> (AccountKeys, AccountKeys, ChaCha20Rng) {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut keys = || AccountKeys::from_seed(&Seed::generate(&mut rng));
        (keys(), keys(), ChaCha20Rng::seed_from_u64(2))
    }

    #[test]
    fn a_message_is_for_its_recipient_alone() {
        let (alice, bob, mut rng) = two_accounts();
        let sealed = seal(b"content", &alice, &bob.account_id(), &mut rng).unwrap();
        assert_eq!(sealed.len(), 159 + OVERHEAD);
        assert_eq!(open(&sealed, &alice), Err(OpenError::Undecryptable));
    }

    #[test]
    fn a_message_sealed_anew_to_another_is_refused() {
        let (alice, bob, mut rng) = two_accounts();
        let sealed = seal(b"content", &alice, &bob.account_id(), &mut rng).unwrap();
        let inner = sealed_box::open(&sealed, &bob).unwrap();
        let forwarded = sealed_box::seal(&inner, &alice.account_id(), &mut rng).unwrap();
        assert_eq!(open(&forwarded, &alice), Err(OpenError::BadSignature));
    }

    #[test]
    fn unsafe_sender_keys_are_refused() {
        let (_, bob, mut rng) = two_accounts();
        let mut identity = [0; 32];
        identity[0] = 1;
        let inner = [&pad(b"")[..], &identity, &identity, &[0; 32]].concat();
        let sealed = sealed_box::seal(&inner, &bob.account_id(), &mut rng).unwrap();
        assert_eq!(open(&sealed, &bob), Err(OpenError::UnsafeSender));
    }

    #[test]
    fn lengths_are_bounded() {
        let (alice, bob, mut rng) = two_accounts();
        let long = vec![1; MAX_DATA_BYTES + 1];
        assert_eq!(seal(&long, &alice, &bob.account_id(), &mut rng), Err(SealError::TooLong));
        assert_eq!(open(&long, &bob), Err(OpenError::WrongLength));
        assert_eq!(open(&[1; OVERHEAD - 1], &bob), Err(OpenError::WrongLength));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn open_undoes_seal(content in prop::collection::vec(any::<u8>(), 0..500)) {
            let (alice, bob, mut rng) = two_accounts();
            let opened = open(&seal(&content, &alice, &bob.account_id(), &mut rng).unwrap(), &bob).unwrap();
            prop_assert_eq!(opened.content, content);
            prop_assert_eq!(opened.sender, alice.account_id());
            prop_assert_eq!(opened.sender_ed25519, alice.ed25519_public());
        }

        #[test]
        fn every_change_is_seen(place in any::<prop::sample::Index>(), bit in 0..8, cut in any::<prop::sample::Index>()) {
            let (alice, bob, mut rng) = two_accounts();
            let sealed = seal(b"content", &alice, &bob.account_id(), &mut rng).unwrap();
            let mut changed = sealed.clone();
            changed[place.index(sealed.len())] ^= 1u8 << bit;
            // The top bit of an X25519 key is ignored by the curve, but the box's nonce covers it.
            prop_assert!(open(&changed, &bob).is_err());
            prop_assert!(open(&sealed[..cut.index(sealed.len())], &bob).is_err());
        }
    }
}
