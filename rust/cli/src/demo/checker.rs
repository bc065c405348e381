//! What became of every message, recounted from what lies in both databases and on the nodes.
//! The senders' own counters and states are not asked.

use std::collections::{BTreeMap, BTreeSet};

use starling_store::{Direction, Event, Message, MessageRow};

/// A text that a `send` call accepted, in the order of the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Which side sent it.
    pub(crate) from: Side,
    /// The text.
    pub(crate) body: String,
}

/// One of the two accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Alice,
    Bob,
}

impl Side {
    /// Both, in the order in which they are introduced.
    pub(crate) const BOTH: [Self; 2] = [Self::Alice, Self::Bob];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Alice => "Alice",
            Self::Bob => "Bob",
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Alice => Self::Bob,
            Self::Bob => Self::Alice,
        }
    }
}

/// What one database holds: every message, and the whole event log in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) messages: Vec<Message>,
    pub(crate) events: Vec<Event>,
}

/// A message of `from` found on a node and opened with the recipient's key.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) from: Side,
    pub(crate) message_id: [u8; 16],
    /// Which node.
    pub(crate) node: usize,
    /// Whether it lies there with a proof of work.
    pub(crate) proven: bool,
}

/// The count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) sent: usize,
    pub(crate) delivered: usize,
    pub(crate) lost: usize,
    pub(crate) duplicates: usize,
    pub(crate) out_of_order: usize,
    pub(crate) stored_min: usize,
    pub(crate) stored_max: usize,
    pub(crate) proven: usize,
}

/// Counts both directions.
pub(crate) fn judge(accepted: &[Accepted], alice: &Ledger, bob: &Ledger, held: &[Held]) -> Verdict {
    let mut verdict = Verdict { stored_min: usize::MAX, ..Verdict::default() };
    for side in Side::BOTH {
        let (sender, receiver) = match side {
            Side::Alice => (alice, bob),
            Side::Bob => (bob, alice),
        };
        let bodies: Vec<&str> =
            accepted.iter().filter(|text| text.from == side).map(|text| text.body.as_str()).collect();
        let held: Vec<&Held> = held.iter().filter(|held| held.from == side).collect();
        judge_delivery(&bodies, receiver, &mut verdict);
        verdict.out_of_order += misplaced(receiver);
        judge_storage(&bodies, sender, &held, &mut verdict);
    }
    verdict.stored_min = verdict.stored_min.min(verdict.stored_max);
    verdict
}

/// Lost and doubled, by text: what was said against what the other side shows.
fn judge_delivery(accepted: &[&str], receiver: &Ledger, verdict: &mut Verdict) {
    let shown: BTreeSet<MessageRow> = receiver.events.iter().filter_map(shown_row).collect();
    let arrived = receiver
        .messages
        .iter()
        .filter(|message| message.direction == Direction::Incoming && shown.contains(&message.row))
        .map(|message| message.body.as_str());
    let mut surplus = counted(arrived);
    for body in accepted {
        verdict.sent += 1;
        match surplus.get_mut(body) {
            Some(count) if *count > 0 => {
                *count -= 1;
                verdict.delivered += 1;
            }
            _ => verdict.lost += 1,
        }
    }
    let shown_twice = receiver.events.iter().filter_map(shown_row).count() - shown.len();
    verdict.duplicates += surplus.values().sum::<usize>() + shown_twice;
}

/// On how many nodes each message lies, and which of them with a proof.
fn judge_storage(accepted: &[&str], sender: &Ledger, held: &[&Held], verdict: &mut Verdict) {
    let mut ids = BTreeMap::new();
    for message in sender.messages.iter().filter(|message| message.direction == Direction::Outgoing) {
        ids.entry(message.body.as_str()).or_insert_with(Vec::new).push(message.message_id);
    }
    for body in accepted {
        let id = ids.get_mut(body).and_then(Vec::pop);
        let copies: Vec<&&Held> = held.iter().filter(|held| Some(held.message_id) == id).collect();
        let nodes: BTreeSet<usize> = copies.iter().map(|held| held.node).collect();
        verdict.stored_min = verdict.stored_min.min(nodes.len());
        verdict.stored_max = verdict.stored_max.max(nodes.len());
        verdict.proven += usize::from(copies.iter().any(|held| held.proven));
    }
}

/// A lower place shown after a higher one of the same stream, without a gap announced before
/// (extensions section 7).
fn misplaced(receiver: &Ledger) -> usize {
    let places: BTreeMap<MessageRow, (i64, i64)> = receiver
        .messages
        .iter()
        .filter_map(|message| Some((message.row, (message.stream?, message.seq?))))
        .collect();
    let mut highest: BTreeMap<i64, i64> = BTreeMap::new();
    let mut announced: BTreeSet<i64> = BTreeSet::new();
    let mut found = 0;
    for event in &receiver.events {
        if let Event::Gap { from_seq, to_seq, .. } = event {
            announced.extend(*from_seq..=*to_seq);
        }
        let Some((stream, seq)) = shown_row(event).and_then(|row| places.get(&row)) else {
            continue;
        };
        let top = highest.entry(*stream).or_insert(*seq);
        if seq < top && !announced.contains(seq) {
            found += 1;
        }
        *top = (*top).max(*seq);
    }
    found
}

fn shown_row(event: &Event) -> Option<MessageRow> {
    match event {
        Event::MessageReceived { message, .. } | Event::MessageInserted { message, .. } => Some(*message),
        _ => None,
    }
}

fn counted<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use starling_protocol::{AccountKeys, Seed};
    use starling_store::{ConversationId, MessageState};

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
            stream: Some(1),
            seq: Some(seq),
            clock: seq,
            body: body.to_owned(),
            sent_ms: 0,
            received_ms: None,
            state: MessageState::Received,
            held: false,
        }
    }

    fn received(seq: i64) -> Event {
        Event::MessageReceived { conversation: HERE, message: MessageRow(seq) }
    }

    /// Alice says a, b, c; `shown` is what Bob's log says of the rows 1, 2, 3.
    fn case(shown: Vec<Event>) -> Verdict {
        let bodies = ["a", "b", "c"];
        let ledger = |direction, events| Ledger {
            messages: (1..).zip(bodies).map(|(seq, body)| message(direction, seq, body)).collect(),
            events,
        };
        let accepted: Vec<Accepted> =
            bodies.iter().map(|body| Accepted { from: Side::Alice, body: (*body).to_owned() }).collect();
        let held: Vec<Held> = [(1, 0), (1, 4), (2, 1), (2, 1), (3, 2)]
            .into_iter()
            .map(|(id, node)| Held { from: Side::Alice, message_id: [id; 16], node, proven: id == 3 })
            .collect();
        judge(&accepted, &ledger(Direction::Outgoing, Vec::new()), &ledger(Direction::Incoming, shown), &held)
    }

    #[test]
    fn all_is_well() {
        let expected = Verdict {
            sent: 3,
            delivered: 3,
            lost: 0,
            duplicates: 0,
            out_of_order: 0,
            stored_min: 1,
            stored_max: 2,
            proven: 1,
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
        let bob = Ledger { messages: vec![message(Direction::Incoming, 1, "b")], events: vec![received(1)] };
        let verdict = judge(&[], &Ledger::default(), &bob, &[]);
        assert_eq!((verdict.sent, verdict.duplicates, verdict.stored_min), (0, 1, 0));
    }
}
