//! The storage RPC as typed values, for both ends of it (network-protocol section 4).
//!
//! [`Request`] is what a client sends, as the final body of an onion request or to
//! `/storage_rpc/v1`; [`reply`] is what a node answers. Client and node share these types, so
//! that neither can drift from the other. Numbers of 64 bits are exact: nothing passes through
//! a double (section 12, trap 14).

mod address;
mod auth;
mod encoding;
mod limits;
mod parse;
pub mod reply;
mod request;
mod retrieve;
mod store;
mod upkeep;

pub use address::AddressKind;
pub use auth::Auth;
pub use encoding::decode_data;
pub use limits::*;
pub use parse::Refusal;
pub use request::{NodeListQuery, Request};
pub use retrieve::Retrieve;
pub use store::Store;
pub use upkeep::{Delete, Expire, ExpireMode, GetExpiries};

use serde_json::json;

/// Namespaces divisible by ten are inboxes: anyone may store, the owner alone retrieves
/// (network-protocol section 4.4).
#[must_use]
pub fn is_public_inbox(namespace: i16) -> bool {
    namespace % 10 == 0
}

/// The body of `POST {seed}/json_rpc` that asks a seed node for all active service nodes
/// (network-protocol section 3.1). No `limit`: a truncated list would look like nodes that left.
#[must_use]
pub fn seed_node_list_request() -> Vec<u8> {
    let query = NodeListQuery::default();
    json!({"jsonrpc": "2.0", "id": "0", "method": "get_n_service_nodes", "params": query.params()})
        .to_string()
        .into_bytes()
}

#[cfg(test)]
mod tests;
