//! The answer to `store`: one receipt per member of the swarm (network-protocol sections 4.6, 14).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{ReplyError, read, with_clock};
use crate::node::NodeKey;
use crate::rpc::MAX_SWARM;
use crate::rpc::encoding::{lenient_flag, lenient_text, lenient_u64, signature_from_base64, to_base64};

/// The answer to `store`. A 200 alone proves nothing: look at every member.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stored {
    /// The hash the entry node computed; missing where it could not store.
    pub hash: Option<String>,
    /// What each member said, each once, by key.
    pub members: Vec<MemberReceipt>,
    /// The work this node asks for (extensions section 1); `None` on a network without.
    pub difficulty: Option<u64>,
    /// The entry node's clock, ms.
    pub t: Option<u64>,
}

/// One member's receipt. The entry node reports it; only the signature proves it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberReceipt {
    /// Who.
    pub node: NodeKey,
    /// The hash it stored.
    pub hash: Option<String>,
    /// Its signature over the ASCII of the hash.
    pub signature: Option<[u8; 64]>,
    /// Whether it failed, by the entry node's word.
    pub failed: bool,
    /// Whether it failed by silence.
    pub timeout: bool,
    /// Whether it had the message before.
    pub already: bool,
    /// When it will expire there, ms.
    pub expiry: Option<u64>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default, deserialize_with = "lenient_text")]
    hash: Option<String>,
    #[serde(default)]
    swarm: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "lenient_u64")]
    difficulty: Option<u64>,
    #[serde(default, deserialize_with = "lenient_u64")]
    t: Option<u64>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default, deserialize_with = "lenient_text")]
    hash: Option<String>,
    #[serde(default, deserialize_with = "lenient_text")]
    signature: Option<String>,
    #[serde(default, deserialize_with = "lenient_flag")]
    failed: bool,
    #[serde(default, deserialize_with = "lenient_flag")]
    timeout: bool,
    #[serde(default, deserialize_with = "lenient_flag")]
    already: bool,
    #[serde(default, deserialize_with = "lenient_u64")]
    expiry: Option<u64>,
}

/// Members of a recursive reply: whoever is no node key or says nothing readable is left out.
pub(super) fn members<T: DeserializeOwned>(
    swarm: BTreeMap<String, Value>,
) -> Result<impl Iterator<Item = (NodeKey, T)>, ReplyError> {
    if swarm.len() > MAX_SWARM {
        return Err(ReplyError::TooMany("swarm members"));
    }
    // Keys that differ in case only are one member: the first wins.
    let mut seen = BTreeSet::new();
    Ok(swarm
        .into_iter()
        .filter_map(|(key, entry)| Some((key.parse::<NodeKey>().ok()?, serde_json::from_value(entry).ok()?)))
        .filter(move |(key, _)| seen.insert(*key)))
}

impl Stored {
    /// Reads a 200 or 500 body.
    ///
    /// # Errors
    /// [`ReplyError`] where it is no object or lists too many members.
    pub fn parse(body: &[u8]) -> Result<Stored, ReplyError> {
        let body: Body = read(body)?;
        let members = members::<Entry>(body.swarm)?.map(|(node, entry)| MemberReceipt {
            node,
            hash: entry.hash,
            signature: entry.signature.as_deref().and_then(signature_from_base64),
            failed: entry.failed,
            timeout: entry.timeout,
            already: entry.already,
            expiry: entry.expiry,
        });
        let members = members.collect();
        Ok(Stored { hash: body.hash, members, difficulty: body.difficulty, t: body.t })
    }

    /// Writes the body.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let swarm: Map<String, Value> =
            self.members.iter().map(|member| (member.node.to_string(), member.value())).collect();
        let mut body = Map::new();
        body.insert("swarm".into(), swarm.into());
        if let Some(hash) = &self.hash {
            body.insert("hash".into(), hash.clone().into());
        }
        if let Some(difficulty) = self.difficulty {
            body.insert("difficulty".into(), difficulty.into());
        }
        with_clock(body, self.t)
    }
}

impl MemberReceipt {
    fn value(&self) -> Value {
        let mut entry = Map::new();
        if let Some(hash) = &self.hash {
            entry.insert("hash".into(), hash.clone().into());
        }
        if let Some(signature) = &self.signature {
            entry.insert("signature".into(), to_base64(signature).into());
        }
        if let Some(expiry) = self.expiry {
            entry.insert("expiry".into(), expiry.into());
        }
        let flags = [("failed", self.failed), ("timeout", self.timeout), ("already", self.already)];
        for (name, _) in flags.into_iter().filter(|(_, set)| *set) {
            entry.insert(name.into(), true.into());
        }
        entry.into()
    }
}
