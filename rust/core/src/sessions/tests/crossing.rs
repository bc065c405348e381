//! Crossings, with every subset of the first messages lost.

use starling_store::{MessageState, Relation};

use super::bench::{Bench, DAY, MINUTE, SECOND};

/// Messages of which every subset is lost.
const LOSSES: u32 = 5;

/// Runs a crossing with the messages of `mask` lost, in the order in which they are stored, then lets
/// twenty-odd days pass, in which everything has its second life.
fn lossy(bench: &mut Bench, mask: u32) {
    let mut number = 0;
    for _ in 0..20 {
        for mail in bench.take_wire() {
            let lost = number < LOSSES && mask & (1 << number) != 0;
            number += 1;
            if !lost {
                bench.deliver(1 - mail.from, std::slice::from_ref(&mail));
            }
        }
        bench.pass(5 * SECOND);
    }
    for _ in 0..4 {
        bench.sleep(6 * DAY);
        bench.settle();
        bench.pass(11 * MINUTE);
        bench.settle();
    }
}

fn talks(bench: &mut Bench, mask: u32) {
    for (end, text) in [(0, "text last of 0"), (1, "text last of 1")] {
        bench.send(end, text);
        bench.settle();
        bench.pass(11 * MINUTE);
        bench.settle();
        assert_eq!(bench.ends[end].state(text), MessageState::Delivered, "mask {mask:b}");
    }
    let preferred = [0, 1].map(|end| bench.ends[end].preferred().session_id);
    assert_eq!(preferred[0], preferred[1], "mask {mask:b}: split");
}

#[test]
fn crossing_requests_with_any_messages_lost_end_in_one_friendship_without_a_prompt() {
    for mask in 0..1 << LOSSES {
        let mut bench = Bench::strangers();
        bench.request(0, 1, "hello");
        bench.request(1, 0, "hello too");
        lossy(&mut bench, mask);
        let relations = [0, 1].map(|end| bench.ends[end].contact().relation);
        if mask & 0b11 == 0b11 {
            assert_eq!(relations, [Relation::Stranger; 2], "mask {mask:b}: both requests are lost");
            continue;
        }
        assert_eq!(relations, [Relation::Friend; 2], "mask {mask:b}");
        for end in [0, 1] {
            let events = bench.ends[end].events();
            assert!(!events.contains(&"request".into()), "mask {mask:b}: {events:?}");
            assert_eq!(events.iter().filter(|line| *line == "friend").count(), 1, "mask {mask:b}");
        }
        talks(&mut bench, mask);
    }
}

#[test]
fn crossing_rekeys_with_any_messages_lost_end_in_one_session() {
    for mask in 0..1 << LOSSES {
        let mut bench = Bench::friends();
        for end in [0, 1] {
            bench.send(end, &format!("text of {end}"));
        }
        let sent = bench.take_wire();
        for end in [0, 1] {
            let conversation = bench.ends[end].contact().conversation;
            bench.ends[end].store.transact(|tx| tx.erase_sessions(conversation)).unwrap();
        }
        // Both see a frame that they cannot open, and ask at the same time.
        for mail in &sent {
            bench.put(1 - mail.from, std::slice::from_ref(mail));
        }
        bench.poll(0);
        bench.poll(1);
        lossy(&mut bench, mask);
        for end in [0, 1] {
            let mut texts = bench.ends[end].events();
            texts.retain(|line| line.contains("text"));
            assert_eq!(texts.len(), 1, "mask {mask:b}: {texts:?}");
            let prompts = bench.ends[end].events().iter().filter(|line| *line == "request").count();
            assert_eq!(prompts, end, "mask {mask:b}: only the one of the beginning");
        }
        talks(&mut bench, mask);
    }
}

#[test]
fn an_accepted_request_with_any_messages_lost_becomes_a_friendship_on_both_sides() {
    for mask in 0..1 << LOSSES {
        let mut bench = Bench::strangers();
        bench.request(0, 1, "hello");
        bench.send(0, "text of 0");
        bench.flow();
        bench.decide(1, 0, crate::friends::Command::Accept);
        lossy(&mut bench, mask);
        let relations = [0, 1].map(|end| bench.ends[end].contact().relation);
        assert_eq!(relations, [Relation::Friend; 2], "mask {mask:b}");
        talks(&mut bench, mask);
    }
}
