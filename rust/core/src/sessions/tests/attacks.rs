//! What strangers and nodes try.

use starling_protocol::content::Content;
use starling_protocol::envelope;
use starling_protocol::session;
use starling_store::{MessageState, Relation};

use super::bench::{Bench, HOUR, MINUTE, Mail, SECOND};
use super::hostile::{Hostile, basic, content_in, false_proof, frame_in, rewrapped};

#[test]
fn a_spoofed_sender_leaves_no_trace() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let genuine = bench.take_from(0).remove(0);
    let attacker = super::stranger(200);
    // The friend's own frame, under a tag that the attacker cannot make.
    let frame = frame_in(&bench.ends[1], &genuine.data);
    let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::seed_from_u64(1);
    let to = bench.ends[1].keys.account_id();
    let spoofed = session::seal(frame.as_bytes(), &attacker, &to, &mut rng).unwrap();
    let before = bench.ends[1].imprint();
    bench.deliver_data(1, &envelope::wrap(spoofed, 5));
    bench.pass(10 * SECOND);
    assert_eq!(bench.ends[1].imprint(), before);
    assert!(bench.take_from(1).is_empty(), "an answer tells the attacker something");
    bench.deliver(1, &[genuine]);
    assert_eq!(bench.ends[1].texts(), ["text 1"], "and the genuine one still opens");
}

#[test]
fn a_replayed_frame_never_reaches_a_session_and_is_acknowledged_hourly() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let sent = bench.take_from(0).remove(0);
    bench.deliver(1, std::slice::from_ref(&sent));
    bench.pass(3 * SECOND);
    assert_eq!(bench.take_from(1).len(), 1, "the acknowledgement");
    let pickles = bench.ends[1].secrets();
    let mut acks = Vec::new();
    for copy in 1..=130 {
        let data = rewrapped(&sent.data, copy);
        assert_ne!(data, sent.data);
        bench.deliver_data(1, &data);
        bench.pass(MINUTE);
        acks.extend(bench.take_from(1));
    }
    assert_eq!(acks.len(), 3, "at once, and then once in each further hour");
    assert_eq!(bench.ends[1].texts(), ["text 1"]);
    assert_eq!(bench.ends[1].read(|view| view.quarantine_size()).0, 0);
    // Only what acknowledges has moved a session: nothing was received on one.
    assert_eq!(bench.ends[1].secrets().len(), pickles.len());
    bench.deliver(0, &acks);
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Delivered);
}

#[test]
fn a_replayed_frame_is_acknowledged_again_when_the_acknowledgement_was_lost() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let sent = bench.take_from(0).remove(0);
    bench.deliver(1, std::slice::from_ref(&sent));
    bench.pass(3 * SECOND);
    bench.take_wire();
    bench.deliver_data(1, &rewrapped(&sent.data, 77));
    bench.settle();
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Delivered);
}

#[test]
fn marks_of_frames_survive_a_restart() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let sent = bench.take_from(0).remove(0);
    bench.deliver(1, std::slice::from_ref(&sent));
    bench.settle();
    bench.restart(1);
    bench.pass(5 * SECOND);
    let before = bench.ends[1].secrets();
    bench.deliver_data(1, &rewrapped(&sent.data, 77));
    let hash = frame_in(&bench.ends[1], &sent.data).hash();
    assert!(bench.ends[1].read(|view| view.frame(&hash)).unwrap().message_id.is_some());
    assert_eq!(bench.ends[1].texts(), ["text 1"]);
    assert_eq!(bench.ends[1].read(|view| view.quarantine_size()).0, 0);
    assert_eq!(bench.ends[1].secrets().len(), before.len());
    assert!(bench.ends[1].contact().rekeyed_s.is_none(), "a copy looks like a lost key");
}

#[test]
fn a_replayed_request_does_nothing_after_a_newer_epoch() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    let request = bench.take_from(0).remove(0);
    bench.deliver(1, std::slice::from_ref(&request));
    bench.decide(1, 0, crate::friends::Command::Accept);
    bench.settle();
    let before = (bench.ends[1].contact(), bench.ends[1].sessions());
    bench.deliver_data(1, &rewrapped(&request.data, 7));
    bench.pass(10 * SECOND);
    assert_eq!((bench.ends[1].contact(), bench.ends[1].sessions()), before);
    assert!(bench.take_from(1).is_empty());
    assert!(!bench.ends[1].events().contains(&"renewed".to_owned()));
}

#[test]
fn a_replayed_request_does_not_come_back_after_it_was_declined() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    let request = bench.take_from(0).remove(0);
    bench.deliver(1, std::slice::from_ref(&request));
    bench.decide(1, 0, crate::friends::Command::Decline);
    bench.deliver_data(1, &rewrapped(&request.data, 7));
    bench.pass(10 * SECOND);
    assert_eq!(bench.ends[1].contact().relation, Relation::Stranger);
    assert_eq!(bench.ends[1].events(), ["request"]);
    assert!(bench.take_from(1).is_empty(), "declining is silent");
}

#[test]
fn a_replayed_rekey_does_nothing_after_a_newer_epoch() {
    let mut bench = Bench::friends();
    let mut friend = Hostile::of(&mut bench, 0);
    let (to, epoch, now_ms) = (friend.peer, bench.network_s() + 10, bench.network_ms());
    let rekey = |friend: &mut Hostile, epoch| {
        let bundle = Some(friend.bundle(to, epoch));
        let content = Content { sent_ms: now_ms, rekey: true, bundle, ..Content::default() };
        friend.basic(&content)
    };
    let (older, newer) = (rekey(&mut friend, epoch), rekey(&mut friend, epoch + 1));
    bench.deliver_data(1, &newer);
    bench.pass(10 * SECOND);
    let after = (bench.ends[1].contact(), bench.ends[1].sessions());
    assert_eq!(after.0.accepted_epoch, epoch as i64 + 1);
    bench.take_wire();
    for (number, data) in [&older, &newer, &older].into_iter().enumerate() {
        bench.deliver_data(1, &rewrapped(data, number as u64));
    }
    bench.pass(10 * SECOND);
    assert_eq!((bench.ends[1].contact(), bench.ends[1].sessions()), after);
}

#[test]
fn a_bundle_for_somebody_else_is_of_no_use_to_whoever_passes_it_on() {
    let mut bench = Bench::strangers();
    let third = bench.add(102);
    bench.request(0, 1, "hello");
    let request = bench.take_from(0).remove(0);
    let content = content_in(&bench.ends[1], &request.data);
    let thief = bench.ends[third].keys.clone();
    // In the thief's name, to its recipient; and, unchanged, to somebody for whom it was not made.
    let stolen = basic(&thief, &bench.ends[1].keys.account_id(), &content);
    bench.deliver_data(1, &stolen);
    let victim = bench.ends[0].keys.clone();
    let misdirected = basic(&victim, &thief.account_id(), &content);
    bench.deliver_data(third, &misdirected);
    for end in [1, third] {
        assert!(bench.ends[end].contact_if_any().is_none(), "end {end} knows somebody now");
        assert!(bench.ends[end].events().is_empty());
    }
}

#[test]
fn a_used_one_time_key_makes_no_second_session() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    let request = bench.take_from(0).remove(0);
    bench.deliver(1, std::slice::from_ref(&request));
    bench.decide(1, 0, crate::friends::Command::Accept);
    let accept = bench.take_from(1);
    bench.deliver(0, &accept);
    let sessions = bench.ends[0].sessions();
    assert_eq!(sessions.len(), 1);
    // The same bundle, answered a second time by the same peer.
    let content = content_in(&bench.ends[1], &request.data);
    let second =
        super::answered(&bench.ends[1].keys, content.bundle.as_ref().unwrap(), bench.network_ms(), None);
    bench.deliver_data(0, &second);
    assert_eq!(bench.ends[0].sessions(), sessions);
    assert!(bench.ends[0].prekeys().iter().all(|prekey| prekey.epoch > sessions[0].epoch), "only a re-key's");
}

#[test]
fn the_one_time_key_and_the_seed_go_in_the_commit_that_creates_the_session() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    assert_eq!(bench.ends[0].prekeys().len(), 1);
    bench.flow();
    bench.decide(1, 0, crate::friends::Command::Accept);
    let accept = bench.take_from(1);
    assert!(bench.ends[0].sessions().is_empty());
    let commits = bench.ends[0].store.commit_counter();
    bench.deliver(0, &accept);
    assert!(bench.ends[0].store.commit_counter() > commits);
    assert_eq!((bench.ends[0].sessions().len(), bench.ends[0].prekeys().len()), (1, 0));
}

#[test]
fn a_bundle_made_for_one_peer_is_answered_by_no_other() {
    let mut bench = Bench::strangers();
    let third = bench.add(102);
    bench.request(0, 1, "hello");
    let request = bench.take_from(0).remove(0);
    let content = content_in(&bench.ends[1], &request.data);
    let thief = bench.ends[third].keys.clone();
    let data = super::answered(&thief, content.bundle.as_ref().unwrap(), bench.network_ms(), None);
    bench.deliver_data(0, &data);
    assert_eq!(
        bench.ends[0].prekeys().len(),
        1,
        "the prekeys are still there for the one they were made for"
    );
    assert!(bench.ends[0].sessions().is_empty());
    let stranger = bench.ends[0].contact_with(&thief.account_id()).unwrap();
    assert_eq!(stranger.relation, Relation::AskedEmpty, "a valid frame of a stranger is an empty request");
}

#[test]
fn an_accept_must_be_signed_for_this_bundle_and_session() {
    let mut bench = Bench::strangers();
    bench.request(0, 1, "hello");
    let request = bench.take_from(0).remove(0);
    let content = content_in(&bench.ends[1], &request.data);
    let keys = bench.ends[1].keys.clone();
    let proof = Some(false_proof(&keys));
    let data = super::answered(&keys, content.bundle.as_ref().unwrap(), bench.network_ms(), proof);
    bench.deliver_data(0, &data);
    assert!(bench.ends[0].sessions().is_empty());
    assert_eq!(bench.ends[0].prekeys().len(), 1);
    assert_eq!(bench.ends[0].contact().relation, Relation::Requested);
}

#[test]
fn a_request_must_agree_with_its_bundle() {
    let asker = super::stranger(105);
    let content = super::hostile::request(&asker, super::stranger(106).account_id(), 50, 50, "hello");
    assert!(content.encode().is_ok());
    let mut other = content;
    other.request.as_mut().unwrap().expiry_s += 1;
    assert!(other.encode().is_err(), "not even the sender can make one");
}

#[test]
fn an_hour_of_copies_costs_one_acknowledgement() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let sent = bench.take_from(0).remove(0);
    bench.settle();
    bench.deliver(1, std::slice::from_ref(&sent));
    bench.settle();
    let stores = bench.stores.len();
    let copies: Vec<Mail> =
        (0..200).map(|number| Mail { data: rewrapped(&sent.data, number), ..sent.clone() }).collect();
    bench.deliver(1, &copies);
    bench.pass(HOUR - MINUTE);
    let hashes: std::collections::BTreeSet<_> =
        bench.stores[stores..].iter().map(|mail| mail.hash.clone()).collect();
    assert_eq!(hashes.len(), 1);
}

#[test]
fn a_frame_under_another_pairs_session_id_changes_nothing() {
    let mut bench = Bench::friends();
    let third = bench.add(102);
    let session_id = bench.ends[1].sessions()[0].session_id;
    let before = bench.ends[1].secrets();
    let thief = bench.ends[third].keys.clone();
    let key = starling_protocol::hybrid::BoxKey::from_bytes([1; 32]);
    let sending = starling_protocol::frame::Sending {
        session_id,
        kem_ciphertext: None,
        olm: &[3; 100],
        key: &key,
        timestamp_ms: 5,
    };
    let frame_key = thief.frame_key(&bench.ends[1].keys.account_id()).unwrap();
    let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::seed_from_u64(1);
    let data = starling_protocol::frame::seal(&sending, &frame_key, &mut rng).unwrap().data;
    bench.deliver_data(1, &data);
    assert!(bench.ends[1].secrets() == before);
    bench.send(0, "text 1");
    bench.settle();
    assert_eq!(bench.ends[1].texts(), ["text 1"]);
}

#[test]
fn a_frame_sent_back_to_its_sender_does_nothing() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let sent = bench.take_from(0).remove(0);
    let frame = frame_in(&bench.ends[1], &sent.data);
    let own = bench.ends[0].keys.clone();
    // The tag names the recipient, so even its own sender refuses it.
    let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::seed_from_u64(1);
    let back = session::seal(frame.as_bytes(), &bench.ends[1].keys, &own.account_id(), &mut rng).unwrap();
    let before = bench.ends[0].imprint();
    bench.deliver_data(0, &envelope::wrap(back, 5));
    bench.pass(5 * SECOND);
    assert_eq!(bench.ends[0].imprint(), before);
}
