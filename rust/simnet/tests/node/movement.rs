use std::collections::BTreeSet;

use starling_protocol::swarm::UNASSIGNED;
use starling_protocol::{AccountId, NodeKey, ServiceNode, SwarmId};
use starling_simnet::Policy;

use crate::net::{NOW, Net, keys, message};

const A: SwarmId = 1 << 62;
const B: SwarmId = 3 << 62;
const BETWEEN: SwarmId = 2 << 62;

/// Two swarms of three, a message for each of 40 accounts.
fn filled() -> (Net, Vec<AccountId>) {
    let mut net = Net::new(&[(A, 3), (B, 3)]);
    let accounts: Vec<AccountId> = (0..40).map(|number| keys(number).account_id()).collect();
    for account in &accounts {
        net.store(net.members(account)[0], &message(*account, "hello"));
    }
    (net, accounts)
}

/// Every member of an account's present swarm has its message, once.
fn check(net: &Net, accounts: &[AccountId], absent: &BTreeSet<NodeKey>) {
    for account in accounts {
        for member in net.members(account).iter().filter(|key| !absent.contains(key)) {
            let dump = net.nodes[member].dump();
            assert_eq!(
                dump.iter()
                    .filter(|message| message.account == *account && message.data == "aGVsbG8=")
                    .count(),
                1
            );
        }
    }
}

fn with_swarm(listed: Vec<ServiceNode>, key: NodeKey, swarm_id: SwarmId) -> Vec<ServiceNode> {
    listed
        .into_iter()
        .map(|node| if node.key == key { ServiceNode { swarm_id, ..node } } else { node })
        .collect()
}

#[test]
fn a_newcomer_gets_what_its_swarm_keeps() {
    let (mut net, accounts) = filled();
    let newcomer = net.spawn(A);
    let mut listed = net.listed();
    listed.push(newcomer.clone());
    net.change(listed);
    check(&net, &accounts, &BTreeSet::new());
    let kept = net.nodes[&newcomer.key].message_count();
    assert!(kept > 0 && kept < 40, "only its own swarm's: {kept}");
}

#[test]
fn a_node_that_moves_gets_what_its_new_swarm_keeps() {
    let (mut net, accounts) = filled();
    let mover = net.view.members(A)[0];
    let moved = with_swarm(net.listed(), mover, B);
    net.change(moved);
    check(&net, &accounts, &BTreeSet::new());
    assert_eq!(net.nodes[&mover].message_count(), 40, "what it had stays until it expires");
}

#[test]
fn a_decommissioned_node_serves_nobody_and_catches_up() {
    let (mut net, accounts) = filled();
    let member = net.view.members(A)[0];
    net.change(with_swarm(net.listed(), member, UNASSIGNED));
    let account = *accounts.iter().find(|account| net.view.swarm_of(account) == Some(A)).unwrap();
    let late = message(account, "late");
    net.store(net.members(&account)[0], &late);
    assert_eq!(net.ask(member, starling_protocol::rpc::Request::Info).status, 503);
    assert!(net.nodes[&member].dump().iter().all(|message| message.data != *late.data));
    net.change(with_swarm(net.listed(), member, A));
    assert!(net.nodes[&member].dump().iter().any(|message| message.data == *late.data));
    check(&net, &accounts, &BTreeSet::new());
}

#[test]
fn a_new_swarm_gets_what_maps_to_it() {
    let (mut net, accounts) = filled();
    let mut listed = net.listed();
    listed.extend([net.spawn(BETWEEN), net.spawn(BETWEEN)]);
    net.change(listed);
    assert!(accounts.iter().any(|account| net.view.swarm_of(account) == Some(BETWEEN)));
    check(&net, &accounts, &BTreeSet::new());
}

#[test]
fn a_dissolved_swarm_hands_everything_over() {
    let (mut net, accounts) = filled();
    let members = net.view.members(A).to_vec();
    let mut listed = net.listed();
    // Two leave for good, the last is moved to the other swarm.
    listed.retain(|node| node.key != members[0] && node.key != members[1]);
    net.change(with_swarm(listed, members[2], B));
    assert_eq!(net.view.swarm_ids(), [B]);
    check(&net, &accounts, &BTreeSet::new());
}

#[test]
fn a_leaver_takes_nothing_from_the_others() {
    let (mut net, accounts) = filled();
    let leaver = net.view.members(B)[1];
    let mut listed = net.listed();
    listed.retain(|node| node.key != leaver);
    net.change(listed);
    check(&net, &accounts, &BTreeSet::new());
}

#[test]
fn expiry_moves_with_the_message() {
    let (mut net, _) = filled();
    let newcomer = net.spawn(A);
    let mut listed = net.listed();
    listed.push(newcomer.clone());
    net.now = NOW + crate::net::DAY - 1;
    net.change(listed);
    let node = net.node(newcomer.key);
    assert!(node.message_count() > 0);
    node.expire(NOW + crate::net::DAY);
    assert_eq!(node.message_count(), 0);
}

#[test]
fn strangers_dump_nothing() {
    let (mut net, _) = filled();
    let stranger = net.spawn(A);
    let mut listed = net.listed();
    listed.push(stranger.clone());
    let (giver, taker) = (net.view.members(A)[0], net.view.members(B)[0]);
    let view = std::sync::Arc::new(starling_simnet::NetworkView::new(listed));
    let dump = net.node(giver).set_view(view).remove(0);
    let before = net.nodes[&taker].message_count();
    net.node(taker).receive(stranger.key, &dump.message, NOW);
    assert_eq!(net.nodes[&taker].message_count(), before);
    net.node(taker).receive(giver, &dump.message, NOW);
    assert!(net.nodes[&taker].message_count() > before);
}

#[test]
fn data_moves_without_replication_too() {
    let (mut net, accounts) = filled();
    for node in net.nodes.values_mut() {
        *node.policy_mut() = Policy { replication: false, ..Policy::default() };
    }
    let newcomer = net.spawn(A);
    let mut listed = net.listed();
    listed.push(newcomer);
    net.change(listed);
    check(&net, &accounts, &BTreeSet::new());
}
