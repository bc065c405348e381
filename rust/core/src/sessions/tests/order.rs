//! Frames out of order: parking, skipped keys, evicted chains.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use starling_store::MessageState;

use super::bench::{Bench, MINUTE, Mail, SECOND};
use super::hostile::{Hostile, frame_in, rewrapped};

/// Friends who have both been heard; the first one has a burst of texts on the wire.
fn burst(mut bench: Bench, texts: usize) -> (Bench, Vec<Mail>) {
    for number in 1..=texts {
        bench.send(0, &format!("text {number}"));
    }
    bench.pass(SECOND);
    let mails = bench.take_from(0);
    assert_eq!(mails.len(), texts);
    (bench, mails)
}

fn shuffle<T>(items: &mut [T], rng: &mut ChaCha20Rng) {
    for end in (1..items.len()).rev() {
        items.swap(end, (rng.next_u64() % (end as u64 + 1)) as usize);
    }
}

fn parked(bench: &Bench) -> usize {
    let conversation = bench.ends[1].contact().conversation;
    bench.ends[1].read(|view| view.parked(conversation, 2_000)).len()
}

fn texts(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|number| format!("text {number}")).collect()
}

#[test]
fn a_thousand_messages_reordered_in_one_batch_are_shown_in_order() {
    let (mut bench, mut mails) = burst(Bench::friends(), 1_000);
    shuffle(&mut mails, &mut ChaCha20Rng::seed_from_u64(1));
    bench.deliver(1, &mails);
    assert_eq!(bench.ends[1].texts(), texts(1..=1_000));
    assert_eq!(parked(&bench), 0);
    bench.settle();
    assert!(matches!(bench.ends[0].state("text 1000"), MessageState::Delivered));
}

#[test]
fn a_thousand_messages_reordered_over_two_routes_are_all_shown_once() {
    let (mut bench, mails) = burst(Bench::friends(), 1_000);
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    // The second route carries the same frames in other wrappers.
    let other =
        mails.iter().map(|mail| Mail { data: rewrapped(&mail.data, rng.next_u64() >> 20), ..mail.clone() });
    let mut both: Vec<Mail> = mails.iter().cloned().chain(other.collect::<Vec<_>>()).collect();
    shuffle(&mut both, &mut ChaCha20Rng::seed_from_u64(3));
    for some in both.chunks(83) {
        bench.deliver(1, some);
        bench.pass(2 * SECOND);
    }
    // Keys that had to be dropped are asked for again, at most every ten minutes.
    for _ in 0..40 {
        bench.settle();
        bench.pass(11 * MINUTE);
    }
    let mut seen = bench.ends[1].events();
    seen.retain(|line| line.contains("text"));
    let mut numbers: Vec<usize> =
        seen.iter().map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    let shown: Vec<usize> = seen
        .iter()
        .filter(|line| line.starts_with("text"))
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(shown.is_sorted(), "only what comes after a gap was named comes late");
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=1_000).collect::<Vec<_>>());
    let states = bench.ends[0].messages();
    assert!(states.iter().filter(|m| m.body.starts_with("text")).all(|m| m.state == MessageState::Delivered));
}

#[test]
fn a_frame_that_skips_more_than_32_keys_is_parked_and_one_that_skips_32_is_not() {
    let (mut bench, mails) = burst(Bench::with_swarm(3).befriended(), 34);
    bench.deliver(1, &mails[32..33]);
    assert_eq!(parked(&bench), 0, "32 keys skipped");
    let (mut bench, mails) = burst(Bench::with_swarm(3).befriended(), 34);
    bench.deliver(1, &mails[33..]);
    assert_eq!(parked(&bench), 1, "33 keys skipped");
    let hash = frame_in(&bench.ends[1], &mails[33].data).hash();
    assert!(bench.ends[1].read(|view| view.frame(&hash)).is_none(), "no verdict yet");
}

#[test]
fn holes_count_as_skipped_keys() {
    let (mut bench, mails) = burst(Bench::with_swarm(3).befriended(), 60);
    bench.deliver(1, &mails[20..21]);
    assert_eq!(parked(&bench), 0);
    bench.deliver(1, &mails[40..41]);
    assert_eq!(parked(&bench), 1, "20 holes, and 19 keys to skip");
}

#[test]
fn a_parked_frame_is_opened_when_sixty_seconds_have_passed() {
    let (mut bench, mails) = burst(Bench::with_swarm(3).befriended(), 40);
    bench.deliver(1, &mails[39..]);
    let since = bench.boot_ms;
    for _ in 0..5 {
        bench.pass(10 * SECOND);
        bench.poll(1);
        assert!(bench.boot_ms - since < 60 * SECOND && parked(&bench) == 1, "the same replicas say the same");
    }
    bench.pass(10 * SECOND);
    bench.poll(1);
    assert_eq!(parked(&bench), 0);
    bench.pass(MINUTE);
    assert_eq!(bench.ends[1].texts(), ["text 40"]);
}

#[test]
fn a_parked_frame_is_opened_when_another_replica_was_read() {
    let (mut bench, mails) = burst(Bench::friends(), 40);
    bench.deliver(1, &mails[39..]);
    assert_eq!(parked(&bench), 1);
    bench.poll(1);
    assert_eq!(parked(&bench), 0);
}

#[test]
fn a_parked_frame_comes_after_what_it_waited_for() {
    let (mut bench, mails) = burst(Bench::friends(), 100);
    bench.deliver(1, &mails[99..]);
    assert_eq!(parked(&bench), 1);
    bench.deliver(1, &mails[..99]);
    assert_eq!(bench.ends[1].texts(), texts(1..=100));
    let conversation = bench.ends[1].contact().conversation;
    assert!(!bench.ends[1].read(|view| view.has_nacks(conversation)), "no key was dropped");
}

#[test]
fn parked_frames_survive_a_restart() {
    let (mut bench, mails) = burst(Bench::with_swarm(3).befriended(), 40);
    bench.deliver(1, &mails[39..]);
    assert_eq!(parked(&bench), 1);
    bench.put(1, &mails[..39]);
    bench.restart(1);
    bench.pass(2 * MINUTE);
    assert_eq!(parked(&bench), 0);
    assert_eq!(bench.ends[1].texts(), texts(1..=40));
}

#[test]
fn a_dropped_key_is_nacked_and_its_message_sealed_again_after_ten_minutes() {
    let (mut bench, mails) = burst(Bench::friends(), 100);
    let before = bench.ends[0].messages().into_iter().find(|m| m.body == "text 1").unwrap();
    bench.deliver(1, &mails[99..]);
    bench.poll(1);
    bench.pass(MINUTE);
    assert_eq!(bench.ends[1].texts(), ["text 100"]);
    bench.deliver(1, &mails[..1]);
    bench.pass(5 * SECOND);
    assert_eq!(bench.ends[1].events().last().unwrap(), "text 100", "its key is gone");
    let answers = bench.take_from(1);
    bench.deliver(0, &answers);
    bench.pass(8 * MINUTE);
    assert!(bench.take_from(0).is_empty(), "the store has it since less than ten minutes");
    bench.pass(3 * MINUTE);
    let again = bench.take_from(0);
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].hash, mails[0].hash);
    bench.deliver(1, &again);
    assert_eq!(bench.ends[1].events().last().unwrap(), "inserted text 1");
    let after = bench.ends[0].messages().into_iter().find(|m| m.body == "text 1").unwrap();
    assert_eq!((after.message_id, after.seq, after.stream), (before.message_id, before.seq, before.stream));
}

#[test]
fn a_nack_seals_again_at_most_every_ten_minutes() {
    let mut bench = Bench::friends();
    bench.send(1, "text of ours");
    let mut friend = Hostile::of(&mut bench, 0);
    let mut stored = Vec::new();
    let sent = bench.take_from(1);
    stored.extend(sent);
    for _ in 0..60 {
        let hash = frame_in(&bench.ends[0], &stored.last().unwrap().data).hash();
        let nack = friend.say(|plaintext| {
            plaintext.placement.seq = 0;
            plaintext.content.nacks = vec![hash];
        });
        bench.deliver_data(1, &nack);
        bench.pass(MINUTE);
        stored.extend(bench.take_from(1));
    }
    assert!((5..=7).contains(&stored.len()), "{} in an hour", stored.len());
}

#[test]
fn a_nack_for_an_acknowledged_message_is_ignored() {
    let mut bench = Bench::friends();
    bench.send(1, "text of ours");
    let sent = bench.take_from(1);
    bench.deliver(0, &sent);
    bench.settle();
    assert_eq!(bench.ends[1].state("text of ours"), MessageState::Delivered);
    let hash = frame_in(&bench.ends[0], &sent[0].data).hash();
    let mut friend = Hostile::of(&mut bench, 0);
    let nack = friend.say(|plaintext| {
        plaintext.placement.seq = 0;
        plaintext.content.nacks = vec![hash, [1; 32]];
    });
    bench.deliver_data(1, &nack);
    bench.pass(15 * MINUTE);
    assert!(bench.take_from(1).is_empty());
}

#[test]
fn a_message_is_sealed_again_before_a_fourth_newer_chain_begins() {
    let mut bench = Bench::friends();
    bench.send(0, "text 1");
    let lost = bench.take_from(0);
    let id =
        |bench: &Bench| bench.ends[0].messages().into_iter().find(|m| m.body == "text 1").unwrap().message_id;
    let before = id(&bench);
    for turn in 2..=6 {
        bench.send(1, &format!("text {turn}"));
        let theirs = bench.take_from(1);
        bench.deliver(0, &theirs);
        bench.send(0, &format!("text {turn}"));
        let ours = bench.take_from(0);
        assert_eq!(ours.len(), 1, "turn {turn}: the store has the first one since less than ten minutes");
        bench.deliver(1, &ours);
        bench.pass(MINUTE);
        bench.take_from(1);
        // Chains that are newer than the one the lost message lies on: turn - 1.
        let conversation = bench.ends[0].contact().conversation;
        let waiting = bench.ends[0].read(|view| view.unacknowledged(conversation, 1)).remove(0);
        assert_eq!(waiting.in_outbox, turn > 4, "turn {turn}");
    }
    bench.pass(10 * MINUTE);
    let again = bench.take_from(0);
    let mail = &again[0];
    assert_ne!(mail.hash, lost[0].hash);
    bench.deliver(1, &again);
    assert_eq!(bench.ends[1].events().iter().filter(|line| line.contains("text 1")).count(), 1);
    assert_eq!(id(&bench), before);
    // The frame of the evicted chain comes after all: known by its id, never shown twice, no re-key.
    bench.deliver(1, &lost);
    bench.settle();
    assert_eq!(bench.ends[1].events().iter().filter(|line| line.contains("text 1")).count(), 1);
    assert!(bench.ends[1].contact().rekeyed_s.is_none(), "an eviction is no lost key");
    assert_eq!(bench.ends[0].state("text 1"), MessageState::Delivered);
}

#[test]
fn ping_pong_with_losses_loses_nothing_for_ever() {
    let mut bench = Bench::friends();
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    for turn in 0..40 {
        let from = turn % 2;
        bench.send(from, &format!("text {turn}"));
        let mails = bench.take_wire();
        for mail in mails.iter().filter(|_| rng.next_u64() % 3 > 0) {
            bench.deliver(1 - mail.from, std::slice::from_ref(mail));
        }
        bench.pass(MINUTE);
    }
    for _ in 0..4 {
        bench.settle();
        bench.pass(11 * MINUTE);
    }
    // What was lost on the way is stored once more.
    bench.sleep(12 * super::bench::DAY);
    for _ in 0..4 {
        bench.settle();
        bench.pass(11 * MINUTE);
    }
    for end in [0, 1] {
        let mut got = bench.ends[end].events();
        got.retain(|line| line.contains("text"));
        assert_eq!(got.len(), 20, "{got:?}");
        let states = bench.ends[end].messages();
        assert!(
            states
                .iter()
                .filter(|m| m.body.starts_with("text") && m.state != MessageState::Received)
                .all(|m| m.state == MessageState::Delivered)
        );
    }
}

#[test]
fn a_sender_pauses_at_a_thousand_unacknowledged_messages_on_a_chain() {
    let (mut bench, _) = burst(Bench::friends(), 1_000);
    bench.send(0, "text 1001");
    bench.pass(5 * MINUTE);
    assert!(bench.take_from(0).is_empty());
    assert_eq!(bench.ends[0].state("text 1001"), MessageState::Queued);
    // Acknowledgements are exempt.
    bench.send(1, "text of theirs");
    let theirs = bench.take_from(1);
    bench.deliver(0, &theirs);
    bench.pass(5 * SECOND);
    assert!(!bench.take_from(0).is_empty());
}

#[test]
fn a_copy_of_a_parked_frame_is_shown_once() {
    let (mut bench, mails) = burst(Bench::with_swarm(3).befriended(), 40);
    bench.deliver(1, &mails[39..]);
    bench.deliver_data(1, &rewrapped(&mails[39].data, 9));
    assert_eq!(parked(&bench), 1);
    bench.deliver(1, &mails[..39]);
    bench.pass(2 * MINUTE);
    bench.deliver_data(1, &rewrapped(&mails[39].data, 10));
    bench.pass(2 * MINUTE);
    assert_eq!(bench.ends[1].texts(), texts(1..=40));
}
