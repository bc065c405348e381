//! Acknowledgements, second lives, ends.

use starling_protocol::rpc::decode_data;
use starling_store::{MessageKind, MessageState, Relation};

use super::bench::{Bench, DAY, HOUR, MINUTE, SECOND};
use super::hostile::frame_in;
use crate::friends::Command;

#[test]
fn delivered_is_never_said_before_the_recipients_commit() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let sent = bench.take_from(0);
    bench.put(1, &sent);
    bench.pass(SECOND);
    assert!(matches!(bench.ends[0].state("text 1"), MessageState::Stored { .. }));
    assert!(bench.take_from(1).is_empty(), "nothing is acknowledged that was not read");
    bench.poll(1);
    assert_eq!(bench.ends[1].texts(), ["text 1"]);
    bench.pass(3 * SECOND);
    let acks = bench.take_from(1);
    assert!(matches!(bench.ends[0].state("text 1"), MessageState::Stored { .. }));
    bench.deliver(0, &acks);
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Delivered);
}

#[test]
fn an_acknowledgement_is_not_acknowledged_and_lives_four_days() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let sent = bench.take_from(0);
    bench.deliver(1, &sent);
    bench.pass(3 * SECOND);
    let acks = bench.take_from(1);
    assert_eq!(acks.len(), 1);
    assert_eq!(acks[0].ttl_ms, 4 * DAY);
    bench.deliver(0, &acks);
    bench.pass(HOUR);
    assert!(bench.take_wire().is_empty());
    let signals = |end: usize| {
        bench.ends[end].messages().iter().filter(|message| message.kind == MessageKind::Signal).count()
    };
    assert_eq!((signals(0), signals(1)), (0, 0), "its row goes when it is stored");
}

#[test]
fn an_answer_within_two_seconds_carries_the_acknowledgement() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let sent = bench.take_from(0);
    bench.deliver(1, &sent);
    bench.pass(SECOND);
    bench.send(1, "text 2");
    bench.pass(10 * SECOND);
    let answer = bench.take_from(1);
    assert_eq!(answer.len(), 1, "no message of its own");
    bench.deliver(0, &answer);
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Delivered);
}

#[test]
fn acknowledgements_of_a_batch_are_one_message() {
    let mut bench = Bench::friends();
    for number in 0..20 {
        bench.send(0, &format!("text {number}"));
    }
    let sent = bench.take_from(0);
    bench.deliver(1, &sent);
    bench.pass(10 * SECOND);
    let acks = bench.take_from(1);
    assert_eq!(acks.len(), 1);
    bench.deliver(0, &acks);
    assert_eq!(bench.ends[0].state("text 19"), MessageState::Delivered);
}

#[test]
fn an_acknowledgement_names_the_contiguous_place_and_what_lies_above() {
    let mut bench = Bench::friends();
    for number in 1..=3 {
        bench.send(0, &format!("text {number}"));
    }
    let sent = bench.take_from(0);
    bench.deliver(1, &sent[2..]);
    bench.pass(10 * SECOND);
    let acks = bench.take_from(1);
    bench.deliver(0, &acks);
    assert!(matches!(bench.ends[0].state("text 1"), MessageState::Stored { .. }));
    assert_eq!(bench.ends[0].state("text 3"), MessageState::Delivered);
}

#[test]
fn every_attempt_and_round_sends_the_same_bytes() {
    let mut bench = Bench::friends();
    bench.settle();
    let before = bench.stores.len();
    bench.mute_stores = true;
    bench.send(0, "text 1");
    bench.pass(20 * MINUTE);
    bench.restart(0);
    bench.pass(20 * MINUTE);
    bench.mute_stores = false;
    bench.pass(20 * MINUTE);
    let attempts = &bench.stores[before..];
    assert!(attempts.len() > 6, "{}", attempts.len());
    assert!(attempts.iter().all(|attempt| attempt.data == attempts[0].data));
    assert!(matches!(bench.ends[0].state("text 1"), MessageState::Stored { .. }));
}

#[test]
fn what_nobody_acknowledged_is_stored_again_once_at_four_fifths_of_its_life() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let lost = bench.take_from(0);
    assert_eq!(lost[0].ttl_ms, 14 * DAY);
    bench.sleep(11 * DAY);
    assert!(bench.take_from(0).is_empty(), "79 %");
    bench.sleep(6 * HOUR);
    let again = bench.take_from(0);
    assert_eq!(again.len(), 2, "the text, and a bundle, because the session is old");
    assert_ne!(again[0].hash, lost[0].hash, "an old receipt proves an old store");
    let frames: Vec<_> = [&lost, &again].map(|mails| frame_in(&bench.ends[1], &mails[0].data).hash()).into();
    assert_ne!(frames[0], frames[1]);
    bench.deliver(1, &lost);
    bench.deliver(1, &again);
    assert_eq!(bench.ends[1].texts(), ["text 1"], "the same id");
    bench.settle();
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Delivered);
}

#[test]
fn what_nobody_acknowledged_expires_in_the_end() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let mut stored = 0;
    for _ in 0..24 {
        stored += bench.take_from(0).len();
        assert!(matches!(bench.ends[0].state("text 1"), MessageState::Stored { .. }));
        bench.sleep(DAY);
    }
    assert_eq!(stored, 3, "the text twice, and a bundle, because the session is old");
    bench.sleep(2 * DAY);
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Expired);
    bench.sleep(20 * DAY);
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Expired);
}

#[test]
fn an_accept_is_durable_and_repeated_until_acknowledged() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.flow();
    bench.decide(1, 0, Command::Accept);
    let lost = bench.take_from(1);
    assert_eq!(lost.len(), 1);
    bench.sleep(11 * DAY + 6 * HOUR);
    let again = bench.take_from(1);
    assert_eq!(again.len(), 1);
    bench.deliver(0, &again);
    bench.settle();
    for end in &bench.ends {
        assert_eq!(end.contact().relation, Relation::Friend);
    }
    bench.sleep(30 * DAY);
    assert!(bench.take_from(1).is_empty(), "acknowledged");
}

#[test]
fn every_stored_message_has_the_length_of_a_class() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.settle();
    bench.decide(1, 0, Command::Accept);
    for (number, length) in
        [1, 100, 446, 447, 500, 1_000, 2_000, 5_000, 20_000, 60_000].into_iter().enumerate()
    {
        bench.send(number % 2, &"x".repeat(length));
        bench.settle();
    }
    bench.sleep(8 * DAY);
    bench.send(0, "after a week");
    bench.settle();
    let classes = [768, 1_536, 3_072, 6_144, 12_288, 24_576, 49_152, 76_800];
    for mail in &bench.stores {
        let bytes = decode_data(&mail.data).unwrap().len();
        assert!(classes.contains(&bytes) || mail.data.len() == 4_092, "{bytes} bytes");
    }
    assert!(bench.stores.len() > 20);
}

#[test]
fn the_largest_text_fits_a_prekey_frame() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.flow();
    bench.decide(1, 0, Command::Accept);
    let largest = format!("text {}", "x".repeat(crate::largest_text() - 5));
    bench.send(1, &largest);
    let mails = bench.take_from(1);
    assert!(mails.iter().all(|mail| frame_in(&bench.ends[0], &mail.data).is_prekey()));
    bench.deliver(0, &mails);
    assert_eq!(bench.ends[0].texts(), [largest]);
}

#[test]
fn a_largest_text_leaves_the_acknowledgement_to_the_next_message() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let sent = bench.take_from(0);
    bench.deliver(1, &sent);
    let largest = "x".repeat(crate::largest_text());
    bench.send(1, &largest);
    bench.pass(10 * SECOND);
    let mails = bench.take_from(1);
    assert_eq!(mails.len(), 2);
    bench.deliver(0, &mails);
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Delivered);
}
