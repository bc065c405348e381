//! Errors on the way of an onion request, in plain text, with the network's exact words
//! (network-protocol sections 6.6, 14). Shells use them for what they see happen to a forwarded body.

use starling_protocol::NodeKey;

use crate::Reply;

/// No node has this key.
#[must_use]
pub fn next_not_found(next: &NodeKey) -> Reply {
    Reply::text(502, format!("Next node not found: {next}"))
}

/// The next node's address answers no connection.
#[must_use]
pub fn next_unreachable(next: &NodeKey) -> Reply {
    Reply::text(502, format!("Next node is currently unreachable: {next}"))
}

/// The next node, or one behind it, did not answer in 30 s; it is not said which.
#[must_use]
pub fn timed_out() -> Reply {
    Reply::text(504, "Request time out")
}

/// The next node answered with something that is no answer.
#[must_use]
pub fn invalid_response() -> Reply {
    Reply::text(500, "Invalid response from snode")
}

/// This node cannot serve now.
#[must_use]
pub fn not_ready(node: &NodeKey) -> Reply {
    Reply::text(503, format!("Snode not ready: {node}"))
}
