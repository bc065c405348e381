//! Strangers become friends, or do not: requests, answers, blocks, and what dies in between.

use serde_json::Value;
use starling_simnet::devnet::{Config, Devnet as Nodes};

use crate::command::{BAD_INPUT, DONE, Home, code, json, starling, stdout, text};
use crate::conversations::Chat;
use crate::network::Devnet;

/// A network that does not exist.
const NOWHERE: &str = "http://127.0.0.1:9";

fn polled(home: &Home, devnet: &Devnet) -> Vec<Value> {
    json(&home.online(devnet, &["poll", "--json"])).as_array().unwrap().clone()
}

fn lists(home: &Home) -> Value {
    json(&home.run(&["friends", "list", "--json"]))
}

/// How many contacts are in each list.
fn counts(home: &Home) -> [usize; 4] {
    let lists = lists(home);
    ["friends", "incoming", "outgoing", "blocked"].map(|list| lists[list].as_array().unwrap().len())
}

fn states(home: &Home) -> Vec<String> {
    let messages = json(&home.run(&["messages", "--json"]));
    messages.as_array().unwrap().iter().map(|message| text(&message["state"]).to_owned()).collect()
}

/// Two accounts, and their ids.
fn strangers() -> [(Home, String); 2] {
    ['a', 'b'].map(|digit| {
        let home = Home::new(digit);
        let id = home.inhabit();
        (home, id)
    })
}

fn ask(home: &Home, peer: &str, devnet: &Devnet) {
    let sent = json(&home.online(devnet, &["friends", "request", peer, "--text", "We have met", "--json"]));
    assert_eq!((&sent["kind"], &sent["swarm_size"]), (&"introduction".into(), &5.into()), "{sent}");
}

fn say(home: &Home, peer: &str, what: &str, devnet: &Devnet) -> Value {
    json(&home.online(devnet, &["send", "--to", peer, "--text", what, "--json"]))
}

#[test]
fn a_request_is_listed_explained_and_accepted() {
    let devnet = Devnet::start(&[]);
    let [(alice, alice_id), (bob, bob_id)] = strangers();
    let named = json(&alice.run(&["account", "name", "Alice of the flock", "--json"]));
    assert_eq!(named["name"], "Alice of the flock");

    let request = ["friends", "request", &bob_id, "--text", "We have met"];
    let told = stdout(&alice.online(&devnet, &request));
    assert!(told.starts_with("stored ") && told.ends_with(": a friend request\n"), "{told}");
    assert_eq!(code(&alice.online(&devnet, &request)), BAD_INPUT, "it is pending");
    assert_eq!((counts(&alice), counts(&bob)), ([0, 0, 1, 0], [0; 4]));
    assert_eq!(lists(&alice)["outgoing"][0]["relation"], "requested");

    let asked = polled(&bob, &devnet);
    let listed = lists(&bob)["incoming"].clone();
    assert_eq!(Value::from(asked.clone()), listed);
    let [request] = asked.as_slice() else { panic!("{asked:?}") };
    for (key, expected) in [
        ("kind", "request"),
        ("request", "bundle"),
        ("from", &alice_id),
        ("name", "Alice of the flock"),
        ("text", "We have met"),
    ] {
        assert_eq!(request[key], expected, "{key}");
    }
    assert!(polled(&bob, &devnet).is_empty(), "it is told once");
    assert!(json(&bob.run(&["messages", "--json"])).as_array().unwrap().is_empty(), "not before the answer");

    let kept = say(&alice, &bob_id, "Are you there?", &devnet);
    let explained = json(&alice.run(&["explain", text(&kept["message_id"]), "--json"]));
    assert!(text(&explained[0]["waits_for"]).starts_with("our friend request to be answered"), "{explained}");
    let introduction = json(&alice.run(&["messages", "--json"]))[0].clone();
    let told = stdout(&alice.run(&["explain", text(&introduction["message_id"])]));
    assert!(told.contains("waits for the recipient to answer this friend request"), "{told}");

    let accepted = json(&bob.online(&devnet, &["friends", "accept", &alice_id, "--json"]));
    assert_eq!((&accepted["relation"], &accepted["name"]), (&"accepting".into(), &request["name"]));
    polled(&alice, &devnet);
    let texts: Vec<_> = polled(&bob, &devnet).iter().map(|item| text(&item["text"]).to_owned()).collect();
    assert_eq!(texts, ["We have met", "Are you there?"]);
    polled(&alice, &devnet);
    assert_eq!((counts(&alice), counts(&bob)), ([1, 0, 0, 0], [1, 0, 0, 0]));
    for home in [&alice, &bob] {
        let friend = lists(home)["friends"][0].clone();
        assert_eq!((&friend["relation"], &friend["security"]), (&"friend".into(), &"ratchet".into()));
    }
    assert_eq!(states(&alice), ["delivered", "delivered"]);
    let again = ["friends", "request", &bob_id, "--text", "We have met"];
    assert_eq!(code(&alice.online(&devnet, &again)), BAD_INPUT, "they are friends");
}

#[test]
fn requests_that_cross_make_friends_without_a_prompt() {
    let devnet = Devnet::start(&[]);
    let [(alice, alice_id), (bob, bob_id)] = strangers();
    // Neither has polled when the other asks.
    ask(&alice, &bob_id, &devnet);
    let chat = Chat::start_at(&bob, NOWHERE, &alice_id);
    committed(chat, "We have met");
    for home in [&bob, &alice, &bob, &alice] {
        assert!(polled(home, &devnet).iter().all(|item| item["kind"] == "introduction"));
    }
    assert_eq!((counts(&alice), counts(&bob)), ([1, 0, 0, 0], [1, 0, 0, 0]));
    for home in [&alice, &bob] {
        let mut states = states(home);
        states.sort();
        assert_eq!(states, ["delivered", "received"]);
    }
}

/// Says a first line on a chat, and kills it as soon as the line is on disk.
fn committed(mut chat: Chat, line: &str) {
    chat.say(line);
    // Lines are taken one after the other: when the second is refused, the first is done with.
    chat.say(&"x".repeat(80_000));
    chat.hears_of("! the text has 80000 bytes");
    chat.kill();
}

#[test]
fn a_request_survives_kills_before_and_after_it_was_stored() {
    let devnet = Devnet::start(&[]);
    let [(alice, alice_id), (bob, bob_id)] = strangers();
    committed(Chat::start_at(&alice, NOWHERE, &bob_id), "We have met");
    assert_eq!(states(&alice), ["queued"]);
    assert!(polled(&bob, &devnet).is_empty());

    let mut chat = Chat::start(&alice, &devnet, &bob_id);
    chat.hears("Your friend request is not answered; what you say waits.");
    chat.hears_of("(stored ");
    chat.kill();
    assert_eq!((counts(&alice), polled(&bob, &devnet).len()), ([0, 0, 1, 0], 1));

    stdout(&bob.online(&devnet, &["friends", "accept", &alice_id]));
    for home in [&alice, &bob, &alice] {
        polled(home, &devnet);
    }
    assert_eq!((counts(&alice), counts(&bob)), ([1, 0, 0, 0], [1, 0, 0, 0]));
    assert_eq!((states(&alice), states(&bob)), (vec!["delivered".to_owned()], vec!["received".to_owned()]));
}

#[test]
fn a_declined_request_tells_the_other_side_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let nodes = runtime.block_on(Nodes::start(Config::default())).unwrap();
    let url = nodes.seed_url();
    let [(alice, alice_id), (bob, bob_id)] = strangers();
    let online = |home: &Home, arguments: &[&str]| {
        home.command(&["--seed-node", &url, "--json"]).args(arguments).output().unwrap()
    };
    json(&online(&alice, &["friends", "request", &bob_id, "--text", "We have met"]));
    assert_eq!(json(&online(&bob, &["poll"]))[0]["kind"], "request");
    let before = nodes.dump();
    let declined = json(&bob.run(&["friends", "decline", &alice_id, "--json"]));
    assert_eq!(declined["relation"], "stranger");
    assert_eq!(json(&online(&bob, &["poll"])), Value::Array(Vec::new()));

    let held = |nodes: &[starling_simnet::devnet::NodeDump]| -> Vec<_> {
        let messages = nodes.iter().flat_map(|node| &node.messages);
        messages.map(|message| (message.account.to_string(), message.hash.clone())).collect()
    };
    let after = nodes.dump();
    assert_eq!(held(&before), held(&after), "the decliner stored something");
    assert!(held(&after).iter().all(|(account, _)| *account == bob_id), "something lies there for Alice");
    assert_eq!(json(&online(&alice, &["poll"])), Value::Array(Vec::new()));
    assert_eq!((counts(&alice), counts(&bob)), ([0, 0, 1, 0], [0; 4]));
    assert!(states(&alice)[0].starts_with("stored "), "{:?}", states(&alice));
    assert!(states(&bob).is_empty());
    assert_eq!(code(&bob.run(&["friends", "decline", &alice_id])), BAD_INPUT, "there is none any more");
    runtime.block_on(nodes.shutdown());
}

#[test]
fn a_withdrawn_request_takes_what_waited_for_it_along() {
    let devnet = Devnet::start(&[]);
    let [(alice, alice_id), (bob, bob_id)] = strangers();
    ask(&alice, &bob_id, &devnet);
    assert_eq!(say(&alice, &bob_id, "Hello?", &devnet)["waits_for_friend"], true);
    polled(&bob, &devnet);
    let withdrawn = json(&alice.run(&["friends", "withdraw", &bob_id, "--json"]));
    assert_eq!(withdrawn["relation"], "stranger");
    let failed = "failed: the friend request it waited for was withdrawn";
    assert_eq!(states(&alice), [failed, failed]);
    // Bob cannot know. His acceptance finds no keys, and makes no friend.
    stdout(&bob.online(&devnet, &["friends", "accept", &alice_id]));
    let late = polled(&alice, &devnet);
    assert!(late.iter().all(|item| item["request"] == "empty"), "{late:?}");
    assert_eq!(counts(&alice)[0], 0);
    assert_eq!(code(&alice.run(&["friends", "withdraw", &bob_id])), BAD_INPUT);
}

#[test]
fn a_blocked_account_is_not_heard_and_learns_nothing() {
    let devnet = Devnet::start(&[]);
    let [(alice, alice_id), (bob, bob_id)] = strangers();
    alice.befriend(&alice_id, &bob, &bob_id, &devnet);
    let blocked = json(&bob.run(&["friends", "block", &alice_id, "--json"]));
    assert_eq!((&blocked["blocked"], counts(&bob)), (&true.into(), [0, 0, 0, 1]));
    assert_eq!(code(&bob.online(&devnet, &["send", "--to", &alice_id, "--text", "x"])), BAD_INPUT);

    assert!(say(&alice, &bob_id, "Are you angry?", &devnet)["stored"].as_u64() >= Some(1));
    assert!(polled(&bob, &devnet).is_empty());
    assert!(polled(&alice, &devnet).is_empty());
    let last = |home: &Home| states(home).last().unwrap().clone();
    assert!(last(&alice).starts_with("stored "), "nobody acknowledged it: {}", last(&alice));
    assert_eq!(counts(&alice), [1, 0, 0, 0]);

    let unblocked = json(&bob.run(&["friends", "unblock", &alice_id, "--json"]));
    assert_eq!((&unblocked["blocked"], &unblocked["relation"]), (&false.into(), &"friend".into()));
    say(&alice, &bob_id, "Better now?", &devnet);
    let heard: Vec<_> = polled(&bob, &devnet).iter().map(|item| text(&item["text"]).to_owned()).collect();
    assert_eq!(heard, ["Better now?"], "what was said during the block stays unseen");
    assert_eq!(code(&bob.run(&["friends", "unblock", &alice_id])), DONE, "fine to repeat");
}

#[test]
fn only_an_invite_opens_a_door_that_is_closed_to_strangers() {
    let devnet = Devnet::start(&[]);
    let [(alice, _), (bob, bob_id)] = strangers();
    let closed = json(&bob.run(&["account", "known-only", "on", "--json"]));
    assert_eq!(closed["known_contacts_only"], true);
    let invite = json(&bob.run(&["friends", "invite", "--json"]))["invite"].clone();

    ask(&alice, &bob_id, &devnet);
    assert!(polled(&bob, &devnet).is_empty());
    let carol = Home::new('c');
    let carol_id = carol.inhabit();
    let request = ["friends", "request", &bob_id, "--text", "You invited me", "--invite", text(&invite)];
    json(&carol.online(&devnet, &[&request[..], &["--json"]].concat()));
    let asked = polled(&bob, &devnet);
    assert_eq!((asked.len(), &asked[0]["from"]), (1, &carol_id.into()));
}

#[test]
fn every_action_is_in_the_help() {
    let help = stdout(&starling().args(["friends", "--help"]).output().unwrap());
    for action in ["request", "invite", "list", "accept", "decline", "withdraw", "block", "unblock"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(action)), "{action}");
    }
}
