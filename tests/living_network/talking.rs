//! Engines among storage servers that know nothing of us.

use std::collections::{BTreeMap, BTreeSet};

use starling_engine::Outcome;
use starling_protocol::NodeKey;
use starling_protocol::rpc::Request;
use starling_protocol::rpc::reply::Retrieved;
use starling_simnet::DumpedMessage;
use starling_simnet::devnet::{Config, Devnet, Fault};
use starling_store::{Direction, MessageState, Store};
use starling_tests::{Named, name};
use tokio::net::TcpStream;

use crate::person::{HANG, Person};
use crate::{SOON, network};

/// Members of the swarm that keeps somebody's messages.
fn swarm_of(net: &Devnet, person: &Person) -> Vec<NodeKey> {
    net.view().members(net.view().swarm_of(&person.id).unwrap()).to_vec()
}

async fn two_people(net: &Devnet) -> (Person, Person) {
    (Person::new(1, net.seed_url()).await, Person::new(2, net.seed_url_tls()).await)
}

#[tokio::test]
async fn two_accounts_that_know_only_a_seed_talk() {
    let net = network().await;
    let (alice, bob) = two_people(&net).await;
    assert_eq!(alice.say(&bob, "Is anybody there?").await.1, 5);
    assert_eq!(bob.hear(1).await, ["Is anybody there?"]);
    bob.say(&alice, "Yes").await;
    bob.say(&alice, "Me").await;
    assert_eq!(alice.hear(2).await, ["Yes", "Me"]);
    alice.say(&bob, "Good").await;
    assert_eq!(bob.hear(1).await, ["Good"]);
    assert!(alice.hear(0).await.is_empty() && bob.hear(0).await.is_empty());

    let held: Vec<_> = net.dump().into_iter().flat_map(|dump| dump.messages).collect();
    assert!(held.iter().all(|message| message.nonce.is_none() && message.namespace == 0));
    let (alices, bobs) = (alice.database().await, bob.database().await);
    assert_sealed_once(&held, (&alices, 2), (&bob, &bobs));
    assert_sealed_once(&held, (&bobs, 2), (&alice, &alices));
    for person in [&alice, &bob] {
        assert_asks_like_todays_clients(person);
        assert_reads_each_node_from_its_own_place(person);
    }
}

/// Only methods that storage servers have, no proof of work, and the same bytes to every member.
fn assert_asks_like_todays_clients(person: &Person) {
    let known = ["info", "get_swarm", "store", "retrieve", "oxend_request"];
    let mut stores: BTreeMap<String, (BTreeSet<NodeKey>, BTreeSet<u64>)> = BTreeMap::new();
    for (node, request, _) in person.asked() {
        assert!(known.contains(&request.method()), "{}", request.method());
        if let Request::Store(store) = request {
            assert_eq!(store.nonce, None);
            let (nodes, timestamps) = stores.entry(store.data.to_string()).or_default();
            nodes.insert(node);
            timestamps.insert(store.timestamp);
        }
    }
    assert!(stores.len() >= 2, "not even the texts were stored");
    assert!(stores.values().all(|(nodes, timestamps)| nodes.len() >= 3 && timestamps.len() == 1));
}

/// Each text, of which there are so many, lies under one hash on every member of the recipient's swarm.
fn assert_sealed_once(
    held: &[DumpedMessage],
    (sender, texts): (&Store, usize),
    (recipient, store): (&Person, &Store),
) {
    let mut copies: BTreeMap<[u8; 16], Vec<&str>> = BTreeMap::new();
    for message in held.iter().filter(|message| message.account == recipient.id) {
        if let Some(Named::Basic(id) | Named::Frame { id, .. }) = name(&message.data, &recipient.keys, store)
        {
            copies.entry(id).or_default().push(&message.hash);
        }
    }
    let messages = sender.read(|view| view.dump()).unwrap();
    let sent: Vec<_> = messages.iter().filter(|sent| sent.direction == Direction::Outgoing).collect();
    assert_eq!(sent.len(), texts);
    for message in sent {
        let hashes = &copies[&message.message_id];
        assert_eq!(hashes.len(), 5, "{}", message.body);
        assert!(hashes.iter().all(|hash| hash == &hashes[0]), "{} was sealed anew", message.body);
    }
}

/// A `last_hash` is one that this very node gave out.
fn assert_reads_each_node_from_its_own_place(person: &Person) {
    let mut given: BTreeSet<(NodeKey, String)> = BTreeSet::new();
    let mut continued = 0;
    for (node, request, outcome) in person.asked() {
        let Request::Retrieve(retrieve) = request else { continue };
        if let Some(hash) = retrieve.last_hash {
            assert!(given.contains(&(node, hash)), "a place of another node");
            continued += 1;
        }
        if let Outcome::Reply { status: 200, body } = outcome {
            let page = Retrieved::parse(&body).unwrap();
            given.extend(page.messages.into_iter().map(|message| (node, message.hash)));
        }
    }
    assert!(continued > 0, "nothing was read from where it had ended");
}

#[tokio::test]
async fn a_dead_member_delays_a_store_and_nothing_else() {
    let net = Devnet::start(Config { peer_timeout: SOON, ..Config::storage_server() }).await.unwrap();
    let (alice, bob) = two_people(&net).await;
    net.inject(&swarm_of(&net, &bob)[0], Fault::Down).unwrap();
    let (stored, members) = alice.say(&bob, "Anyway").await;
    assert!((3..=4).contains(&stored) && members == 5, "{stored} of {members}");
    assert_eq!(bob.hear(1).await, ["Anyway"]);
}

#[tokio::test]
async fn members_that_failed_are_not_counted() {
    let net = network().await;
    let (alice, bob) = two_people(&net).await;
    for member in &swarm_of(&net, &bob)[..2] {
        net.inject(member, Fault::Broken).unwrap();
    }
    assert_eq!(alice.say(&bob, "Three are enough").await, (3, 5));
    assert_eq!(bob.hear(1).await, ["Three are enough"]);
}

/// Every answer is a 200 without `hash`.
#[tokio::test]
async fn a_swarm_that_fails_everywhere_has_stored_nothing() {
    let net = network().await;
    let (alice, bob) = two_people(&net).await;
    let members = swarm_of(&net, &bob);
    for member in &members {
        net.inject(member, Fault::Broken).unwrap();
    }
    let sent = alice.engine.send(bob.id, "Patience".to_owned()).await.unwrap();
    let report = alice.engine.wake(HANG).await.unwrap();
    assert_eq!((report.messages_stored, report.outbox_left), (0, 1));
    let waits = alice.state(sent.message).await;
    assert!(matches!(waits, MessageState::Queued | MessageState::Working), "{waits:?}");
    let successes = |(_, request, outcome): &(NodeKey, Request, Outcome)| {
        matches!((request, outcome), (Request::Store(_), Outcome::Reply { status: 200, .. }))
    };
    assert!(alice.asked().iter().any(successes), "nobody answered at all");
    assert!(bob.hear(0).await.is_empty());

    for member in &members {
        net.heal(member).unwrap();
    }
    alice.engine.network_changed().await.unwrap();
    alice.engine.start().await.unwrap();
    assert_eq!(alice.stored(sent.message).await, (5, 5));
    assert_eq!(bob.hear(1).await, ["Patience"]);
}

#[tokio::test]
async fn connections_that_the_nodes_closed_are_opened_again() {
    let net = network().await;
    let (alice, bob) = two_people(&net).await;
    alice.say(&bob, "Before").await;
    let connects = |up: bool| {
        let addresses: Vec<_> = net.nodes().iter().map(|node| (node.ip, node.port)).collect();
        async move {
            for address in addresses {
                while TcpStream::connect(address).await.is_ok() != up {}
            }
        }
    };
    for node in net.nodes() {
        net.inject(&node.key, Fault::Down).unwrap();
    }
    tokio::time::timeout(HANG, connects(false)).await.unwrap();
    for node in net.nodes() {
        net.heal(&node.key).unwrap();
    }
    tokio::time::timeout(HANG, connects(true)).await.unwrap();
    alice.say(&bob, "After").await;
    assert_eq!(bob.hear(2).await, ["Before", "After"]);
}

#[tokio::test]
async fn the_networks_time_counts_and_not_the_devices() {
    let net = network().await;
    for node in net.nodes() {
        net.inject(&node.key, Fault::Clock(3 * 3_600_000)).unwrap();
    }
    let (alice, bob) = two_people(&net).await;
    alice.say(&bob, "What time is it?").await;
    assert_eq!(bob.hear(1).await, ["What time is it?"]);
}

#[tokio::test]
async fn a_member_that_withholds_and_one_that_lags_are_made_up_for() {
    let net = network().await;
    let (alice, bob) = two_people(&net).await;
    let members = swarm_of(&net, &bob);
    net.inject(&members[0], Fault::Withhold).unwrap();
    net.inject(&members[1], Fault::Refuse).unwrap();
    alice.say(&bob, "Read several").await;
    net.heal(&members[1]).unwrap();
    // Three of five are read at a time, so at least one that has it is among them.
    assert_eq!(bob.hear(1).await, ["Read several"]);
}
