#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::account::{AccountKeys, Seed};

const HASH: &str = "4sMyAuaZlMwww3oFvfhazfw7ASx/7TDtO+TVc8aAjHs";
const NOW: u64 = 1_700_000_000_000;

/// The signer of the vectors' request signatures.
fn keys() -> AccountKeys {
    AccountKeys::from_seed(
        &Seed::from_bytes(&hex::decode("0123456789abcdef0123456789abcdef").unwrap()).unwrap(),
    )
}

fn signature(auth: &Auth) -> String {
    STANDARD.encode(auth.signature)
}

fn every_request() -> Vec<Request> {
    let (keys, hashes) = (keys(), vec![HASH.to_owned(), HASH.replace('4', "5")]);
    let store = Store::public(keys.account_id(), NOW, 86_400_000, "aGVsbG8=".into());
    let single = vec![
        Request::Info,
        Request::GetSwarm { account: keys.account_id() },
        Request::Store(store.clone()),
        Request::Store(Store { nonce: Some("AAAAAAAAAAE=".into()), namespace: -10, ..store }),
        Request::Store(Store::signed(&keys, 1741, NOW, 10_000, "aGVsbG8=".into())),
        Request::Retrieve(Retrieve::signed(&keys, 0, None, None, None, NOW)),
        Request::Retrieve(Retrieve::signed(&keys, -5, Some(HASH.into()), Some(3), Some(-2), NOW)),
        Request::Delete(Delete::signed(&keys, hashes.clone(), false)),
        Request::Delete(Delete::signed(&keys, hashes.clone(), true)),
        Request::Expire(Expire::signed(&keys, hashes.clone(), NOW, ExpireMode::Set)),
        Request::Expire(Expire::signed(&keys, hashes.clone(), NOW, ExpireMode::Shorten)),
        Request::Expire(Expire::signed(&keys, hashes.clone(), NOW, ExpireMode::Extend)),
        Request::GetExpiries(GetExpiries::signed(&keys, hashes, NOW)),
        Request::OxendRequest(NodeListQuery::default()),
        Request::OxendRequest(NodeListQuery { active_only: false, limit: Some(20) }),
    ];
    let batch = [Request::Batch(single.clone()), Request::Sequence(single.clone())];
    single.into_iter().chain(batch).collect()
}

#[test]
fn every_request_survives_json() {
    for request in every_request() {
        assert_eq!(Request::parse(&request.to_json()), Ok(request));
    }
}

#[test]
fn signatures_are_the_vectors() {
    let keys = keys();
    let retrieve = Retrieve::signed(&keys, 0, None, None, None, NOW);
    let store = Store::signed(&keys, 5, NOW, 10_000, "".into());
    let expire = Expire::signed(&keys, vec![HASH.into()], NOW, ExpireMode::Extend);
    assert_eq!(
        signature(&retrieve.auth),
        "WyOyu+IdImmQ8OV7AdFy6O5bTGN2pn7r6UQdyVYaZIkW25BqP1rzts9nJJOT85kCiurH2eozd2DV7Mhds7fGAg=="
    );
    assert_eq!(
        signature(&store.auth.unwrap()),
        "RVi047AVr5EZgrISgAgSFQYjrrvDEBxQxzPT87QQMsEXmLEGyhtfAfGLSxTajh5jHf7fEEAzp63zWs8THmlSCg=="
    );
    assert_eq!(expire.signed_bytes(), format!("expireextend{NOW}{HASH}").into_bytes());
    assert_eq!(
        signature(&expire.auth),
        "VrSVldJbuTX91fp/tVgF5fhUphneSMA3jX1SDnLDssbzO3KBpZ9p7LWS2nRdA8DltkivHqWbSqVhb/gtrolfDw=="
    );
}

#[test]
fn a_signature_covers_its_request_and_its_account() {
    let other = AccountKeys::from_seed(&Seed::from_bytes(&[7; 16]).unwrap()).account_id();
    let retrieve = Retrieve::signed(&keys(), 3, None, None, None, NOW);
    assert!(retrieve.verify());
    assert!(!Retrieve { namespace: 0, ..retrieve.clone() }.verify());
    assert!(!Retrieve { timestamp: NOW + 1, ..retrieve.clone() }.verify());
    assert!(!Retrieve { account: other, ..retrieve }.verify());
    let delete = Delete::signed(&keys(), vec![HASH.into()], false);
    assert!(delete.verify());
    assert!(!Delete { messages: vec![HASH.into(), HASH.into()], ..delete }.verify());
    let expire = Expire::signed(&keys(), vec![HASH.into()], NOW, ExpireMode::Set);
    assert!(expire.verify());
    assert!(!Expire { mode: ExpireMode::Shorten, ..expire }.verify());
    let get = GetExpiries::signed(&keys(), vec![HASH.into()], NOW);
    assert!(get.verify());
    assert!(!GetExpiries { timestamp: NOW + 1, ..get }.verify());
    let store = Store::signed(&keys(), 5, NOW, 10_000, "".into());
    assert!(store.verify());
    assert!(!Store { auth: None, ..store }.verify());
}

/// The JSON of a request with one param replaced (`Null` removes it).
fn with_param(request: &Request, name: &str, value: Value) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(&request.to_json()).unwrap();
    let params = json["params"].as_object_mut().unwrap();
    if value.is_null() {
        params.remove(name)
    } else {
        params.insert(name.into(), value)
    };
    json.to_string().into_bytes()
}

#[test]
fn refusals_of_a_node() {
    let keys = keys();
    let store = Request::Store(Store::public(keys.account_id(), NOW, 10_000, "aGVsbG8=".into()));
    let inbox = Request::Retrieve(Retrieve::signed(&keys, 0, None, None, None, NOW));
    let private = Request::Retrieve(Retrieve::signed(&keys, 3, None, None, None, NOW));
    let delete = Request::Delete(Delete::signed(&keys, vec![HASH.into()], false));
    let expire = Request::Expire(Expire::signed(&keys, vec![HASH.into()], NOW, ExpireMode::Extend));
    let list = Request::OxendRequest(NodeListQuery::default());
    let cases = [
        (b"{".to_vec(), 400),
        (b"\xFF{}".to_vec(), 400),
        (b"{\"params\":{}}".to_vec(), 400),
        (b"{\"method\":\"info\"}".to_vec(), 400),
        (b"{\"method\":\"delete_all\",\"params\":{}}".to_vec(), 400),
        (vec![b' '; MAX_BODY_BYTES + 1], 413),
        (with_param(&store, "pubkey", json!("05")), 400),
        (with_param(&store, "namespace", json!(32_768)), 400),
        (with_param(&store, "namespace", json!(5)), 401),
        (with_param(&store, "timestamp", json!(1.7e12)), 400),
        (with_param(&store, "timestamp", json!(999_999_999)), 400),
        (with_param(&store, "ttl", Value::Null), 400),
        (with_param(&store, "expiry", json!(NOW)), 400),
        (with_param(&store, "data", json!("a b")), 400),
        (with_param(&store, "data", json!("_-_-")), 400),
        (with_param(&store, "data", json!(STANDARD.encode(vec![0; MAX_STORE_BYTES + 1]))), 400),
        (with_param(&inbox, "signature", Value::Null), 401),
        (with_param(&inbox, "pubkey_ed25519", Value::Null), 401),
        (with_param(&inbox, "signature", json!("AAAA")), 400),
        (with_param(&private, "signature", Value::Null), 400),
        (with_param(&inbox, "timestamp", json!(NOW.to_string())), 400),
        (with_param(&inbox, "last_hash", json!("short")), 400),
        (with_param(&delete, "messages", json!([])), 400),
        (with_param(&delete, "messages", json!([HASH, "x"])), 400),
        (with_param(&delete, "signature", Value::Null), 401),
        (with_param(&expire, "shorten", json!(true)), 400),
        (with_param(&expire, "expiry", json!([NOW])), 403),
        (with_param(&list, "endpoint", json!("get_info")), 400),
        (Request::Batch(vec![]).to_json(), 400),
        (Request::Batch(vec![Request::Info; MAX_BATCH + 1]).to_json(), 400),
        (Request::Batch(vec![Request::Batch(vec![Request::Info])]).to_json(), 400),
    ];
    for (body, status) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        assert_eq!(Request::parse(&body).unwrap_err().status, status, "{shown}");
    }
    assert_eq!(
        Request::parse(b"{\"method\":\"info\"}").unwrap_err().message,
        "invalid json: no `params` field"
    );
}

#[test]
fn loose_forms_are_understood() {
    let keys = keys();
    let store = Store::public(keys.account_id(), NOW, 10_000, "aGVsbG8=".into());
    let request = Request::Store(store.clone());
    for (name, value) in [
        ("timestamp", json!(NOW.to_string())),
        ("ttl", json!("10000")),
        ("signature", json!("ignored in a public inbox")),
        ("more", json!({"unknown": []})),
    ] {
        assert_eq!(Request::parse(&with_param(&request, name, value)), Ok(request.clone()), "{name}");
    }
    let expiry = json!({"method": "store", "params": {"pubKey": keys.account_id(), "timestamp": NOW,
        "expiry": NOW + 10_000, "data": "aGVsbG8="}});
    assert_eq!(Request::parse(expiry.to_string().as_bytes()), Ok(request));
    assert_eq!(store.decoded().unwrap(), b"hello");
    assert_eq!(Store { data: "aGVsbG8".into(), ..store }.decoded().unwrap(), b"hello");

    let retrieve = Request::Retrieve(Retrieve::signed(&keys, 0, None, None, None, NOW));
    assert_eq!(Request::parse(&with_param(&retrieve, "last_hash", json!(""))), Ok(retrieve.clone()));
    let signature = signature(&Retrieve::signed(&keys, 0, None, None, None, NOW).auth);
    let unpadded = json!(signature.trim_end_matches('='));
    assert_eq!(Request::parse(&with_param(&retrieve, "signature", unpadded)), Ok(retrieve.clone()));
    let swarm = json!({"method": "get_snodes_for_pubkey", "params": {"pubKey": keys.account_id()}});
    let swarm = Request::parse(swarm.to_string().as_bytes());
    assert_eq!(swarm, Ok(Request::GetSwarm { account: keys.account_id() }));
}

#[test]
fn the_largest_message_is_stored() {
    let data = STANDARD.encode(vec![0; MAX_STORE_BYTES]);
    assert_eq!(data.len(), MAX_STORE_CHARS);
    let store = Request::Store(Store::public(keys().account_id(), NOW, 10_000, data.into()));
    assert_eq!(Request::parse(&store.to_json()), Ok(store));
}

#[test]
fn a_seed_is_asked_for_everything() {
    let body: Value = serde_json::from_slice(&seed_node_list_request()).unwrap();
    assert_eq!(body["method"], "get_n_service_nodes");
    assert_eq!(body["params"]["active_only"], true);
    assert_eq!(body["params"].get("limit"), None);
    assert_eq!(body["params"]["fields"]["pubkey_x25519"], true);
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Request::parse(&bytes);
    }

    #[test]
    fn damaged_requests_never_panic(which in 0_usize..17, at in any::<prop::sample::Index>(), byte: u8) {
        let mut body = every_request()[which].to_json();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = Request::parse(&body);
    }
}
