//! The answers to `delete`, `expire` and `get_expiries` (network-protocol sections 4.3, 4.6).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::stored::members;
use super::{ReplyError, read, with_clock};
use crate::node::NodeKey;
use crate::rpc::encoding::{lenient_flag, lenient_text, lenient_u64, signature_from_base64, to_base64};

/// The answer to `delete`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Deleted {
    /// What each member deleted, each once, by key.
    pub members: Vec<MemberDeletion>,
    /// The entry node's clock, ms.
    pub t: Option<u64>,
}

/// What one member deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberDeletion {
    /// Who.
    pub node: NodeKey,
    /// Hashes it had and deleted, sorted.
    pub deleted: Vec<String>,
    /// Its signature over account id (66 hex digits), requested hashes, deleted hashes.
    pub signature: Option<[u8; 64]>,
    /// Whether it failed, by the entry node's word.
    pub failed: bool,
}

/// The answer to `expire`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expired {
    /// What each member changed, each once, by key.
    pub members: Vec<MemberExpiry>,
    /// The entry node's clock, ms.
    pub t: Option<u64>,
}

/// What one member changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberExpiry {
    /// Who.
    pub node: NodeKey,
    /// Hashes whose expiry it changed, sorted.
    pub updated: Vec<String>,
    /// Hashes it has and left alone, with their expiry in ms; only of `shorten` and `extend`.
    pub unchanged: BTreeMap<String, u64>,
    /// The expiry it applied, ms: at most 30 days ahead of its clock.
    pub expiry: Option<u64>,
    /// Its signature over account id, expiry, requested hashes, updated hashes and, for each
    /// unchanged one, hash and expiry.
    pub signature: Option<[u8; 64]>,
    /// Whether it failed, by the entry node's word.
    pub failed: bool,
}

/// The answer to `get_expiries`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
pub struct Expiries {
    /// Expiry in ms of every message the node has.
    pub expiries: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    swarm: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "lenient_u64")]
    t: Option<u64>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    deleted: Vec<String>,
    #[serde(default)]
    updated: Vec<String>,
    #[serde(default)]
    unchanged: BTreeMap<String, u64>,
    #[serde(default, deserialize_with = "lenient_u64")]
    expiry: Option<u64>,
    #[serde(default, deserialize_with = "lenient_text")]
    signature: Option<String>,
    #[serde(default, deserialize_with = "lenient_flag")]
    failed: bool,
}

impl Entry {
    fn signature(&self) -> Option<[u8; 64]> {
        self.signature.as_deref().and_then(signature_from_base64)
    }
}

fn body(members: Map<String, Value>, t: Option<u64>) -> Vec<u8> {
    with_clock(Map::from_iter([("swarm".to_owned(), members.into())]), t)
}

/// A member's entry with its signature, or the mark that it failed.
fn entry(fields: Map<String, Value>, signature: Option<&[u8; 64]>, failed: bool) -> Value {
    let mut entry = fields;
    if let Some(signature) = signature {
        entry.insert("signature".into(), to_base64(signature).into());
    }
    if failed {
        entry = Map::from_iter([("failed".to_owned(), true.into())]);
    }
    entry.into()
}

impl Deleted {
    /// Reads a 200, 404 or 500 body.
    ///
    /// # Errors
    /// [`ReplyError`] where it is no object or lists too many members.
    pub fn parse(body: &[u8]) -> Result<Deleted, ReplyError> {
        let body: Body = read(body)?;
        let members = members::<Entry>(body.swarm)?.map(|(node, entry)| MemberDeletion {
            node,
            signature: entry.signature(),
            deleted: entry.deleted,
            failed: entry.failed,
        });
        let members = members.collect();
        Ok(Deleted { members, t: body.t })
    }

    /// Writes the body.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let members = self.members.iter().map(|member| {
            let fields = Map::from_iter([("deleted".to_owned(), member.deleted.clone().into())]);
            (member.node.to_string(), entry(fields, member.signature.as_ref(), member.failed))
        });
        body(members.collect(), self.t)
    }
}

impl Expired {
    /// Reads a 200 or 500 body.
    ///
    /// # Errors
    /// [`ReplyError`] where it is no object or lists too many members.
    pub fn parse(body: &[u8]) -> Result<Expired, ReplyError> {
        let body: Body = read(body)?;
        let members = members::<Entry>(body.swarm)?.map(|(node, entry)| MemberExpiry {
            node,
            signature: entry.signature(),
            updated: entry.updated,
            unchanged: entry.unchanged,
            expiry: entry.expiry,
            failed: entry.failed,
        });
        let members = members.collect();
        Ok(Expired { members, t: body.t })
    }

    /// Writes the body.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let members = self.members.iter().map(|member| {
            let unchanged: Map<String, Value> =
                member.unchanged.iter().map(|(hash, expiry)| (hash.clone(), (*expiry).into())).collect();
            let fields = Map::from_iter([
                ("updated".to_owned(), member.updated.clone().into()),
                ("unchanged".to_owned(), unchanged.into()),
                ("expiry".to_owned(), member.expiry.into()),
            ]);
            (member.node.to_string(), entry(fields, member.signature.as_ref(), member.failed))
        });
        body(members.collect(), self.t)
    }
}

impl Expiries {
    /// Reads a 200 body.
    ///
    /// # Errors
    /// [`ReplyError`] where there are no expiries.
    pub fn parse(body: &[u8]) -> Result<Expiries, ReplyError> {
        read(body)
    }

    /// Writes the body.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let expiries: Map<String, Value> =
            self.expiries.iter().map(|(hash, expiry)| (hash.clone(), (*expiry).into())).collect();
        with_clock(Map::from_iter([("expiries".to_owned(), expiries.into())]), None)
    }
}
