//! The encryption of one layer (network-protocol section 6.1).

use core::fmt;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};
use blake2::digest::consts::{U16, U32};
use blake2::{Blake2b, Digest as _};
use chacha20poly1305::XChaCha20Poly1305;
use hmac::{Hmac, Mac as _};
use rand_core::CryptoRng;
use sha2::Sha256;
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

/// How the layers of a request are encrypted. The answer uses the same.
///
/// The network's third, AES-CBC, has no authentication and is not spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// AES-256-GCM; what a node assumes when `enc_type` is missing.
    AesGcm,
    /// XChaCha20-Poly1305.
    XChaCha20,
}

impl Cipher {
    /// The cipher an `enc_type` names, aliases included.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "aes-gcm" | "gcm" => Some(Self::AesGcm),
            "xchacha20" | "xchacha20-poly1305" => Some(Self::XChaCha20),
            _ => None,
        }
    }

    /// The `enc_type` to send: none for what is assumed anyway.
    pub(crate) fn enc_type(self) -> Option<&'static str> {
        match self {
            Self::AesGcm => None,
            Self::XChaCha20 => Some("xchacha20"),
        }
    }
}

/// The key of one layer, the same on both sides and for both directions. Erased when dropped.
#[derive(Clone)]
pub struct LayerKey {
    cipher: Cipher,
    key: Zeroizing<[u8; 32]>,
}

impl LayerKey {
    /// The client's side: its ephemeral key pair and the node's public key. The client has to have the
    /// public half anyway, to send it.
    ///
    /// `None` if the node's key has small order, so that the agreed secret would be zero.
    pub fn for_client(
        cipher: Cipher,
        ephemeral: &StaticSecret,
        public: &PublicKey,
        node: &[u8; 32],
    ) -> Option<Self> {
        let shared = agree(ephemeral, node)?;
        Self::derive(cipher, &shared, public.as_bytes(), || *node)
    }

    /// The node's side: its secret and the client's ephemeral public key.
    ///
    /// `None` if the client's key has small order.
    pub fn for_node(cipher: Cipher, node: &StaticSecret, ephemeral: &[u8; 32]) -> Option<Self> {
        let shared = agree(node, ephemeral)?;
        Self::derive(cipher, &shared, ephemeral, || PublicKey::from(node).to_bytes())
    }

    /// `node`: the node's public key. Only one cipher needs it, and a node has to compute it.
    fn derive(
        cipher: Cipher,
        shared: &SharedSecret,
        client: &[u8; 32],
        node: impl FnOnce() -> [u8; 32],
    ) -> Option<Self> {
        let key = match cipher {
            Cipher::AesGcm => {
                let mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(b"LOKI").ok()?;
                mac.chain_update(shared.as_bytes()).finalize().into_bytes()
            }
            Cipher::XChaCha20 => {
                let hasher = Blake2b::<U32>::new().chain_update(shared.as_bytes());
                hasher.chain_update(client).chain_update(node()).finalize()
            }
        };
        Some(Self { cipher, key: Zeroizing::new(key.into()) })
    }

    /// Encrypts with a random nonce: nonce, ciphertext, 16-byte tag.
    ///
    /// `None` only beyond a cipher's limit, far above [`super::MAX_REQUEST_BYTES`].
    pub fn seal(&self, plaintext: &[u8], rng: &mut (impl CryptoRng + ?Sized)) -> Option<Vec<u8>> {
        match self.cipher {
            Cipher::AesGcm => seal_with(&Aes256Gcm::new((&*self.key).into()), plaintext, rng),
            Cipher::XChaCha20 => seal_with(&XChaCha20Poly1305::new((&*self.key).into()), plaintext, rng),
        }
    }

    /// Decrypts what [`LayerKey::seal`] made on either side; `None` if it was made otherwise or changed.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        match self.cipher {
            Cipher::AesGcm => open_with(&Aes256Gcm::new((&*self.key).into()), sealed),
            Cipher::XChaCha20 => open_with(&XChaCha20Poly1305::new((&*self.key).into()), sealed),
        }
    }
}

impl fmt::Debug for LayerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerKey").field("cipher", &self.cipher).finish_non_exhaustive()
    }
}

fn agree(secret: &StaticSecret, public: &[u8; 32]) -> Option<SharedSecret> {
    let shared = secret.diffie_hellman(&PublicKey::from(*public));
    shared.was_contributory().then_some(shared)
}

fn seal_with<A>(cipher: &A, plaintext: &[u8], rng: &mut (impl CryptoRng + ?Sized)) -> Option<Vec<u8>>
where
    A: AeadInOut<TagSize = U16>,
{
    let mut nonce = Nonce::<A>::default();
    rng.fill_bytes(&mut nonce);
    let mut sealed = Vec::with_capacity(nonce.len() + plaintext.len() + 16);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let (_, text) = sealed.split_at_mut_checked(nonce.len())?;
    let tag = cipher.encrypt_inout_detached(&nonce, b"", text.into()).ok()?;
    sealed.extend_from_slice(&tag);
    Some(sealed)
}

fn open_with<A: AeadInOut<TagSize = U16>>(cipher: &A, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_at_checked(Nonce::<A>::default().len())?;
    let (text, tag) = rest.split_last_chunk::<16>()?;
    let (nonce, tag) = (Nonce::<A>::try_from(nonce).ok()?, Tag::<A>::from(*tag));
    let mut text = text.to_vec();
    cipher.decrypt_inout_detached(&nonce, b"", text.as_mut_slice().into(), &tag).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn both_sides(cipher: Cipher) -> (LayerKey, LayerKey, ChaCha20Rng) {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let client = StaticSecret::random_from_rng(&mut rng);
        let node = StaticSecret::random_from_rng(&mut rng);
        let public = PublicKey::from(&client);
        let theirs = LayerKey::for_node(cipher, &node, public.as_bytes()).unwrap();
        let ours = LayerKey::for_client(cipher, &client, &public, PublicKey::from(&node).as_bytes());
        (ours.unwrap(), theirs, rng)
    }

    #[test]
    fn overheads_are_the_networks() {
        for (cipher, overhead) in [(Cipher::AesGcm, 28), (Cipher::XChaCha20, 40)] {
            let (client, _, mut rng) = both_sides(cipher);
            assert_eq!(client.seal(b"", &mut rng).unwrap().len(), overhead);
        }
    }

    #[test]
    fn zero_secrets_are_refused() {
        let secret = StaticSecret::from([7; 32]);
        for cipher in [Cipher::AesGcm, Cipher::XChaCha20] {
            let public = PublicKey::from(&secret);
            assert!(LayerKey::for_client(cipher, &secret, &public, &[0; 32]).is_none());
            assert!(LayerKey::for_node(cipher, &secret, &[0; 32]).is_none());
        }
    }

    #[test]
    fn aliases_name_the_same_cipher() {
        assert_eq!(Cipher::from_name("gcm"), Cipher::from_name("aes-gcm"));
        assert_eq!(Cipher::from_name("xchacha20-poly1305"), Some(Cipher::XChaCha20));
        assert_eq!(Cipher::from_name("aes-cbc"), None);
    }

    #[test]
    fn debug_shows_no_key() {
        let (client, ..) = both_sides(Cipher::AesGcm);
        assert_eq!(format!("{client:?}"), "LayerKey { cipher: AesGcm, .. }");
    }

    proptest! {
        #[test]
        fn layers_open_on_the_other_side_unless_changed(
            plaintext in prop::collection::vec(any::<u8>(), 0..99),
            place in any::<prop::sample::Index>(),
            bit in 0..8,
        ) {
            for cipher in [Cipher::AesGcm, Cipher::XChaCha20] {
                let (client, node, mut rng) = both_sides(cipher);
                let mut sealed = client.seal(&plaintext, &mut rng).unwrap();
                prop_assert_eq!(node.open(&sealed), Some(plaintext.clone()));
                let place = place.index(sealed.len());
                prop_assert_eq!(node.open(&sealed[..place]), None);
                sealed[place] ^= 1u8 << bit;
                prop_assert_eq!(node.open(&sealed), None);
            }
        }
    }
}
