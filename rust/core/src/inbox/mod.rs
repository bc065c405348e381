//! The way of a message in: what three replicas handed out becomes rows, marks, events and moved
//! cursors in one commit (message-routing "Asynchronous routing", extensions sections 2, 3 and 7).

mod gaps;
mod parking;
mod poll;
mod read;
pub(crate) mod retry;
mod take;
#[cfg(test)]
mod tests;
mod withheld;

use std::collections::{BTreeMap, BTreeSet};

use starling_protocol::sealed::Opened;
use starling_protocol::{AccountKeys, NodeKey};
use starling_store::{Quarantined, StoreError};

pub(crate) use self::gaps::Gaps;
use self::parking::Parking;
pub(crate) use self::poll::Poller;
use self::take::Taking;
use crate::contacts::Clock;
use crate::effect::Effect;
use crate::network::Network;
use crate::outbox::seal::NAMESPACE;
use crate::sessions;
use crate::step::Step;
use crate::unseal::Unsealable;

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

/// Writes one batch: all of it or, if the step fails, none of it. Messages of the Session protocol come
/// first, because they bring the bundles; then the frames, those included that waited for this batch.
fn commit(
    step: &mut Step<'_, '_>,
    network: &Network,
    gaps: &mut Gaps,
    parking: &mut Parking,
    keys: &AccountKeys,
    batch: &Batch,
    opened: Vec<(String, Result<Opened, Unsealable>)>,
) -> Result<Committed, StoreError> {
    let mut committed = Committed::default();
    let clock = Clock { network_ms: network.time_guess_ms(step.now) };
    let ack_pause_ms = i64::try_from(network.config().ack_pause_ms).unwrap_or(i64::MAX);
    let mut taking = Taking { keys, clock, gaps, committed: &mut committed, ack_pause_ms };
    let mut frames = Vec::new();
    for (hash, result) in opened {
        if step.tx.hash_known(&hash)? {
            continue;
        }
        step.tx.mark_hash(&hash, clock.mark_expiry_ms())?;
        let data = batch.messages.get(&hash).map(String::as_str).unwrap_or_default();
        let taken = match result {
            Ok(Opened::Session(opened)) => taking.basic(step, opened, data)?,
            Ok(Opened::Frame(frame)) => {
                frames.push(frame);
                Ok(())
            }
            // Whoever cannot tag a frame gets no reaction, and no row.
            Err(Unsealable::BadTag) => Ok(()),
            Err(reason) => Err(reason),
        };
        if let Err(reason) = taken {
            let (reason, now_ms) = (reason.code(), step.now.wall_ms);
            step.tx.quarantine(Quarantined { conversation: None, hash: &hash, data, reason, now_ms })?;
        }
    }
    let waited = match parking.over(&batch.replicas, step.now) {
        true => sessions::unpark(step, keys)?,
        false => Vec::new(),
    };
    for received in sessions::receive(step, keys, clock, frames, waited)? {
        taking.frame(step, received)?;
    }
    parking.began(&batch.replicas, step)?;
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

/// Erases the dedupe marks whose time has passed, by agreed network time only.
fn sweep(step: &mut Step<'_, '_>, network: &Network) -> Result<(), StoreError> {
    match network.time_ms(step.now) {
        Some(network_ms) => step.tx.sweep_marks(signed(network_ms)),
        None => Ok(()),
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
