//! Reading a request as the network's nodes do, with their refusals (network-protocol sections 4.1, 14).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::encoding::{Number, is_hash, key_from_hex, signature_from_base64};
use super::{
    Auth, Delete, Expire, ExpireMode, GetExpiries, MAX_BATCH, MAX_BODY_BYTES, MAX_HASHES, MIN_TIMESTAMP_MS,
    NodeListQuery, Request, Retrieve, Store, is_public_inbox,
};
use crate::account::AccountId;

/// Why a node does not do what it was asked: status and plain text of its answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{status}: {message}")]
pub struct Refusal {
    /// HTTP or inner status.
    pub status: u16,
    /// Text for a person.
    pub message: String,
}

impl Refusal {
    /// A refusal with this status and text.
    #[must_use]
    pub fn new(status: u16, message: impl Into<String>) -> Refusal {
        Refusal { status, message: message.into() }
    }

    fn invalid(why: impl fmt::Display) -> Refusal {
        Refusal::new(400, format!("invalid request: {why}"))
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

pub(super) fn request(body: &[u8]) -> Result<Request, Refusal> {
    if body.len() > MAX_BODY_BYTES {
        return Err(Refusal::new(413, "request too large"));
    }
    let text = str::from_utf8(body).map_err(|_| Refusal::new(400, "invalid json"))?;
    envelope(text, true)
}

/// Reads one envelope; `outer` is false inside a batch, where no batch may be.
fn envelope(text: &str, outer: bool) -> Result<Request, Refusal> {
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| Refusal::new(400, "invalid json"))?;
    let method = envelope.method.ok_or_else(|| Refusal::new(400, "invalid json: no `method` field"))?;
    let params = envelope.params.ok_or_else(|| Refusal::new(400, "invalid json: no `params` field"))?.get();
    match &*method {
        "info" => Ok(Request::Info),
        "get_swarm" | "get_snodes_for_pubkey" => {
            Ok(Request::GetSwarm { account: read::<SwarmParams<'_>>(params)?.pubkey.account()? })
        }
        "store" => read::<StoreParams<'_>>(params)?.request().map(Request::Store),
        "retrieve" => read::<RetrieveParams<'_>>(params)?.request().map(Request::Retrieve),
        "delete" => read::<DeleteParams<'_>>(params)?.request().map(Request::Delete),
        "expire" => read::<ExpireParams<'_>>(params)?.request().map(Request::Expire),
        "get_expiries" => read::<GetExpiriesParams<'_>>(params)?.request().map(Request::GetExpiries),
        "oxend_request" => read::<OxendParams>(params)?.request().map(Request::OxendRequest),
        "batch" if outer => subrequests(params).map(Request::Batch),
        "sequence" if outer => subrequests(params).map(Request::Sequence),
        unknown => Err(Refusal::new(400, format!("no method {}", excerpt(unknown)))),
    }
}

/// The start of a hostile name, for an error text.
fn excerpt(name: &str) -> String {
    name.chars().take(40).collect()
}

fn read<'a, T: Deserialize<'a>>(params: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(params).map_err(Refusal::invalid)
}

/// One bad subrequest makes the whole batch a 400 (network-protocol section 14).
fn subrequests(params: &str) -> Result<Vec<Request>, Refusal> {
    #[derive(Deserialize)]
    struct BatchParams<'a> {
        #[serde(borrow)]
        requests: Vec<&'a RawValue>,
    }
    let requests = read::<BatchParams<'_>>(params)?.requests;
    if requests.is_empty() || requests.len() > MAX_BATCH {
        return Err(Refusal::invalid(format!("a batch has 1 to {MAX_BATCH} requests")));
    }
    requests
        .into_iter()
        .map(|raw| envelope(raw.get(), false).map_err(|refusal| Refusal { status: 400, ..refusal }))
        .collect()
}

/// `pubkey`: 66 hexadecimal digits.
#[derive(Deserialize)]
struct Pubkey<'a>(#[serde(borrow)] Cow<'a, str>);

impl Pubkey<'_> {
    fn account(&self) -> Result<AccountId, Refusal> {
        self.0.parse().map_err(|_| Refusal::invalid("Pubkey must be 66 hex digits (33 bytes) long"))
    }
}

/// Signature fields, shared by all signed requests.
#[derive(Deserialize)]
struct AuthParams<'a> {
    #[serde(borrow)]
    pubkey_ed25519: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
}

impl AuthParams<'_> {
    /// `None` where either field is missing.
    fn optional(&self) -> Result<Option<Auth>, Refusal> {
        let ed25519 = match self.pubkey_ed25519.as_deref() {
            None => None,
            Some(text) => Some(
                key_from_hex(text)
                    .ok_or_else(|| Refusal::invalid("Invalid pubkey_ed25519: expected 64 hex char"))?,
            ),
        };
        let signature = match self.signature.as_deref() {
            None => None,
            Some(text) => Some(signature_from_base64(text).ok_or_else(|| {
                Refusal::invalid("invalid signature: expected base64 encoded Ed25519 signature")
            })?),
        };
        Ok(ed25519.zip(signature).map(|(ed25519, signature)| Auth { ed25519, signature }))
    }

    fn required(&self, method: &str) -> Result<Auth, Refusal> {
        self.optional()?.ok_or_else(|| Refusal::new(401, format!("{method}: request signature required")))
    }
}

fn milliseconds(name: &str, value: u64) -> Result<u64, Refusal> {
    if value < MIN_TIMESTAMP_MS {
        let why = format!("Invalid timestamp for '{name}': timestamp must be in milliseconds");
        return Err(Refusal::invalid(why));
    }
    Ok(value)
}

fn number(name: &str, value: &Number) -> Result<u64, Refusal> {
    value.get().ok_or_else(|| Refusal::invalid(format!("Invalid value given for '{name}'")))
}

/// Hashes are checked for their form only: a wrong one is simply not found.
fn hashes(messages: Vec<String>) -> Result<Vec<String>, Refusal> {
    if messages.is_empty() || messages.len() > MAX_HASHES || !messages.iter().all(|hash| is_hash(hash)) {
        return Err(Refusal::invalid("Invalid value given for 'messages': expected message hashes"));
    }
    Ok(messages)
}

#[derive(Deserialize)]
struct SwarmParams<'a> {
    #[serde(borrow, alias = "pubKey")]
    pubkey: Pubkey<'a>,
}

#[derive(Deserialize)]
struct StoreParams<'a> {
    #[serde(borrow, alias = "pubKey")]
    pubkey: Pubkey<'a>,
    #[serde(default)]
    namespace: i16,
    timestamp: Number,
    ttl: Option<Number>,
    expiry: Option<u64>,
    #[serde(borrow)]
    data: Cow<'a, str>,
    nonce: Option<String>,
    #[serde(borrow)]
    pubkey_ed25519: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
}

impl StoreParams<'_> {
    fn request(self) -> Result<Store, Refusal> {
        let account = self.pubkey.account()?;
        let timestamp = milliseconds("timestamp", number("timestamp", &self.timestamp)?)?;
        let ttl_ms = match (&self.ttl, self.expiry) {
            (Some(ttl), None) => number("ttl", ttl)?,
            (None, Some(expiry)) => milliseconds("expiry", expiry)?.saturating_sub(timestamp),
            _ => return Err(Refusal::invalid("Required field 'ttl' or 'expiry' missing")),
        };
        let auth = AuthParams { pubkey_ed25519: self.pubkey_ed25519, signature: self.signature };
        let (namespace, nonce) = (self.namespace, self.nonce);
        // A signature sent to a public inbox is not looked at (network-protocol section 14).
        let auth = if is_public_inbox(namespace) { None } else { Some(auth.required("store")?) };
        let store = Store { account, namespace, timestamp, ttl_ms, data: Arc::from(self.data), nonce, auth };
        store.decoded()?;
        Ok(store)
    }
}

#[derive(Deserialize)]
struct RetrieveParams<'a> {
    #[serde(borrow, alias = "pubKey")]
    pubkey: Pubkey<'a>,
    #[serde(default)]
    namespace: i16,
    #[serde(alias = "lastHash")]
    last_hash: Option<String>,
    max_count: Option<u32>,
    max_size: Option<i64>,
    timestamp: Option<u64>,
    #[serde(borrow)]
    pubkey_ed25519: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
}

impl RetrieveParams<'_> {
    fn request(self) -> Result<Retrieve, Refusal> {
        let account = self.pubkey.account()?;
        let namespace = self.namespace;
        let auth = AuthParams { pubkey_ed25519: self.pubkey_ed25519, signature: self.signature };
        // Unsigned: 401 for an inbox, 400 for a private namespace (network-protocol section 14).
        let auth = auth.required("retrieve").map_err(|refusal| match refusal.status {
            401 if !is_public_inbox(namespace) => Refusal::invalid("Required field 'signature' missing"),
            _ => refusal,
        })?;
        let timestamp =
            self.timestamp.ok_or_else(|| Refusal::invalid("Required field 'timestamp' missing"))?;
        let last_hash = self.last_hash.filter(|hash| !hash.is_empty());
        if last_hash.as_deref().is_some_and(|hash| !is_hash(hash)) {
            return Err(Refusal::invalid("Invalid last_hash: expected base64 (43 chars)"));
        }
        let timestamp = milliseconds("timestamp", timestamp)?;
        let (max_count, max_size) = (self.max_count, self.max_size);
        Ok(Retrieve { account, namespace, last_hash, max_count, max_size, timestamp, auth })
    }
}

#[derive(Deserialize)]
struct DeleteParams<'a> {
    #[serde(borrow)]
    pubkey: Pubkey<'a>,
    messages: Vec<String>,
    #[serde(default)]
    required: bool,
    #[serde(borrow)]
    pubkey_ed25519: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
}

impl DeleteParams<'_> {
    fn request(self) -> Result<Delete, Refusal> {
        let auth = AuthParams { pubkey_ed25519: self.pubkey_ed25519, signature: self.signature };
        Ok(Delete {
            account: self.pubkey.account()?,
            messages: hashes(self.messages)?,
            required: self.required,
            auth: auth.required("delete")?,
        })
    }
}

#[derive(Deserialize)]
struct ExpireParams<'a> {
    #[serde(borrow)]
    pubkey: Pubkey<'a>,
    messages: Vec<String>,
    expiry: Expiry,
    #[serde(default)]
    shorten: bool,
    #[serde(default)]
    extend: bool,
    #[serde(borrow)]
    pubkey_ed25519: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expiry {
    One(u64),
    Many(serde::de::IgnoredAny),
}

impl ExpireParams<'_> {
    fn request(self) -> Result<Expire, Refusal> {
        let Expiry::One(expiry) = self.expiry else {
            // A later hard fork's feature; ours is 19.3.
            return Err(Refusal::new(403, "expire: one expiry for all messages expected"));
        };
        let mode = match (self.shorten, self.extend) {
            (false, false) => ExpireMode::Set,
            (true, false) => ExpireMode::Shorten,
            (false, true) => ExpireMode::Extend,
            (true, true) => return Err(Refusal::invalid("Cannot specify both 'shorten' and 'extend'")),
        };
        let auth = AuthParams { pubkey_ed25519: self.pubkey_ed25519, signature: self.signature };
        Ok(Expire {
            account: self.pubkey.account()?,
            messages: hashes(self.messages)?,
            expiry: milliseconds("expiry", expiry)?,
            mode,
            auth: auth.required("expire")?,
        })
    }
}

#[derive(Deserialize)]
struct GetExpiriesParams<'a> {
    #[serde(borrow)]
    pubkey: Pubkey<'a>,
    messages: Vec<String>,
    timestamp: u64,
    #[serde(borrow)]
    pubkey_ed25519: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
}

impl GetExpiriesParams<'_> {
    fn request(self) -> Result<GetExpiries, Refusal> {
        let auth = AuthParams { pubkey_ed25519: self.pubkey_ed25519, signature: self.signature };
        Ok(GetExpiries {
            account: self.pubkey.account()?,
            messages: hashes(self.messages)?,
            timestamp: milliseconds("timestamp", self.timestamp)?,
            auth: auth.required("get_expiries")?,
        })
    }
}

#[derive(Deserialize)]
struct OxendParams {
    endpoint: String,
    params: Option<NodeListParams>,
}

#[derive(Deserialize, Default)]
struct NodeListParams {
    #[serde(default)]
    active_only: bool,
    limit: Option<u32>,
}

impl OxendParams {
    fn request(self) -> Result<NodeListQuery, Refusal> {
        if self.endpoint != "get_service_nodes" {
            return Err(Refusal::invalid(format!("Invalid oxend endpoint '{}'", excerpt(&self.endpoint))));
        }
        let params = self.params.unwrap_or_default();
        Ok(NodeListQuery { active_only: params.active_only, limit: params.limit })
    }
}
