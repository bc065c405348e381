use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starling_protocol::hash::message_hash;
use starling_protocol::pow::{Nonce, Puzzle};
use starling_protocol::rpc::reply::{Difficulty, Swarm};
use starling_protocol::rpc::{MAX_STORE_BYTES, Request, Store};
use starling_protocol::verify_ed25519;

use crate::net::{DAY, NOW, Net, keys, keys_in, message};

#[test]
fn every_member_keeps_and_signs() {
    let mut net = Net::new(&[(7, 5)]);
    let account = keys(1).account_id();
    let stored = net.store(net.members(&account)[0], &message(account, "hello"));
    let hash = message_hash(&account, 0, b"hello");
    assert_eq!(stored.hash.as_ref(), Some(&hash));
    assert_eq!(stored.t, Some(NOW));
    assert_eq!(stored.difficulty, None);
    assert_eq!(stored.members.len(), 5);
    for member in &stored.members {
        assert_eq!((member.failed, member.already, member.expiry), (false, false, Some(NOW + DAY)));
        assert!(verify_ed25519(&member.node.0, hash.as_bytes(), &member.signature.unwrap()));
    }
    for node in net.nodes.values() {
        let dump = node.dump();
        assert_eq!(dump.len(), 1);
        assert_eq!((&dump[0].hash, dump[0].expiry, dump[0].data.as_str()), (&hash, NOW + DAY, "aGVsbG8="));
    }
}

#[test]
fn the_same_message_is_kept_once_and_its_life_only_extended() {
    let mut net = Net::new(&[(7, 3)]);
    let account = keys(1).account_id();
    let members = net.members(&account);
    net.store(members[0], &message(account, "hello"));
    let later = Store { ttl_ms: 2 * DAY, ..message(account, "hello") };
    let again = net.store(members[1], &later);
    assert!(again.members.iter().all(|member| member.already && member.expiry == Some(NOW + 2 * DAY)));
    let earlier = net.store(members[2], &message(account, "hello"));
    assert!(earlier.members.iter().all(|member| member.already && member.expiry == Some(NOW + 2 * DAY)));
    let nodes: Vec<_> = net.nodes.values().map(|node| node.message_count()).collect();
    assert_eq!(nodes, [1, 1, 1]);
}

#[test]
fn refusals() {
    let mut net = Net::new(&[(7, 1)]);
    let account = keys(1).account_id();
    let node = net.members(&account)[0];
    let good = message(account, "hello");
    let aged = |timestamp, ttl_ms| Store { timestamp, ttl_ms, ..good.clone() };
    let private = |ttl_ms| Store::signed(&keys(1), 3, NOW, ttl_ms, "aGk=".into());
    let cases = [
        (aged(NOW, 9_999), 403, "Provided expiry/TTL is not valid."),
        (aged(NOW, 14 * DAY + 1), 403, "Provided expiry/TTL is not valid."),
        (private(30 * DAY + 1), 403, "Provided expiry/TTL is not valid."),
        (aged(NOW + 10_001, DAY), 406, "Timestamp error: check your clock"),
        (aged(NOW - DAY - 10_001, DAY), 406, "Timestamp error: check your clock"),
        (Store { namespace: 3, ..good.clone() }, 401, "store: signature required to store to namespace 3"),
        (Store { namespace: 5, ..private(DAY) }, 401, "store signature verification failed"),
        (Store { account: keys(2).account_id(), ..private(DAY) }, 401, "store signature verification failed"),
        (
            Store { timestamp: NOW - 60_001, ..private(DAY) },
            406,
            "store signature timestamp too far from current time",
        ),
    ];
    for (store, status, text) in cases {
        let reply = net.ask(node, Request::Store(store));
        assert_eq!((reply.status, &*reply.body_text()), (status, text));
    }
    let large = STANDARD.encode(vec![0; MAX_STORE_BYTES + 1]);
    let large = net.ask(node, Request::Store(Store { data: large.into(), ..good.clone() }));
    assert_eq!(large.status, 400);
    assert_eq!(net.node(node).message_count(), 0);

    for accepted in [
        aged(NOW, 10_000),
        aged(NOW, 14 * DAY),
        aged(NOW + 10_000, DAY),
        aged(NOW - DAY, DAY),
        private(30 * DAY),
        Store { data: STANDARD.encode(vec![0; MAX_STORE_BYTES]).into(), ..good },
    ] {
        net.store(node, &accepted);
    }
}

#[test]
fn the_wrong_swarm_names_the_right_one() {
    let mut net = Net::new(&[(7, 2), (u64::MAX / 2, 2)]);
    let account = keys_in(&net.view, 7).account_id();
    let wrong = net.view.members(u64::MAX / 2)[0];
    let reply = net.ask(wrong, Request::Store(message(account, "hello")));
    assert_eq!(reply.status, 421);
    let swarm = Swarm::parse(&reply.body).unwrap();
    assert_eq!((swarm.swarm_id, swarm.t), (Some(7), Some(NOW)));
    let listed: Vec<_> = swarm.nodes.iter().map(|node| node.key).collect();
    assert_eq!(listed, net.members(&account));
    let asked = net.ask(wrong, Request::GetSwarm { account });
    assert_eq!((asked.status, asked.body), (200, reply.body));
}

#[test]
fn work_is_asked_for_and_checked() {
    let mut net = Net::new(&[(7, 2)]);
    let account = keys(1).account_id();
    let node = net.members(&account)[0];
    net.node(node).policy_mut().difficulty = Some(3);
    let store = message(account, "hello");
    let puzzle =
        Puzzle::new(&NOW.to_string(), &DAY.to_string(), &account.to_string(), &store.data, 3).unwrap();
    let solved = (0..).find(|nonce| puzzle.check(*nonce).is_some()).unwrap();
    let unsolved = (0..).find(|nonce| puzzle.check(*nonce).is_none()).unwrap();
    let nonces = [None, Some("nonsense".to_owned()), Some(Nonce(unsolved).to_base64())];
    for nonce in nonces {
        let reply = net.ask(node, Request::Store(Store { nonce, ..store.clone() }));
        assert_eq!(reply.status, 432);
        assert_eq!(Difficulty::parse(&reply.body), Ok(Difficulty { difficulty: 3 }));
    }
    let stored = net.store(node, &Store { nonce: Some(Nonce(solved).to_base64()), ..store.clone() });
    assert_eq!(stored.difficulty, Some(3));
    assert_eq!(stored.members.len(), 2);

    net.node(node).policy_mut().verify_proofs = false;
    for (worked, status) in [(2, 432), (3, 200), (4, 200)] {
        let nonce = Some(Nonce(worked).to_base64());
        assert_eq!(net.ask(node, Request::Store(Store { nonce, ..store.clone() })).status, status);
    }
    // A private namespace is its owner's: the signature is enough.
    let private = Store::signed(&keys(1), 3, NOW, DAY, "aGk=".into());
    assert_eq!(net.ask(node, Request::Store(private)).status, 200);
}

#[test]
fn a_silent_member_is_listed_as_timed_out() {
    let mut net = Net::new(&[(7, 3)]);
    let account = keys(1).account_id();
    let members = net.members(&account);
    net.silent.insert(members[2]);
    let stored = net.store(members[0], &message(account, "hello"));
    let seen: Vec<_> = stored.members.iter().map(|m| (m.node, m.failed, m.timeout)).collect();
    let expected = [(members[0], false, false), (members[1], false, false), (members[2], true, true)];
    assert_eq!(seen, expected);
    assert_eq!(net.node(members[2]).message_count(), 0);
}

#[test]
fn messages_expire_on_every_member_at_the_same_millisecond() {
    let mut net = Net::new(&[(7, 3)]);
    let keys = keys(1);
    let account = keys.account_id();
    let members = net.members(&account);
    let stored = net.store(members[0], &Store { ttl_ms: 10_000, ..message(account, "hello") });
    net.now = NOW + 9_999;
    for member in &members {
        assert_eq!(net.read(*member, &keys), [stored.hash.clone().unwrap()]);
    }
    net.now = NOW + 10_000;
    for member in &members {
        assert!(net.read(*member, &keys).is_empty());
        assert_eq!(net.node(*member).message_count(), 0);
    }
}
