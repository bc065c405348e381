//! Types, field names, errors, signatures, limits.

use serde_json::{Value, json};
use starling_protocol::AccountId;
use starling_simnet::devnet::{Config, Devnet, Fault, RateLimit};

use crate::{DAY, ask, hex, keys, now, post, signed, store, swarm};

#[tokio::test]
async fn numbers_have_the_networks_types_and_names() {
    let net = swarm(2).await;
    let node = &net.nodes()[0];
    let list = r#"{"jsonrpc":"2.0","id":"0","method":"get_n_service_nodes","params":{"active_only":true}}"#;
    let listed = post(format!("{}/json_rpc", net.seed_url()), list.to_owned()).await.good();
    let state = &listed["result"]["service_node_states"][0];
    assert_eq!(
        (state["storage_port"].as_u64(), state["swarm_id"].as_u64()),
        (Some(node.port.into()), Some(node.swarm_id))
    );
    assert!(node.swarm_id > 1 << 53, "a double would do");

    let found = ask(node, "get_swarm", json!({"pubkey": keys().account_id().to_string()})).await.good();
    assert_eq!(found["swarm"], format!("{:x}", node.swarm_id));
    let member = &found["snodes"][0];
    assert_eq!((&member["port"], &member["port_https"]), (&json!(node.port.to_string()), &json!(node.port)));
    assert_eq!(member["ip"], node.ip.to_string());
    // Two protocols on one port, which is not that of HTTPS.
    assert!(member["port_omq"].is_u64() && member["port_omq"] != member["port_https"]);
    assert_eq!(member["port_quic"], member["port_omq"]);

    let sent = store("hello");
    ask(node, "store", sent.clone()).await.good();
    let page = ask(node, "retrieve", signed("retrieve", json!({}))).await.good();
    let message = page["messages"][0].as_object().unwrap();
    let names: Vec<&str> = message.keys().map(String::as_str).collect();
    assert_eq!(names, ["data", "expiration", "hash", "timestamp"]);
    assert_eq!(message["expiration"], sent["timestamp"].as_u64().unwrap() + DAY);
    assert_eq!(page["more"], false);
}

#[tokio::test]
async fn only_the_answering_nodes_flags_are_booleans() {
    let net = swarm(3).await;
    let node = &net.nodes()[0];
    let first = ask(node, "store", store("hello")).await.good();
    assert!(first["swarm"].as_object().unwrap().values().all(|entry| entry.get("already").is_none()));
    let again = ask(node, "store", store("hello")).await.good();
    assert_eq!(again["hash"], first["hash"]);
    assert_eq!(again.get("difficulty"), None);
    for (member, entry) in again["swarm"].as_object().unwrap() {
        let own = *member == node.key.to_string();
        assert_eq!(entry["already"], if own { json!(true) } else { json!(1) });
        assert_eq!(entry.get("t").is_some(), own);
    }

    net.inject(&net.nodes()[1].key, Fault::Broken).unwrap();
    for command in [("store", store("more")), ("delete", delete(&[first["hash"].as_str().unwrap()]))] {
        let answer = ask(node, command.0, command.1).await.good();
        let failed = &answer["swarm"][net.nodes()[1].key.to_string()];
        assert_eq!((&failed["failed"], &failed["query_failure"]), (&json!(1), &json!(1)));
    }
}

fn delete(hashes: &[&str]) -> Value {
    let (keys, messages) = (keys(), hashes.concat());
    let signature = keys.sign(format!("delete{messages}").as_bytes());
    json!({
        "pubkey": keys.account_id().to_string(), "pubkey_ed25519": hex(&keys.ed25519_public()),
        "messages": hashes, "signature": base64(&signature),
    })
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test]
async fn a_store_that_failed_everywhere_is_a_success_without_a_hash() {
    let net = swarm(3).await;
    for node in net.nodes() {
        net.inject(&node.key, Fault::Broken).unwrap();
    }
    let node = &net.nodes()[0];
    let stored = ask(node, "store", store("hello")).await.good();
    assert_eq!(stored.get("hash"), None);
    assert!(stored["t"].is_u64());
    for (member, entry) in stored["swarm"].as_object().unwrap() {
        let flag = if *member == node.key.to_string() { json!(true) } else { json!(1) };
        assert_eq!((&entry["failed"], &entry["query_failure"]), (&flag, &flag));
        assert_eq!(entry.get("signature"), None);
    }
    assert!(net.dump().iter().all(|dump| dump.messages.is_empty()));
}

#[tokio::test]
async fn errors_are_text_and_a_wrong_swarm_is_json() {
    let config = Config { swarms: 2, swarm_size: 1, ..Config::storage_server() };
    let net = Devnet::start(config).await.unwrap();
    let right = net.view().swarm_of(&keys().account_id()).unwrap();
    let (ours, other): (Vec<_>, Vec<_>) = net.nodes().iter().partition(|node| node.swarm_id == right);
    let misdirected = ask(other[0], "store", store("hello")).await;
    assert_eq!(misdirected.status, 421);
    let listing = misdirected.json();
    assert_eq!(listing["snodes"][0]["pubkey_ed25519"], ours[0].key.to_string());
    assert!(listing["snodes"][0]["port_omq"].is_u64() && listing["snodes"][0]["port_quic"].is_u64());
    assert!(listing["t"].is_u64() && listing["hf"].is_array());

    let with = |name: &str, value: Value| {
        let mut params = store("hello");
        params[name] = value;
        params
    };
    for (method, params, status) in [
        ("store", with("ttl", json!(1)), 403),
        ("store", with("timestamp", json!(now() + 3_600_000)), 406),
        ("store", with("namespace", json!(3)), 401),
        ("store", with("data", json!("a b")), 400),
        ("store", with("pubkey", json!("05")), 400),
        ("monitor", json!({}), 400),
    ] {
        assert_eq!(ask(ours[0], method, params).await.refusal(), status, "{method}");
    }
    let not_json = post(format!("https://{}:{}/storage_rpc/v1", ours[0].ip, ours[0].port), "{".into());
    assert_eq!(not_json.await.refusal(), 400);
}

#[tokio::test]
async fn a_batch_is_a_success_of_codes_and_bodies_unless_one_part_is_malformed() {
    let net = swarm(1).await;
    let node = &net.nodes()[0];
    let part = |method: &str, params: Value| json!({"method": method, "params": params});
    let batch = |parts: Vec<Value>| ask(node, "batch", json!({"requests": parts}));
    let stored = ask(node, "store", store("hello")).await.good();
    assert!(stored["t"].is_u64() && stored["hf"].is_array());
    let hash = stored["hash"].as_str().unwrap();

    let expiries = {
        let (keys, timestamp) = (keys(), now());
        let signature = keys.sign(format!("get_expiries{timestamp}{hash}").as_bytes());
        let mut params = signed("", json!({"messages": [hash]}));
        params["timestamp"] = timestamp.into();
        params["signature"] = base64(&signature).into();
        params
    };
    let mut short = store("hello");
    short["ttl"] = 1.into();
    let answer = batch(vec![part("info", json!({})), part("store", short), part("get_expiries", expiries)]);
    let answer = answer.await.good();
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["results"]);
    let codes: Vec<_> = answer["results"].as_array().unwrap().iter().map(|part| &part["code"]).collect();
    assert_eq!(codes, [200, 403, 200]);
    assert!(answer["results"][0]["body"].is_object() && answer["results"][1]["body"].is_string());
    assert_eq!(answer["results"][2]["body"].as_object().unwrap().keys().collect::<Vec<_>>(), ["expiries"]);

    for bad in [part("monitor", json!({})), part("store", json!({})), part("retrieve", json!({"pubkey": 5}))]
    {
        assert_eq!(batch(vec![part("info", json!({})), bad]).await.refusal(), 400);
    }
    assert_eq!(batch(vec![part("info", json!({})); 20]).await.status, 200);
    assert_eq!(batch(vec![part("info", json!({})); 21]).await.refusal(), 400);
}

#[tokio::test]
async fn signatures_are_checked_as_loosely_and_as_strictly() {
    let net = swarm(1).await;
    let node = &net.nodes()[0];
    let good = signed("retrieve", json!({}));
    let signature = good["signature"].as_str().unwrap().to_owned();
    let with = |name: &str, value: Value| {
        let mut params = good.clone();
        params[name] = value;
        params
    };
    let without = |mut params: Value, names: &[&str]| {
        for name in names {
            params.as_object_mut().unwrap().remove(*name);
        }
        params
    };
    let url_safe = signature.replace('+', "-").replace('/', "_");
    let auth = ["signature", "pubkey_ed25519", "timestamp"];
    let mut cases = vec![
        ("padded", good.clone(), 200),
        ("unpadded", with("signature", json!(signature.trim_end_matches('='))), 200),
        ("signed with 0 for the inbox", signed("retrieve0", json!({})), 401),
        ("namespace 0 given", with("namespace", json!(0)), 200),
        ("namespace 3", signed("retrieve3", json!({"namespace": 3})), 200),
        ("namespace -10 signed", signed("retrieve-10", json!({"namespace": -10})), 200),
        ("a minute late", with("timestamp", json!(now() - 61_000)), 406),
        ("timestamp as text", with("timestamp", json!(now().to_string())), 400),
        ("no Ed25519 key", without(good.clone(), &["pubkey_ed25519"]), 401),
        ("unsigned inbox", without(good.clone(), &auth), 401),
        ("unsigned namespace 3", without(with("namespace", json!(3)), &auth), 400),
        ("short last_hash", with("last_hash", json!("abc")), 400),
        ("unknown last_hash", with("last_hash", json!("A".repeat(43))), 200),
    ];
    if url_safe != signature {
        cases.push(("url-safe base64", with("signature", json!(url_safe)), 400));
    }
    for (what, params, status) in cases {
        assert_eq!(ask(node, "retrieve", params).await.status, status, "{what}");
    }

    let mut public = store("hello");
    for (name, value) in [
        ("signature", json!("not even base64")),
        ("nonce", json!("no work either")),
        ("timestamp", json!(now().to_string())),
        ("ttl", json!(DAY.to_string())),
    ] {
        public[name] = value;
        ask(node, "store", public.clone()).await.good();
    }
}

#[tokio::test]
async fn an_unknown_last_hash_returns_everything() {
    let net = swarm(1).await;
    let node = &net.nodes()[0];
    let first = ask(node, "store", store("one")).await.good();
    ask(node, "store", store("two")).await.good();
    for (last_hash, messages) in [(json!("A".repeat(43)), 2), (json!(""), 2), (first["hash"].clone(), 1)] {
        let page = ask(node, "retrieve", signed("retrieve", json!({"last_hash": last_hash}))).await.good();
        assert_eq!(page["messages"].as_array().unwrap().len(), messages, "{last_hash}");
    }
}

#[tokio::test]
async fn direct_requests_are_rationed_and_onion_requests_are_not() {
    assert_eq!(Config::storage_server().rate_limit, Some(RateLimit { burst: 600, per_second: 300 }));
    let rate_limit = Some(RateLimit { burst: 2, per_second: 0 });
    let config = Config { swarms: 1, swarm_size: 2, rate_limit, ..Config::storage_server() };
    let net = Devnet::start(config).await.unwrap();
    let (node, other) = (&net.nodes()[0], &net.nodes()[1]);
    for _ in 0..2 {
        ask(node, "info", json!({})).await.good();
    }
    assert_eq!(ask(node, "info", json!({})).await.refusal(), 429);
    ask(other, "info", json!({})).await.good();
    let onion = post(format!("https://{}:{}/onion_req/v2", node.ip, node.port), "nonsense".into());
    assert_eq!(onion.await.refusal(), 400);
}

#[tokio::test]
async fn nobody_asks_for_work() {
    let net = swarm(1).await;
    assert_eq!(Config::storage_server().policy.difficulty, None);
    let account: AccountId = keys().account_id();
    ask(&net.nodes()[0], "store", store("hello")).await.good();
    let dump = net.dump();
    assert_eq!((dump[0].messages[0].account, &dump[0].messages[0].nonce), (account, &None));
}
