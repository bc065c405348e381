#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::node::{NodeKey, ServiceNode};
use crate::rpc::{MAX_BATCH, MAX_SWARM};

const HASH: &str = "4sMyAuaZlMwww3oFvfhazfw7ASx/7TDtO+TVc8aAjHs";

fn node(number: u8, swarm_id: u64) -> ServiceNode {
    let ip = [127, 0, 0, number].into();
    ServiceNode { key: NodeKey([number; 32]), x25519: [number; 32], ip, port: 22021, swarm_id }
}

fn listed(number: u8) -> ListedNode {
    let node = node(number, 0);
    ListedNode { key: node.key, x25519: node.x25519, ip: node.ip, port: node.port }
}

fn receipt(number: u8) -> MemberReceipt {
    MemberReceipt {
        node: NodeKey([number; 32]),
        hash: Some(HASH.into()),
        signature: Some([number; 64]),
        failed: false,
        timeout: false,
        already: number % 2 == 1,
        expiry: Some(u64::MAX - 1),
    }
}

#[test]
fn every_reply_survives_json() {
    let info = Info { timestamp: 5, version: vec![2, 8, 0] };
    assert_eq!(Info::parse(&info.to_json()), Ok(info));
    let difficulty = Difficulty { difficulty: u64::MAX };
    assert_eq!(Difficulty::parse(&difficulty.to_json()), Ok(difficulty));
    let swarm = Swarm { nodes: vec![listed(1), listed(2)], swarm_id: Some(u64::MAX - 1), t: Some(9) };
    assert_eq!(Swarm::parse(&swarm.to_json()), Ok(swarm));
    let none = Swarm { nodes: vec![], swarm_id: None, t: Some(9) };
    assert_eq!(Swarm::parse(&none.to_json()), Ok(none));
    let silent = MemberReceipt {
        hash: None,
        signature: None,
        expiry: None,
        already: false,
        failed: true,
        timeout: true,
        ..receipt(3)
    };
    let members = vec![receipt(1), receipt(2), silent];
    let stored = Stored { hash: Some(HASH.into()), members, difficulty: Some(3), t: Some(9) };
    assert_eq!(Stored::parse(&stored.to_json()), Ok(stored));
    let message =
        StoredMessage { hash: HASH.into(), timestamp: 1, expiration: u64::MAX, data: "aGk=".into() };
    let retrieved = Retrieved { messages: vec![message], more: true, t: Some(9) };
    assert_eq!(Retrieved::parse(&retrieved.to_json()), Ok(retrieved));
    let key = NodeKey([4; 32]);
    let deletion =
        MemberDeletion { node: key, deleted: vec![HASH.into()], signature: Some([1; 64]), failed: false };
    let deleted = Deleted { members: vec![deletion], t: Some(9) };
    assert_eq!(Deleted::parse(&deleted.to_json()), Ok(deleted));
    let unchanged = BTreeMap::from([(HASH.to_owned(), 7)]);
    let change = MemberExpiry {
        node: key,
        updated: vec![HASH.into()],
        unchanged,
        expiry: Some(8),
        signature: Some([2; 64]),
        failed: false,
    };
    let expired = Expired { members: vec![change], t: Some(9) };
    assert_eq!(Expired::parse(&expired.to_json()), Ok(expired));
    let expiries = Expiries { expiries: BTreeMap::from([(HASH.to_owned(), 7)]) };
    assert_eq!(Expiries::parse(&expiries.to_json()), Ok(expiries));
    let results = vec![
        SubReply { status: 200, body: br#"{"a":1}"#.to_vec() },
        SubReply { status: 406, body: b"Timestamp error: check your clock".to_vec() },
    ];
    let batch = Batch { results };
    assert_eq!(Batch::parse(&batch.to_json()), Ok(batch));
    let list = NodeList { nodes: vec![node(1, u64::MAX - 1), node(2, (1 << 53) + 1)] };
    assert_eq!(NodeList::parse(&list.to_json(9)), Ok(list.clone()));
    assert_eq!(NodeList::parse(&list.to_json_rpc("\"0\"")), Ok(list));
}

#[test]
fn clock_and_hard_fork_stand_where_nodes_write_them() {
    let has_clock = |body: Vec<u8>| serde_json::from_slice::<Value>(&body).unwrap().get("t").is_some();
    assert!(has_clock(Info { timestamp: 5, version: vec![] }.to_json()));
    assert!(has_clock(Stored { t: Some(1), ..Stored::default() }.to_json()));
    assert!(!has_clock(Expiries::default().to_json()));
    assert!(!has_clock(Batch { results: vec![] }.to_json()));
    let info: Value = serde_json::from_slice(&Info { timestamp: 5, version: vec![] }.to_json()).unwrap();
    assert_eq!(info["hf"], json!([19, 3]));
}

/// As seen on running nodes: forwarded members answer with integers for flags, a failed entry
/// node gives no hash.
#[test]
fn loose_receipts_are_read() {
    let body = json!({
        "swarm": {
            "01".repeat(32): {"hash": HASH, "signature": "AA", "already": 1},
            "02".repeat(32): {"failed": 1, "timeout": 1, "code": "500"},
            "03".repeat(32): {"failed": true, "query_failure": true},
            "AB".repeat(32): {"already": true},
            "ab".repeat(32): {"failed": true},
            "04".repeat(32): "nonsense",
            "nonsense": {},
        },
        "hf": [19, 3],
    });
    let stored = Stored::parse(body.to_string().as_bytes()).unwrap();
    assert_eq!((stored.hash, stored.t, stored.difficulty), (None, None, None));
    let seen: Vec<_> = stored.members.iter().map(|m| (m.node.0[0], m.already, m.failed, m.timeout)).collect();
    assert_eq!(
        seen,
        [
            (1, true, false, false),
            (2, false, true, true),
            (3, false, true, false),
            (0xab, true, false, false)
        ]
    );
    assert_eq!(stored.members[0].signature, None);
}

#[test]
fn loose_swarms_are_read() {
    let (key, x25519) = ("01".repeat(32), "02".repeat(32));
    let entry = |ip: &str| json!({"pubkey_ed25519": key, "pubkey_x25519": x25519, "ip": ip, "port": "443"});
    let body =
        json!({"snodes": [entry("0.0.0.0"), {"ip": "1.2.3.4"}, 5, entry("1.2.3.4"), entry("1.2.3.4")]});
    let swarm = Swarm::parse(body.to_string().as_bytes()).unwrap();
    assert_eq!(swarm.swarm_id, None);
    assert_eq!(swarm.nodes.len(), 1);
    assert_eq!(swarm.nodes[0].port, 443);
    let none = json!({"snodes": [], "swarm": "ffffffffffffffff"});
    assert_eq!(Swarm::parse(none.to_string().as_bytes()).unwrap().swarm_id, None);
}

#[test]
fn useless_nodes_are_dropped() {
    let state = |changes: Value| {
        let mut state = json!({
            "public_ip": "1.2.3.4", "storage_port": 22021, "pubkey_ed25519": "01".repeat(32),
            "pubkey_x25519": "02".repeat(32), "swarm_id": 18_446_744_073_709_551_614_u64, "funded": true,
        });
        state.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        state
    };
    let kept = |changes: Value| {
        let body = json!({"id": "0", "result": {"service_node_states": [state(changes)]}});
        NodeList::parse(body.to_string().as_bytes()).unwrap().nodes.first().cloned()
    };
    assert_eq!(kept(json!({})).unwrap().swarm_id, u64::MAX - 1);
    assert_eq!(kept(json!({"swarm_id": null, "swarm": "fffffffffffffffe"})).unwrap().swarm_id, u64::MAX - 1);
    assert_eq!(kept(json!({"storage_port": "7"})).unwrap().port, 7);
    assert!(kept(json!({"public_ip": "127.0.0.1"})).is_some());
    for useless in [
        json!({"public_ip": "0.0.0.0"}),
        json!({"public_ip": "255.255.255.255"}),
        json!({"public_ip": "230.1.1.1"}),
        json!({"public_ip": "::1"}),
        json!({"public_ip": null}),
        json!({"pubkey_x25519": null}),
        json!({"pubkey_ed25519": "01"}),
        json!({"storage_port": 0}),
        json!({"storage_port": 65_536}),
        json!({"swarm_id": u64::MAX}),
        json!({"swarm_id": 1.5}),
        json!({"swarm_id": null}),
        json!({"funded": false}),
    ] {
        assert_eq!(kept(useless.clone()), None, "{useless}");
    }
}

#[test]
fn bad_replies_are_typed_errors() {
    assert_eq!(Stored::parse(&vec![b' '; MAX_BODY_BYTES + 1]), Err(ReplyError::TooLong(MAX_BODY_BYTES + 1)));
    assert_eq!(Info::parse(b"{"), Err(ReplyError::Malformed { line: 1, column: 1 }));
    assert!(matches!(Retrieved::parse(b"{}"), Err(ReplyError::Malformed { .. })));
    let missing = Err(ReplyError::Missing("service_node_states"));
    assert_eq!(NodeList::parse(b"{\"error\":{\"code\":-32601}}"), missing);
    let many: serde_json::Map<String, Value> =
        (0..=MAX_SWARM).map(|number| (format!("{number:064x}"), json!({}))).collect();
    let body = json!({"swarm": many}).to_string().into_bytes();
    assert_eq!(Stored::parse(&body), Err(ReplyError::TooMany("swarm members")));
    let results = vec![SubReply { status: 200, body: b"{}".to_vec() }; MAX_BATCH + 1];
    assert_eq!(Batch::parse(&Batch { results }.to_json()), Err(ReplyError::TooMany("results")));
}

#[test]
fn messages_without_their_form_are_left_out() {
    let long = "A".repeat(crate::rpc::MAX_STORE_CHARS + 1);
    let body = json!({"more": 1, "messages": [
        {"hash": "short", "data": ""},
        {"hash": HASH, "data": long},
        {"hash": HASH},
        {"hash": HASH, "data": "aGk=", "expiry": 5},
    ]});
    let retrieved = Retrieved::parse(body.to_string().as_bytes()).unwrap();
    assert!(retrieved.more);
    let message = StoredMessage { hash: HASH.into(), timestamp: 0, expiration: 5, data: "aGk=".into() };
    assert_eq!(retrieved.messages, [message]);
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (Info::parse(&bytes), Swarm::parse(&bytes), Stored::parse(&bytes), Retrieved::parse(&bytes));
        let _ = (Deleted::parse(&bytes), Expired::parse(&bytes), Expiries::parse(&bytes));
        let _ = (Batch::parse(&bytes), NodeList::parse(&bytes), Difficulty::parse(&bytes));
    }
}
