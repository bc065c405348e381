//! What members of a swarm say to each other (network-protocol section 4.6).

use std::sync::Arc;

use starling_protocol::NodeKey;
use starling_protocol::rpc::reply::{MemberDeletion, MemberExpiry, MemberReceipt};
use starling_protocol::rpc::{Delete, Expire};

use crate::mailbox::Kept;

/// A message on its way to another node.
#[derive(Clone, Debug)]
pub struct Forward {
    /// To whom.
    pub to: NodeKey,
    /// What.
    pub message: PeerMessage,
}

/// A message between nodes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PeerMessage(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Recursive requests a client made of the sender; answered.
    Commands(Arc<[Command]>),
    /// Messages the receiver is now responsible for; not answered.
    Dump(Arc<[Kept]>),
}

impl PeerMessage {
    /// Whether the sender waits for a [`PeerReply`].
    #[must_use]
    pub fn wants_reply(&self) -> bool {
        matches!(self.0, Kind::Commands(_))
    }

    /// Payload bytes it carries, for a shell that models transfer time.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let size = |kept: &Kept| kept.message.data.len();
        match &self.0 {
            Kind::Dump(messages) => messages.iter().map(size).sum(),
            Kind::Commands(commands) => commands
                .iter()
                .map(|command| if let Command::Store(kept) = command { size(kept) } else { 0 })
                .sum(),
        }
    }
}

/// A request that every member of the swarm carries out.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Store(Kept),
    Delete(Delete),
    Expire(Expire),
}

/// A member's answer to each command, in their order.
#[derive(Clone, Debug)]
pub struct PeerReply(pub(crate) Vec<Answer>);

/// What one member did about one command; it names the member.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Stored(MemberReceipt),
    Deleted(MemberDeletion),
    Expired(MemberExpiry),
}

impl Command {
    /// The entry of a member that did not do it.
    pub(crate) fn failed(&self, node: NodeKey, timeout: bool) -> Answer {
        match self {
            Command::Store(_) => Answer::Stored(MemberReceipt {
                node,
                hash: None,
                signature: None,
                failed: true,
                timeout,
                already: false,
                expiry: None,
            }),
            Command::Delete(_) => {
                Answer::Deleted(MemberDeletion { node, deleted: Vec::new(), signature: None, failed: true })
            }
            Command::Expire(_) => Answer::Expired(MemberExpiry {
                node,
                updated: Vec::new(),
                unchanged: Default::default(),
                expiry: None,
                signature: None,
                failed: true,
            }),
        }
    }
}
