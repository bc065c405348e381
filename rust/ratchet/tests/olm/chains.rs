//! Order, skipped keys and evicted chains: what a caller may rely on when it decides what to decrypt when.

use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use starling_ratchet::{MAX_CHAINS, MAX_GAP, MAX_SKIPPED, OlmMessage, RatchetError, Session};

use crate::pair::{established, hear, say, turn};

fn volley(from: &mut Session, count: u64) -> Vec<OlmMessage> {
    (0..count).map(|number| say(from, &number.to_string())).collect()
}

#[test]
fn the_first_index_of_a_chain_is_0_and_each_message_takes_the_next() {
    let (mut owner, mut acceptor) = established();
    for _ in 0..3 {
        let reply = say(&mut acceptor, "reply");
        hear(&mut owner, &reply);
        let messages = volley(&mut owner, 3);
        assert_eq!(messages.iter().map(OlmMessage::index).collect::<Vec<_>>(), [0, 1, 2]);
        hear(&mut acceptor, &messages[0]);
    }
}

#[test]
fn a_new_ratchet_key_is_a_new_chain_and_lasts_until_the_other_end_was_heard() {
    let (mut owner, mut acceptor) = established();
    let before = owner.encrypt(b"1").unwrap().ratchet_key;
    assert_eq!(owner.encrypt(b"2").unwrap().ratchet_key, before);
    let reply = say(&mut acceptor, "3");
    hear(&mut owner, &reply);
    let after = owner.encrypt(b"4").unwrap();
    assert_ne!(after.ratchet_key, before);
    assert_eq!(after.index, 0);
}

#[test]
fn up_to_32_skipped_messages_are_read_in_any_order() {
    let (mut owner, mut acceptor) = established();
    turn(&mut owner, &mut acceptor);
    let messages = volley(&mut owner, 33);
    for number in (0..messages.len()).rev() {
        assert_eq!(hear(&mut acceptor, &messages[number]), number.to_string());
    }
}

#[test]
fn a_chain_keeps_40_skipped_keys_in_total_and_drops_the_oldest() {
    let (mut owner, mut acceptor) = established();
    turn(&mut owner, &mut acceptor);
    let messages = volley(&mut owner, 60);
    hear(&mut acceptor, &messages[40]);
    let all_kept = Session::unpickle(&acceptor.pickle().unwrap()).unwrap();
    assert!(messages[..40].iter().all(|message| all_kept.decrypt(message).is_ok()));
    hear(&mut acceptor, &messages[43]);
    for (number, message) in messages[..2].iter().enumerate() {
        assert_eq!(acceptor.decrypt(message).unwrap_err(), RatchetError::UsedKey, "{number}");
    }
    assert_eq!(MAX_SKIPPED, 40);
    for (number, message) in
        messages.iter().enumerate().skip(2).filter(|(number, _)| ![40, 43].contains(number))
    {
        assert_eq!(hear(&mut acceptor, message), number.to_string());
    }
}

#[test]
fn more_than_2000_ahead_is_not_tried() {
    let (mut owner, mut acceptor) = established();
    turn(&mut owner, &mut acceptor);
    let messages = volley(&mut owner, MAX_GAP + 2);
    let last = messages.last().unwrap();
    assert_eq!(acceptor.decrypt(last).unwrap_err(), RatchetError::TooFarAhead);
    hear(&mut acceptor, &messages[0]);
    assert_eq!(hear(&mut acceptor, last), (MAX_GAP + 1).to_string());
}

#[test]
fn a_message_key_is_used_once() {
    let (mut owner, mut acceptor) = established();
    let message = say(&mut owner, "once");
    hear(&mut acceptor, &message);
    assert_eq!(acceptor.decrypt(&message).unwrap_err(), RatchetError::UsedKey);
}

#[test]
fn a_sixth_chain_evicts_the_first_which_then_reads_as_a_bad_mac() {
    let (mut owner, mut acceptor) = established();
    let late = say(&mut owner, "late");
    for _ in 0..MAX_CHAINS {
        turn(&mut owner, &mut acceptor);
        assert!(acceptor.decrypt(&late).is_ok());
    }
    turn(&mut owner, &mut acceptor);
    assert_eq!(acceptor.decrypt(&late).unwrap_err(), RatchetError::BadMac);
}

#[test]
fn an_evicted_chain_beyond_index_2000_reads_as_too_far_ahead() {
    let (mut owner, mut acceptor) = established();
    let mut messages = volley(&mut owner, MAX_GAP + 2);
    let late = messages.pop().unwrap();
    hear(&mut acceptor, &messages[0]);
    for _ in 0..=MAX_CHAINS {
        turn(&mut acceptor, &mut owner);
    }
    assert!(late.index() > MAX_GAP);
    assert_eq!(acceptor.decrypt(&late).unwrap_err(), RatchetError::TooFarAhead);
}

/// Mixed by chance, as two routes and a swarm mix them.
fn shuffled<T>(mut items: Vec<T>) -> Vec<T> {
    let mut dice = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    for unsettled in (1..items.len()).rev() {
        let other = dice.next_u64() % (unsettled as u64 + 1);
        items.swap(unsettled, usize::try_from(other).unwrap());
    }
    items
}

#[test]
fn a_thousand_messages_reordered_over_two_routes_are_all_read_in_index_order() {
    let (mut owner, mut acceptor) = established();
    turn(&mut owner, &mut acceptor);
    let mut batch = shuffled(volley(&mut owner, 1_000));
    let mut in_arrival_order = Session::unpickle(&acceptor.pickle().unwrap()).unwrap();
    let mut unreadable = 0;
    for message in &batch {
        match in_arrival_order.decrypt(message) {
            Ok((advanced, _)) => in_arrival_order = advanced,
            Err(error) => {
                assert_eq!(error, RatchetError::UsedKey);
                unreadable += 1;
            }
        }
    }
    assert!(unreadable > 800, "the order must matter: {unreadable} of 1,000 were unreadable");
    batch.sort_by_key(OlmMessage::index);
    for (number, message) in batch.iter().enumerate() {
        assert_eq!(hear(&mut acceptor, message), number.to_string());
    }
}

#[test]
fn older_chains_first_reads_what_crossed_a_turn() {
    let (mut owner, mut acceptor) = established();
    let old_chain = volley(&mut owner, 20);
    hear(&mut acceptor, &old_chain[3]);
    let reply = say(&mut acceptor, "reply");
    hear(&mut owner, &reply);
    let new_chain = volley(&mut owner, 20);
    let left: Vec<_> = (0..20).filter(|number| *number != 3).map(|number| &old_chain[number]).collect();
    for message in left.into_iter().chain(&new_chain) {
        hear(&mut acceptor, message);
    }
}
