//! Ed25519 as a node needs it, behind a trait so that a simulator can remember results.

use starling_protocol::AccountId;
use starling_protocol::rpc::Auth;

use crate::Identity;

/// Verifies owners' signatures and makes receipts. Implementations give the results of
/// [`StrictEd25519`], perhaps faster.
pub trait Signatures: Send + Sync {
    /// Whether `auth` proves that the owner of `account` signed `message`.
    fn verify(&self, account: &AccountId, auth: &Auth, message: &[u8]) -> bool;
    /// A receipt: the node's signature over `message`.
    fn sign(&self, identity: &Identity, message: &[u8]) -> [u8; 64];
}

/// Computes every signature.
#[derive(Clone, Copy, Debug)]
pub struct StrictEd25519;

impl Signatures for StrictEd25519 {
    fn verify(&self, account: &AccountId, auth: &Auth, message: &[u8]) -> bool {
        auth.verify(account, message)
    }

    fn sign(&self, identity: &Identity, message: &[u8]) -> [u8; 64] {
        identity.sign(message)
    }
}
