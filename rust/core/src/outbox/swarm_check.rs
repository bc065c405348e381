//! Asking a random node for the recipient's swarm, and holding the answer against our own list.
//!
//! Done at the first send to a recipient and after every 421 (extensions section 2). The answer
//! never decides where a message goes: our own list does. A contradiction renews the list.

use std::collections::{BTreeMap, BTreeSet};

use starling_protocol::rpc::Request as Call;
use starling_protocol::rpc::reply::Swarm;
use starling_protocol::{AccountId, NodeKey};
use starling_store::{Conversation, ConversationId, StoreError};

use super::Outbox;
use crate::effect::Purpose;
use crate::input::EffectId;
use crate::network::{Delivery, Network};
use crate::step::Step;

/// Nodes asked before the own list is taken on its own.
const MOST_TRIES: u32 = 3;

/// Checks under way.
#[derive(Default)]
pub(super) struct SwarmChecks {
    asked: BTreeMap<EffectId, (ConversationId, AccountId)>,
    tries: BTreeMap<ConversationId, u32>,
}

impl SwarmChecks {
    pub(super) fn busy(&self) -> bool {
        !self.asked.is_empty()
    }

    fn asking(&self, conversation: ConversationId) -> bool {
        self.asked.values().any(|(asked, _)| *asked == conversation)
    }
}

impl Outbox {
    /// Whether the recipient's swarm may be used; if not, the question is under way.
    pub(super) fn swarm_checked(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        conversation: &Conversation,
    ) -> bool {
        if conversation.swarm_checked_ms.is_some() {
            return true;
        }
        if self.checks.asking(conversation.id) {
            return false;
        }
        let tries = self.checks.tries.entry(conversation.id).or_default();
        if *tries >= MOST_TRIES {
            return true;
        }
        *tries += 1;
        let body = Call::GetSwarm { account: conversation.peer };
        let purpose = Purpose::SwarmCheck(conversation.id);
        let asked = network.someone(step).and_then(|node| network.ask(step, purpose, &node, body));
        match asked {
            Some(id) => {
                self.checks.asked.insert(id, (conversation.id, conversation.peer));
                false
            }
            None => true,
        }
    }

    /// Takes the answer to a check.
    pub(crate) fn swarm_answered(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        let Some((conversation, peer)) = self.checks.asked.remove(&delivery.id) else { return Ok(()) };
        self.look_again();
        let Some((200, body)) = &delivery.answer else { return Ok(()) };
        let Ok(swarm) = Swarm::parse(body) else { return Ok(()) };
        network.note_time(step, delivery, swarm.t)?;
        let named: BTreeSet<NodeKey> = swarm.nodes.iter().map(|node| node.key).collect();
        let listed: BTreeSet<NodeKey> = network.swarm_of(&peer).into_iter().collect();
        if named != listed {
            network.doubt_directory();
        }
        self.checks.tries.remove(&conversation);
        step.tx.set_swarm_checked(conversation, Some(step.now.wall_ms))
    }
}
