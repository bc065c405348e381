//! The network as the blockchain daemon tells its nodes: who exists, and in which swarm.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use starling_protocol::rpc::reply::{ListedNode, Swarm};
use starling_protocol::swarm::{UNASSIGNED, nearest, space};
use starling_protocol::{AccountId, NodeKey, ServiceNode, SwarmId};

/// All service nodes at one moment. Shared by nodes, never changed: a change is a new view.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NetworkView {
    nodes: Vec<ServiceNode>,
    swarms: BTreeMap<SwarmId, Vec<NodeKey>>,
    ids: Vec<SwarmId>,
}

impl NetworkView {
    /// The view of these nodes; of several with one key the last counts. A decommissioned node has
    /// the swarm id [`UNASSIGNED`].
    #[must_use]
    pub fn new(nodes: Vec<ServiceNode>) -> NetworkView {
        let nodes: BTreeMap<NodeKey, ServiceNode> = nodes.into_iter().map(|node| (node.key, node)).collect();
        let mut swarms: BTreeMap<SwarmId, Vec<NodeKey>> = BTreeMap::new();
        for node in nodes.values().filter(|node| node.swarm_id != UNASSIGNED) {
            swarms.entry(node.swarm_id).or_default().push(node.key);
        }
        let ids = swarms.keys().copied().collect();
        NetworkView { nodes: nodes.into_values().collect(), swarms, ids }
    }

    /// Every node, decommissioned ones included, by key.
    #[must_use]
    pub fn nodes(&self) -> &[ServiceNode] {
        &self.nodes
    }

    /// The node with this key.
    #[must_use]
    pub fn node(&self, key: &NodeKey) -> Option<&ServiceNode> {
        let at = self.nodes.binary_search_by(|node| node.key.cmp(key)).ok()?;
        self.nodes.get(at)
    }

    /// Ids of all swarms, ascending.
    #[must_use]
    pub fn swarm_ids(&self) -> &[SwarmId] {
        &self.ids
    }

    /// Members of a swarm, by key; none if there is no such swarm.
    #[must_use]
    pub fn members(&self, swarm: SwarmId) -> &[NodeKey] {
        self.swarms.get(&swarm).map_or(&[], Vec::as_slice)
    }

    /// The swarm that keeps an account's messages (network-protocol section 2); `None` if there is none.
    #[must_use]
    pub fn swarm_of(&self, account: &AccountId) -> Option<SwarmId> {
        nearest(space(account), &self.ids)
    }

    /// The swarm a node is in; `None` if unknown or decommissioned.
    #[must_use]
    pub fn swarm_of_node(&self, key: &NodeKey) -> Option<SwarmId> {
        self.node(key).map(|node| node.swarm_id).filter(|id| *id != UNASSIGNED)
    }

    /// The answer to `get_swarm`, also the body of a 421 (network-protocol section 4.3).
    pub(crate) fn listing(&self, account: &AccountId, t: u64) -> Vec<u8> {
        let swarm_id = self.swarm_of(account);
        let members = swarm_id.map_or(&[][..], |id| self.members(id));
        let listed = |node: &ServiceNode| ListedNode {
            key: node.key,
            x25519: node.x25519,
            ip: node.ip,
            port: node.port,
        };
        let nodes = members.iter().filter_map(|key| self.node(key).map(listed)).collect();
        with_other_ports(Swarm { nodes, swarm_id, t: Some(t) }.to_json())
    }
}

/// Adds the ports of the protocols that we do not speak: one for both, by default just below that of
/// HTTPS. Nothing listens there.
fn with_other_ports(listing: Vec<u8>) -> Vec<u8> {
    let Ok(mut body) = serde_json::from_slice::<Map<String, Value>>(&listing) else { return listing };
    let members = body.get_mut("snodes").and_then(Value::as_array_mut);
    for member in members.into_iter().flatten().filter_map(Value::as_object_mut) {
        let below = member.get("port_https").and_then(Value::as_u64).map(|port| port.saturating_sub(1));
        for name in ["port_omq", "port_quic"] {
            member.extend(below.map(|port| (name.to_owned(), port.into())));
        }
    }
    Value::Object(body).to_string().into_bytes()
}
