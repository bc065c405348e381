//! One service node.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use starling_protocol::rpc::Request;
use starling_protocol::{AccountId, NodeKey, SwarmId};

use crate::gather::{Gather, Ticket};
use crate::mailbox::{DumpedMessage, Kept, Mailboxes};
use crate::{Forward, Identity, NetworkView, Policy, Reply, Signatures, StrictEd25519};

/// One storage server's whole state. All times are milliseconds of the network's true clock; the
/// node's own clock is off by its policy's offset.
pub struct Node {
    pub(crate) identity: Identity,
    pub(crate) key: NodeKey,
    pub(crate) policy: Policy,
    pub(crate) signatures: Arc<dyn Signatures>,
    pub(crate) view: Arc<NetworkView>,
    pub(crate) swarm: Option<SwarmId>,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) gathers: BTreeMap<Ticket, Gather>,
    pub(crate) next_ticket: u64,
}

/// What a node does about a request.
#[derive(Debug)]
pub enum Handled {
    /// It answers.
    Reply(Reply),
    /// It asks the other members of its swarm first.
    Gather {
        /// For [`Node::peer_answered`] and [`Node::gather_timeout`].
        ticket: Ticket,
        /// One message for each member.
        forwards: Vec<Forward>,
    },
}

impl Node {
    /// A node that knows no network yet and refuses everything until [`Node::set_view`].
    #[must_use]
    pub fn new(identity: Identity, policy: Policy) -> Node {
        Node {
            key: identity.key(),
            identity,
            policy,
            signatures: Arc::new(StrictEd25519),
            view: Arc::default(),
            swarm: None,
            mailboxes: Mailboxes::default(),
            gathers: BTreeMap::new(),
            next_ticket: 0,
        }
    }

    /// Replaces how signatures are computed.
    #[must_use]
    pub fn with_signatures(self, signatures: Arc<dyn Signatures>) -> Node {
        Node { signatures, ..self }
    }

    /// The node's name.
    #[must_use]
    pub fn key(&self) -> NodeKey {
        self.key
    }

    /// The node's keys.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The node's rules and faults.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Changes rules and faults; they hold from the next request on.
    pub fn policy_mut(&mut self) -> &mut Policy {
        &mut self.policy
    }

    /// Does what the body of `/storage_rpc/v1`, or of an onion request for this node, asks.
    pub fn handle_json(&mut self, body: &[u8], now_ms: u64) -> Handled {
        match Request::parse(body) {
            Ok(request) => self.handle(request, now_ms),
            Err(refusal) => Handled::Reply(refusal.into()),
        }
    }

    /// Deletes what has expired by this node's clock. Requests do it by themselves.
    pub fn expire(&mut self, now_ms: u64) {
        let now = self.local(now_ms);
        self.mailboxes.expire(now);
    }

    /// All messages the node holds, also those of accounts it is no longer responsible for.
    #[must_use]
    pub fn dump(&self) -> Vec<DumpedMessage> {
        self.mailboxes.iter().map(Kept::dumped).collect()
    }

    /// How many messages the node holds.
    #[must_use]
    pub fn message_count(&self) -> usize {
        self.mailboxes.len()
    }

    /// The process dies: requests it had not answered are forgotten, and with `lose_data` its
    /// messages too.
    pub fn crash(&mut self, lose_data: bool) {
        self.gathers.clear();
        if lose_data {
            self.mailboxes = Mailboxes::default();
        }
    }

    /// This node's clock.
    pub(crate) fn local(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.policy.clock_offset_ms)
    }

    /// Whether the account's messages belong to this node's swarm.
    pub(crate) fn is_ours(&self, account: &AccountId) -> bool {
        self.swarm.is_some() && self.view.swarm_of(account) == self.swarm
    }

    /// The other members of this node's swarm.
    pub(crate) fn peers(&self) -> impl Iterator<Item = NodeKey> {
        let members = self.swarm.map_or(&[][..], |swarm| self.view.members(swarm));
        members.iter().copied().filter(|key| *key != self.key)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("key", &self.key).field("policy", &self.policy).finish_non_exhaustive()
    }
}
