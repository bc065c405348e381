//! What a friend with a lying client tries: it has the real keys.

use starling_protocol::content::{Ack, Content};
use starling_store::MessageState;

use super::bench::{Bench, MINUTE, Mail};
use super::hostile::{Hostile, bundle};

#[test]
fn bad_frames_leave_the_session_as_it_was() {
    let mut bench = Bench::friends();
    let mut friend = Hostile::of(&mut bench, 0);
    let session_id = friend.session_id;
    let honest = friend.ratchet.encrypt(b"too short for a plaintext").unwrap().message;
    let third = super::stranger(104).account_id();
    let mut frames = vec![
        friend.frame(session_id, b"no Olm message"),
        friend.frame(session_id, &honest),
        friend.say(|plaintext| plaintext.epoch += 1),
        friend.say(|plaintext| plaintext.recipient = third),
        friend.say(|plaintext| plaintext.sender = third),
        friend.say(|plaintext| plaintext.placement.base = 99),
    ];
    frames.push(friend.stray([1; 32]));
    let before = bench.ends[1].secrets();
    for frame in &frames {
        bench.deliver_data(1, frame);
        assert!(bench.ends[1].secrets() == before);
    }
    assert!(bench.ends[1].texts().is_empty());
    bench.take_wire();
    let good = friend.text(60);
    bench.deliver_data(1, &good);
    bench.pass(2 * MINUTE);
    assert_eq!(bench.ends[1].texts(), ["text 60"], "and the session still works");
}

#[test]
fn a_friend_causes_at_most_one_rekey_an_hour() {
    let mut bench = Bench::friends();
    let mut friend = Hostile::of(&mut bench, 0);
    let sessions = bench.ends[1].sessions();
    let mut rekeys = 0;
    for number in 0..150_u8 {
        let mut session_id = [number; 32];
        session_id[0] = 1;
        let stray = friend.stray(session_id);
        bench.deliver_data(1, &stray);
        bench.pass(MINUTE);
        rekeys += bench.take_from(1).len();
    }
    assert_eq!(rekeys, 3, "150 minutes");
    let after = bench.ends[1].sessions();
    assert_eq!(after, sessions, "and no session is deleted");
}

#[test]
fn the_quarantine_is_bounded_whatever_a_friend_sends() {
    let mut bench = Bench::friends();
    let mut friend = Hostile::of(&mut bench, 0);
    let mut mails = Vec::new();
    for number in 0..1_100_u64 {
        let mut session_id = [3; 32];
        session_id[..8].copy_from_slice(&number.to_be_bytes());
        mails.push(Mail {
            from: 0,
            hash: String::new(),
            data: friend.frame(session_id, &[1; 20_000]),
            ttl_ms: 0,
        });
    }
    for some in mails.chunks(100) {
        bench.deliver(1, some);
    }
    let (rows, bytes) = bench.ends[1].read(|view| view.quarantine_size());
    assert!(rows > 0 && rows <= 1_000 && bytes <= 8 << 20, "{rows} rows, {bytes} bytes");
}

#[test]
fn an_ack_for_what_was_never_sent_changes_nothing() {
    let mut bench = Bench::friends();
    bench.send(1, "text of ours");
    bench.take_wire();
    let mut friend = Hostile::of(&mut bench, 0);
    let wrong = friend.say(|plaintext| {
        plaintext.placement.seq = 0;
        let ack = Ack { stream: 5, through: 1_000_000, above: vec![[1; 16]], read_through: None };
        plaintext.content.ack = Some(ack);
    });
    bench.deliver_data(1, &wrong);
    assert!(matches!(bench.ends[1].state("text of ours"), MessageState::Stored { .. }));
}

#[test]
fn a_bundle_inside_the_ratchet_must_be_the_friends_own_for_us() {
    let mut bench = Bench::friends();
    let third = super::stranger(103);
    let mut friend = Hostile::of(&mut bench, 0);
    let (epoch, now_s) = (bench.network_s() + 5, bench.network_s());
    let foreign = bundle(&third, friend.peer, epoch, now_s);
    let misdirected = friend.bundle(third.account_id(), epoch);
    let before = bench.ends[1].sessions().len();
    for (seq, bundle) in [(50, foreign), (51, misdirected)] {
        let data = friend.say(|plaintext| {
            plaintext.placement.seq = seq;
            plaintext.content.bundle = Some(bundle);
        });
        bench.deliver_data(1, &data);
    }
    assert_eq!(bench.ends[1].sessions().len(), before);
}

#[test]
fn a_bundle_from_the_far_future_does_not_count() {
    let mut bench = Bench::friends();
    let mut friend = Hostile::of(&mut bench, 0);
    let before = bench.ends[1].sessions();
    for lead in [3_700, 86_400, 1 << 50] {
        let bundle = Some(friend.bundle(friend.peer, bench.network_s() + lead));
        let sent_ms = bench.network_ms() + lead;
        let content = Content { sent_ms, rekey: true, bundle, ..Content::default() };
        let data = friend.basic(&content);
        bench.deliver_data(1, &data);
    }
    assert_eq!(bench.ends[1].sessions(), before);
    let bundle = Some(friend.bundle(friend.peer, bench.network_s() + 3_500));
    let content = Content { sent_ms: bench.network_ms(), rekey: true, bundle, ..Content::default() };
    let data = friend.basic(&content);
    bench.deliver_data(1, &data);
    assert_eq!(bench.ends[1].sessions().len(), before.len() + 1, "within the hour it does");
}
