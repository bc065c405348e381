//! Two accounts that talk, in good times and bad.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::Value;

use crate::command::{Home, NO_NETWORK, code, json, stdout};
use crate::network::Devnet;

fn texts(messages: &Value) -> Vec<&str> {
    messages.as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect()
}

#[test]
fn two_newcomers_talk() {
    let devnet = Devnet::start(&[]);
    let (alice, bob) = (Home::new('a'), Home::new('b'));
    let (alice_id, bob_id) = (alice.inhabit(), bob.inhabit());

    let say = |text| json(&alice.online(&devnet, &["send", "--to", &bob_id, "--text", text, "--json"]));
    let sent = say("Hello Bob");
    assert!(sent["stored"].as_u64().unwrap() >= 3 && sent["kind"] == "introduction", "{sent}");
    assert_eq!(sent["swarm_size"], 5);
    let kept = say("The starlings are back 🐦");
    assert_eq!((&kept["waits_for_friend"], &kept["state"]), (&true.into(), &"queued".into()), "{kept}");
    let asked = json(&bob.online(&devnet, &["poll", "--json"]));
    assert_eq!((texts(&asked), &asked[0]["kind"]), (vec!["Hello Bob"], &Value::from("request")));
    stdout(&bob.online(&devnet, &["friends", "accept", &alice_id]));
    assert_eq!(json(&alice.online(&devnet, &["poll", "--json"])), Value::Array(Vec::new()));
    let polled = json(&bob.online(&devnet, &["poll", "--json"]));
    assert_eq!(texts(&polled), ["Hello Bob", "The starlings are back 🐦"]);
    assert!(polled[0]["clock"].as_i64() < polled[1]["clock"].as_i64());
    assert_eq!(polled[0]["from"], *alice_id);
    assert_eq!(polled[0]["message_id"].as_str().unwrap().len(), 32);
    assert_eq!(json(&bob.online(&devnet, &["poll", "--json"])), Value::Array(Vec::new()));

    let answer = bob.online(&devnet, &["send", "--to", &alice_id, "--text", "Hello Alice"]);
    assert!(stdout(&answer).starts_with("stored "));
    let delivered = |home: &Home| {
        let own = json(&home.run(&["messages", "--json"]));
        own.as_array().unwrap().iter().filter(|message| message["state"] == "delivered").count()
    };
    assert_eq!(delivered(&alice), 1, "the acceptance acknowledged the request");
    assert!(stdout(&alice.online(&devnet, &["poll"])).contains("Hello Alice"));

    assert_eq!(delivered(&alice), 2, "Bob's answer acknowledged the text");
    let all = json(&bob.run(&["messages", "--with", &alice_id, "--json"]));
    assert_eq!(texts(&all), ["Hello Bob", "The starlings are back 🐦", "Hello Alice"]);
    assert_eq!(texts(&json(&bob.run(&["messages", "--limit", "1", "--json"]))), ["Hello Alice"]);
    let found = json(&bob.run(&["search", "starl", "--json"]));
    assert_eq!(texts(&found), ["The starlings are back 🐦"]);
}

#[test]
fn a_chat_goes_both_ways() {
    let devnet = Devnet::start(&["--difficulty", "0"]);
    let (alice, bob) = (Home::new('a'), Home::new('b'));
    let (alice_id, bob_id) = (alice.inhabit(), bob.inhabit());
    let mut alice = Chat::start(&alice, &devnet, &bob_id);
    let mut bob = Chat::start(&bob, &devnet, &alice_id);
    alice.hears_of("first line is a friend request");
    alice.say("Can you hear me?");
    bob.hears_of("asks to be your friend: Can you hear me?; whatever you say accepts");
    bob.say("Loud and clear");
    bob.hears("< Can you hear me?");
    alice.hears("< Loud and clear");
    alice.say("Good");
    bob.hears("< Good");
    alice.hears_of("(delivered) Good");
}

/// One side of a conversation in a process of its own.
pub struct Chat {
    process: Child,
    killed: bool,
    keyboard: Option<ChildStdin>,
    screen: BufReader<ChildStdout>,
}

impl Chat {
    pub fn start(home: &Home, devnet: &Devnet, peer: &str) -> Self {
        Self::start_at(home, &devnet.url, peer)
    }

    /// On a network that may not exist.
    pub fn start_at(home: &Home, url: &str, peer: &str) -> Self {
        let mut process = home
            .command(&["--seed-node", url, "chat", "--to", peer])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let keyboard = process.stdin.take();
        let screen = BufReader::new(process.stdout.take().unwrap());
        Self { process, killed: false, keyboard, screen }
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.keyboard.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Reads until the line comes.
    pub fn hears(&mut self, expected: &str) {
        self.hears_such(expected, |line| line == expected);
    }

    /// Reads until a line comes that has this in it.
    pub fn hears_of(&mut self, expected: &str) {
        self.hears_such(expected, |line| line.contains(expected));
    }

    fn hears_such(&mut self, what: &str, such: impl Fn(&str) -> bool) {
        let mut line = String::new();
        while !such(line.trim_end()) {
            line.clear();
            assert_ne!(self.screen.read_line(&mut line).unwrap(), 0, "the chat ended without {what:?}");
        }
    }

    /// Kills the process where it stands.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.killed = true;
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        self.keyboard.take();
        let ended = self.process.wait();
        if !self.killed && !std::thread::panicking() {
            assert!(ended.unwrap().success(), "the chat did not end cleanly");
        }
    }
}

#[test]
fn messages_survive_a_faulty_swarm() {
    let mut devnet = Devnet::start(&["--replication", "off", "--lie", "0", "--down", "5"]);
    devnet.obey("lie 1 hash");
    let (alice, bob) = (Home::new('a'), Home::new('b'));
    let bob_id = {
        alice.inhabit();
        bob.inhabit()
    };
    let sent = json(&alice.online(&devnet, &["send", "--to", &bob_id, "--text", "Still here?", "--json"]));
    assert!(sent["stored"].as_u64().unwrap() >= 1, "{sent}");
    // Three replicas a poll: seven polls read every node of the swarm more than once.
    let arrived = (0..7).any(|_| texts(&json(&bob.online(&devnet, &["poll", "--json"]))) == ["Still here?"]);
    assert!(arrived);
}

#[test]
fn without_a_network_a_message_waits() {
    let (alice, bob) = (Home::new('a'), Home::new('b'));
    let bob_id = {
        alice.inhabit();
        bob.inhabit()
    };
    let nowhere = ["--seed-node", "http://127.0.0.1:9", "--json"];
    let send = ["send", "--to", &bob_id, "--text", "later", "--timeout", "1"];
    assert_eq!(code(&alice.command(&nowhere).args(send).output().unwrap()), NO_NETWORK);
    let poll = ["poll", "--timeout", "1"];
    assert_eq!(code(&alice.command(&nowhere).args(poll).output().unwrap()), NO_NETWORK);
    assert_eq!(json(&alice.run(&["messages", "--json"]))[0]["state"], "queued");

    let devnet = Devnet::start(&[]);
    stdout(&alice.online(&devnet, &["poll"]));
    assert_eq!(texts(&json(&bob.online(&devnet, &["poll", "--json"]))), ["later"]);
}
