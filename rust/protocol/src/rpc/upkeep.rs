//! `delete`, `expire` and `get_expiries`: what an owner does with stored messages besides reading
//! them (network-protocol section 4.3).

use serde_json::Value;

use super::Auth;
use super::request::params;
use crate::account::{AccountId, AccountKeys};

/// `delete`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delete {
    /// Whose messages.
    pub account: AccountId,
    /// Their hashes.
    pub messages: Vec<String>,
    /// Whether it is an error (404) if no member deleted anything.
    pub required: bool,
    /// Owner's signature.
    pub auth: Auth,
}

/// How `expire` may move an expiry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExpireMode {
    /// Either way.
    Set,
    /// Only to an earlier time.
    Shorten,
    /// Only to a later time.
    Extend,
}

/// `expire`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expire {
    /// Whose messages.
    pub account: AccountId,
    /// Their hashes.
    pub messages: Vec<String>,
    /// The new expiry, network ms.
    pub expiry: u64,
    /// Which way it may move.
    pub mode: ExpireMode,
    /// Owner's signature.
    pub auth: Auth,
}

/// `get_expiries`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GetExpiries {
    /// Whose messages.
    pub account: AccountId,
    /// Their hashes.
    pub messages: Vec<String>,
    /// Network ms; at most 60 s off.
    pub timestamp: u64,
    /// Owner's signature.
    pub auth: Auth,
}

impl Delete {
    /// Signs the deletion of `messages`.
    #[must_use]
    pub fn signed(keys: &AccountKeys, messages: Vec<String>, required: bool) -> Delete {
        let auth = Auth::sign(keys, &delete_string(&messages));
        Delete { account: keys.account_id(), messages, required, auth }
    }

    /// The exact string the signature covers: `delete` + all hashes.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        delete_string(&self.messages)
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
                ("messages", Some(self.messages.clone().into())),
                ("required", self.required.then_some(true.into())),
            ],
            Some(&self.auth),
        )
    }
}

fn delete_string(messages: &[String]) -> Vec<u8> {
    format!("delete{}", messages.concat()).into_bytes()
}

impl Expire {
    /// Signs a change of the expiry of `messages`.
    #[must_use]
    pub fn signed(keys: &AccountKeys, messages: Vec<String>, expiry: u64, mode: ExpireMode) -> Expire {
        let auth = Auth::sign(keys, &expire_string(&messages, expiry, mode));
        Expire { account: keys.account_id(), messages, expiry, mode, auth }
    }

    /// The exact string the signature covers: `expire` + mode + expiry + all hashes.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        expire_string(&self.messages, self.expiry, self.mode)
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
                ("messages", Some(self.messages.clone().into())),
                ("expiry", Some(self.expiry.into())),
                ("shorten", (self.mode == ExpireMode::Shorten).then_some(true.into())),
                ("extend", (self.mode == ExpireMode::Extend).then_some(true.into())),
            ],
            Some(&self.auth),
        )
    }
}

fn expire_string(messages: &[String], expiry: u64, mode: ExpireMode) -> Vec<u8> {
    let mode = match mode {
        ExpireMode::Set => "",
        ExpireMode::Shorten => "shorten",
        ExpireMode::Extend => "extend",
    };
    format!("expire{mode}{expiry}{}", messages.concat()).into_bytes()
}

impl GetExpiries {
    /// Signs a question for the expiries of `messages`.
    #[must_use]
    pub fn signed(keys: &AccountKeys, messages: Vec<String>, timestamp: u64) -> GetExpiries {
        let auth = Auth::sign(keys, &get_expiries_string(&messages, timestamp));
        GetExpiries { account: keys.account_id(), messages, timestamp, auth }
    }

    /// The exact string the signature covers: `get_expiries` + timestamp + all hashes.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        get_expiries_string(&self.messages, self.timestamp)
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
                ("messages", Some(self.messages.clone().into())),
                ("timestamp", Some(self.timestamp.into())),
            ],
            Some(&self.auth),
        )
    }
}

fn get_expiries_string(messages: &[String], timestamp: u64) -> Vec<u8> {
    format!("get_expiries{timestamp}{}", messages.concat()).into_bytes()
}
