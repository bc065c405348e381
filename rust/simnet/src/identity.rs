//! The two key pairs of a service node.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey};
use rand_core::CryptoRng;
use starling_protocol::NodeKey;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// A node's secrets: an Ed25519 key that names it and signs receipts, and an independent X25519
/// key for onion layers. Erased when dropped; `Debug` shows the public name alone.
pub struct Identity {
    ed25519: SigningKey,
    x25519: StaticSecret,
}

impl Identity {
    /// Draws both keys.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Identity {
        let (mut ed25519, mut x25519) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        rng.fill_bytes(&mut *ed25519);
        rng.fill_bytes(&mut *x25519);
        Identity::from_secrets(*ed25519, *x25519)
    }

    /// The identity with these secrets.
    #[must_use]
    pub fn from_secrets(ed25519: [u8; 32], x25519: [u8; 32]) -> Identity {
        Identity { ed25519: SigningKey::from_bytes(&ed25519), x25519: StaticSecret::from(x25519) }
    }

    /// The node's name.
    #[must_use]
    pub fn key(&self) -> NodeKey {
        NodeKey(self.ed25519.verifying_key().to_bytes())
    }

    /// Public key for onion layers.
    #[must_use]
    pub fn x25519(&self) -> [u8; 32] {
        PublicKey::from(&self.x25519).to_bytes()
    }

    /// Signs with the node's Ed25519 key.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.ed25519.sign(message).to_bytes()
    }

    pub(crate) fn onion_secret(&self) -> &StaticSecret {
        &self.x25519
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("key", &self.key()).finish_non_exhaustive()
    }
}
