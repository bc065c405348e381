//! The checker finds what is wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use starling_protocol::{AccountKeys, Seed};
use starling_store::{self as store, ConversationId};

use super::*;

const HERE: ConversationId = ConversationId(1);

fn message(direction: Direction, seq: i64, body: &str) -> Message {
    let peer = AccountKeys::from_seed(&Seed::from_bytes(&[7; 16]).unwrap()).account_id();
    Message {
        row: MessageRow(seq),
        conversation: HERE,
        peer,
        direction,
        message_id: [u8::try_from(seq).unwrap(); 16],
        kind: MessageKind::Text,
        stream: Some(1),
        seq: Some(seq),
        clock: seq,
        body: body.to_owned(),
        sent_ms: 0,
        received_ms: None,
        state: match direction {
            Direction::Outgoing => MessageState::Delivered,
            Direction::Incoming => MessageState::Received,
        },
        held: store::Held::No,
    }
}

fn received(seq: i64) -> Event {
    Event::MessageReceived { conversation: HERE, message: MessageRow(seq) }
}

fn ledger(messages: Vec<Message>, events: Vec<Event>) -> Ledger {
    let events = (1..).map(EventSeq).zip(events).collect();
    let (relation, security) = (Relation::Friend, Security::Ratchet);
    Ledger { messages, events, relation, security, ignored: 1 }
}

fn verdict(accepted: &[Accepted], blocked: &[Blocked], alice: Ledger, bob: Ledger, held: &[Held]) -> Verdict {
    let ledgers = BTreeMap::from([(Side::Alice, alice), (Side::Bob, bob)]);
    judge(&Evidence { accepted, blocked, ledgers: &ledgers, held })
}

/// Alice says a, b, c; `shown` is what Bob's log says of the rows 1, 2, 3.
fn case(shown: Vec<Event>) -> Verdict {
    let bodies = ["a", "b", "c"];
    let messages = |direction| (1..).zip(bodies).map(|(seq, body)| message(direction, seq, body)).collect();
    let accepted = bodies.map(|body| Accepted { from: Side::Alice, body: body.to_owned() });
    let held: Vec<Held> = [(1, 0), (1, 4), (2, 1), (2, 1), (3, 2)]
        .into_iter()
        .map(|(id, node)| Held {
            from: Side::Alice,
            message_id: [id; 16],
            node,
            proven: id == 3,
            ratchet: (id, node) != (1, 4),
        })
        .collect();
    let alice = ledger(messages(Direction::Outgoing), Vec::new());
    verdict(&accepted, &[], alice, ledger(messages(Direction::Incoming), shown), &held)
}

#[test]
fn all_is_well() {
    let expected = Verdict {
        sent: 3,
        delivered: 3,
        delivered_acked: 3,
        stored_min: 1,
        stored_max: 2,
        proven: 1,
        ratcheted: 2,
        friendships: 1,
        ..Verdict::default()
    };
    assert_eq!(case(vec![received(1), received(2), received(3)]), expected);
}

#[test]
fn what_was_never_shown_is_lost() {
    let verdict = case(vec![received(1), received(3)]);
    assert_eq!((verdict.delivered, verdict.lost), (2, 1));
}

#[test]
fn what_was_shown_twice_is_doubled() {
    assert_eq!(case(vec![received(1), received(2), received(2), received(3)]).duplicates, 1);
}

#[test]
fn a_late_message_is_in_order_only_behind_a_gap() {
    assert_eq!(case(vec![received(1), received(3), received(2)]).out_of_order, 1);
    let gap = Event::Gap { conversation: HERE, from_seq: 2, to_seq: 2 };
    let late = Event::MessageInserted { conversation: HERE, message: MessageRow(2) };
    assert_eq!(case(vec![received(1), gap, received(3), late]).out_of_order, 0);
}

#[test]
fn a_text_that_was_never_said_is_a_double() {
    let bob = ledger(vec![message(Direction::Incoming, 1, "b")], vec![received(1)]);
    let verdict = verdict(&[], &[], ledger(Vec::new(), Vec::new()), bob, &[]);
    assert_eq!((verdict.sent, verdict.duplicates, verdict.stored_min), (0, 1, 0));
}

fn request(seq: i64) -> Message {
    Message { kind: MessageKind::Request, ..message(Direction::Outgoing, seq, "we have met") }
}

#[test]
fn requests_cross_only_if_both_asked_and_nobody_was_prompted() {
    let crossing = |bob: Ledger| {
        let verdict = verdict(&[], &[], ledger(vec![request(1)], Vec::new()), bob, &[]);
        (verdict.friendships, verdict.crossing)
    };
    let prompt = Event::RequestReceived { conversation: HERE };
    assert_eq!(crossing(ledger(vec![request(1)], Vec::new())), (1, 1));
    assert_eq!(crossing(ledger(vec![request(1)], vec![prompt])), (1, 0));
    assert_eq!(crossing(ledger(Vec::new(), Vec::new())), (1, 0));
    let one_sided = Ledger { relation: Relation::Requested, ..ledger(vec![request(1)], Vec::new()) };
    assert_eq!(crossing(one_sided), (0, 0));
}

#[test]
fn a_block_is_silent_only_if_nothing_came_of_the_message() {
    let blocked = [Blocked { from: Side::Alice, body: "x".to_owned(), after: Some(EventSeq(1)) }];
    let silent = |state, bob: Ledger| {
        let said = Message { state, ..message(Direction::Outgoing, 1, "x") };
        verdict(&[], &blocked, ledger(vec![said], Vec::new()), bob, &[]).blocked_silent
    };
    let stored = MessageState::Stored { k: 3, n: 5 };
    let nothing = || ledger(Vec::new(), vec![Event::Resync]);
    assert_eq!(silent(stored, nothing()), 1);
    assert_eq!(silent(MessageState::Delivered, nothing()), 0, "it was acknowledged");
    assert_eq!(silent(MessageState::Queued, nothing()), 0, "it never arrived");
    assert_eq!(silent(stored, ledger(Vec::new(), vec![Event::Resync, Event::Resync])), 0, "an event");
    let known = ledger(vec![message(Direction::Incoming, 1, "x")], vec![Event::Resync]);
    assert_eq!(silent(stored, known), 0, "a row");
    assert_eq!(silent(stored, Ledger { ignored: 0, ..nothing() }), 0, "it was never read");
}
