//! The probes against the vectors of other implementations.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::command::{Home, json, starling, text, vectors};

#[test]
fn probes_agree_with_other_implementations() {
    let vectors = vectors();
    let home = Home::new('a');
    for case in vectors["swarm_space"]["cases"].as_array().unwrap() {
        let answer =
            json(&home.run(&["swarm-of", "--account", text(&case[0]), "--swarm-ids", "7", "--json"]));
        assert_eq!(answer["swarm_space"], case[1]);
        assert_eq!(answer["swarm_id"], "7");
    }
    let nearest = &vectors["nearest_swarm_current"];
    let ids: Vec<&str> = nearest["swarms_decimal"].as_array().unwrap().iter().rev().map(text).collect();
    for case in nearest["space_hex_to_swarm"].as_array().unwrap() {
        // The space of an account id is the exclusive or of its four words: three zeros and the space.
        let account = format!("05{:0>64}", text(&case[0]));
        let answer =
            json(&home.run(&["swarm-of", "--account", &account, "--swarm-ids", &ids.join(","), "--json"]));
        assert_eq!(answer["swarm_id"], case[1], "{account}");
    }

    let hashed = &vectors["message_hash"];
    let data = home.file("data", STANDARD.decode(text(&hashed["data_b64"])).unwrap());
    for (namespace, expected) in [("0", "current_ns0"), ("5", "current_ns5")] {
        let options = ["--account", text(&hashed["pubkey"]), "--namespace", namespace, "--data-file", &data];
        let answer = json(&home.command(&["hash", "--json"]).args(options).output().unwrap());
        assert_eq!(answer["hash"], hashed[expected]);
    }
}

#[test]
fn the_proof_of_work_probe_finds_a_valid_nonce() {
    let vectors = vectors();
    let pow = &vectors["pow"];
    let answer = json(
        &starling()
            .args(["pow", "--json", "--timestamp", text(&pow["timestamp"]), "--ttl", text(&pow["ttl_ms"])])
            .args(["--account", text(&pow["pubkey"]), "--data", text(&pow["data"]), "--difficulty", "10"])
            .output()
            .unwrap(),
    );
    let target = text(&pow["target_hex"]);
    assert!(&text(&answer["hash"])[..16] < target, "{answer}");
    assert_eq!(text(&answer["nonce"]).len(), 12);
}
