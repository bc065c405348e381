//! Fabricated histories: each kind of broken promise must be found.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]
use super::*;

fn id(number: u8) -> MessageId {
    [number; 16]
}

fn shown(number: u8) -> ShownMessage {
    ShownMessage { from: 0, id: id(number), place: Some((1, u64::from(number))) }
}

/// Device 0 sent messages 1 to `count` to device 1, which kept and showed them all.
fn good(count: u8) -> History {
    let body = |n: u8| format!("text {n}");
    let numbers = 1..=count;
    History {
        accepted: numbers
            .clone()
            .map(|n| Accepted { at: 1, from: 0, to: 1, id: id(n), body: body(n) })
            .collect(),
        sent: numbers
            .clone()
            .map(|n| Sent { from: 0, id: id(n), body: body(n), ending: Ending::Stored })
            .collect(),
        kept: numbers
            .clone()
            .map(|n| Kept { at_device: 1, store: 0, from: Some(0), id: id(n), body: body(n) })
            .collect(),
        displayed: vec![
            Vec::new(),
            numbers
                .map(|n| Displayed { at: 2, store: 0, event: n.into(), what: Shown::Message(shown(n)) })
                .collect(),
        ],
        ..History::default()
    }
}

fn counts(history: &History) -> (u64, u64, u64, usize) {
    let verdict = history.judge(9);
    (verdict.lost, verdict.duplicates, verdict.out_of_order, verdict.violations.len())
}

#[test]
fn a_good_history_is_clean() {
    assert_eq!(counts(&good(5)), (0, 0, 0, 0));
    assert_eq!(good(5).judge(9).messages, 5);
}

#[test]
fn a_message_that_is_not_kept_is_lost() {
    let mut history = good(3);
    history.kept.remove(1);
    assert_eq!(counts(&history), (1, 0, 0, 1));
}

#[test]
fn a_message_that_is_never_shown_is_lost() {
    let mut history = good(3);
    history.displayed[1].pop();
    assert_eq!(counts(&history), (1, 0, 0, 1));
    assert_eq!(history.missing()[0].body, "text 3");
}

#[test]
fn a_message_kept_by_the_wrong_device_is_lost() {
    let mut history = good(2);
    history.kept[0].at_device = 0;
    assert_eq!(history.judge(9).lost, 1);
}

#[test]
fn a_message_kept_twice_is_a_duplicate_even_under_another_id() {
    let mut history = good(2);
    let again = history.kept[0].clone();
    history.kept.push(again.clone());
    assert_eq!(counts(&history).1, 1);
    history.kept[2] = Kept { id: id(77), ..again };
    assert_eq!(counts(&history).1, 1);
}

#[test]
fn a_message_shown_twice_is_a_duplicate() {
    let mut history = good(2);
    history.displayed[1].push(Displayed { at: 3, store: 0, event: 9, what: Shown::Inserted(shown(2)) });
    assert_eq!(counts(&history), (0, 1, 0, 1));
}

#[test]
fn a_lower_number_after_a_higher_one_is_out_of_order() {
    let mut history = good(3);
    history.displayed[1][1].what = Shown::Message(shown(3));
    history.displayed[1][2].what = Shown::Message(shown(2));
    assert_eq!(counts(&history), (0, 0, 1, 1));
    history.displayed[1][2].what = Shown::Inserted(shown(2));
    assert_eq!(counts(&history), (0, 0, 1, 1), "calling it a filler does not announce the gap");
}

#[test]
fn an_announced_gap_excuses_a_filler_that_says_so() {
    let mut history = good(3);
    let gap = Shown::Gap { from: 0, first: 2, last: 2 };
    history.displayed[1] =
        [Shown::Message(shown(1)), gap, Shown::Message(shown(3)), Shown::Inserted(shown(2))]
            .into_iter()
            .enumerate()
            .map(|(event, what)| Displayed { at: 2, store: 0, event: event as i64, what })
            .collect();
    assert_eq!(counts(&history), (0, 0, 0, 0));
    assert_eq!(history.judge(9).gaps, 1);
    history.displayed[1][3].what = Shown::Message(shown(2));
    assert_eq!(counts(&history), (0, 0, 0, 1), "a filler must be shown as one");
}

#[test]
fn streams_are_ordered_apart_from_one_another() {
    let mut history = good(2);
    let Shown::Message(second) = &mut history.displayed[1][1].what else { unreachable!() };
    second.place = Some((2, 1));
    assert_eq!(counts(&history), (0, 0, 0, 0));
}

#[test]
fn events_go_forward() {
    let mut history = good(2);
    history.displayed[1][1].event = 1;
    assert_eq!(counts(&history), (0, 0, 0, 1));
}

#[test]
fn contradictions_between_databases_are_found() {
    let mut forged = good(1);
    forged.kept.push(Kept { at_device: 1, store: 0, from: None, id: id(50), body: "forged".into() });
    assert_eq!(counts(&forged).3, 1);
    let mut altered = good(1);
    altered.sent[0].body = "other".into();
    assert_eq!(counts(&altered).3, 1);
    let mut failed = good(1);
    failed.sent[0].ending = Ending::Failed;
    assert_eq!(counts(&failed).3, 1);
}

#[test]
fn a_message_given_up_by_its_host_may_be_missing() {
    let mut history = good(2);
    history.sent[1].ending = Ending::GivenUp;
    history.kept.pop();
    history.displayed[1].pop();
    assert_eq!(counts(&history), (0, 0, 0, 0));
}

/// Device 1 loses its store after all of it was shown there.
fn restored(ending: Ending) -> History {
    let mut history = good(2);
    history.stores = vec![0, 1];
    history.sent.iter_mut().for_each(|sent| sent.ending = ending);
    history
}

#[test]
fn what_a_destroyed_store_acknowledged_is_not_lost() {
    assert_eq!(counts(&restored(Ending::Delivered)), (0, 0, 0, 0));
}

#[test]
fn what_a_destroyed_store_did_not_acknowledge_is_lost_unless_it_comes_again() {
    let mut history = restored(Ending::Stored);
    assert_eq!(counts(&history).0, 2);
    for number in [1, 2] {
        let again = Kept { store: 1, ..history.kept[number - 1].clone() };
        history.kept.push(again);
        let what = Shown::Message(shown(number as u8));
        history.displayed[1].push(Displayed { at: 5, store: 1, event: number as i64, what });
    }
    assert_eq!(counts(&history), (0, 0, 0, 0));
}

#[test]
fn a_message_shown_twice_by_one_store_is_doubled_also_after_a_restore() {
    let mut history = restored(Ending::Delivered);
    for event in [1, 2] {
        let what = Shown::Message(shown(1));
        history.displayed[1].push(Displayed { at: 5, store: 1, event, what });
    }
    assert_eq!(counts(&history).1, 1);
}

#[test]
fn what_nobody_agreed_to_hear_need_not_arrive() {
    let mut history = good(2);
    history.kept.clear();
    history.displayed[1].clear();
    history.deaf.insert((1, 0), 1);
    assert_eq!(counts(&history), (0, 0, 0, 0));
    history.deaf.insert((1, 0), 0);
    assert_eq!(counts(&history).0, 2);
}
