//! A node on the way of an onion request (network-protocol sections 6.3, 6.6, 14).

use starling_protocol::ServiceNode;
use starling_protocol::onion::{PeelError, Peeled, ReplySealer, peel};

use crate::{Node, Reply, path_error};

/// What a node does with the body of `/onion_req/v2`.
#[derive(Debug)]
pub enum Onion {
    /// Posts `body` to the next node's `/onion_req/v2` and hands back its status and body untouched.
    Forward {
        /// Where.
        next: ServiceNode,
        /// What.
        body: Vec<u8>,
    },
    /// The request is for this node: [`Node::handle_json`], and the sealed answer as HTTP 200.
    Handle {
        /// JSON request.
        body: Vec<u8>,
        /// Encrypts the answer to the client.
        sealer: ReplySealer,
    },
    /// Refuses what it found beneath its layer; sealed, as HTTP 200.
    Refuse {
        /// The inner answer.
        reply: Reply,
        /// Encrypts it to the client.
        sealer: ReplySealer,
    },
    /// Refuses in plain text.
    Reply(Reply),
}

impl Node {
    /// Takes this node's layer off an onion request.
    #[must_use]
    pub fn peel_onion(&self, body: &[u8]) -> Onion {
        if self.policy.refuse || self.swarm.is_none() {
            return Onion::Reply(path_error::not_ready(&self.key));
        }
        match peel(self.identity.onion_secret(), body) {
            Ok(Peeled::Final { body, reply }) => Onion::Handle { body, sealer: reply },
            Ok(Peeled::Relay { next, body }) => match self.view.node(&next) {
                Some(node) => Onion::Forward { next: node.clone(), body },
                None => Onion::Reply(path_error::next_not_found(&next)),
            },
            // There are no servers beside this network, so no target is one of ours.
            Ok(Peeled::Server(request)) => {
                Onion::Refuse { reply: Reply::text(400, "Invalid url"), sealer: request.reply }
            }
            Err(PeelError::InvalidJson(sealer)) => {
                Onion::Refuse { reply: Reply::text(400, "Invalid json"), sealer: *sealer }
            }
            Err(error) => Onion::Reply(Reply::text(error.status(), error.to_string())),
        }
    }
}
