//! Redundancy is real: three stores and three reads carry a message even if no node helps.

use std::collections::BTreeSet;

use starling_sim::{Act, MINUTE_MS, World};
use starling_store::MessageState;

use crate::stage::*;

#[test]
fn without_replication_exactly_three_members_hold_the_same_message() {
    for seed in 1_000..1_010 {
        let setup = World::setup(seed).nodes(10).swarm_size(5).difficulty(2).recorded();
        let mut world = settled(setup);
        without_replication(&mut world);
        // The first message meets the demand for work; the second one knows it.
        send(&mut world, 0, "first");
        world.run_for(MINUTE_MS);
        asleep(&mut world, 1);
        let before = world.now_ms();
        let account = world.account(1).unwrap();
        let known: BTreeSet<String> =
            holders(&world, 1).into_iter().flat_map(|(_, held)| held).map(|held| held.hash).collect();
        send(&mut world, 0, "second");
        world.run_for(MINUTE_MS);

        let stores = requests(&world, 0, before, is_store);
        assert_eq!(waves(&world, &stores).len(), 1, "one round is enough in a swarm of five");
        let mut holding = BTreeSet::new();
        let mut copies = BTreeSet::new();
        for (server, held) in holders(&world, 1) {
            for message in held.into_iter().filter(|held| !known.contains(&held.hash)) {
                assert_eq!(message.account, account);
                assert!(message.nonce.is_some(), "work was asked for");
                holding.insert(server);
                copies.insert((message.timestamp, message.nonce, message.data));
            }
        }
        assert_eq!((holding.len(), copies.len()), (3, 1), "seed {seed}: three members, one message");
        let members: BTreeSet<usize> = world.swarm_of(1).into_iter().collect();
        assert!(holding.is_subset(&members));
        assert_eq!(state(&world, 0, "second"), MessageState::Stored { k: 3, n: 5 });
        world.act(1, Act::Foreground);
        assert_delivered(&mut world, 2, "three copies");
    }
}

/// A world in which a message for device 1, which sleeps, lies on these members of its swarm only.
/// `kept` chooses among the seven.
fn lying_on(seed: u64, kept: impl Fn(usize) -> bool) -> World {
    let mut world = settled(sevens(seed));
    asleep(&mut world, 1);
    send(&mut world, 0, "kept by few");
    world.run_for(MINUTE_MS);
    let everywhere = holders(&world, 1);
    assert_eq!(everywhere.len(), 7, "replicated");
    let message = as_sent(&everywhere[0].1[0]);
    for (server, _) in everywhere.into_iter().filter(|(server, _)| !kept(*server)) {
        world.change(starling_sim::Change::Wipe(server));
    }
    let left: Vec<usize> = holders(&world, 1).into_iter().map(|(server, _)| server).collect();
    assert!(left.iter().all(|server| kept(*server)), "{message:?}");
    world
}

/// Which members the polls of device 1 asked until it had the message.
fn polls_until_found(world: &mut World) -> Vec<BTreeSet<usize>> {
    let before = world.now_ms();
    assert!(world.events(1).is_empty());
    world.act(1, Act::Foreground);
    let found = run_until(world, 10 * MINUTE_MS, |world| !world.events(1).is_empty());
    let found = found.expect("the message is found");
    let asked: Vec<_> =
        requests(world, 1, before, is_retrieve).into_iter().filter(|ask| ask.at < found).collect();
    waves(world, &asked).into_iter().map(|(_, wave)| wave).collect()
}

#[test]
fn a_message_on_one_member_only_is_found_within_three_polls() {
    let mut longest = 0;
    for member in 0..7 {
        let only = settled(sevens(1_020)).swarm_of(1)[member];
        let mut world = lying_on(1_020, |server| server == only);
        let polls = polls_until_found(&mut world);
        assert!(polls.len() <= 3, "only server {only} had it: {polls:?}");
        assert!(polls.iter().any(|poll| poll.contains(&only)));
        longest = longest.max(polls.len());
        assert_delivered(&mut world, 1, "one copy");
    }
    assert!(longest > 1, "some member is not asked in the first poll");
}

#[test]
fn a_message_missing_on_the_first_trio_of_seven_is_found_within_two_polls() {
    for seed in 1_040..1_050 {
        // The same seed draws the same trio, so a first run tells whom the second run must rob.
        let first = polls_until_found(&mut lying_on(seed, |_| true)).remove(0);
        assert_eq!(first.len(), 3);
        let mut world = lying_on(seed, |server| !first.contains(&server));
        let polls = polls_until_found(&mut world);
        assert_eq!(polls[0], first, "seed {seed}: the first trio are those that lack it");
        assert_eq!(polls.len(), 2, "seed {seed}: {polls:?}");
        assert!(polls[1].is_disjoint(&first), "drawn without replacement");
        assert_delivered(&mut world, 1, "four copies");
    }
}
