//! Order within a sender's stream: what comes next, what waits behind a gap, when it stops waiting
//! (extensions section 7).
//!
//! | place of a message | what the host sees |
//! |---|---|
//! | the next one | `MessageReceived`, and whatever waited right behind it |
//! | behind a gap | nothing yet: until the gap closes, three replicas were read since, or 30 s passed |
//! | before what was shown | `MessageInserted` |
//!
//! When waiting ends, a `Gap` event names what is missing, then the messages follow in order.

use std::collections::{BTreeMap, BTreeSet};

use starling_protocol::NodeKey;
use starling_protocol::text::Placement;
use starling_store::{ConversationId, Event, MessageRow, StoreError, Tx};

use crate::effect::Effect;
use crate::input::Now;
use crate::step::Step;

/// Longest wait behind a gap: 30 seconds.
const PATIENCE_MS: u64 = 30_000;

/// Where a message belongs in its stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Next,
    Behind,
    Late,
}

/// A gap that messages wait behind.
struct Watch {
    opened_boot_ms: u64,
    /// Replicas read since.
    read: BTreeSet<NodeKey>,
}

/// The gaps being waited on. Volatile; the waiting messages are rows.
#[derive(Default)]
pub(crate) struct Gaps {
    watches: BTreeMap<(ConversationId, i64), Watch>,
}

impl Gaps {
    /// Finds the streams with waiting messages; their wait starts anew.
    pub(crate) fn load(tx: &mut Tx<'_>, now: Now) -> Result<Self, StoreError> {
        let mut gaps = Self::default();
        for stream in tx.held_streams()? {
            gaps.watches.insert(stream, Watch { opened_boot_ms: now.boot_ms, read: BTreeSet::new() });
        }
        Ok(gaps)
    }

    /// Finds the place of a message and opens a gap where there is one.
    pub(super) fn place(
        &mut self,
        step: &mut Step<'_, '_>,
        conversation: ConversationId,
        placement: &Placement,
    ) -> Result<Place, StoreError> {
        let (stream, seq, base) =
            (super::signed(placement.stream), super::signed(placement.seq), super::signed(placement.base));
        // An installation new to a stream starts at its base, without a gap.
        let next = match step.tx.inbound_next(conversation, stream)? {
            // After a block it is 0: the first one is the base, but which one that is shows only when other
            // replicas had time to hand out earlier ones. So all of them wait, as behind a gap.
            Some(next) => next,
            None => {
                step.tx.set_inbound_next(conversation, stream, base)?;
                base
            }
        };
        Ok(match seq.cmp(&next) {
            std::cmp::Ordering::Equal => Place::Next,
            std::cmp::Ordering::Less => Place::Late,
            std::cmp::Ordering::Greater => {
                self.watches
                    .entry((conversation, stream))
                    .or_insert(Watch { opened_boot_ms: step.now.boot_ms, read: BTreeSet::new() });
                Place::Behind
            }
        })
    }

    /// A message known from another place leaves no gap at this one (extensions section 7). Returns how
    /// many messages that showed.
    pub(super) fn fill(
        &mut self,
        step: &mut Step<'_, '_>,
        conversation: ConversationId,
        placement: &Placement,
    ) -> Result<u64, StoreError> {
        let (stream, seq) = (super::signed(placement.stream), super::signed(placement.seq));
        match self.place(step, conversation, placement)? {
            Place::Next => self.advance(step, conversation, stream, seq.saturating_add(1)),
            Place::Behind => step.tx.fill_place(conversation, stream, seq).map(|()| 0),
            Place::Late => Ok(0),
        }
    }

    /// What waits with a request does not hold up the stream, and nothing is told of what is missing before
    /// it: it is shown as one piece.
    pub(super) fn pass(
        &self,
        step: &mut Step<'_, '_>,
        conversation: ConversationId,
        placement: &Placement,
    ) -> Result<(), StoreError> {
        let (stream, after) =
            (super::signed(placement.stream), super::signed(placement.seq).saturating_add(1));
        let known = step.tx.inbound_next(conversation, stream)?.unwrap_or(after);
        step.tx.set_inbound_next(conversation, stream, known.max(after))
    }

    /// The stream goes on at `next`: shows what waited right there. Returns how many.
    pub(super) fn advance(
        &mut self,
        step: &mut Step<'_, '_>,
        conversation: ConversationId,
        stream: i64,
        mut next: i64,
    ) -> Result<u64, StoreError> {
        let mut shown = 0;
        let waiting = match self.watches.contains_key(&(conversation, stream)) {
            true => step.tx.waiting(conversation, stream)?,
            false => Vec::new(),
        };
        let mut left = waiting.len();
        for (message, seq) in waiting {
            if seq > next {
                break;
            }
            shown += show(step, conversation, message)?;
            next = next.max(seq.saturating_add(1));
            left -= 1;
        }
        if left == 0 {
            self.watches.remove(&(conversation, stream));
        }
        step.tx.set_inbound_next(conversation, stream, next)?;
        Ok(shown)
    }

    /// Replicas were read to the end after these gaps had opened.
    pub(super) fn replicas_read(&mut self, replicas: &BTreeSet<NodeKey>) {
        for watch in self.watches.values_mut() {
            watch.read.extend(replicas);
        }
    }

    /// Ends every wait that has lasted long enough, by time or by `enough` replicas read; all of them
    /// if `at_once`. Returns how many messages were shown.
    pub(crate) fn release(
        &mut self,
        step: &mut Step<'_, '_>,
        enough: usize,
        at_once: bool,
    ) -> Result<u64, StoreError> {
        let over = |watch: &Watch| {
            at_once
                || watch.read.len() >= enough
                || step.now.boot_ms.saturating_sub(watch.opened_boot_ms) >= PATIENCE_MS
        };
        let ended: Vec<_> =
            self.watches.iter().filter(|(_, watch)| over(watch)).map(|(stream, _)| *stream).collect();
        let mut shown = 0;
        for (conversation, stream) in ended {
            self.watches.remove(&(conversation, stream));
            shown += show_all(step, conversation, stream)?;
        }
        if shown > 0 {
            step.effects.push(Effect::EventsReady);
        }
        Ok(shown)
    }

    /// Boot time at which the first wait ends.
    pub(crate) fn next_timer(&self) -> Option<u64> {
        self.watches.values().map(|watch| watch.opened_boot_ms.saturating_add(PATIENCE_MS)).min()
    }
}

/// Shows everything that waits in a stream, with a `Gap` event before each hole.
fn show_all(step: &mut Step<'_, '_>, conversation: ConversationId, stream: i64) -> Result<u64, StoreError> {
    let mut next = step.tx.inbound_next(conversation, stream)?.unwrap_or(1);
    let mut shown = 0;
    for (message, seq) in step.tx.waiting(conversation, stream)? {
        if next > 0 && seq > next {
            step.tx.push_event(Event::Gap { conversation, from_seq: next, to_seq: seq - 1 })?;
        }
        shown += show(step, conversation, message)?;
        next = next.max(seq.saturating_add(1));
    }
    step.tx.set_inbound_next(conversation, stream, next)?;
    Ok(shown)
}

/// Shows what waited at a place, if a message did. Returns how many.
fn show(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    message: Option<MessageRow>,
) -> Result<u64, StoreError> {
    let Some(message) = message else { return Ok(0) };
    step.tx.release(message)?;
    step.tx.push_event(Event::MessageReceived { conversation, message })?;
    Ok(1)
}
