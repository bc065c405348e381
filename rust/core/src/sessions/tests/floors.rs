//! Contacts without a ratchet, their upgrade, and the floor that never falls.

use starling_protocol::content::{Content, Placement};
use starling_protocol::sealed::Opened;
use starling_store::{MessageState, Relation, Security};

use super::bench::{Bench, DAY, MINUTE, Mail, SECOND};
use super::hostile::{Hostile, basic, content_in, frame_in, opened, rewrapped};
use crate::friends::Command;

/// Friends from before there was a ratchet.
fn old_friends() -> Bench {
    let mut bench = Bench::strangers();
    for end in [0, 1] {
        let peer = bench.ends[1 - end].keys.account_id();
        bench.ends[end]
            .store
            .transact(|tx| {
                let conversation = tx.open_conversation(&peer, Security::Basic, 0)?.id;
                let mut contact = tx.contact(conversation)?.unwrap();
                (contact.relation, contact.open) = (Relation::Friend, true);
                tx.put_contact(&contact)
            })
            .unwrap();
    }
    bench
}

fn is_basic(bench: &Bench, mail: &Mail) -> bool {
    matches!(opened(&bench.ends[1 - mail.from], &mail.data), Opened::Session(_))
}

#[test]
fn a_basic_contact_is_offered_a_bundle_with_the_next_message_and_anew_every_fortnight() {
    let mut bench = old_friends();
    for (day, offered) in [(0, true), (1, false), (12, false), (3, true)] {
        bench.sleep(day * DAY);
        bench.send(0, "text");
        let mails = bench.take_from(0);
        assert_eq!(mails.len(), 1);
        let content = content_in(&bench.ends[1], &mails[0].data);
        assert_eq!(content.bundle.is_some(), offered, "{day} days later");
        assert!(content.request.is_none() && !content.rekey);
    }
}

#[test]
fn a_basic_contact_upgrades_by_itself_and_never_goes_back() {
    let mut bench = old_friends();
    bench.send(0, "text 1");
    bench.settle();
    bench.send(1, "text 2");
    bench.settle();
    for end in [0, 1] {
        assert!(bench.ends[end].contact().ratchet_floor);
        assert!(bench.ends[end].events().iter().any(|line| line.starts_with("SecurityUpgraded")));
    }
    bench.send(0, "text 3");
    let mails = bench.take_from(0);
    assert!(mails.iter().all(|mail| !is_basic(&bench, mail)));
}

#[test]
fn only_a_side_that_accepted_uses_an_upgrade() {
    let mut bench = old_friends();
    bench.send(0, "text 1");
    let offer = bench.take_from(0);
    let content = content_in(&bench.ends[1], &offer[0].data);
    // Somebody who never accepted that account: the bundle is a request like any other.
    let third = bench.add(102);
    let mut for_third = content;
    let (keys, to) = (bench.ends[0].keys.clone(), bench.ends[third].keys.account_id());
    let now_s = bench.network_s();
    for_third.bundle = Some(super::hostile::bundle(&keys, to, now_s, now_s));
    bench.deliver_data(third, &basic(&keys, &to, &for_third));
    assert_eq!(bench.ends[third].contact().relation, Relation::AskedBundle);
    assert!(bench.ends[third].sessions().is_empty());
}

#[test]
fn session_protocol_messages_under_way_when_the_floor_rises_are_still_merged() {
    let mut bench = old_friends();
    bench.send(0, "text 1");
    bench.send(0, "text 2");
    let slow = bench.take_from(0);
    assert!(slow.iter().all(|mail| is_basic(&bench, mail)));
    // The other side upgrades first; what is on its way comes after the first frame.
    bench.send(1, "text 3");
    let offer = bench.take_from(1);
    bench.deliver(0, &offer);
    bench.pass(5 * SECOND);
    let frames = bench.take_from(0);
    assert!(frames.iter().all(|mail| !is_basic(&bench, mail)));
    bench.deliver(1, &frames);
    assert!(bench.ends[1].contact().ratchet_floor);
    bench.deliver(1, &slow);
    bench.pass(2 * MINUTE);
    let mut seen = bench.ends[1].events();
    seen.retain(|line| line.contains("text"));
    assert_eq!(seen.len(), 2, "{seen:?}");
    // And once more changes nothing.
    bench.deliver_data(1, &rewrapped(&slow[0].data, 9));
    assert_eq!(bench.ends[1].events().iter().filter(|line| line.contains("text")).count(), 2);
}

#[test]
fn a_message_of_a_session_client_is_a_request_with_its_text() {
    let mut bench = Bench::strangers();
    let keys = bench.ends[0].keys.clone();
    let to = bench.ends[1].keys.account_id();
    let sent_ms = bench.network_ms();
    let hello = Content { body: Some("text 1".into()), sent_ms, ..Default::default() };
    bench.deliver_data(1, &basic(&keys, &to, &hello));
    assert_eq!(bench.ends[1].events(), ["request"]);
    bench.decide(1, 0, Command::Accept);
    assert_eq!(bench.ends[1].texts(), ["text 1"]);
    bench.send(1, "text 2");
    let answer = bench.take_from(1);
    assert!(answer.iter().all(|mail| is_basic(&bench, mail)));
    assert!(matches!(bench.ends[1].state("text 2"), MessageState::Stored { .. }), "its last state");
    bench.sleep(13 * DAY);
    assert!(bench.take_from(1).is_empty(), "basic peers acknowledge nothing, so nothing is stored again");
}

#[test]
fn the_same_message_id_of_two_senders_is_two_messages() {
    let mut bench = Bench::friends();
    let third = super::stranger(110);
    let to = bench.ends[1].keys.account_id();
    let mut friend = Hostile::of(&mut bench, 0);
    let from_friend = friend.say(|plaintext| {
        plaintext.placement.message_id = [1; 16];
        plaintext.placement.seq = 1;
    });
    bench.deliver_data(1, &from_friend);
    let placement = Placement { message_id: [1; 16], stream: 3, seq: 1, clock: 1, base: 1 };
    let sent_ms = bench.network_ms();
    let content = Content {
        body: Some("text of a third".into()),
        sent_ms,
        placement: Some(placement),
        ..Default::default()
    };
    bench.deliver_data(1, &basic(&third, &to, &content));
    let bodies: Vec<String> = bench.ends[1].messages().into_iter().map(|message| message.body).collect();
    assert!(bodies.contains(&"text 1".into()) && bodies.contains(&"text of a third".into()), "{bodies:?}");
}

#[test]
fn session_protocol_content_of_a_contact_with_a_ratchet_is_held_unprotected() {
    let mut bench = Bench::friends();
    bench.pass(5 * SECOND);
    let friend = bench.ends[0].keys.clone();
    let to = bench.ends[1].keys.account_id();
    let text =
        Content { body: Some("text of a thief".into()), sent_ms: bench.network_ms(), ..Content::default() };
    bench.deliver_data(1, &basic(&friend, &to, &text));
    bench.pass(10 * SECOND);
    assert!(bench.ends[1].texts().is_empty());
    assert!(bench.take_from(1).is_empty(), "not acknowledged");
    assert_eq!(bench.ends[1].read(|view| view.quarantine_size()).0, 1);
    assert!(bench.ends[1].contact().ratchet_floor);
}

#[test]
fn a_message_of_the_session_protocol_is_merged_if_a_frame_vouches_for_it() {
    let mut bench = Bench::friends();
    let mut friend = Hostile::of(&mut bench, 0);
    let id = [9; 16];
    let vouching = friend.say(|plaintext| {
        plaintext.placement.seq = 0;
        plaintext.content.unprotected = vec![id];
    });
    bench.deliver_data(1, &vouching);
    for (message_id, body) in [(id, "text vouched for"), ([8; 16], "text of a thief")] {
        let placement = Some(Placement { message_id, stream: 5, seq: 1, clock: 1, base: 1 });
        let sent_ms = bench.network_ms();
        let content = Content { body: Some(body.into()), sent_ms, placement, ..Content::default() };
        let data = friend.basic(&content);
        bench.deliver_data(1, &data);
    }
    assert_eq!(bench.ends[1].texts(), ["text vouched for"]);
}

#[test]
fn a_contact_with_a_ratchet_is_sent_no_session_protocol_content() {
    let mut bench = Bench::friends();
    for end in [0, 1] {
        bench.send(end, "text of ours");
        bench.settle();
    }
    // Even if all sessions are gone: the text waits.
    let conversation = bench.ends[0].contact().conversation;
    bench.ends[0].store.transact(|tx| tx.erase_sessions(conversation)).unwrap();
    bench.take_wire();
    bench.send(0, "text that waits");
    bench.pass(5 * MINUTE);
    assert!(bench.take_from(0).is_empty());
    assert_eq!(bench.ends[0].state("text that waits"), MessageState::Queued);
}

#[test]
fn a_message_without_a_bundle_cannot_lower_the_floor() {
    let mut bench = Bench::friends();
    let friend = bench.ends[0].keys.clone();
    let to = bench.ends[1].keys.account_id();
    for sent_ms in [bench.network_ms(), bench.network_ms() + 1] {
        let plain = Content { body: Some("text".into()), sent_ms, ..Content::default() };
        bench.deliver_data(1, &basic(&friend, &to, &plain));
    }
    assert!(bench.ends[1].contact().ratchet_floor);
    bench.send(1, "text of ours");
    let mails = bench.take_from(1);
    frame_in(&bench.ends[0], &mails[0].data);
}
