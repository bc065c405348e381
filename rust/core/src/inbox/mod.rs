//! The way of a message in: what three replicas handed out becomes rows, marks, events and moved
//! cursors in one commit (message-routing "Asynchronous routing", extensions sections 2, 3 and 7).

mod gaps;
mod poll;
mod read;
#[cfg(test)]
mod tests;
mod withheld;

use std::collections::{BTreeMap, BTreeSet};

use starling_protocol::session::Opened;
use starling_protocol::text::{Text, TextError, foreign_message_id};
use starling_protocol::{AccountId, NodeKey};
use starling_store::{Event, Quarantined, Received, Security, StoreError};

pub(crate) use self::gaps::Gaps;
use self::gaps::Place;
pub(crate) use self::poll::Poller;
use crate::effect::Effect;
use crate::network::Network;
use crate::outbox::seal::NAMESPACE;
use crate::step::Step;
use crate::unseal::Unsealable;

/// Dedupe marks outlive messages: 30 days.
const MARK_LIFE_MS: i64 = 30 * 24 * 3_600_000;
/// Streams, places and clocks beyond this are no honest ones: 2^53.
const LARGEST_NUMBER: u64 = 1 << 53;

/// What one commit takes from the replicas.
#[derive(Default)]
pub(crate) struct Batch {
    /// Stored data by its hash, as we compute it.
    messages: BTreeMap<String, String>,
    /// The order in which the messages were first seen.
    order: Vec<String>,
    /// Where each replica is to go on.
    cursors: BTreeMap<NodeKey, String>,
    /// Replicas whose answer is in this batch.
    replicas: BTreeSet<NodeKey>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.replicas.is_empty()
    }

    fn add(&mut self, hash: String, data: String) {
        if self.messages.insert(hash.clone(), data).is_none() {
            self.order.push(hash);
        }
    }
}

/// What a commit brought.
#[derive(Default)]
struct Committed {
    shown: u64,
    gap_opened: bool,
}

/// Writes one batch: all of it or, if the step fails, none of it.
fn commit(
    step: &mut Step<'_, '_>,
    network: &Network,
    gaps: &mut Gaps,
    own: AccountId,
    batch: &Batch,
    opened: Vec<(String, Result<Opened, Unsealable>)>,
) -> Result<Committed, StoreError> {
    let mut committed = Committed::default();
    let expires = mark_expiry(step, network);
    for (hash, result) in opened {
        if step.tx.hash_known(&hash)? {
            continue;
        }
        step.tx.mark_hash(&hash, expires)?;
        let taken = match result {
            Ok(opened) => take(step, network, gaps, own, opened, &mut committed)?,
            Err(reason) => Err(reason),
        };
        if let Err(reason) = taken {
            let data = batch.messages.get(&hash).map(String::as_str).unwrap_or_default();
            let poison = Quarantined { hash: &hash, data, reason: reason.code(), now_ms: step.now.wall_ms };
            step.tx.quarantine(poison)?;
        }
    }
    for (node, hash) in &batch.cursors {
        if step.tx.cursor(node, NAMESPACE)?.as_deref() != Some(hash) {
            step.tx.set_cursor(node, NAMESPACE, hash)?;
        }
    }
    if committed.shown > 0 {
        step.effects.push(Effect::EventsReady);
    }
    Ok(committed)
}

/// Takes one opened message. The inner error sends it to the quarantine.
fn take(
    step: &mut Step<'_, '_>,
    network: &Network,
    gaps: &mut Gaps,
    own: AccountId,
    opened: Opened,
    committed: &mut Committed,
) -> Result<Result<(), Unsealable>, StoreError> {
    let text = match Text::decode(&opened.content) {
        Ok(text) => text,
        // Typing, receipts and the like of Session clients: nothing to keep.
        Err(TextError::NotText) => return Ok(Ok(())),
        Err(_) => return Ok(Err(Unsealable::BadContent)),
    };
    if opened.sender == own || !plausible(&text) {
        return Ok(Err(Unsealable::BadContent));
    }
    let message_id = text.placement.map_or_else(
        || foreign_message_id(&opened.sender, text.sent_ms, &opened.content),
        |placement| placement.message_id,
    );
    let expires = mark_expiry(step, network);
    let new = step.tx.mark_seen(&opened.sender, &message_id, expires)?;
    let conversation = step.tx.open_conversation(&opened.sender, Security::Basic, step.now.wall_ms)?;
    if !new {
        if let Some(placement) = text.placement {
            committed.shown += gaps.fill(step, conversation.id, &placement)?;
        }
        return Ok(Ok(()));
    }
    let place = match text.placement {
        Some(placement) => gaps.place(step, conversation.id, &placement)?,
        None => Place::Next,
    };
    let row = step.tx.insert_received(Received {
        conversation: conversation.id,
        message_id,
        stream: text.placement.map(|placement| signed(placement.stream)),
        seq: text.placement.map(|placement| signed(placement.seq)),
        clock: text.placement.map_or_else(|| conversation.clock.saturating_add(1), |p| signed(p.clock)),
        body: text.body,
        sent_ms: signed(text.sent_ms),
        received_ms: signed(network.time_guess_ms(step.now)),
        held: place == Place::Behind,
    })?;
    let (conversation, message) = (conversation.id, row);
    match place {
        Place::Next => step.tx.push_event(Event::MessageReceived { conversation, message })?,
        Place::Late => step.tx.push_event(Event::MessageInserted { conversation, message })?,
        Place::Behind => committed.gap_opened = true,
    }
    committed.shown += u64::from(place != Place::Behind);
    if let (Place::Next, Some(placement)) = (place, text.placement) {
        let stream = signed(placement.stream);
        committed.shown += gaps.advance(step, conversation, stream, signed(placement.seq) + 1)?;
    }
    Ok(Ok(()))
}

/// Marks live by network time: a device clock that jumps must not bring old messages back.
fn mark_expiry(step: &Step<'_, '_>, network: &Network) -> i64 {
    signed(network.time_guess_ms(step.now)).saturating_add(MARK_LIFE_MS)
}

/// Erases the dedupe marks whose time has passed, by agreed network time only.
fn sweep(step: &mut Step<'_, '_>, network: &Network) -> Result<(), StoreError> {
    match network.time_ms(step.now) {
        Some(network_ms) => step.tx.sweep_marks(signed(network_ms)),
        None => Ok(()),
    }
}

/// Numbers that fit the store and leave room to count on.
fn plausible(text: &Text) -> bool {
    let largest = text
        .placement
        .map_or(0, |placement| placement.stream.max(placement.seq).max(placement.clock).max(placement.base));
    largest <= LARGEST_NUMBER && text.sent_ms <= LARGEST_NUMBER
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
