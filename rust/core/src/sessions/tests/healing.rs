//! Renewal, re-keys, old sessions.

use starling_protocol::content::Content;
use starling_store::{MessageKind, MessageState, Relation};

use super::bench::{Bench, DAY, HOUR, MINUTE, SECOND};
use super::hostile::{Hostile, content_in, frame_in, opened};
use crate::friends::OLD_SESSIONS;

/// One end loses its sessions, as after a restored backup.
fn lose_sessions(bench: &mut Bench, end: usize) {
    let conversation = bench.ends[end].contact().conversation;
    bench.ends[end].store.transact(|tx| tx.erase_sessions(conversation)).unwrap();
}

fn preferred(bench: &mut Bench) -> [[u8; 32]; 2] {
    [0, 1].map(|end| bench.ends[end].preferred().session_id)
}

#[test]
fn a_session_is_renewed_after_seven_days_inside_the_ratchet() {
    let mut bench = Bench::friends();
    let before = preferred(&mut bench);
    bench.sleep(6 * DAY + 23 * HOUR);
    bench.send(0, "text 1");
    bench.settle();
    assert_eq!(preferred(&mut bench), before, "six days");
    bench.sleep(2 * HOUR);
    let stores = bench.stores.len();
    bench.send(0, "text 2");
    bench.settle();
    let after = preferred(&mut bench);
    assert!(after[0] == after[1] && after[0] != before[0]);
    for mail in &bench.stores[stores..] {
        frame_in(&bench.ends[1 - mail.from], &mail.data);
    }
    assert!(!bench.ends.iter().any(|end| end.events().contains(&"renewed".into())), "nobody needs to know");
}

#[test]
fn a_session_is_renewed_after_two_thousand_messages() {
    let mut bench = Bench::friends();
    let before = preferred(&mut bench);
    for batch in 0..21 {
        for number in 0..100 {
            bench.send(0, &format!("text {batch}.{number}"));
        }
        bench.settle();
        let counted = bench.ends[0].sessions().iter().map(|session| session.sent_count).max().unwrap();
        if counted < 2_000 {
            assert_eq!(preferred(&mut bench), before, "{counted} messages");
        }
    }
    let after = preferred(&mut bench);
    assert!(after[0] == after[1] && after[0] != before[0]);
    assert_eq!(bench.ends[1].texts().len(), 2_100);
}

#[test]
fn a_replaced_session_still_receives_and_is_erased_after_fifteen_days_with_its_keys() {
    let mut bench = Bench::friends();
    let old = preferred(&mut bench)[1];
    bench.sleep(8 * DAY);
    bench.send(0, "text 1");
    let late = bench.take_from(0);
    assert!(late.len() >= 2, "the text and the bundle");
    let text =
        late.iter().position(|mail| frame_in(&bench.ends[1], &mail.data).session_id() == &old).unwrap();
    bench.deliver(1, &late[1 - text..=1 - text]);
    bench.settle();
    assert_ne!(preferred(&mut bench)[1], old);
    bench.deliver(1, &late);
    assert!(bench.ends[1].events().last().unwrap().ends_with("text 1"), "{:?}", bench.ends[1].events());
    bench.settle();
    let row = bench.ends[1].read(|view| view.session_by_id(&old)).unwrap();
    assert!(row.retired_s.is_some() && !row.erased);
    bench.sleep(14 * DAY);
    assert!(bench.ends[1].read(|view| view.session_secrets(row.row)).is_some());
    bench.sleep(2 * DAY);
    assert!(bench.ends[1].read(|view| view.session_secrets(row.row)).is_none());
    assert!(bench.ends[1].read(|view| view.session_by_id(&old)).unwrap().erased, "its id is kept");
}

#[test]
fn a_frame_on_an_erased_session_is_nacked_and_sealed_again() {
    let mut bench = Bench::friends();
    let old = bench.ends[1].sessions()[0].clone();
    bench.send(0, "text 1");
    let late = bench.take_from(0);
    // Both go on with a newer session, and the old one is erased meanwhile.
    bench.sleep(8 * DAY);
    bench.send(1, "text of theirs");
    bench.settle();
    assert_ne!(preferred(&mut bench)[1], old.session_id);
    bench.ends[1].store.transact(|tx| tx.erase_session(old.row)).unwrap();
    bench.deliver(1, &late);
    bench.settle();
    bench.pass(11 * MINUTE);
    bench.settle();
    assert!(bench.ends[1].events().last().unwrap().ends_with("text 1"), "{:?}", bench.ends[1].events());
    assert!(bench.ends[1].contact().rekeyed_s.is_none(), "a nack is enough");
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Delivered);
}

#[test]
fn lost_sessions_are_healed_by_a_rekey_without_a_prompt() {
    for loser in [0, 1] {
        let mut bench = Bench::friends();
        lose_sessions(&mut bench, loser);
        bench.send(1 - loser, "text 1");
        bench.settle();
        bench.pass(11 * MINUTE);
        bench.settle();
        assert_eq!(bench.ends[loser].texts(), ["text 1"]);
        assert_eq!(bench.ends[1 - loser].state("text 1"), MessageState::Delivered);
        bench.send(loser, "text 2");
        bench.settle();
        assert_eq!(bench.ends[1 - loser].texts(), ["text 2"]);
        let keys = preferred(&mut bench);
        assert_eq!(keys[0], keys[1]);
        let requests = |end: usize| bench.ends[end].events().iter().filter(|line| *line == "request").count();
        assert_eq!((requests(0), requests(1)), (0, 1), "only the one of the beginning");
        assert!(bench.ends[1 - loser].events().contains(&"renewed".into()));
    }
}

#[test]
fn a_rekey_seals_everything_unacknowledged_again_at_once() {
    let mut bench = Bench::friends();
    for number in 1..=5 {
        bench.send(0, &format!("text {number}"));
    }
    let first = bench.take_from(0);
    lose_sessions(&mut bench, 1);
    bench.deliver(1, &first[..1]);
    bench.pass(5 * SECOND);
    let rekey = bench.take_from(1);
    assert_eq!(rekey.len(), 1);
    assert!(content_in(&bench.ends[0], &rekey[0].data).rekey);
    assert_eq!(rekey[0].data.len(), 4_092);
    bench.deliver(0, &rekey);
    bench.pass(5 * SECOND);
    let again = bench.take_from(0);
    bench.deliver(1, &again);
    bench.pass(5 * SECOND);
    assert_eq!(bench.ends[1].texts().len(), 5, "without waiting ten minutes");
}

#[test]
fn a_rekey_deletes_no_session() {
    let mut bench = Bench::friends();
    let held = bench.ends[1].sessions()[0].session_id;
    let mut friend = Hostile::of(&mut bench, 0);
    let bundle = Some(friend.bundle(friend.peer, bench.network_s() + 5));
    let content = Content { sent_ms: bench.network_ms(), rekey: true, bundle, ..Content::default() };
    let rekey = friend.basic(&content);
    bench.deliver_data(1, &rekey);
    assert!(bench.ends[1].sessions().iter().any(|session| session.session_id == held));
    let late = friend.text(70);
    bench.deliver_data(1, &late);
    bench.pass(2 * MINUTE);
    assert_eq!(bench.ends[1].texts(), ["text 70"], "and it still receives");
}

#[test]
fn at_most_four_old_sessions_are_kept() {
    let mut bench = Bench::friends();
    let mut friend = Hostile::of(&mut bench, 0);
    for lead in 1..20 {
        let bundle = Some(friend.bundle(friend.peer, bench.network_s() + lead));
        let sent_ms = bench.network_ms() + lead;
        let rekey = friend.basic(&Content { sent_ms, rekey: true, bundle, ..Content::default() });
        bench.deliver_data(1, &rekey);
        assert!(bench.ends[1].sessions().len() <= OLD_SESSIONS + 1);
    }
    assert_eq!(bench.ends[1].sessions().len(), OLD_SESSIONS + 1);
}

#[test]
fn the_sending_session_never_moves_down_in_rank() {
    let mut bench = Bench::friends();
    let mut friend = Hostile::of(&mut bench, 0);
    let mut epoch = bench.ends[1].preferred().epoch;
    let now = bench.network_s();
    for lead in [50, 10, 60, 60, 1, 59, 70] {
        let bundle = Some(friend.bundle(friend.peer, now + lead));
        let sent_ms = bench.network_ms();
        let rekey = friend.basic(&Content { sent_ms, rekey: true, bundle, ..Content::default() });
        bench.deliver_data(1, &rekey);
        bench.pass(SECOND);
        let next = bench.ends[1].preferred().epoch;
        assert!(next >= epoch);
        epoch = next;
    }
    assert_eq!(epoch as u64, now + 70);
}

#[test]
fn a_rekey_is_answered_by_an_empty_message_until_acknowledged() {
    let mut bench = Bench::friends();
    lose_sessions(&mut bench, 1);
    bench.send(0, "text 1");
    let text = bench.take_from(0);
    bench.deliver(1, &text);
    bench.pass(5 * SECOND);
    let rekey = bench.take_from(1);
    bench.deliver(0, &rekey);
    bench.pass(5 * SECOND);
    let answers = bench.take_from(0);
    assert!(answers.iter().any(|mail| frame_in(&bench.ends[1], &mail.data).is_prekey()));
    let handshake =
        bench.ends[0].messages().into_iter().rfind(|message| message.kind == MessageKind::Handshake);
    assert!(matches!(handshake.unwrap().state, MessageState::Stored { .. }));
    // All of it is lost: it comes again.
    bench.sleep(12 * DAY);
    bench.settle();
    assert_eq!(bench.ends[1].texts(), ["text 1"]);
}

#[test]
fn a_request_from_a_friend_is_a_rekey_without_a_prompt() {
    let mut bench = Bench::friends();
    let seed = bench.lose_store(0);
    bench.command(0, crate::input::Command::CreateAccount(seed));
    bench.command(0, crate::input::Command::Start);
    bench.pass(5 * SECOND);
    bench.request(0, 1, "me again");
    bench.settle();
    assert_eq!(bench.ends[0].contact().relation, Relation::Friend);
    assert_eq!(bench.ends[1].events().iter().filter(|line| *line == "request").count(), 1, "the first one");
    bench.send(1, "text 1");
    bench.settle();
    assert_eq!(bench.ends[0].texts(), ["text 1"]);
}

#[test]
fn renewals_of_both_sides_cross_and_end_in_one_session() {
    let mut bench = Bench::friends();
    bench.sleep(8 * DAY);
    bench.send(0, "text 1");
    bench.send(1, "text 2");
    bench.settle();
    let keys = preferred(&mut bench);
    assert_eq!(keys[0], keys[1]);
    bench.send(0, "text 3");
    bench.send(1, "text 4");
    bench.settle();
    assert_eq!(bench.ends[1].texts(), ["text 1", "text 3"]);
    assert_eq!(bench.ends[0].texts(), ["text 2", "text 4"]);
}

#[test]
fn a_bundle_in_a_rekey_is_signed_by_the_friend() {
    let mut bench = Bench::friends();
    let mut friend = Hostile::of(&mut bench, 0);
    let (to, epoch) = (friend.peer, bench.network_s() + 5);
    let mut bundle = friend.bundle(to, epoch);
    bundle.offer.epoch += 1;
    let sent_ms = bench.network_ms();
    let rekey = friend.basic(&Content { sent_ms, rekey: true, bundle: Some(bundle), ..Content::default() });
    let before = bench.ends[1].sessions();
    bench.deliver_data(1, &rekey);
    assert_eq!(bench.ends[1].sessions(), before);
    assert!(matches!(opened(&bench.ends[1], &rekey), starling_protocol::sealed::Opened::Session(_)));
}
