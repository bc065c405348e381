//! One request of the storage RPC and its JSON envelope (network-protocol sections 4.1, 4.3).

use serde_json::{Map, Value, json};

use super::{Auth, Delete, Expire, GetExpiries, Refusal, Retrieve, Store};
use crate::account::AccountId;

/// One storage RPC request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// The node's version and clock.
    Info,
    /// The swarm of an account.
    GetSwarm {
        /// Whose swarm.
        account: AccountId,
    },
    /// Stores a message on every member of the swarm.
    Store(Store),
    /// Reads one page of a mailbox.
    Retrieve(Retrieve),
    /// Deletes messages on every member of the swarm.
    Delete(Delete),
    /// Changes the expiry of messages on every member of the swarm.
    Expire(Expire),
    /// Asks for the expiries of messages, of one node.
    GetExpiries(GetExpiries),
    /// Up to 20 requests, all run, in any order.
    Batch(Vec<Request>),
    /// Up to 20 requests, run in order until the first that fails.
    Sequence(Vec<Request>),
    /// The node list as this node knows it.
    OxendRequest(NodeListQuery),
}

/// `get_service_nodes`, of a seed node or through `oxend_request` (network-protocol section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeListQuery {
    /// Leave out decommissioned nodes.
    pub active_only: bool,
    /// Most nodes; we never send it, since a truncated list looks like nodes that left.
    pub limit: Option<u32>,
}

impl Default for NodeListQuery {
    fn default() -> NodeListQuery {
        NodeListQuery { active_only: true, limit: None }
    }
}

impl Request {
    /// The method's name on the wire.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Request::Info => "info",
            Request::GetSwarm { .. } => "get_swarm",
            Request::Store(_) => "store",
            Request::Retrieve(_) => "retrieve",
            Request::Delete(_) => "delete",
            Request::Expire(_) => "expire",
            Request::GetExpiries(_) => "get_expiries",
            Request::Batch(_) => "batch",
            Request::Sequence(_) => "sequence",
            Request::OxendRequest(_) => "oxend_request",
        }
    }

    /// `{"method":…,"params":…}` in UTF-8.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        self.value().to_string().into_bytes()
    }

    /// Reads a request as a node must; the refusal is the node's answer.
    ///
    /// # Errors
    /// Status 400 for what cannot be read, 401 for a missing signature, 403 for a feature the
    /// network has not got.
    pub fn parse(body: &[u8]) -> Result<Request, Refusal> {
        super::parse::request(body)
    }

    fn value(&self) -> Value {
        json!({"method": self.method(), "params": self.params()})
    }

    fn params(&self) -> Value {
        let values = |requests: &[Request]| requests.iter().map(Request::value).collect::<Vec<_>>();
        match self {
            Request::Info => json!({}),
            Request::GetSwarm { account } => json!({"pubkey": account.to_string()}),
            Request::Store(store) => store.params(),
            Request::Retrieve(retrieve) => retrieve.params(),
            Request::Delete(delete) => delete.params(),
            Request::Expire(expire) => expire.params(),
            Request::GetExpiries(get) => get.params(),
            Request::Batch(requests) | Request::Sequence(requests) => json!({"requests": values(requests)}),
            Request::OxendRequest(query) => {
                json!({"endpoint": "get_service_nodes", "params": query.params()})
            }
        }
    }
}

impl NodeListQuery {
    pub(super) fn params(self) -> Value {
        params(
            [
                ("active_only", Some(self.active_only.into())),
                ("limit", self.limit.map(Into::into)),
                (
                    "fields",
                    Some(json!({
                        "public_ip": true,
                        "storage_port": true,
                        "pubkey_ed25519": true,
                        "pubkey_x25519": true,
                        "swarm_id": true,
                        "swarm": true,
                        "funded": true,
                    })),
                ),
            ],
            None,
        )
    }
}

/// Inserts the fields that are there: an absent field is left out, never null.
pub(super) fn params<const N: usize>(fields: [(&str, Option<Value>); N], auth: Option<&Auth>) -> Value {
    let mut map: Map<String, Value> =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    if let Some(auth) = auth {
        auth.write(&mut map);
    }
    Value::Object(map)
}

/// The namespace in a signed string: nothing for 0, decimal otherwise (section 12, trap 20).
pub(super) fn signed_namespace(namespace: i16) -> String {
    if namespace == 0 { String::new() } else { namespace.to_string() }
}

pub(super) fn given_namespace(namespace: i16) -> Option<Value> {
    (namespace != 0).then(|| namespace.into())
}
