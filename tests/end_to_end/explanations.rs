//! Why a message is where it is, and what the network looks like: told to a person, and to a program.

use serde_json::Value;

use crate::command::{BAD_INPUT, Home, NO_NETWORK, code, json, stdout, text};
use crate::network::Devnet;

/// Commands after which a message that is still under way is stuck.
const PATIENCE: usize = 40;

const UNREACHABLE: &str = "no answer, or not reachable on this route";
const GREEDY: &str = "wants proof of work of difficulty 1000000 (432)";
const LYING: &str = "stored it; its receipts were known already, or did not hold";

fn explain(home: &Home, id: &str) -> Value {
    let explained = json(&home.run(&["explain", id, "--json"]));
    assert_eq!(explained.as_array().unwrap().len(), 1, "{explained}");
    explained[0].clone()
}

/// Whether a member was visited with this verdict.
fn said(explained: &Value, node: &str, verdict: &str) -> bool {
    let visits = explained["visits"].as_array().unwrap();
    visits.iter().any(|visit| visit["node"] == *node && visit["verdict"] == *verdict)
}

/// Lets the engine work until the message is explained so.
fn until(home: &Home, devnet: &Devnet, id: &str, so: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..PATIENCE {
        let explained = explain(home, id);
        if so(&explained) {
            return explained;
        }
        home.online(devnet, &["poll", "--timeout", "10"]);
    }
    panic!("{:#}", explain(home, id))
}

/// Each route has three relays, all of them nodes of the network and none of them its end.
fn assert_routes(explained: &Value, devnet: &Devnet) {
    for visit in explained["visits"].as_array().unwrap() {
        let relays: Vec<&str> = visit["relays"].as_array().unwrap().iter().map(text).collect();
        assert_eq!(relays.len(), 3, "{visit}");
        let known = |key: &&str| devnet.nodes.iter().any(|(node, _)| node == key);
        assert!(relays.iter().all(known) && !relays.contains(&text(&visit["node"])), "{visit}");
        assert!(visit["at_ms"].as_i64() > Some(0), "{visit}");
    }
}

#[test]
fn a_message_that_nobody_took_says_whom_it_was_offered_to_and_what_comes_next() {
    // Swarms of three: every member is offered every message.
    let mut devnet = Devnet::start(&["--difficulty", "0", "--swarms", "3", "--swarm-size", "3"]);
    let (alice, bob) = (Home::new('a'), Home::new('b'));
    let (alice_id, bob_id) = (alice.inhabit(), bob.inhabit());
    alice.befriend(&alice_id, &bob, &bob_id, &devnet);
    let members = devnet.members(&bob_id);
    let [down, greedy, liar] = *members.as_slice() else { panic!("{members:?}") };
    devnet.obey(&format!("down {down}"));
    devnet.obey(&format!("demand {greedy} 1000000"));
    devnet.obey(&format!("lie {liar} hash"));
    let keys: Vec<String> = devnet.nodes.iter().map(|(key, _)| key.clone()).collect();

    let send = ["send", "--to", &bob_id, "--text", "Where are you?", "--timeout", "3", "--json"];
    let sent = alice.online(&devnet, &send);
    assert_eq!(code(&sent), NO_NETWORK);
    let sent: Value = serde_json::from_slice(&sent.stdout).unwrap();
    let id = text(&sent["message_id"]);

    let waiting = until(&alice, &devnet, id, |explained| {
        let offered = said(explained, &keys[down], UNREACHABLE)
            && said(explained, &keys[greedy], GREEDY)
            && said(explained, &keys[liar], LYING);
        offered && explained["waiting"]["failed_attempts"].as_i64() > Some(0)
    });
    assert_routes(&waiting, &devnet);
    assert_eq!((&waiting["text"], &waiting["conversation"]), (&"Where are you?".into(), &(*bob_id).into()));
    assert_eq!((&waiting["state"], &waiting["receipts"]), (&sent["state"], &Value::Array(Vec::new())));
    assert_eq!(waiting["waiting"]["stage"], "ready to be stored");
    let last_visit = waiting["visits"].as_array().unwrap().last().unwrap();
    let next_try_ms = waiting["waiting"]["next_try_ms"].as_i64().unwrap();
    assert!(next_try_ms > last_visit["at_ms"].as_i64().unwrap(), "{waiting:#}");

    let told = stdout(&alice.run(&["explain", id]));
    for part in [
        "“Where are you?” with ",
        "in the outbox: ready to be stored; ",
        &format!("next try at {next_try_ms} ms since 1970"),
        &format!(" → {}  {GREEDY}", &keys[greedy][..8]),
        &format!(" → {}  {UNREACHABLE}", &keys[down][..8]),
        &format!(" → {}  {LYING}", &keys[liar][..8]),
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }

    for node in members {
        devnet.obey(&format!("heal {node}"));
    }
    let stored = until(&alice, &devnet, id, |explained| explained["waiting"].is_null());
    assert_eq!(stored["state"], "stored 3 of 3");
    assert_routes(&stored, &devnet);
    let verdicts = stored["visits"].as_array().unwrap().iter().map(|visit| text(&visit["verdict"]));
    assert!(verdicts.into_iter().any(|verdict| verdict.ends_with("new verified receipts")), "{stored:#}");
    let told = stdout(&alice.run(&["explain", id]));
    assert!(told.contains(": stored 3 of 3") && !told.contains("outbox"), "{told}");
}

#[test]
fn a_message_that_was_never_offered_says_so_and_one_that_is_not_there_too() {
    let (alice, bob) = (Home::new('a'), Home::new('b'));
    let bob_id = {
        alice.inhabit();
        bob.inhabit()
    };
    let nowhere = ["--seed-node", "http://127.0.0.1:9", "--json"];
    let send = ["send", "--to", &bob_id, "--text", "later", "--timeout", "1"];
    assert_eq!(code(&alice.command(&nowhere).args(send).output().unwrap()), NO_NETWORK);
    let id = json(&alice.run(&["messages", "--json"]))[0]["message_id"].clone();

    let explained = explain(&alice, text(&id));
    assert_eq!((&explained["state"], &explained["visits"]), (&"queued".into(), &Value::Array(Vec::new())));
    assert_eq!(explained["waiting"]["stage"], "to be sealed, once the network's time is known");
    assert!(stdout(&alice.run(&["explain", text(&id)])).ends_with("offered to no node\n"));
    for unknown in ["00".repeat(16), "nonsense".to_owned()] {
        assert_eq!(code(&alice.run(&["explain", &unknown])), BAD_INPUT, "{unknown}");
    }
}

#[test]
fn the_status_of_the_network_names_nodes_paths_clock_and_work() {
    let mut devnet = Devnet::start(&["--difficulty", "2"]);
    let (alice, bob) = (Home::new('a'), Home::new('b'));
    let bob_id = {
        alice.inhabit();
        bob.inhabit()
    };
    for node in 0..devnet.nodes.len() {
        devnet.obey(&format!("clock {node} 3600000"));
    }
    stdout(&alice.online(&devnet, &["send", "--to", &bob_id, "--text", "Hello"]));

    let status = json(&alice.online(&devnet, &["network", "status", "--json"]));
    assert_eq!((&status["connection"], &status["nodes"]), (&"online".into(), &10.into()));
    assert_eq!(status["difficulty"], 2);
    let ahead = status["clock_offset_ms"].as_i64().unwrap();
    assert!((3_590_000..3_610_000).contains(&ahead), "{ahead}");
    let paths = status["paths"].as_array().unwrap();
    assert!(!paths.is_empty());
    for path in paths {
        let hops: Vec<&str> = path.as_array().unwrap().iter().map(text).collect();
        assert_eq!(hops.len(), 3);
        assert!(hops.iter().all(|hop| devnet.nodes.iter().any(|(key, _)| key == hop)), "{hops:?}");
    }

    let told = stdout(&alice.online(&devnet, &["network", "status"]));
    for part in
        ["Connection     online", "Service nodes  10", "Network clock  +3", "Proof of work  2", "Path  "]
    {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    assert_eq!(told.matches(" → ").count() % 2, 0, "three hops each\n{told}");

    let nowhere = ["--seed-node", "http://127.0.0.1:9", "network", "status", "--timeout", "1", "--json"];
    let lost = bob.run(&nowhere);
    assert_eq!(code(&lost), NO_NETWORK);
    let status: Value = serde_json::from_slice(&lost.stdout).unwrap();
    assert_eq!((&status["connection"], &status["paths"]), (&"connecting".into(), &Value::Array(Vec::new())));
}
