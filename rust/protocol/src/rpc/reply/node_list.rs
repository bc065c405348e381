//! The answer to `get_service_nodes` (network-protocol section 3.1, extensions section 2).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{ReplyError, read, with_clock};
use crate::node::{NodeKey, ServiceNode};
use crate::rpc::encoding::{Number, key_from_hex};
use crate::rpc::{AddressKind, MAX_NODES};
use crate::swarm::{SwarmId, UNASSIGNED};

/// The network's nodes, as a seed node's JSON-RPC or a node's `oxend_request` lists them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NodeList {
    /// In the order given, each key once. Reading leaves out what section 3.1 says to drop: not
    /// funded, without swarm, without keys or port, at an address where no node can be.
    pub nodes: Vec<ServiceNode>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    result: Option<NodeStates<'a>>,
}

#[derive(Deserialize)]
struct NodeStates<'a> {
    #[serde(borrow)]
    service_node_states: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Entry {
    public_ip: Ipv4Addr,
    storage_port: Number,
    pubkey_ed25519: NodeKey,
    pubkey_x25519: String,
    swarm_id: Option<u64>,
    swarm: Option<String>,
    funded: Option<bool>,
}

impl Entry {
    fn node(self) -> Option<ServiceNode> {
        if self.funded == Some(false) {
            return None;
        }
        AddressKind::of(self.public_ip)?;
        // The hexadecimal field carries the same number (network-protocol section 2).
        let swarm_id = match (self.swarm_id, self.swarm) {
            (Some(id), _) => id,
            (None, Some(hex)) => SwarmId::from_str_radix(&hex, 16).ok()?,
            (None, None) => return None,
        };
        let port = u16::try_from(self.storage_port.get()?).ok()?;
        (port != 0 && swarm_id != UNASSIGNED).then_some(ServiceNode {
            key: self.pubkey_ed25519,
            x25519: key_from_hex(&self.pubkey_x25519)?,
            ip: self.public_ip,
            port,
            swarm_id,
        })
    }
}

impl NodeList {
    /// Reads the body of either source.
    ///
    /// # Errors
    /// [`ReplyError`] where there is no list or it is too long.
    pub fn parse(body: &[u8]) -> Result<NodeList, ReplyError> {
        let body: Body<'_> = read(body)?;
        let states = body.result.and_then(|result| result.service_node_states);
        let states = states.ok_or(ReplyError::Missing("service_node_states"))?;
        if states.len() > MAX_NODES {
            return Err(ReplyError::TooMany("nodes"));
        }
        let mut seen = BTreeSet::new();
        let nodes = states
            .into_iter()
            .filter_map(|raw| serde_json::from_str::<Entry>(raw.get()).ok()?.node())
            .filter(|node| seen.insert(node.key))
            .collect();
        Ok(NodeList { nodes })
    }

    /// Writes the answer to `oxend_request`; `t` is the answering node's clock, ms.
    #[must_use]
    pub fn to_json(&self, t: u64) -> Vec<u8> {
        with_clock(Map::from_iter([("result".to_owned(), self.result())]), Some(t))
    }

    /// Writes a seed node's answer to the JSON-RPC request `id`, which is JSON itself; what is no
    /// JSON is answered as null.
    #[must_use]
    pub fn to_json_rpc(&self, id: &str) -> Vec<u8> {
        let id: Value = serde_json::from_str(id).unwrap_or(Value::Null);
        json!({"jsonrpc": "2.0", "id": id, "result": self.result()}).to_string().into_bytes()
    }

    fn result(&self) -> Value {
        let states: Vec<Value> = self.nodes.iter().map(state).collect();
        json!({"service_node_states": states, "status": "OK"})
    }
}

fn state(node: &ServiceNode) -> Value {
    let key = node.key.to_string();
    json!({
        "service_node_pubkey": key,
        "pubkey_ed25519": key,
        "pubkey_x25519": hex::encode(node.x25519),
        "public_ip": node.ip.to_string(),
        "storage_port": node.port,
        "swarm_id": node.swarm_id,
        "swarm": format!("{:x}", node.swarm_id),
        "funded": true,
        "active": node.swarm_id != UNASSIGNED,
    })
}
