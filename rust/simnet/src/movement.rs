//! What moves between nodes when the network changes (network-protocol section 4.6).
//!
//! | change | who sends | to whom | what |
//! |---|---|---|---|
//! | a node joins, moves or is recommissioned into our swarm | every member | the newcomer | all the swarm keeps |
//! | an account maps to another swarm (one came up, or was dissolved) | every node that holds its messages | every member of its new swarm | its messages |
//! | a node leaves or is decommissioned | nobody | | the others have what it had |
//!
//! A node keeps what is no longer its own until it expires: what was sent may have been lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use starling_protocol::{AccountId, NodeKey, SwarmId};

use crate::mailbox::Kept;
use crate::peer::Kind;
use crate::{Forward, NetworkView, Node, PeerMessage};

impl Node {
    /// Tells the node of the network as it is now. Returns the messages that move because of it;
    /// they want no answer.
    pub fn set_view(&mut self, view: Arc<NetworkView>) -> Vec<Forward> {
        let old = std::mem::replace(&mut self.view, view);
        self.swarm = self.view.swarm_of_node(&self.key);
        let newcomers = self.newcomers(&old);
        let mut moving: BTreeMap<NodeKey, Vec<Kept>> = BTreeMap::new();
        let mut last: Option<(AccountId, Vec<NodeKey>)> = None;
        for kept in self.mailboxes.iter() {
            let account = kept.message.account;
            if last.as_ref().is_none_or(|(of, _)| *of != account) {
                last = Some((account, self.receivers(&old, &newcomers, &account)));
            }
            for to in last.iter().flat_map(|(_, receivers)| receivers) {
                moving.entry(*to).or_default().push(kept.clone());
            }
        }
        let forward = |(to, messages): (NodeKey, Vec<Kept>)| Forward {
            to,
            message: PeerMessage(Kind::Dump(messages.into())),
        };
        moving.into_iter().map(forward).collect()
    }

    /// Members of this node's swarm that were not in it before; none if it was not either, since it
    /// is then itself the newcomer.
    fn newcomers(&self, old: &NetworkView) -> Vec<NodeKey> {
        let before: Option<SwarmId> = old.swarm_of_node(&self.key);
        let Some(swarm) = self.swarm.filter(|swarm| before == Some(*swarm)) else { return Vec::new() };
        let known = old.members(swarm);
        self.peers().filter(|key| !known.contains(key)).collect()
    }

    /// Who gets this account's messages.
    fn receivers(&self, old: &NetworkView, newcomers: &[NodeKey], account: &AccountId) -> Vec<NodeKey> {
        let target = self.view.swarm_of(account);
        if target == old.swarm_of(account) {
            return if target == self.swarm { newcomers.to_vec() } else { Vec::new() };
        }
        let members = target.map_or(&[][..], |swarm| self.view.members(swarm));
        members.iter().copied().filter(|key| *key != self.key).collect()
    }
}
