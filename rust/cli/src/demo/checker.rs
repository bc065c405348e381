//! What became of every message, recounted from what lies in the databases and on the nodes.
//! The senders' own counters are not asked.

use std::collections::{BTreeMap, BTreeSet};

use starling_store::{
    Direction, Event, EventSeq, Message, MessageKind, MessageRow, MessageState, Relation, Security,
};

/// A text that a call accepted for sending, in the order of the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Which side sent it.
    pub(crate) from: Side,
    /// The text.
    pub(crate) body: String,
}

/// A text sent to somebody who has blocked its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// Who sent it.
    pub(crate) from: Side,
    /// The text.
    pub(crate) body: String,
    /// The blocker's last event before it was sent.
    pub(crate) after: Option<EventSeq>,
}

/// One of the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Alice,
    Bob,
    Carol,
    Dave,
}

impl Side {
    /// All, in the order in which they are introduced.
    pub(crate) const ALL: [Self; 4] = [Self::Alice, Self::Bob, Self::Carol, Self::Dave];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Alice => "Alice",
            Self::Bob => "Bob",
            Self::Carol => "Carol",
            Self::Dave => "Dave",
        }
    }

    /// With whom this one talks.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Alice => Self::Bob,
            Self::Bob => Self::Alice,
            Self::Carol => Self::Dave,
            Self::Dave => Self::Carol,
        }
    }
}

/// What one database holds: every message, the whole event log in order, and what the other side is.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) messages: Vec<Message>,
    pub(crate) events: Vec<(EventSeq, Event)>,
    pub(crate) relation: Relation,
    pub(crate) security: Security,
    /// Ratchet frames on the nodes that were read and left no trace.
    pub(crate) ignored: usize,
}

impl Ledger {
    fn outgoing(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.direction == Direction::Outgoing)
    }

    fn shown(&self) -> impl Iterator<Item = MessageRow> {
        self.events.iter().filter_map(|(_, event)| shown_row(event))
    }

    fn was_prompted(&self) -> bool {
        let prompt = |event: &Event| {
            matches!(
                event,
                Event::RequestReceived { .. } | Event::RequestReplaced { .. } | Event::RequestsDigest
            )
        };
        self.events.iter().any(|(_, event)| prompt(event))
    }
}

/// A message of `from` found on a node, named by the recipient's keys or database.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) from: Side,
    pub(crate) message_id: [u8; 16],
    /// Which node.
    pub(crate) node: usize,
    /// Whether it lies there with a proof of work.
    pub(crate) proven: bool,
    /// Whether it is a ratchet frame.
    pub(crate) ratchet: bool,
}

/// The count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) sent: usize,
    pub(crate) delivered: usize,
    pub(crate) delivered_acked: usize,
    pub(crate) lost: usize,
    pub(crate) duplicates: usize,
    pub(crate) out_of_order: usize,
    pub(crate) stored_min: usize,
    pub(crate) stored_max: usize,
    pub(crate) proven: usize,
    /// Friend requests among the messages: their introductions go without a ratchet.
    pub(crate) requests: usize,
    /// Messages of which nothing but ratchet frames lies on the nodes.
    pub(crate) ratcheted: usize,
    /// Pairs that both sides call friends, with a ratchet.
    pub(crate) friendships: usize,
    /// Those among them of which both asked and neither was prompted.
    pub(crate) crossing: usize,
    pub(crate) blocked: usize,
    /// Messages to a blocker that reached its swarm and caused nothing.
    pub(crate) blocked_silent: usize,
}

/// Everything that the checker looks at.
pub(crate) struct Evidence<'a> {
    pub(crate) accepted: &'a [Accepted],
    pub(crate) blocked: &'a [Blocked],
    pub(crate) ledgers: &'a BTreeMap<Side, Ledger>,
    pub(crate) held: &'a [Held],
}

/// Counts all directions. A side without a database makes everything of it lost.
pub(crate) fn judge(evidence: &Evidence<'_>) -> Verdict {
    let mut verdict = Verdict { stored_min: usize::MAX, ..Verdict::default() };
    for (side, sender) in evidence.ledgers {
        let Some(receiver) = evidence.ledgers.get(&side.other()) else { continue };
        let own = evidence.accepted.iter().filter(|text| text.from == *side);
        let bodies: Vec<&str> = own.map(|text| text.body.as_str()).collect();
        let held: Vec<&Held> = evidence.held.iter().filter(|held| held.from == *side).collect();
        judge_delivery(&bodies, receiver, &mut verdict);
        verdict.out_of_order += misplaced(receiver);
        judge_sending(&bodies, sender, &held, &mut verdict);
        if side < &side.other() {
            judge_friendship(sender, receiver, &mut verdict);
        }
    }
    for blocked in evidence.blocked {
        verdict.blocked += 1;
        verdict.blocked_silent += usize::from(is_silent(blocked, evidence.ledgers));
    }
    verdict.stored_min = verdict.stored_min.min(verdict.stored_max);
    verdict
}

/// Lost and doubled, by text: what was said against what the other side shows.
fn judge_delivery(accepted: &[&str], receiver: &Ledger, verdict: &mut Verdict) {
    let shown: BTreeSet<MessageRow> = receiver.shown().collect();
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
    let shown_twice = receiver.shown().count() - shown.len();
    verdict.duplicates += surplus.values().sum::<usize>() + shown_twice;
}

/// What the sender knows of each message, on how many nodes it lies, in which form, and on which of them
/// with a proof.
fn judge_sending(accepted: &[&str], sender: &Ledger, held: &[&Held], verdict: &mut Verdict) {
    let mut sent: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
    for message in sender.outgoing() {
        sent.entry(message.body.as_str()).or_default().push(message);
    }
    for body in accepted {
        let message = sent.get_mut(body).and_then(Vec::pop);
        let id = message.map(|message| message.message_id);
        let copies: Vec<&&Held> = held.iter().filter(|held| Some(held.message_id) == id).collect();
        let nodes: BTreeSet<usize> = copies.iter().map(|held| held.node).collect();
        verdict.stored_min = verdict.stored_min.min(nodes.len());
        verdict.stored_max = verdict.stored_max.max(nodes.len());
        verdict.proven += usize::from(copies.iter().any(|held| held.proven));
        verdict.ratcheted += usize::from(!copies.is_empty() && copies.iter().all(|held| held.ratchet));
        let is = |fact: fn(&Message) -> bool| usize::from(message.is_some_and(fact));
        verdict.requests += is(|message| message.kind == MessageKind::Request);
        verdict.delivered_acked += is(|message| message.state == MessageState::Delivered);
    }
}

fn judge_friendship(one: &Ledger, other: &Ledger, verdict: &mut Verdict) {
    let friends =
        |ledger: &Ledger| ledger.relation == Relation::Friend && ledger.security == Security::Ratchet;
    let asked = |ledger: &Ledger| ledger.outgoing().any(|message| message.kind == MessageKind::Request);
    let both = |fact: &dyn Fn(&Ledger) -> bool| fact(one) && fact(other);
    if both(&friends) {
        verdict.friendships += 1;
        verdict.crossing += usize::from(both(&asked) && !one.was_prompted() && !other.was_prompted());
    }
}

/// Whether a message to a blocker lies in its swarm and was read there, and the blocker's database knows nothing of it, nor
/// has anything come back.
fn is_silent(blocked: &Blocked, ledgers: &BTreeMap<Side, Ledger>) -> bool {
    let (Some(sender), Some(blocker)) = (ledgers.get(&blocked.from), ledgers.get(&blocked.from.other()))
    else {
        return false;
    };
    let said = sender.outgoing().find(|message| message.body == blocked.body);
    let stored = said.is_some_and(|message| matches!(message.state, MessageState::Stored { .. }));
    let known = blocker.messages.iter().any(|message| message.body == blocked.body);
    let told = blocker.events.last().map(|(seq, _)| *seq) > blocked.after;
    stored && !known && !told && blocker.ignored > 0
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
    for (_, event) in &receiver.events {
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

    fn verdict(
        accepted: &[Accepted],
        blocked: &[Blocked],
        alice: Ledger,
        bob: Ledger,
        held: &[Held],
    ) -> Verdict {
        let ledgers = BTreeMap::from([(Side::Alice, alice), (Side::Bob, bob)]);
        judge(&Evidence { accepted, blocked, ledgers: &ledgers, held })
    }

    /// Alice says a, b, c; `shown` is what Bob's log says of the rows 1, 2, 3.
    fn case(shown: Vec<Event>) -> Verdict {
        let bodies = ["a", "b", "c"];
        let messages =
            |direction| (1..).zip(bodies).map(|(seq, body)| message(direction, seq, body)).collect();
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
}
