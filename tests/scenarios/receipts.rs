//! Receipts that are forged, replayed, doubled, or for another message: "stored k of n" counts none of
//! them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use starling_protocol::rpc::Request;
use starling_protocol::rpc::reply::{MemberReceipt, Stored};
use starling_protocol::{AccountKeys, NodeKey, Seed};
use starling_sim::{Act, Fault, MINUTE_MS, World};
use starling_simnet::Reply;
use starling_store::MessageState;

use crate::stage::*;

/// Two swarms of seven that do not replicate: every honest receipt is one member's own.
fn receipts_of_their_own(seed: u64) -> World {
    let mut world = settled(sevens(seed));
    without_replication(&mut world);
    world
}

/// Alters the answers of these servers to stores that succeeded.
fn alter(
    world: &mut World,
    servers: &[usize],
    altered: &Count,
    change: impl Fn(&mut Stored) + Send + Clone + 'static,
) {
    for server in servers {
        let (altered, change) = (altered.clone(), change.clone());
        world.meddle(*server, move |request, reply| {
            let (Request::Store(_), Ok(mut stored)) = (request, Stored::parse(&reply.body)) else {
                return reply;
            };
            altered.add();
            change(&mut stored);
            Reply { status: reply.status, body: stored.to_json() }
        });
    }
}

/// Sends some messages; each one's k is the number of members that hold it.
fn assert_counts_are_true(world: &mut World, what: &str) {
    asleep(world, 1);
    for number in 0..6 {
        let known: BTreeSet<String> =
            holders(world, 1).into_iter().flat_map(|(_, held)| held).map(|held| held.hash).collect();
        let body = format!("message {number}");
        send(world, 0, &body);
        world.run_for(5 * MINUTE_MS);
        let new = |held: &starling_simnet::DumpedMessage| !known.contains(&held.hash);
        let holding = holders(world, 1).into_iter().filter(|(_, held)| held.iter().any(new)).count();
        let MessageState::Stored { k, n } = state(world, 0, &body) else {
            panic!("{what}: {:?}", state(world, 0, &body))
        };
        assert_eq!((k as usize, n), (holding, 7), "{what}: {body}");
        assert!(k > 3, "{what}: {body} is stored on {k} of 7");
    }
    world.act(1, Act::Foreground);
    assert_delivered(world, 6, what);
}

#[test]
fn a_lying_hash_counts_for_nothing() {
    let mut world = receipts_of_their_own(1_200);
    let liars: Vec<usize> = world.swarm_of(1).into_iter().take(2).collect();
    for liar in &liars {
        world.fault(*liar, Fault::WrongHash);
    }
    let before = world.now_ms();
    assert_counts_are_true(&mut world, "lying hash");
    let asked = requests(&world, 0, before, is_store);
    let lied: usize = asked.iter().filter(|store| liars.contains(&way(&world, store).1)).count();
    assert!(lied >= 1, "a liar was asked");
}

#[test]
fn forged_receipts_of_peers_count_for_nothing() {
    let mut world = receipts_of_their_own(1_210);
    let swarm = world.swarm_of(1);
    let keys: Vec<_> = swarm.iter().map(|server| world.listed(*server).unwrap().key).collect();
    let forged = Count::default();
    alter(&mut world, &swarm[..3], &forged, move |stored| {
        let own = stored.members[0].clone();
        let peers = keys.iter().filter(|key| **key != own.node);
        let forge = |key: &NodeKey| MemberReceipt { node: *key, signature: Some([7; 64]), ..own.clone() };
        stored.members.extend(peers.map(forge));
    });
    assert_counts_are_true(&mut world, "forged");
    assert!(forged.get() > 0, "receipts were forged");
}

#[test]
fn a_node_that_forges_and_keeps_nothing_is_not_counted_beyond_itself() {
    let mut world = settled(sevens(1_215));
    let liars: Vec<usize> = world.swarm_of(1).into_iter().take(2).collect();
    for liar in &liars {
        world.fault(*liar, Fault::ForgeReceipts);
    }
    let before = world.now_ms();
    talk(&mut world, 20);
    assert_delivered(&mut world, 20, "forger");
    let asked = requests(&world, 0, before, is_store);
    assert!(asked.iter().any(|store| liars.contains(&way(&world, store).1)), "a forger was asked");
    // The witness of every step compared "stored k of n" with what the members hold.
    assert_eq!(world.violations(), []);
}

#[test]
fn receipts_replayed_from_another_message_count_for_nothing() {
    for claims_the_new_hash in [true, false] {
        let mut world = receipts_of_their_own(1_220);
        let swarm = world.swarm_of(1);
        let earlier: Arc<Mutex<Vec<MemberReceipt>>> = Arc::default();
        let replayed = Count::default();
        for server in &swarm {
            let (earlier, replayed) = (earlier.clone(), replayed.clone());
            world.meddle(*server, move |request, reply| {
                let (Request::Store(_), Ok(mut stored)) = (request, Stored::parse(&reply.body)) else {
                    return reply;
                };
                let hash = stored.hash.clone();
                let genuine = stored.members.clone();
                let mut earlier = earlier.lock().unwrap();
                for old in earlier.iter().filter(|old| old.hash != hash && old.node != genuine[0].node) {
                    replayed.add();
                    let hash = if claims_the_new_hash { hash.clone() } else { old.hash.clone() };
                    stored.members.push(MemberReceipt { hash, ..old.clone() });
                }
                earlier.extend(genuine);
                Reply { status: reply.status, body: stored.to_json() }
            });
        }
        asleep(&mut world, 1);
        for number in 0..4 {
            let known: BTreeSet<String> =
                holders(&world, 1).into_iter().flat_map(|(_, held)| held).map(|held| held.hash).collect();
            let body = format!("message {number}");
            send(&mut world, 0, &body);
            world.run_for(5 * MINUTE_MS);
            let new = |held: &starling_simnet::DumpedMessage| !known.contains(&held.hash);
            let holding = holders(&world, 1).into_iter().filter(|(_, held)| held.iter().any(new)).count();
            let MessageState::Stored { k, .. } = state(&world, 0, &body) else {
                panic!("{:?}", state(&world, 0, &body))
            };
            assert_eq!(k as usize, holding, "{body}");
        }
        assert!(replayed.get() > 0, "receipts were replayed");
        world.act(1, Act::Foreground);
        assert_delivered(&mut world, 4, "replayed");
    }
}

#[test]
fn a_receipt_given_twice_counts_once() {
    let mut world = receipts_of_their_own(1_230);
    let swarm = world.swarm_of(1);
    let doubled = Count::default();
    alter(&mut world, &swarm, &doubled, |stored| {
        let own = stored.members[0].clone();
        stored.members.extend(std::iter::repeat_n(own, 6));
    });
    assert_counts_are_true(&mut world, "doubled");
    assert!(doubled.get() > 0, "receipts were doubled");
}

#[test]
fn receipts_of_keys_outside_the_swarm_count_for_nothing() {
    let mut world = receipts_of_their_own(1_240);
    let swarm = world.swarm_of(1);
    let invented = Count::default();
    // Keys that anybody can make sign the right hash, and rightly so.
    let sybils: Vec<AccountKeys> =
        (1..=6).map(|number| AccountKeys::from_seed(&Seed::from_bytes(&[number; 16]).unwrap())).collect();
    let sybils = Arc::new(sybils);
    alter(&mut world, &swarm[..3], &invented, move |stored| {
        let own = stored.members[0].clone();
        let hash = own.hash.clone().unwrap();
        stored.members.extend(sybils.iter().map(|keys| MemberReceipt {
            node: NodeKey(keys.ed25519_public()),
            signature: Some(keys.sign(hash.as_bytes())),
            ..own.clone()
        }));
    });
    assert_counts_are_true(&mut world, "sybils");
    assert!(invented.get() > 0, "receipts were invented");
}
