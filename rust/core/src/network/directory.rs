//! The service node list and the swarms in it (network-protocol section 2).

use std::collections::BTreeMap;

use starling_protocol::swarm::{self, SwarmId};
use starling_protocol::{AccountId, NodeKey, ServiceNode};

/// All service nodes we believe in, grouped by swarm.
#[derive(Default)]
pub(crate) struct Directory {
    nodes: BTreeMap<NodeKey, ServiceNode>,
    swarms: BTreeMap<SwarmId, Vec<NodeKey>>,
    /// The keys of `swarms`, ascending: what the mapping rule works on.
    swarm_ids: Vec<SwarmId>,
}

impl Directory {
    /// Groups `nodes`; the last of two entries with one key wins.
    pub(crate) fn new(nodes: impl IntoIterator<Item = ServiceNode>) -> Self {
        let nodes: BTreeMap<_, _> = nodes.into_iter().map(|node| (node.key, node)).collect();
        let mut swarms: BTreeMap<SwarmId, Vec<NodeKey>> = BTreeMap::new();
        for node in nodes.values().filter(|node| node.swarm_id != swarm::UNASSIGNED) {
            swarms.entry(node.swarm_id).or_default().push(node.key);
        }
        let swarm_ids = swarms.keys().copied().collect();
        Self { nodes, swarms, swarm_ids }
    }

    pub(crate) fn get(&self, key: &NodeKey) -> Option<&ServiceNode> {
        self.nodes.get(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Every node's key, ascending.
    pub(crate) fn keys(&self) -> impl Iterator<Item = NodeKey> {
        self.nodes.keys().copied()
    }

    /// The swarm `account` maps to and its members, ascending; empty only in an empty directory.
    pub(crate) fn swarm_of(&self, account: &AccountId) -> (SwarmId, &[NodeKey]) {
        let id = swarm::nearest(swarm::space(account), &self.swarm_ids).unwrap_or(swarm::UNASSIGNED);
        (id, self.swarms.get(&id).map_or(&[], Vec::as_slice))
    }

    /// Whether `other` lists the same nodes with the same facts.
    pub(crate) fn same_as(&self, other: &Directory) -> bool {
        self.nodes == other.nodes
    }
}

/// The nodes on which at least two of several answers agree in every fact.
pub(crate) fn agreement(answers: &[Vec<ServiceNode>]) -> Vec<ServiceNode> {
    let mut agreed = BTreeMap::new();
    for (at, answer) in answers.iter().enumerate() {
        let others: Vec<Directory> =
            answers.iter().skip(at + 1).map(|other| Directory::new(other.iter().cloned())).collect();
        for node in answer {
            if others.iter().any(|other| other.get(&node.key) == Some(node)) {
                agreed.insert(node.key, node.clone());
            }
        }
    }
    agreed.into_values().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::Ipv4Addr;

    fn node(n: u8, swarm_id: SwarmId) -> ServiceNode {
        let ip = Ipv4Addr::new(127, 0, 0, n);
        ServiceNode { key: NodeKey([n; 32]), x25519: [n; 32], ip, port: 22021, swarm_id }
    }

    #[test]
    fn agreement_takes_what_two_of_three_say() {
        let honest = vec![node(1, 10), node(2, 10), node(3, 20)];
        let behind = vec![node(1, 10), node(2, 10)];
        let lying = vec![node(1, 99), node(2, 10), node(3, 99), node(4, 10)];
        let agreed = agreement(&[honest.clone(), behind, lying]);
        assert_eq!(agreed, vec![node(1, 10), node(2, 10)]);
        assert!(agreement(&[honest]).is_empty(), "one answer is no agreement");
    }

    #[test]
    fn accounts_map_to_the_nearest_swarm_and_unassigned_nodes_to_none() {
        let directory = Directory::new([node(1, 0), node(2, 1 << 63), node(3, swarm::UNASSIGNED)]);
        let mut low = [0_u8; 33];
        low[0] = 5;
        let account = AccountId::from_bytes(&low).unwrap();
        assert_eq!(directory.swarm_of(&account), (0, &[NodeKey([1; 32])][..]));
        assert_eq!(directory.len(), 3);
        let empty = Directory::default();
        let (none, members) = empty.swarm_of(&account);
        assert_eq!((none, members.len()), (swarm::UNASSIGNED, 0));
    }
}
