//! A blocked account is not heard.

use starling_store::{MessageState, Relation};

use super::bench::{Bench, HOUR, MINUTE, SECOND};
use super::hostile::{Hostile, frame_in};
use crate::friends::Command;

#[test]
fn a_blocked_friend_leaves_no_row_no_event_and_no_mark() {
    let mut bench = Bench::friends();
    bench.decide(1, 0, Command::Block);
    let before = bench.ends[1].imprint();
    let stores = bench.stores.iter().filter(|mail| mail.from == 1).count();
    bench.send(0, "text 1");
    let mut friend = Hostile::of(&mut bench, 0);
    let stray = friend.stray([7; 32]);
    let (to, epoch) = (friend.peer, bench.network_s() + 9);
    let bundle = Some(friend.bundle(to, epoch));
    let sent_ms = bench.network_ms();
    let content = starling_protocol::Content { sent_ms, rekey: true, bundle, ..Default::default() };
    let rekey = friend.basic(&content);
    let sent = bench.take_from(0);
    bench.deliver(1, &sent);
    bench.deliver_data(1, &stray);
    bench.deliver_data(1, &rekey);
    bench.pass(HOUR);
    assert_eq!(bench.ends[1].imprint(), before);
    let hash = frame_in(&bench.ends[1], &sent[0].data).hash();
    assert!(bench.ends[1].read(|view| view.frame(&hash)).is_none());
    assert_eq!(bench.stores.iter().filter(|mail| mail.from == 1).count(), stores, "and no answer");
}

#[test]
fn a_blocked_stranger_leaves_no_row_and_no_event() {
    let mut bench = Bench::strangers();
    bench.decide(1, 0, Command::Block);
    bench.request(0, 1, "hello");
    bench.settle();
    assert!(bench.ends[1].events().is_empty());
    assert!(bench.ends[1].messages().is_empty());
    let contact = bench.ends[1].contact();
    assert!(contact.blocked && contact.relation == Relation::Stranger && contact.asked_bundle.is_none());
}

#[test]
fn a_block_survives_a_restart() {
    let mut bench = Bench::friends();
    bench.decide(1, 0, Command::Block);
    bench.restart(1);
    bench.pass(5 * SECOND);
    bench.send(0, "text 1");
    bench.settle();
    assert!(bench.ends[1].texts().is_empty());
}

#[test]
fn blocking_erases_prekeys() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.flow();
    bench.decide(0, 1, Command::Block);
    assert!(bench.ends[0].prekeys().is_empty());
}

#[test]
fn what_was_sent_while_blocked_is_consumed_unseen_and_unacknowledged() {
    let mut bench = Bench::friends();
    bench.decide(1, 0, Command::Block);
    bench.pass(MINUTE);
    for number in 1..=3 {
        bench.send(0, &format!("text {number}"));
    }
    let during = bench.take_from(0);
    bench.pass(MINUTE);
    bench.decide(1, 0, Command::Unblock);
    bench.pass(MINUTE);
    // It arrives only now.
    bench.deliver(1, &during);
    bench.pass(10 * SECOND);
    assert!(bench.ends[1].texts().is_empty());
    for mail in bench.take_from(1) {
        bench.deliver(0, &[mail]);
    }
    assert!(matches!(bench.ends[0].state("text 1"), MessageState::Stored { .. }));
    bench.send(0, "text 4");
    bench.settle();
    bench.pass(2 * MINUTE);
    assert_eq!(bench.ends[1].texts(), ["text 4"]);
    assert!(
        !bench.ends[1].events().iter().any(|line| line.starts_with("gap")),
        "{:?}",
        bench.ends[1].events()
    );
    assert!(matches!(bench.ends[0].state("text 1"), MessageState::Stored { .. }));
    assert_eq!(bench.ends[0].state("text 4"), MessageState::Delivered);
}

#[test]
fn the_first_seq_decrypted_after_a_block_is_the_base() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    bench.settle();
    bench.decide(1, 0, Command::Block);
    bench.pass(MINUTE);
    bench.send(0, "text 2");
    bench.settle();
    bench.decide(1, 0, Command::Unblock);
    bench.pass(MINUTE);
    bench.send(0, "text 3");
    bench.settle();
    bench.pass(2 * MINUTE);
    assert_eq!(bench.ends[1].texts(), ["text 1", "text 3"]);
    assert!(
        !bench.ends[1].events().iter().any(|line| line.starts_with("gap")),
        "{:?}",
        bench.ends[1].events()
    );
}

#[test]
fn a_block_is_silent_outward() {
    let mut bench = Bench::friends();
    bench.send(1, "text before");
    bench.send(0, "text 1");
    let theirs = bench.take_from(0);
    bench.deliver(1, &theirs);
    bench.decide(1, 0, Command::Block);
    bench.pass(MINUTE);
    bench.take_wire();
    bench.sleep(12 * crate::sessions::tests::bench::DAY);
    bench.pass(HOUR);
    assert!(bench.take_from(1).is_empty());
}
