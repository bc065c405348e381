//! What must not work, and what must not be said.

use std::process::Stdio;

use serde_json::Value;

use crate::command::{BAD_INPUT, DONE, Home, LOCKED, code, json, snapshot, starling, vectors};
use crate::network::Devnet;

#[test]
fn bad_input_changes_nothing() {
    let home = Home::new('a');
    let id = home.inhabit();
    let other = Home::new('b').inhabit();
    let long = "x".repeat(80_000);
    let introduction = "x".repeat(513);
    let name = "x".repeat(65);
    let seed = ["--seed-node", "http://127.0.0.1:9"];
    let before = snapshot(&home.data());
    for arguments in [
        vec!["account", "new"],
        vec!["send", "--to", &other, "--text", ""],
        vec!["send", "--to", &other, "--text", &long],
        vec!["send", "--to", &id, "--text", "me"],
        vec!["send", "--to", "05abcd", "--text", "x"],
        vec!["send", "--to", &other, "--text", &introduction],
        vec!["friends", "request", &other, "--text", &introduction],
        vec!["friends", "request", &other, "--text", ""],
        vec!["friends", "request", &id, "--text", "me"],
        vec!["friends", "request", &other, "--text", "x", "--invite", "0f"],
        vec!["friends", "accept", &other],
        vec!["friends", "decline", &other],
        vec!["friends", "withdraw", &other],
        vec!["account", "name", &name],
        vec!["--seed-node", "ftp://127.0.0.1", "poll"],
        vec!["simulate", "--seeds", "many"],
        vec!["nonsense"],
    ] {
        let output = home.command(&seed).args(&arguments).output().unwrap();
        assert_eq!(code(&output), BAD_INPUT, "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stderr.is_empty());
    }
    assert_eq!(code(&home.run(&["poll"])), BAD_INPUT, "no seed node");
    assert_eq!(snapshot(&home.data()), before);
    assert_eq!(json(&home.run(&["account", "show", "--json"]))["account_id"], *id);
}

#[test]
fn a_wrong_key_opens_nothing() {
    let home = Home::new('a');
    home.inhabit();
    let before = snapshot(&home.data());
    let wrong = home.file("wrong", "b".repeat(64));
    let short = home.file("short", "b".repeat(63));
    for (key, expected) in [(&*wrong, LOCKED), (&short, BAD_INPUT), ("no/such/file", BAD_INPUT)] {
        for action in ["show", "new"] {
            let output = starling()
                .args(["--key-file", key, "account", action, "--json", "--data-dir"])
                .arg(home.data())
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert_eq!(code(&output), expected, "{key} {action}");
            let error: Value = serde_json::from_slice(&output.stderr).unwrap();
            assert_eq!(error["code"], expected);
        }
    }
    assert_eq!(snapshot(&home.data()), before);
}

#[test]
fn a_phrase_restores_its_account() {
    let vectors = vectors();
    let known = &vectors["accounts"][0];
    let words = known["mnemonic_english"].as_str().unwrap();
    let home = Home::new('a');
    for wrong in ["vexed enjoy", "nonsense enjoy pigment", &words.replace("vexed", "adept"), ""] {
        let file = home.file("wrong", wrong);
        let output = home.run(&["account", "restore", "--phrase-file", &file]);
        assert_eq!(code(&output), BAD_INPUT, "{wrong:?}");
        assert!(!home.data().exists(), "a refused phrase left files");
    }
    assert_eq!(code(&home.run(&["account", "show"])), BAD_INPUT);
    assert!(!home.data().exists(), "looking left files");

    let file = home.file("phrase", format!("  {words}\n"));
    let restored = json(&home.run(&["account", "restore", "--phrase-file", &file, "--json"]));
    assert_eq!(restored["account_id"], known["account_id"]);
    let shown = json(&home.run(&["account", "show", "--phrase", "--json"]));
    assert_eq!(shown["recovery_phrase"], words);
    assert_eq!(code(&home.run(&["account", "restore", "--phrase-file", &file])), BAD_INPUT);
}

#[test]
fn secrets_and_texts_stay_out_of_the_log() {
    let devnet = Devnet::start(&[]);
    let (alice, bob) = (Home::new('a'), Home::new('b'));
    let (alice_id, bob_id) = (alice.inhabit(), bob.inhabit());
    let phrase = json(&alice.run(&["account", "show", "--phrase", "--json"]))["recovery_phrase"].clone();
    let first_words: String = phrase.as_str().unwrap().split(' ').take(3).collect::<Vec<_>>().join(" ");
    let text = "a planted secret of starlings";
    let logs = [
        alice.run(&["-vv", "account", "show"]),
        alice.online(&devnet, &["-vv", "send", "--to", &bob_id, "--text", text]),
        bob.online(&devnet, &["-vv", "poll"]),
        bob.run(&["-vv", "search", "planted"]),
    ]
    .map(|output| String::from_utf8(output.stderr).unwrap())
    .concat();
    assert!(!logs.is_empty(), "nothing was logged, so nothing was tested");
    for secret in [&*alice.key, &bob.key, &alice_id, &bob_id, &first_words, text, "planted"] {
        assert!(!logs.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let account = format!("05{:0>64}", "1");
    let mut process = starling()
        .args(["swarm-of", "--account", &account, "--swarm-ids", "1,2,3"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    assert_eq!((code(&output), output.stderr.len()), (DONE, 0));
}
