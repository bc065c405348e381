use starling_protocol::hash::message_hash;
use starling_protocol::rpc::reply::Info;
use starling_protocol::rpc::{Request, Retrieve};
use starling_protocol::verify_ed25519;
use starling_simnet::{Handled, Lie, Policy};

use crate::net::{DAY, NOW, Net, keys, message};

/// How many messages each member has, in key order, after one store through the first.
fn stored_with(policy: Policy) -> (starling_protocol::rpc::reply::Stored, Vec<usize>) {
    let mut net = Net::new(&[(7, 3)]);
    let account = keys(1).account_id();
    let node = net.members(&account)[0];
    *net.node(node).policy_mut() = policy;
    let stored = net.store(node, &message(account, "hello"));
    (stored, net.nodes.values().map(|node| node.message_count()).collect())
}

#[test]
fn without_replication_the_entry_stores_alone() {
    let (stored, kept) = stored_with(Policy { replication: false, ..Policy::default() });
    assert_eq!((stored.members.len(), kept), (1, vec![1, 0, 0]));
}

#[test]
fn lies_about_stored_messages() {
    let hash = message_hash(&keys(1).account_id(), 0, b"hello");
    // Lie, receipts, receipts that verify over the true hash.
    for (lie, receipts, verified) in
        [(Lie::Discard, 1, 1), (Lie::WrongHash, 1, 0), (Lie::ForgeReceipts, 3, 1)]
    {
        let (stored, kept) = stored_with(Policy { lie: Some(lie), ..Policy::default() });
        assert_eq!(kept, [0, 0, 0], "{lie:?}");
        assert_eq!(stored.members.len(), receipts, "{lie:?}");
        let good = |m: &&starling_protocol::rpc::reply::MemberReceipt| {
            m.signature.is_some_and(|signature| verify_ed25519(&m.node.0, hash.as_bytes(), &signature))
        };
        assert_eq!(stored.members.iter().filter(good).count(), verified, "{lie:?}");
        assert_eq!(stored.hash.unwrap() == hash, lie != Lie::WrongHash);
    }
}

#[test]
fn a_liar_among_the_peers_keeps_nothing() {
    let mut net = Net::new(&[(7, 3)]);
    let account = keys(1).account_id();
    let members = net.members(&account);
    net.node(members[1]).policy_mut().lie = Some(Lie::Discard);
    net.node(members[2]).policy_mut().refuse = true;
    let stored = net.store(members[0], &message(account, "hello"));
    let failed: Vec<_> = stored.members.iter().map(|member| member.failed).collect();
    assert_eq!(failed, [false, false, true]);
    assert_eq!(net.node(members[1]).message_count(), 0);
}

#[test]
fn withholding_refusing_and_wrong_clocks() {
    let mut net = Net::new(&[(7, 1)]);
    let keys = keys(1);
    let node = net.members(&keys.account_id())[0];
    net.store(node, &message(keys.account_id(), "hello"));
    assert_eq!(net.read(node, &keys).len(), 1);
    net.node(node).policy_mut().withhold = true;
    assert_eq!(net.read(node, &keys).len(), 0);
    *net.node(node).policy_mut() = Policy { refuse: true, ..Policy::default() };
    assert_eq!(net.ask(node, Request::Info).status, 503);

    *net.node(node).policy_mut() = Policy { clock_offset_ms: -90_000, ..Policy::default() };
    assert_eq!(Info::parse(&net.ask(node, Request::Info).body).unwrap().timestamp, NOW - 90_000);
    let retrieve = Retrieve::signed(&keys, 0, None, None, None, NOW);
    assert_eq!(net.ask(node, Request::Retrieve(retrieve)).status, 406);
    // A fast clock expires early: that node's error, not the message's.
    net.node(node).policy_mut().clock_offset_ms = i64::try_from(DAY).unwrap();
    net.node(node).expire(NOW);
    assert_eq!(net.node(node).message_count(), 0);
}

#[test]
fn a_crash_forgets_requests_and_perhaps_messages() {
    let mut net = Net::new(&[(7, 2)]);
    let account = keys(1).account_id();
    let node = net.members(&account)[0];
    let handled = net.node(node).handle(Request::Store(message(account, "hello")), NOW);
    let Handled::Gather { ticket, .. } = handled else { panic!("two members") };
    net.node(node).crash(false);
    assert!(net.node(node).gather_timeout(ticket, NOW + 5_000).is_none());
    assert_eq!(net.node(node).message_count(), 1);
    net.node(node).crash(true);
    assert_eq!(net.node(node).message_count(), 0);
}

#[test]
fn answers_count_once_and_only_of_members_asked() {
    let mut net = Net::new(&[(7, 3), (u64::MAX / 2, 1)]);
    let keys = crate::net::keys_in(&net.view, 7);
    let members = net.members(&keys.account_id());
    let stranger = net.view.members(u64::MAX / 2)[0];
    let handled = net.node(members[0]).handle(Request::Store(message(keys.account_id(), "hello")), NOW);
    let Handled::Gather { ticket, forwards } = handled else { panic!("three members") };
    let answer = net.node(members[1]).receive(members[0], &forwards[0].message, NOW);
    assert!(net.node(stranger).receive(members[0], &forwards[0].message, NOW).is_none());
    let entry = net.node(members[0]);
    assert!(entry.peer_answered(ticket, stranger, answer.clone(), NOW).is_none());
    assert!(entry.peer_answered(ticket, members[1], answer.clone(), NOW).is_none());
    assert!(entry.peer_answered(ticket, members[1], answer.clone(), NOW).is_none());
    // The second member passes the first one's answer off as its own.
    let Some(Handled::Reply(reply)) = entry.peer_answered(ticket, members[2], answer, NOW) else {
        panic!("all have answered")
    };
    let stored = starling_protocol::rpc::reply::Stored::parse(&reply.body).unwrap();
    let failed: Vec<_> = stored.members.iter().map(|member| member.failed).collect();
    assert_eq!(failed, [false, false, true]);
    assert!(net.node(members[0]).gather_timeout(ticket, NOW).is_none());
}
