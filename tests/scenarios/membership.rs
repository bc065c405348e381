//! Swarms that are not where they were, and nodes that say so.

use std::collections::BTreeSet;

use starling_core::Purpose;
use starling_protocol::rpc::Request;
use starling_protocol::rpc::reply::{ListedNode, NodeList, Swarm};
use starling_sim::{Act, Change, DAY_MS, Departure, HOUR_MS, MINUTE_MS, World};
use starling_simnet::Reply;
use starling_store::MessageState;

use crate::stage::*;

fn is_directory(departure: &Departure) -> bool {
    matches!(departure.request.purpose, Purpose::Directory | Purpose::Bootstrap)
}

#[test]
fn a_swarm_replaced_between_two_sends_is_found_within_seconds_and_no_send_fails() {
    for seed in 1_100..1_105 {
        let mut world = settled(sevens(seed));
        send(&mut world, 0, "to the old swarm");
        world.run_for(MINUTE_MS);
        let old: BTreeSet<usize> = world.swarm_of(1).into_iter().collect();
        for server in &old {
            world.change(Change::Join(*server));
        }
        world.run_for(MINUTE_MS);
        for server in &old {
            world.change(Change::Leave(*server));
        }
        let new: BTreeSet<usize> = world.swarm_of(1).into_iter().collect();
        assert!(new.is_disjoint(&old) && new.len() == 7);

        let before = world.now_ms();
        send(&mut world, 0, "to the new swarm");
        let stored = run_until(&mut world, 30_000, |world| {
            matches!(state(world, 0, "to the new swarm"), MessageState::Stored { .. })
        });
        let rounds = waves(&world, &requests(&world, 0, before, is_store));
        assert!(stored.is_some(), "seed {seed}: {rounds:?}");
        assert!(rounds[0].1.is_subset(&old), "seed {seed}: the first round asks members that are gone");
        // Guards may be among those that left; finding that out costs rounds of its own.
        assert!(rounds.len() <= 6, "seed {seed}: {rounds:?}");
        assert_delivered(&mut world, 2, "replaced");
    }
}

/// A swarm listing that names only this server, whatever was asked.
fn listing_of(world: &World, server: usize) -> Vec<u8> {
    let node = world.listed(server).unwrap();
    let only = ListedNode { key: node.key, x25519: node.x25519, ip: node.ip, port: node.port };
    Swarm { nodes: vec![only], swarm_id: Some(node.swarm_id), t: None }.to_json()
}

#[test]
fn a_lying_get_swarm_sends_no_message_astray() {
    let mut world = settled(sevens(1_110));
    let swarm: BTreeSet<usize> = world.swarm_of(1).into_iter().collect();
    let stranger = (0..14).find(|server| !swarm.contains(server)).unwrap();
    let lies = Count::default();
    for server in 0..14 {
        let (body, lies) = (listing_of(&world, stranger), lies.clone());
        world.meddle(server, move |request, reply| match request {
            Request::GetSwarm { .. } => {
                lies.add();
                Reply { status: 200, body: body.clone() }
            }
            _ => reply,
        });
    }
    let before = world.now_ms();
    for number in 0..5 {
        send(&mut world, 0, &format!("message {number}"));
        world.run_for(10_000);
    }
    assert!(lies.get() > 0, "the lie was told");
    for store in requests(&world, 0, before, is_store) {
        assert!(swarm.contains(&way(&world, &store).1), "stored outside the swarm");
    }
    assert_delivered(&mut world, 5, "lying get_swarm");
}

#[test]
fn a_member_that_disowns_every_account_is_worked_around() {
    let mut world = settled(sevens(1_115));
    let swarm = world.swarm_of(1);
    let stranger = (0..14).find(|server| !swarm.contains(server)).unwrap();
    let lies = Count::default();
    for liar in swarm.iter().take(2) {
        let (body, lies) = (listing_of(&world, stranger), lies.clone());
        world.meddle(*liar, move |request, reply| match request {
            Request::Store(_) | Request::Retrieve(_) => {
                lies.add();
                Reply { status: 421, body: body.clone() }
            }
            _ => reply,
        });
    }
    let before = world.now_ms();
    talk(&mut world, 20);
    assert!(lies.get() > 2, "{} lies", lies.get());
    assert_delivered(&mut world, 20, "disowned");
    world.run_for(HOUR_MS);
    let renewals = requests(&world, 0, before, is_directory).len();
    assert!(renewals <= 3 * 30, "{renewals} list requests because of two liars");
}

#[test]
fn a_dissolved_own_swarm_moves_with_its_messages() {
    let mut world = settled(World::setup(1_120).nodes(21).swarm_size(7).recorded());
    world.act(1, Act::Background { grace_ms: 1_000 });
    world.run_for(MINUTE_MS);
    send(&mut world, 0, "before the end");
    world.run_for(MINUTE_MS);
    let old: BTreeSet<usize> = world.swarm_of(1).into_iter().collect();
    for server in &old {
        world.change(Change::Decommission(*server));
    }
    let new: BTreeSet<usize> = world.swarm_of(1).into_iter().collect();
    assert!(!new.is_empty() && new.is_disjoint(&old), "the account belongs to another swarm now");
    let before = world.now_ms();
    world.act(1, Act::Foreground);
    send(&mut world, 0, "after the end");
    talk(&mut world, 4);
    assert_delivered(&mut world, 6, "decommissioned");
    let polled = requests(&world, 1, before, is_retrieve);
    assert!(polled.iter().any(|ask| old.contains(&way(&world, ask).1)), "at first the old swarm is asked");
    assert!(polled.iter().any(|ask| new.contains(&way(&world, ask).1)));
}

/// These servers tell a list of their own.
fn split(world: &mut World, tellers: &[usize], list: &[usize], told: &Count) {
    let nodes = list.iter().map(|server| world.listed(*server).unwrap().clone()).collect();
    let body = NodeList { nodes }.to_json(1_700_000_000_000);
    for server in tellers {
        let (body, told) = (body.clone(), told.clone());
        world.meddle(*server, move |request, reply| match request {
            Request::OxendRequest(_) => {
                told.add();
                Reply { status: 200, body: body.clone() }
            }
            _ => reply,
        });
    }
}

#[test]
fn a_split_directory_splits_no_conversation() {
    for seed in 1_130..1_135 {
        let mut world = settled(sevens(seed));
        let told = Count::default();
        // Six of fourteen have lost sight of the rest, and believe in themselves alone.
        let island: Vec<usize> = (0..6).collect();
        split(&mut world, &island, &island, &told);
        for day in 0..4 {
            world.run_for(DAY_MS);
            talk(&mut world, 4);
            assert_delivered(&mut world, 4 * (day + 1), &format!("seed {seed}, day {day}"));
        }
        assert!(told.get() > 0, "seed {seed}: the split list was told");
        for device in 0..2 {
            assert_eq!(world.status(device).unwrap().nodes, 14, "seed {seed}: the list is whole");
        }
    }
}

#[test]
fn a_split_down_the_middle_heals_once_the_network_agrees_again() {
    for seed in 1_140..1_145 {
        let mut world = settled(sevens(seed));
        let told = Count::default();
        let (one, other): (Vec<usize>, Vec<usize>) = ((0..7).collect(), (7..14).collect());
        split(&mut world, &one, &one, &told);
        split(&mut world, &other, &other, &told);
        world.run_for(2 * DAY_MS);
        talk(&mut world, 4);
        world.run_for(HOUR_MS);
        assert!(told.get() > 0, "seed {seed}: the split lists were told");
        let whole: Vec<usize> = (0..14).collect();
        split(&mut world, &whole, &whole, &told);
        world.run_for(2 * DAY_MS);
        assert_delivered(&mut world, 4, &format!("seed {seed}"));
        assert_eq!(world.status(0).unwrap().nodes, 14, "seed {seed}");
    }
}
