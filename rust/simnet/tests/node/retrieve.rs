use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starling_protocol::NodeKey;
use starling_protocol::rpc::reply::Retrieved;
use starling_protocol::rpc::{RETRIEVE_MAX_BYTES, Request, Retrieve, Store};

use crate::net::{DAY, NOW, Net, keys, keys_in, message};

fn page(
    net: &mut Net,
    node: NodeKey,
    last: Option<&str>,
    count: Option<u32>,
    size: Option<i64>,
) -> Retrieved {
    let retrieve = Retrieve::signed(&keys(1), 0, last.map(Into::into), count, size, net.now);
    let reply = net.ask(node, Request::Retrieve(retrieve));
    assert_eq!(reply.status, 200, "{}", reply.body_text());
    let page = Retrieved::parse(&reply.body).unwrap();
    assert_eq!(page.t, Some(net.now));
    page
}

#[test]
fn pages_by_count_follow_each_other() {
    let mut net = Net::new(&[(7, 1)]);
    let account = keys(1).account_id();
    let node = net.members(&account)[0];
    let all: Vec<String> =
        (0..5).map(|n| net.store(node, &message(account, &n.to_string())).hash.unwrap()).collect();
    let (mut seen, mut last) = (Vec::new(), None);
    for (messages, more) in [(2, true), (2, true), (1, false), (0, false)] {
        let page = page(&mut net, node, last.as_deref(), Some(2), None);
        assert_eq!((page.messages.len(), page.more), (messages, more));
        seen.extend(page.messages.into_iter().map(|message| message.hash));
        last = seen.last().cloned();
    }
    assert_eq!(seen, all);
    let unknown = "A".repeat(43);
    assert_eq!(
        page(&mut net, node, Some(&unknown), None, None).messages.len(),
        5,
        "an unknown hash is the start"
    );
}

#[test]
fn pages_by_size_count_base64_and_hold_at_least_one() {
    let mut net = Net::new(&[(7, 1)]);
    let account = keys(1).account_id();
    let node = net.members(&account)[0];
    for n in 0..4_u8 {
        let data = STANDARD.encode([n; 750]);
        assert_eq!(data.len(), 1000);
        net.store(node, &Store { data: data.into(), ..message(account, "") });
    }
    let cap = i64::try_from(RETRIEVE_MAX_BYTES).unwrap();
    for (count, size, messages) in [
        (None, Some(999), 1),
        (None, Some(1), 1),
        (None, Some(1000), 1),
        (None, Some(2999), 2),
        (None, Some(3000), 3),
        (None, Some(4000), 4),
        (None, Some(-cap), 1),
        (None, Some(-(cap / 3000)), 3),
        (None, Some(i64::MIN), 1),
        (None, Some(i64::MAX), 4),
        (None, Some(0), 4),
        (None, None, 4),
        (Some(0), Some(0), 4),
        (Some(3), Some(2000), 2),
        (Some(1), Some(2000), 1),
    ] {
        let page = page(&mut net, node, None, count, size);
        assert_eq!((page.messages.len(), page.more), (messages, messages < 4), "{count:?} {size:?}");
    }
}

#[test]
fn neither_limit_means_a_fifth_of_the_cap() {
    let mut net = Net::new(&[(7, 1)]);
    let account = keys(1).account_id();
    let node = net.members(&account)[0];
    for n in 0..20_u8 {
        let data = STANDARD.encode(vec![n; 75_000]);
        net.store(node, &Store { data: data.into(), ..message(account, "") });
    }
    assert_eq!(page(&mut net, node, None, None, None).messages.len(), 15);
    assert_eq!(page(&mut net, node, None, Some(100), None).messages.len(), 20);
}

#[test]
fn order_is_each_nodes_own() {
    let mut net = Net::new(&[(7, 2)]);
    let keys = keys(1);
    let account = keys.account_id();
    let members = net.members(&account);
    net.silent.insert(members[1]);
    let first = net.store(members[0], &message(account, "first")).hash.unwrap();
    net.silent.clear();
    let second = net.store(members[0], &message(account, "second")).hash.unwrap();
    net.silent.insert(members[0]);
    net.store(members[1], &message(account, "first"));
    assert_eq!(net.read(members[0], &keys), [first.clone(), second.clone()]);
    assert_eq!(net.read(members[1], &keys), [second, first]);
}

#[test]
fn namespaces_are_apart() {
    let mut net = Net::new(&[(7, 2)]);
    let keys = keys(1);
    let node = net.members(&keys.account_id())[0];
    net.store(node, &message(keys.account_id(), "inbox"));
    let private = net.store(node, &Store::signed(&keys, 3, NOW, DAY, "aGk=".into()));
    for (namespace, hashes) in [(3, vec![private.hash.unwrap()]), (4, vec![]), (-10, vec![])] {
        let retrieve = Retrieve::signed(&keys, namespace, None, None, None, NOW);
        let page = Retrieved::parse(&net.ask(node, Request::Retrieve(retrieve)).body).unwrap();
        assert_eq!(page.messages.into_iter().map(|m| m.hash).collect::<Vec<_>>(), hashes, "{namespace}");
    }
}

#[test]
fn only_the_owner_reads_and_only_now() {
    let mut net = Net::new(&[(7, 1), (u64::MAX / 2, 1)]);
    let owner = keys_in(&net.view, 7);
    let node = net.members(&owner.account_id())[0];
    let good = Retrieve::signed(&owner, 0, None, None, None, NOW);
    let at = |timestamp| Retrieve::signed(&owner, 0, None, None, None, timestamp);
    let thief =
        Retrieve { account: owner.account_id(), ..Retrieve::signed(&keys(99), 0, None, None, None, NOW) };
    let elsewhere = keys_in(&net.view, u64::MAX / 2);
    let cases = [
        (good.clone(), 200, None),
        (at(NOW + 60_000), 200, None),
        (at(NOW - 60_000), 200, None),
        (at(NOW + 60_001), 406, Some("retrieve timestamp too far from current time")),
        (at(NOW - 60_001), 406, Some("retrieve timestamp too far from current time")),
        (Retrieve { namespace: 3, ..good }, 401, Some("retrieve signature verification failed")),
        (thief, 401, Some("retrieve signature verification failed")),
        (Retrieve::signed(&elsewhere, 0, None, None, None, NOW), 421, None),
    ];
    for (retrieve, status, text) in cases {
        let reply = net.ask(node, Request::Retrieve(retrieve));
        assert_eq!(reply.status, status);
        if let Some(text) = text {
            assert_eq!(reply.body_text(), text);
        }
    }
}
