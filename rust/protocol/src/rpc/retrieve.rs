//! `retrieve`: reading a mailbox page by page (network-protocol sections 4.3, 4.7).

use serde_json::Value;

use super::Auth;
use super::request::{given_namespace, params, signed_namespace};
use crate::account::{AccountId, AccountKeys};

/// `retrieve`. Order and `last_hash` are the node's own: a cursor means nothing to another node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retrieve {
    /// Whose mailbox.
    pub account: AccountId,
    /// Which of its namespaces.
    pub namespace: i16,
    /// Messages after this one; `None`, or a hash the node does not know, means all.
    pub last_hash: Option<String>,
    /// Most messages; `None` or 0: no limit.
    pub max_count: Option<u32>,
    /// Most bytes with base64 counted; -k: a k-th of the cap; `None` or 0: unset (section 4.7).
    pub max_size: Option<i64>,
    /// Network ms; at most 60 s off.
    pub timestamp: u64,
    /// Owner's signature.
    pub auth: Auth,
}

impl Retrieve {
    /// Signs a request for the page after `last_hash`; limits as in [`Retrieve`].
    #[must_use]
    pub fn signed(
        keys: &AccountKeys,
        namespace: i16,
        last_hash: Option<String>,
        max_count: Option<u32>,
        max_size: Option<i64>,
        timestamp: u64,
    ) -> Retrieve {
        let auth = Auth::sign(keys, &retrieve_string(namespace, timestamp));
        Retrieve { account: keys.account_id(), namespace, last_hash, max_count, max_size, timestamp, auth }
    }

    /// The exact string the signature covers: `retrieve` + namespace + timestamp.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        retrieve_string(self.namespace, self.timestamp)
    }

    /// Whether the owner signed it.
    #[must_use]
    pub fn verify(&self) -> bool {
        self.auth.verify(&self.account, &self.signed_bytes())
    }

    pub(super) fn params(&self) -> Value {
        params(
            [
                ("pubkey", Some(self.account.to_string().into())),
                ("namespace", given_namespace(self.namespace)),
                ("last_hash", self.last_hash.as_deref().map(Into::into)),
                ("max_count", self.max_count.map(Into::into)),
                ("max_size", self.max_size.map(Into::into)),
                ("timestamp", Some(self.timestamp.into())),
            ],
            Some(&self.auth),
        )
    }
}

fn retrieve_string(namespace: i16, timestamp: u64) -> Vec<u8> {
    format!("retrieve{}{timestamp}", signed_namespace(namespace)).into_bytes()
}
