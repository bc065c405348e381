//! The proof that a request comes from the owner of an account (network-protocol section 4.3).

use std::fmt;

use serde_json::{Map, Value};

use super::encoding::to_base64;
use crate::account::{AccountId, AccountKeys, verify_ed25519};

/// An Ed25519 signature over a request's exact string, with the key that made it: an `05` id is an
/// X25519 key and verifies nothing itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Auth {
    /// The account's Ed25519 key; its X25519 form must be the account id.
    pub ed25519: [u8; 32],
    /// Detached signature.
    pub signature: [u8; 64],
}

impl Auth {
    /// Signs the exact string of a request.
    #[must_use]
    pub fn sign(keys: &AccountKeys, message: &[u8]) -> Auth {
        Auth { ed25519: keys.ed25519_public(), signature: keys.sign(message) }
    }

    /// Whether the key belongs to `account` and the signature covers `message`, both strictly.
    #[must_use]
    pub fn verify(&self, account: &AccountId, message: &[u8]) -> bool {
        AccountId::from_ed25519(&self.ed25519).is_ok_and(|id| id == *account)
            && verify_ed25519(&self.ed25519, message, &self.signature)
    }

    pub(super) fn write(&self, params: &mut Map<String, Value>) {
        params.insert("pubkey_ed25519".into(), hex::encode(self.ed25519).into());
        params.insert("signature".into(), to_base64(&self.signature).into());
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth(..)")
    }
}
