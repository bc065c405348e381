//! The answer to `get_swarm`, and the body of a 421: where an account's mailbox is.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ReplyError, read, with_clock};
use crate::node::NodeKey;
use crate::rpc::encoding::{Number, key_from_hex, lenient_text, lenient_u64};
use crate::rpc::{AddressKind, MAX_SWARM};
use crate::swarm::{SwarmId, UNASSIGNED};

/// A node as a swarm listing shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedNode {
    /// Ed25519 identity.
    pub key: NodeKey,
    /// Key for onion layers.
    pub x25519: [u8; 32],
    /// Where it listens.
    pub ip: Ipv4Addr,
    /// HTTPS port.
    pub port: u16,
}

/// The answer to `get_swarm`, also the body of a 421.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Swarm {
    /// The members, each once; those without key or usable address are left out.
    pub nodes: Vec<ListedNode>,
    /// The swarm's id; `None` if not given or if there is no swarm.
    pub swarm_id: Option<SwarmId>,
    /// The answering node's clock, ms.
    pub t: Option<u64>,
}

#[derive(Deserialize)]
struct Body {
    snodes: Vec<Value>,
    #[serde(default, deserialize_with = "lenient_text")]
    swarm: Option<String>,
    #[serde(default, deserialize_with = "lenient_u64")]
    t: Option<u64>,
}

#[derive(Deserialize)]
struct Entry {
    pubkey_ed25519: NodeKey,
    pubkey_x25519: String,
    ip: Ipv4Addr,
    port_https: Option<Number>,
    port: Option<Number>,
}

impl Entry {
    fn node(self) -> Option<ListedNode> {
        AddressKind::of(self.ip)?;
        let port = self.port_https.or(self.port)?.get()?;
        let port = u16::try_from(port).ok().filter(|port| *port != 0)?;
        Some(ListedNode {
            key: self.pubkey_ed25519,
            x25519: key_from_hex(&self.pubkey_x25519)?,
            ip: self.ip,
            port,
        })
    }
}

impl Swarm {
    /// Reads a 200 body of `get_swarm` or a 421 body.
    ///
    /// # Errors
    /// [`ReplyError`] where there is no list of nodes or it is too long.
    pub fn parse(body: &[u8]) -> Result<Swarm, ReplyError> {
        let body: Body = read(body)?;
        if body.snodes.len() > MAX_SWARM {
            return Err(ReplyError::TooMany("swarm members"));
        }
        let mut seen = BTreeSet::new();
        let nodes = body
            .snodes
            .into_iter()
            .filter_map(|entry| serde_json::from_value::<Entry>(entry).ok()?.node())
            .filter(|node| seen.insert(node.key))
            .collect();
        let swarm_id = body.swarm.and_then(|hex| SwarmId::from_str_radix(&hex, 16).ok());
        Ok(Swarm { nodes, swarm_id: swarm_id.filter(|id| *id != UNASSIGNED), t: body.t })
    }

    /// Writes the body.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let nodes: Vec<Value> = self.nodes.iter().map(ListedNode::value).collect();
        let mut body = Map::new();
        body.insert("snodes".into(), nodes.into());
        body.insert("swarm".into(), format!("{:x}", self.swarm_id.unwrap_or(UNASSIGNED)).into());
        with_clock(body, self.t)
    }
}

impl ListedNode {
    fn value(&self) -> Value {
        let key = self.key.to_string();
        json!({
            "address": format!("{key}.snode"),
            "pubkey_legacy": key,
            "pubkey_ed25519": key,
            "pubkey_x25519": hex::encode(self.x25519),
            "ip": self.ip.to_string(),
            "port": self.port.to_string(),
            "port_https": self.port,
        })
    }
}
