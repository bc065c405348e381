//! The judge: what was lost, doubled or shown out of order.
//!
//! It believes nobody's counters. It compares what hosts were promised ([`Accepted`]), what the databases
//! hold in the end ([`Kept`], [`Sent`]) and what hosts were shown, event by event ([`Displayed`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Identity of a message inside its sender's account.
pub type MessageId = [u8; 16];

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Virtual time in milliseconds.
    pub at: u64,
    /// What was broken, for a person to read.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", crate::trace::Moment(self.at), self.what)
    }
}

/// A message whose acceptance (`Answer::Queued`) reached the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Virtual time of the answer.
    pub at: u64,
    /// Sending device.
    pub from: usize,
    /// Receiving device.
    pub to: usize,
    /// Its identity.
    pub id: MessageId,
    /// Its text; no two accepted messages of a world have the same one.
    pub body: String,
}

/// How a message that was sent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Still in the outbox.
    Waiting,
    /// In the swarm.
    Stored,
    /// The recipient acknowledged it.
    Delivered,
    /// Its time to live passed unacknowledged: it may have arrived or not.
    Expired,
    /// The sender's store was destroyed before it was delivered: it may arrive or not.
    Destroyed,
    /// The sender's host is told that it will not arrive.
    Failed,
    /// Its host gave it up, withdrew it or blocked the recipient: it may arrive or not.
    GivenUp,
}

/// One outgoing message in a sender's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Sending device.
    pub from: usize,
    /// Its identity.
    pub id: MessageId,
    /// Its text.
    pub body: String,
    /// Its state.
    pub ending: Ending,
}

/// One incoming message in a recipient's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Receiving device.
    pub at_device: usize,
    /// Number of the device's store: 0, and one more after each restore from the phrase.
    pub store: u32,
    /// Sending device; `None` if no device of this world has that account.
    pub from: Option<usize>,
    /// Its identity.
    pub id: MessageId,
    /// Its text.
    pub body: String,
}

/// One event as the host first saw it; an event that comes again because the host was killed before it
/// acknowledged has the same number and is one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Displayed {
    /// Virtual time.
    pub at: u64,
    /// Number of the device's store.
    pub store: u32,
    /// The event's number in that store.
    pub event: i64,
    /// What it said.
    pub what: Shown,
}

/// What an event said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A message at the end of the conversation.
    Message(ShownMessage),
    /// A message that fills a gap shown before.
    Inserted(ShownMessage),
    /// Messages of this sender with these numbers are missing.
    Gap {
        /// Sending device.
        from: usize,
        /// First missing number.
        first: u64,
        /// Last missing number.
        last: u64,
    },
    /// This device asks for friendship.
    Request {
        /// Who.
        from: usize,
    },
    /// This device's request was replaced by a newer one.
    Replaced {
        /// Who.
        from: usize,
    },
    /// This device is a friend now.
    Friend {
        /// Who.
        from: usize,
    },
    /// The sessions with this device were set up anew.
    Renewed {
        /// Who.
        from: usize,
    },
}

/// A message in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownMessage {
    /// Sending device.
    pub from: usize,
    /// Its identity.
    pub id: MessageId,
    /// Stream and sequence number; a Session client's messages have none.
    pub place: Option<(u64, u64)>,
}

/// Recipient and sender, and the virtual time up to which the one need not hear the other.
pub type Deaf = BTreeMap<(usize, usize), u64>;

/// Everything the judge looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// In the order of the answers.
    pub accepted: Vec<Accepted>,
    /// All outgoing messages of all databases.
    pub sent: Vec<Sent>,
    /// All incoming messages of all databases.
    pub kept: Vec<Kept>,
    /// Per device, in the order of display.
    pub displayed: Vec<Vec<Displayed>>,
    /// Per device, the number of its present store.
    pub stores: Vec<u32>,
    /// Messages that the second device accepted up to this time need not reach the first: its user has not
    /// agreed to hear them.
    pub deaf: Deaf,
}

/// The judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Accepted messages.
    pub messages: u64,
    /// Accepted messages not kept or never shown.
    pub lost: u64,
    /// Messages kept or shown again.
    pub duplicates: u64,
    /// Messages shown out of order.
    pub out_of_order: u64,
    /// Gap events.
    pub gaps: u64,
    /// One line for each finding.
    pub violations: Vec<Violation>,
}

impl History {
    /// Judges the whole history; `at` is the virtual time written into what is found at the end.
    pub fn judge(&self, at: u64) -> Verdict {
        let mut verdict = Verdict { messages: self.accepted.len() as u64, ..Verdict::default() };
        self.find_lost(at, &mut verdict);
        self.find_kept_twice(at, &mut verdict);
        self.find_contradictions(at, &mut verdict);
        for (device, events) in self.displayed.iter().enumerate() {
            judge_display(device, events, &self.deaf, &mut verdict);
        }
        verdict
    }

    /// Accepted messages that have not yet been kept and shown; empty is what a run waits for.
    ///
    /// A message has arrived if the recipient's present store kept it and showed it, or if its sender was
    /// told that it was delivered and a destroyed store had kept it: what a destroyed store acknowledged
    /// does not come again in a ratchet frame. What it showed without an acknowledgement comes once more,
    /// because its sender cannot know better; and so may what lies in the swarm in the Session protocol.
    pub fn missing(&self) -> Vec<&Accepted> {
        let endings: BTreeMap<_, _> = self.sent.iter().map(|m| ((m.from, m.id), m.ending)).collect();
        let kept: BTreeMap<_, _> = self.kept.iter().map(|m| ((m.at_device, m.from, m.id), m.store)).collect();
        let shown: BTreeSet<_> = (0..).zip(&self.displayed).flat_map(|(i, e)| shown_on(i, e)).collect();
        let arrived = |m: &Accepted, ending: Option<&Ending>| {
            let present = self.stores.get(m.to).copied().unwrap_or(0);
            match kept.get(&(m.to, Some(m.from), m.id)) {
                Some(store) if *store == present => shown.contains(&(m.to, present, m.from, m.id)),
                Some(_) => ending == Some(&Ending::Delivered),
                None => false,
            }
        };
        let open = |m: &&Accepted| {
            let ending = endings.get(&(m.from, m.id));
            let excused = matches!(ending, Some(Ending::GivenUp | Ending::Expired | Ending::Destroyed))
                || self.deaf.get(&(m.to, m.from)).is_some_and(|until| m.at <= *until);
            !excused && !arrived(m, ending)
        };
        self.accepted.iter().filter(open).collect()
    }

    /// Messages that were not acknowledged, though nothing excuses it.
    pub fn undelivered(&self) -> Vec<&Sent> {
        let accepted: BTreeMap<_, _> = self.accepted.iter().map(|m| ((m.from, m.id), (m.to, m.at))).collect();
        let deaf = |m: &Sent| match accepted.get(&(m.from, m.id)) {
            Some((to, at)) => self.deaf.get(&(*to, m.from)).is_some_and(|until| at <= until),
            // Its answer never reached the host, so nobody knows when it was accepted.
            None => self.deaf.keys().any(|(_, from)| *from == m.from),
        };
        let open =
            |m: &&Sent| matches!(m.ending, Ending::Waiting | Ending::Stored | Ending::Failed) && !deaf(m);
        self.sent.iter().filter(open).collect()
    }

    fn find_lost(&self, at: u64, verdict: &mut Verdict) {
        for message in self.missing() {
            verdict.lost += 1;
            let kept = self.kept.iter().any(|kept| kept.at_device == message.to && kept.id == message.id);
            let how = if kept { "kept but never shown" } else { "not in the recipient's database" };
            let ending = self.sent.iter().find(|m| m.from == message.from && m.id == message.id);
            verdict.note(
                at,
                format!(
                    "lost: {:?} from device {} to {}, accepted {}: {how}; its sender says {:?}",
                    message.body,
                    message.from,
                    message.to,
                    crate::trace::Moment(message.at),
                    ending.map(|sent| sent.ending)
                ),
            );
        }
    }

    fn find_kept_twice(&self, at: u64, verdict: &mut Verdict) {
        let mut ids = BTreeSet::new();
        let mut bodies = BTreeSet::new();
        for kept in &self.kept {
            let (device, store, from) = (kept.at_device, kept.store, kept.from);
            let new_id = ids.insert((device, store, from, kept.id));
            let new_body = bodies.insert((device, store, from, kept.body.as_str()));
            if !new_id || !new_body {
                verdict.duplicates += 1;
                let what = format!("kept twice: {:?} on device {}", kept.body, kept.at_device);
                verdict.note(at, what);
            }
        }
    }

    /// What databases must never say: a message that nobody sent, or sent with another text, or one that
    /// failed for its sender and arrived all the same.
    fn find_contradictions(&self, at: u64, verdict: &mut Verdict) {
        let sent: BTreeMap<_, _> = self.sent.iter().map(|m| ((m.from, m.id), m)).collect();
        for kept in &self.kept {
            let original = kept.from.and_then(|from| sent.get(&(from, kept.id)));
            let what = match original {
                None => "has a message that nobody sent",
                Some(original) if original.body != kept.body => "has a message with an altered text",
                Some(original) if original.ending == Ending::Failed => {
                    "received a message that failed for its sender"
                }
                Some(_) => continue,
            };
            verdict.note(at, format!("device {} {what}: {:?}", kept.at_device, kept.body));
        }
    }
}

impl Verdict {
    fn note(&mut self, at: u64, what: String) {
        self.violations.push(Violation { at, what });
    }
}

/// Device, store, sender and id of every message shown.
fn shown_on(
    device: usize,
    events: &[Displayed],
) -> impl Iterator<Item = (usize, u32, usize, MessageId)> + '_ {
    events.iter().filter_map(move |event| match &event.what {
        Shown::Message(message) | Shown::Inserted(message) => {
            Some((device, event.store, message.from, message.id))
        }
        _ => None,
    })
}

/// One device's event stream: each message once, numbers ascending within a stream except behind a gap
/// that was announced, fillers announced as such (extensions section 7). After an unblock the first message
/// read is the base, so what comes below it fills a gap that nobody announced (section 5).
fn judge_display(device: usize, events: &[Displayed], deaf: &Deaf, verdict: &mut Verdict) {
    let mut seen = BTreeSet::new();
    let mut highest: BTreeMap<(usize, u64), u64> = BTreeMap::new();
    let mut announced: BTreeSet<(usize, u64)> = BTreeSet::new();
    let mut last_event = (0, i64::MIN);
    for Displayed { at, store, event, what } in events {
        if *store != last_event.0 {
            (seen, highest, announced) = Default::default();
        } else if *event <= last_event.1 {
            verdict.note(*at, format!("device {device}: event {event} comes after {}", last_event.1));
        }
        last_event = (*store, *event);
        let (message, inserted) = match what {
            Shown::Gap { from, first, last } => {
                verdict.gaps += 1;
                announced.extend((*first..=*last).take(10_000).map(|seq| (*from, seq)));
                continue;
            }
            Shown::Message(message) => (message, false),
            Shown::Inserted(message) => (message, true),
            _ => continue,
        };
        if !seen.insert((message.from, message.id)) {
            verdict.duplicates += 1;
            verdict.note(*at, format!("device {device}: {} shown twice", Name(message)));
        }
        let Some((stream, seq)) = message.place else { continue };
        let top = highest.entry((message.from, stream)).or_default();
        let based_anew = inserted && deaf.contains_key(&(device, message.from));
        if seq < *top && !based_anew && !announced.contains(&(message.from, seq)) {
            verdict.out_of_order += 1;
            let what = format!("device {device}: {} shown after number {top}", Name(message));
            verdict.note(*at, what);
        } else if seq < *top && !inserted {
            verdict.note(*at, format!("device {device}: {} fills a gap but says it is new", Name(message)));
        }
        *top = seq.max(*top);
    }
}

/// A message as violations name it.
struct Name<'a>(&'a ShownMessage);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.place {
            Some((stream, seq)) => write!(f, "message {stream}/{seq} of device {}", self.0.from),
            None => write!(f, "a message without a place of device {}", self.0.from),
        }
    }
}

#[cfg(test)]
mod tests;
