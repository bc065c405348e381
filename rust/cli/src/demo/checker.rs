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
mod tests;
