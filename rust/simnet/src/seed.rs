//! A seed node: the daemon's JSON-RPC that lists service nodes (network-protocol section 3.1).

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use starling_protocol::rpc::NodeListQuery;
use starling_protocol::rpc::reply::NodeList;
use starling_protocol::swarm::UNASSIGNED;

use crate::{NetworkView, Reply};

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: String,
    params: Option<Params>,
}

#[derive(Deserialize, Default)]
struct Params {
    #[serde(default)]
    active_only: bool,
    limit: Option<u32>,
}

/// Answers the body of a `POST /json_rpc`. Errors are JSON-RPC's own, inside a 200.
#[must_use]
pub fn seed_json_rpc(view: &NetworkView, body: &[u8]) -> Reply {
    let Ok(call) = serde_json::from_slice::<Call<'_>>(body) else {
        return error("null", -32700, "Parse error");
    };
    let id = call.id.map_or("null", RawValue::get);
    match call.method.as_str() {
        "get_service_nodes" | "get_n_service_nodes" | "get_all_service_nodes" => {
            let params = call.params.unwrap_or_default();
            let query = NodeListQuery { active_only: params.active_only, limit: params.limit };
            Reply::json(200, node_list(view, query).to_json_rpc(id))
        }
        _ => error(id, -32601, "Method not found"),
    }
}

/// The nodes a query asks for. Without `active_only` decommissioned ones are among them.
pub(crate) fn node_list(view: &NetworkView, query: NodeListQuery) -> NodeList {
    let limit = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let wanted = view.nodes().iter().filter(|node| !query.active_only || node.swarm_id != UNASSIGNED);
    NodeList { nodes: wanted.take(limit).cloned().collect() }
}

fn error(id: &str, code: i32, message: &str) -> Reply {
    let id: Value = serde_json::from_str(id).unwrap_or(Value::Null);
    let body = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}});
    Reply::json(200, body.to_string().into_bytes())
}
