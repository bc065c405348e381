//! Requests and answers of the storage RPC, and the loose forms that running nodes use.

use std::collections::BTreeMap;

use starling_fuzz_bodies::cast::{NETWORK, OURS};
use starling_protocol::NodeKey;
use starling_protocol::rpc::reply::{
    Batch, Deleted, Difficulty, Expired, Expiries, Info, ListedNode, MemberDeletion, MemberExpiry,
    MemberReceipt, NodeList, Retrieved, Stored, StoredMessage, SubReply, Swarm,
};
use starling_protocol::rpc::{
    Delete, Expire, ExpireMode, GetExpiries, NodeListQuery, Request, Retrieve, Store, seed_node_list_request,
};

use crate::Seed;

const NOW_MS: u64 = 1_700_000_000_000;
const HASH: &str = "4sMyAuaZlMwww3oFvfhazfw7ASx/7TDtO+TVc8aAjHs";

pub(crate) fn seeds() -> Vec<Seed> {
    [requests(), lists(), mailboxes(), changes()].concat()
}

fn requests() -> Vec<Seed> {
    let account = OURS.account_id();
    let store = Store {
        nonce: Some("AAAAAAAAAE0=".into()),
        ..Store::public(account, NOW_MS, 86_400_000, "ZGF0YQ==".into())
    };
    let private = Store::signed(&OURS, 3, NOW_MS, 86_400_000, "ZGF0YQ==".into());
    let retrieve = Retrieve::signed(&OURS, 0, Some(HASH.into()), Some(10), Some(-5), NOW_MS);
    let hashes = || vec![HASH.to_owned()];
    let expire = |mode| Request::Expire(Expire::signed(&OURS, hashes(), NOW_MS, mode));
    let old_store = format!(
        r#"{{"method":"store","params":{{"pubKey":"{account}","timestamp":"{NOW_MS}","expiry":{},"data":"ZGF0YQ"}}}}"#,
        NOW_MS + 86_400_000
    );
    let old_retrieve = String::from_utf8(Request::Retrieve(retrieve.clone()).to_json()).unwrap();
    let old_retrieve = old_retrieve.replace("last_hash", "lastHash").replace("\"pubkey\"", "\"pubKey\"");
    let batch = vec![Request::Info, Request::Retrieve(retrieve.clone()), Request::Store(store.clone())];
    let one = |name, request: Request| ("rpc_request", name, request.to_json());
    vec![
        one("info", Request::Info),
        one("get_swarm", Request::GetSwarm { account }),
        one("store", Request::Store(store)),
        one("store_private", Request::Store(private)),
        ("rpc_request", "store_old", old_store.into_bytes()),
        one("retrieve", Request::Retrieve(retrieve)),
        ("rpc_request", "retrieve_old", old_retrieve.into_bytes()),
        one("delete", Request::Delete(Delete::signed(&OURS, hashes(), true))),
        one("expire", expire(ExpireMode::Set)),
        one("expire_shorten", expire(ExpireMode::Shorten)),
        one("expire_extend", expire(ExpireMode::Extend)),
        one("get_expiries", Request::GetExpiries(GetExpiries::signed(&OURS, hashes(), NOW_MS))),
        one("batch", Request::Batch(batch.clone())),
        one("sequence", Request::Sequence(batch)),
        one("oxend_request", Request::OxendRequest(NodeListQuery::default())),
        ("rpc_request", "seed_call", seed_node_list_request()),
    ]
}

fn lists() -> Vec<Seed> {
    let nodes = NETWORK.1.nodes();
    let list = NodeList { nodes: nodes.to_vec() };
    let listed = |n: usize| ListedNode {
        key: nodes[n].key,
        x25519: nodes[n].x25519,
        ip: nodes[n].ip,
        port: nodes[n].port,
    };
    let swarm = Swarm { nodes: vec![listed(0), listed(1)], swarm_id: Some(1 << 63), t: Some(NOW_MS) };
    let text = |swarm: &Swarm| String::from_utf8(swarm.to_json()).unwrap();
    let loose = text(&swarm).replace("\"port_https\":22021,", "").replace(&NOW_MS.to_string(), "\"1\"");
    let hex_only =
        String::from_utf8(list.to_json(NOW_MS)).unwrap().replace("\"swarm_id\"", "\"swarm_number\"");
    vec![
        ("reply_info", "info", Info { timestamp: NOW_MS, version: vec![2, 8, 0] }.to_json()),
        ("reply_info", "no_version", br#"{"timestamp":1}"#.to_vec()),
        ("reply_difficulty", "difficulty", Difficulty { difficulty: 12 }.to_json()),
        ("reply_difficulty", "absurd", Difficulty { difficulty: u64::MAX }.to_json()),
        ("reply_swarm", "swarm", swarm.to_json()),
        ("reply_swarm", "none", Swarm { nodes: Vec::new(), swarm_id: None, t: None }.to_json()),
        ("reply_swarm", "loose", loose.into_bytes()),
        ("reply_node_list", "oxend_request", NodeList { nodes: nodes[..3].to_vec() }.to_json(NOW_MS)),
        ("reply_node_list", "json_rpc", NodeList { nodes: nodes[..2].to_vec() }.to_json_rpc("\"0\"")),
        ("reply_node_list", "all", list.to_json(NOW_MS)),
        ("reply_node_list", "hex_swarms", hex_only.into_bytes()),
    ]
}

fn mailboxes() -> Vec<Seed> {
    let message = |n: u8| StoredMessage {
        hash: HASH.replace('4', &n.to_string()),
        timestamp: NOW_MS,
        expiration: NOW_MS + 1,
        data: "ZGF0YQ==".into(),
    };
    let page = Retrieved { messages: vec![message(1), message(2)], more: true, t: Some(NOW_MS) };
    let loose =
        String::from_utf8(page.to_json()).unwrap().replace("true", "1").replace("expiration", "expiry");
    let results = vec![
        SubReply { status: 200, body: page.to_json() },
        SubReply { status: 421, body: b"{}".to_vec() },
        SubReply { status: 500, body: b"Internal Server Error".to_vec() },
    ];
    vec![
        ("reply_retrieved", "page", page.to_json()),
        ("reply_retrieved", "loose", loose.into_bytes()),
        ("reply_retrieved", "empty", Retrieved::default().to_json()),
        ("reply_batch", "batch", Batch { results }.to_json()),
        (
            "reply_batch",
            "odd_bodies",
            br#"{"results":[{"code":200,"body":[1.5]},{"code":1},{"code":2,"body":null}]}"#.to_vec(),
        ),
    ]
}

fn changes() -> Vec<Seed> {
    let node = |n: u8| NodeKey([n; 32]);
    let receipt = |n: u8, failed: bool| MemberReceipt {
        node: node(n),
        hash: (!failed).then(|| HASH.to_owned()),
        signature: (!failed).then_some([n; 64]),
        failed,
        timeout: failed,
        already: n == 2,
        expiry: (!failed).then_some(NOW_MS),
    };
    let stored = Stored {
        hash: Some(HASH.into()),
        members: vec![receipt(1, false), receipt(2, false), receipt(3, true)],
        difficulty: Some(5),
        t: Some(NOW_MS),
    };
    let loose = String::from_utf8(stored.to_json()).unwrap().replace("true", "1").replace("==", "");
    let unchanged = BTreeMap::from([(HASH.to_owned(), NOW_MS)]);
    let deletion =
        MemberDeletion { node: node(1), deleted: vec![HASH.into()], signature: Some([1; 64]), failed: false };
    let expiry = MemberExpiry {
        node: node(1),
        updated: vec![HASH.into()],
        unchanged: unchanged.clone(),
        expiry: Some(NOW_MS),
        signature: Some([1; 64]),
        failed: false,
    };
    let failed = format!(r#"{{"swarm":{{"{}":{{"failed":true,"code":500}}}}}}"#, node(3)).into_bytes();
    vec![
        ("reply_stored", "stored", stored.to_json()),
        ("reply_stored", "loose", loose.into_bytes()),
        ("reply_stored", "failed", failed.clone()),
        ("reply_deleted", "deleted", Deleted { members: vec![deletion], t: Some(NOW_MS) }.to_json()),
        ("reply_deleted", "failed", failed.clone()),
        ("reply_expired", "expired", Expired { members: vec![expiry], t: Some(NOW_MS) }.to_json()),
        ("reply_expired", "failed", failed),
        ("reply_expiries", "expiries", Expiries { expiries: unchanged }.to_json()),
        ("reply_expiries", "none", Expiries::default().to_json()),
    ]
}
