//! The hash that names a stored message (network-protocol section 4.5, "current").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest as _};

use crate::account::AccountId;

/// The name a node gives a message: 43 characters, unpadded base64 of BLAKE2b-256.
///
/// `data` is what the `data` parameter decodes to. Time and nonce have no part in it, so the same bytes
/// stored twice are one message.
pub fn message_hash(account: &AccountId, namespace: i16, data: &[u8]) -> String {
    let mut hasher = Blake2b::<U32>::new().chain_update(account.as_bytes());
    if namespace != 0 {
        hasher.update(namespace.to_string());
    }
    STANDARD_NO_PAD.encode(hasher.chain_update(data).finalize())
}
