//! `store`: putting a message into a mailbox (network-protocol section 4.3, extensions section 1).

use std::sync::Arc;

use serde_json::Value;

use super::encoding::from_base64;
use super::request::{given_namespace, params, signed_namespace};
use super::{Auth, MAX_STORE_BYTES, MAX_STORE_CHARS, Refusal};
use crate::account::{AccountId, AccountKeys};

/// `store`. A message for a public inbox is unsigned; the node hashes account, namespace and data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Store {
    /// The recipient.
    pub account: AccountId,
    /// Where it is put; 0 is the inbox of direct messages.
    pub namespace: i16,
    /// When it was sent, network ms.
    pub timestamp: u64,
    /// Time to live from `timestamp` on, ms.
    pub ttl_ms: u64,
    /// Base64 text, exactly as sent: proof of work is computed over the text.
    pub data: Arc<str>,
    /// Proof of work in base64, where the node asks for one (extensions section 1).
    pub nonce: Option<String>,
    /// Owner's signature; needed outside the public inboxes.
    pub auth: Option<Auth>,
}

impl Store {
    /// A message for a public inbox: no signature.
    #[must_use]
    pub fn public(account: AccountId, timestamp: u64, ttl_ms: u64, data: Arc<str>) -> Store {
        Store { account, namespace: 0, timestamp, ttl_ms, data, nonce: None, auth: None }
    }

    /// A message to one's own private namespace.
    #[must_use]
    pub fn signed(keys: &AccountKeys, namespace: i16, timestamp: u64, ttl_ms: u64, data: Arc<str>) -> Store {
        let auth = Auth::sign(keys, &store_string(namespace, timestamp));
        Store { namespace, auth: Some(auth), ..Store::public(keys.account_id(), timestamp, ttl_ms, data) }
    }

    /// The exact string a signature covers: `store` + namespace + timestamp.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        store_string(self.namespace, self.timestamp)
    }

    /// Whether the owner signed it; false without a signature.
    #[must_use]
    pub fn verify(&self) -> bool {
        self.auth.is_some_and(|auth| auth.verify(&self.account, &self.signed_bytes()))
    }

    /// When the message expires, network ms: the same on every member, whatever its clock says.
    #[must_use]
    pub fn expiry(&self) -> u64 {
        self.timestamp.saturating_add(self.ttl_ms)
    }

    /// The message's bytes.
    ///
    /// # Errors
    /// Status 400 if `data` is no base64 or more than 76,800 bytes.
    pub fn decoded(&self) -> Result<Vec<u8>, Refusal> {
        let too_large = || Refusal::new(400, "invalid request: Message body exceeds maximum allowed length");
        if self.data.len() > MAX_STORE_CHARS {
            return Err(too_large());
        }
        let bytes = from_base64(&self.data).ok_or_else(|| {
            Refusal::new(400, "invalid request: Invalid value given for 'data': not base64")
        })?;
        if bytes.len() > MAX_STORE_BYTES { Err(too_large()) } else { Ok(bytes) }
    }

    pub(super) fn params(&self) -> Value {
        params(
            [
                ("pubkey", Some(self.account.to_string().into())),
                ("namespace", given_namespace(self.namespace)),
                ("timestamp", Some(self.timestamp.into())),
                ("ttl", Some(self.ttl_ms.into())),
                ("data", Some((*self.data).into())),
                ("nonce", self.nonce.as_deref().map(Into::into)),
            ],
            self.auth.as_ref(),
        )
    }
}

fn store_string(namespace: i16, timestamp: u64) -> Vec<u8> {
    format!("store{}{timestamp}", signed_namespace(namespace)).into_bytes()
}
