use serde_json::Value;
use starling_protocol::ServiceNode;
use starling_protocol::rpc::reply::{Info, NodeList};
use starling_protocol::rpc::{NodeListQuery, Request, seed_node_list_request};
use starling_protocol::swarm::UNASSIGNED;
use starling_simnet::{Policy, seed_json_rpc};

use crate::net::{NOW, Net};

/// Three nodes, the first decommissioned.
fn net() -> Net {
    let mut net = Net::new(&[(u64::MAX - 1, 3)]);
    let mut listed = net.listed();
    listed[0] = ServiceNode { swarm_id: UNASSIGNED, ..listed[0].clone() };
    net.change(listed);
    net
}

#[test]
fn seed_and_nodes_list_the_same() {
    let mut net = net();
    let listed = net.listed();
    let seed = seed_json_rpc(&net.view, &seed_node_list_request());
    assert_eq!(seed.status, 200);
    assert_eq!(NodeList::parse(&seed.body).unwrap().nodes, listed[1..]);
    let query = Request::OxendRequest(NodeListQuery::default());
    let answer = net.ask(listed[1].key, query);
    assert_eq!(NodeList::parse(&answer.body).unwrap().nodes, listed[1..]);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["t"], NOW);
    let all = Request::OxendRequest(NodeListQuery { active_only: false, limit: None });
    let body: Value = serde_json::from_slice(&net.ask(listed[1].key, all).body).unwrap();
    assert_eq!(body["result"]["service_node_states"].as_array().unwrap().len(), 3);
    let one = Request::OxendRequest(NodeListQuery { active_only: true, limit: Some(1) });
    assert_eq!(NodeList::parse(&net.ask(listed[1].key, one).body).unwrap().nodes, listed[1..2]);
}

#[test]
fn a_seed_answers_json_rpc() {
    let net = net();
    let ask = |body: &[u8]| serde_json::from_slice::<Value>(&seed_json_rpc(&net.view, body).body).unwrap();
    for method in ["get_service_nodes", "get_n_service_nodes", "get_all_service_nodes"] {
        let answer = ask(format!(r#"{{"id": 7, "method": "{method}"}}"#).as_bytes());
        assert_eq!(answer["id"], 7);
        assert_eq!(answer["result"]["service_node_states"].as_array().unwrap().len(), 3);
    }
    assert_eq!(ask(b"{\"method\":\"get_info\"}")["error"]["code"], -32601);
    assert_eq!(ask(b"nonsense")["error"]["code"], -32700);
}

#[test]
fn info_tells_the_time() {
    let mut net = net();
    let node = net.listed()[1].key;
    *net.node(node).policy_mut() = Policy { clock_offset_ms: 5, ..Policy::default() };
    let info = Info::parse(&net.ask(node, Request::Info).body).unwrap();
    assert_eq!((info.timestamp, info.version.len()), (NOW + 5, 3));
}
