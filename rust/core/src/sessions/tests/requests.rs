//! Requests: what waits with them, how they end.

use starling_protocol::content::MAX_INTRODUCTION_BYTES;
use starling_store::{MessageState, Relation};

use super::bench::{Bench, DAY, HOUR, MINUTE, SECOND};
use super::hostile::{content_in, opened};
use crate::error::CommandError;
use crate::friends::Command;
use crate::input;

#[test]
fn a_request_carries_its_bundle_and_one_expiry_for_both_sides() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    let request = bench.take_from(0).remove(0);
    let content = content_in(&bench.ends[1], &request.data);
    let (asked, bundle) = (content.request.unwrap(), content.bundle.unwrap());
    assert_eq!((asked.request_id, asked.expiry_s), (bundle.offer.request_id, bundle.offer.expiry_s));
    assert_eq!(request.ttl_ms, 14 * DAY);
    assert!(bundle.offer.expiry_s <= bench.network_s() + 14 * 86_400);
    bench.deliver(1, &[request]);
    let until = |end: usize| bench.ends[end].contact().until_s.unwrap();
    assert_eq!(until(0), until(1));
}

#[test]
fn a_long_text_to_a_stranger_needs_a_request() {
    let mut bench = Bench::strangers();
    let to = bench.ends[1].keys.account_id();
    let send = |bench: &mut Bench, length: usize| {
        bench.command(0, input::Command::Send { to, body: "x".repeat(length) });
        bench.ends[0].answers.last().unwrap().clone()
    };
    let refused = send(&mut bench, MAX_INTRODUCTION_BYTES + 1);
    assert_eq!(refused, Err(CommandError::NeedsFriendRequest { limit: MAX_INTRODUCTION_BYTES }));
    assert!(bench.take_from(0).is_empty());
    assert!(send(&mut bench, MAX_INTRODUCTION_BYTES).is_ok());
    let mails = bench.take_from(0);
    let content = content_in(&bench.ends[1], &mails[0].data);
    assert_eq!(content.body.unwrap().len(), MAX_INTRODUCTION_BYTES);
    assert_eq!(mails[0].data.len(), 4_092);
}

#[test]
fn text_queued_behind_a_request_waits_for_a_session() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.send(0, "text 1");
    bench.send(0, "text 2");
    assert_eq!(bench.take_wire().len(), 1, "only the request");
    bench.pass(HOUR);
    assert!(bench.take_wire().is_empty());
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Queued);
}

#[test]
fn text_queued_behind_a_request_is_shown_after_the_accept() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.send(0, "text 1");
    bench.settle();
    assert!(bench.ends[1].texts().is_empty());
    bench.decide(1, 0, Command::Accept);
    bench.settle();
    assert_eq!(bench.ends[1].texts(), ["text 1"]);
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Delivered);
}

#[test]
fn queued_text_expires_with_the_request() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.send(0, "text 1");
    bench.take_wire();
    bench.sleep(14 * DAY - HOUR);
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Queued);
    bench.sleep(2 * HOUR);
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Expired);
    assert_eq!(bench.ends[0].state("hello"), MessageState::Expired);
    assert_eq!(bench.ends[0].contact().relation, Relation::Stranger);
    assert_eq!(bench.ends[0].prekeys().len(), 1, "an accept may be on its way");
    assert!(bench.take_wire().is_empty(), "a request is not stored twice");
}

#[test]
fn a_late_accept_sent_in_time_is_honoured_for_fifteen_days() {
    for (days, honoured) in [(28, true), (30, false)] {
        let mut bench = Bench::strangers();
        bench.request(0, 1, "hello");
        bench.flow();
        bench.decide(1, 0, Command::Accept);
        let accept = bench.take_from(1);
        bench.sleep(days * DAY);
        bench.take_wire();
        assert_eq!(bench.ends[0].prekeys().len(), usize::from(honoured));
        bench.deliver(0, &accept);
        let friend = bench.ends[0].contact().relation == Relation::Friend;
        assert_eq!(friend, honoured, "after {days} days");
    }
}

#[test]
fn an_accept_after_the_expiry_makes_no_friend() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    let request = bench.take_from(0).remove(0);
    let content = content_in(&bench.ends[1], &request.data);
    bench.sleep(15 * DAY);
    let keys = bench.ends[1].keys.clone();
    let data = super::answered(&keys, content.bundle.as_ref().unwrap(), bench.network_ms(), None);
    bench.deliver_data(0, &data);
    assert_ne!(bench.ends[0].contact().relation, Relation::Friend);
    assert!(bench.ends[0].sessions().is_empty());
}

#[test]
fn an_expired_request_cannot_be_accepted() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.flow();
    bench.sleep(14 * DAY + MINUTE);
    let peer = bench.ends[0].keys.account_id();
    bench.command(1, input::Command::Decide { peer, decision: Command::Accept });
    assert!(bench.ends[1].answers.last().unwrap().is_err());
    assert!(bench.ends[1].sessions().is_empty());
}

#[test]
fn withdrawing_erases_the_prekeys_and_fails_what_waits() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.send(0, "text 1");
    bench.flow();
    bench.decide(0, 1, Command::Withdraw);
    assert!(bench.ends[0].prekeys().is_empty());
    assert!(matches!(bench.ends[0].state("text 1"), MessageState::Failed(_)));
    bench.decide(1, 0, Command::Accept);
    let accept = bench.take_from(1);
    bench.deliver(0, &accept);
    assert!(bench.ends[0].sessions().is_empty());
    assert_ne!(bench.ends[0].contact().relation, Relation::Friend, "taken back is taken back");
}

#[test]
fn declining_tells_the_other_side_nothing() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.flow();
    bench.decide(1, 0, Command::Decline);
    bench.pass(HOUR);
    bench.sleep(20 * DAY);
    assert!(bench.stores.iter().all(|mail| mail.from == 0));
    assert!(bench.ends[1].messages().iter().all(|message| message.body != "hello"), "and leaves no words");
}

#[test]
fn a_frame_of_a_forgotten_friend_is_an_empty_request_and_heals() {
    let mut bench = Bench::friends();
    // One side lost its store; its account is the same.
    let seed = bench.lose_store(1);
    bench.command(1, input::Command::CreateAccount(seed));
    bench.command(1, input::Command::Start);
    bench.pass(5 * SECOND);
    bench.send(0, "text 1");
    bench.settle();
    assert_eq!(bench.ends[1].events(), ["request"]);
    assert_eq!(bench.ends[1].contact().relation, Relation::AskedEmpty);
    bench.decide(1, 0, Command::Accept);
    bench.settle();
    bench.pass(11 * MINUTE);
    bench.settle();
    assert_eq!(bench.ends[1].texts(), ["text 1"]);
    assert_eq!(bench.ends[1].contact().relation, Relation::Friend);
    assert_eq!(bench.ends[0].events().iter().filter(|line| *line == "request").count(), 0, "no prompt");
}

#[test]
fn a_request_is_of_the_session_protocol_and_an_accept_is_a_frame() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    let request = bench.take_from(0);
    assert!(matches!(
        opened(&bench.ends[1], &request[0].data),
        starling_protocol::sealed::Opened::Session(_)
    ));
    bench.deliver(1, &request);
    bench.decide(1, 0, Command::Accept);
    let accept = bench.take_from(1);
    assert!(matches!(opened(&bench.ends[0], &accept[0].data), starling_protocol::sealed::Opened::Frame(_)));
}

#[test]
fn an_accept_that_nobody_answers_ends_fourteen_days_after_the_expiry() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.flow();
    bench.decide(1, 0, Command::Accept);
    bench.sleep(27 * DAY);
    assert_eq!(bench.ends[1].contact().relation, Relation::Accepting);
    bench.sleep(2 * DAY);
    assert_eq!(bench.ends[1].contact().relation, Relation::Stranger);
    assert!(bench.ends[1].sessions().is_empty(), "with its keys");
    bench.take_wire();
    bench.sleep(30 * DAY);
    assert!(bench.take_wire().is_empty());
}

#[test]
fn a_later_prekey_frame_makes_the_session_when_the_first_is_lost() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    bench.flow();
    bench.decide(1, 0, Command::Accept);
    for number in 1..=3 {
        bench.send(1, &format!("text {number}"));
    }
    let mut mails = bench.take_from(1);
    assert_eq!(mails.len(), 4);
    mails.remove(0);
    mails.reverse();
    bench.deliver(0, &mails);
    assert_eq!(bench.ends[0].contact().relation, Relation::Friend);
    assert_eq!(bench.ends[0].sessions().len(), 1);
    bench.pass(MINUTE);
    assert_eq!(bench.ends[0].texts(), ["text 1", "text 2", "text 3"]);
}

#[test]
fn a_repeated_request_replaces_the_older_one_only_upwards() {
    let mut bench = Bench::strangers();
    let (keys, to, now_s) = (bench.ends[0].keys.clone(), bench.ends[1].keys.account_id(), bench.network_s());
    let asked = |bench: &Bench| bench.ends[1].contact().asked_epoch.unwrap() as u64;
    for (lead, expected) in [(10, 10), (20, 20), (15, 20), (20, 20)] {
        let content = super::hostile::request(&keys, to, now_s + lead, now_s, "hello");
        bench.deliver_data(1, &super::hostile::basic(&keys, &to, &content));
        assert_eq!(asked(&bench), now_s + expected);
    }
    assert_eq!(bench.ends[1].events().iter().filter(|line| *line == "request").count(), 1);
}

#[test]
fn requests_of_strangers_are_dropped_unseen_if_only_known_contacts_may_write() {
    let mut bench = Bench::strangers();
    bench.command(1, input::Command::SetKnownContactsOnly(true));
    bench.request(0, 1, "hello");
    bench.settle();
    assert!(bench.ends[1].contact_if_any().is_none());
    assert!(bench.ends[1].events().is_empty());
}
