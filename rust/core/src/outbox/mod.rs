//! The way of a message out (message-routing "Asynchronous routing", extensions sections 1 and 7).
//!
//! | stage in the store | what is fixed | next |
//! |---|---|---|
//! | `Queued` | plaintext, id, sequence | seal, in sequence order, once network time is known |
//! | `Sealed` | the bytes | date it and, where nodes ask for work, prove it |
//! | `Proven` | timestamp and nonce | rounds of three stores until more than half the swarm holds it |
//! | row gone | everything | message is `Stored`, `Failed` or `Expired` |
//!
//! All of it can be taken up from the store after a kill; what is kept here is only which requests
//! are under way.

mod proof;
mod round;
pub(crate) mod seal;
mod swarm_check;

use std::collections::BTreeMap;

use starling_protocol::AccountKeys;
use starling_store::{
    Event, FailureReason, MessageKind, MessageRow, MessageState, OutboxItem, Stage, StoreError, Tx,
};

use self::proof::Proving;
use self::round::Round;
use self::swarm_check::SwarmChecks;
use crate::chance::pause;
use crate::effect::Effect;
use crate::input::{EffectId, Now};
use crate::network::Network;
use crate::step::Step;

/// Messages taken up in one step.
const BATCH: usize = 16;
/// What is held back from a blocked account is looked at again after an hour, or when it is unblocked.
const BLOCKED_PAUSE_MS: i64 = 3_600_000;
/// First pause after an attempt that reached no node: 2 seconds.
const FIRST_PAUSE_MS: u64 = 2_000;

/// Sends under way. Volatile.
#[derive(Default)]
pub(crate) struct Outbox {
    rounds: BTreeMap<MessageRow, Round>,
    stores: BTreeMap<EffectId, MessageRow>,
    proving: Option<Proving>,
    checks: SwarmChecks,
    /// Node list revision under which waiting messages were last tried.
    revision: u64,
    /// Something changed: the store must be asked again what is due.
    dirty: bool,
    /// Wall time at which the next row falls due, as of the last look.
    next_due: Option<i64>,
    /// Messages that reached the swarm, for wake reports.
    stored: u64,
}

impl Outbox {
    /// Nothing under way; everything unfinished is found in the store.
    pub(crate) fn new() -> Self {
        Self { dirty: true, ..Self::default() }
    }

    /// New work may be in the store.
    pub(crate) fn look_again(&mut self) {
        self.dirty = true;
    }

    /// Whether anything is under way.
    pub(crate) fn busy(&self) -> bool {
        !self.rounds.is_empty() || self.proving.is_some() || self.checks.busy()
    }

    /// Whether a row waits that may be worked on now.
    pub(crate) fn due(&self, now: Now) -> bool {
        self.dirty || self.next_due.is_some_and(|due| due <= now.wall_ms)
    }

    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    /// Boot time at which the next row falls due.
    pub(crate) fn next_timer(&self, now: Now) -> Option<u64> {
        let wait = self.next_due?.saturating_sub(now.wall_ms).max(0);
        Some(now.boot_ms.saturating_add(wait.unsigned_abs()))
    }

    /// Drops everything under way; the proof, if one runs, is called off.
    pub(crate) fn stop(&mut self, step: &mut Step<'_, '_>) {
        self.stop_proving(step);
        let Self { revision, stored, .. } = *self;
        *self = Self { revision, stored, ..Self::new() };
    }

    /// Takes up what is due.
    pub(crate) fn pump(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        keys: &AccountKeys,
    ) -> Result<(), StoreError> {
        if network.revision() != self.revision {
            // Other nodes than before: whatever failed may work now.
            self.revision = network.revision();
            step.tx.hasten_outbox(step.now.wall_ms)?;
            self.dirty = true;
        }
        if !network.settled(step.now) || !self.due(step.now) {
            return Ok(());
        }
        self.dirty = false;
        let window = network.config().window;
        // What is under way stays due in the store, so it must not fill the batch.
        let limit = BATCH + self.rounds.len();
        for item in step.tx.due_outbox(step.now.wall_ms, window, limit)? {
            self.advance(step, network, keys, item)?;
        }
        self.next_due = self.next_idle_due(step, window)?;
        Ok(())
    }

    /// When to look again. Rows that are due but under way or waiting for the clock bring their own
    /// wake-up, so only later ones count.
    fn next_idle_due(&self, step: &mut Step<'_, '_>, window: usize) -> Result<Option<i64>, StoreError> {
        Ok(step.tx.next_outbox_due(window)?.filter(|due| *due > step.now.wall_ms))
    }

    fn advance(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        keys: &AccountKeys,
        item: OutboxItem,
    ) -> Result<(), StoreError> {
        if self.rounds.contains_key(&item.message) {
            return Ok(());
        }
        let Some(network_ms) = network.time_ms(step.now) else { return Ok(()) };
        if item.expires_ms.is_some_and(|expiry| expiry <= network_ms as i64) {
            return self.finish(step, item.message, MessageState::Expired);
        }
        if step.tx.is_blocked(&item.peer)? {
            return self.hold_back(step, &item);
        }
        match item.stage {
            Stage::Queued => match self.seal(step, network, keys, &item, network_ms)? {
                Some(sealed) => self.date(step, network, sealed, network_ms),
                None => Ok(()),
            },
            Stage::Sealed => self.date(step, network, item, network_ms),
            Stage::Proven => self.store(step, network, item),
        }
    }

    /// Nothing goes to a blocked account; signals are not worth keeping.
    fn hold_back(&mut self, step: &mut Step<'_, '_>, item: &OutboxItem) -> Result<(), StoreError> {
        match item.kind {
            MessageKind::Signal => self.finish(step, item.message, MessageState::Sent),
            _ => {
                let later = step.now.wall_ms.saturating_add(BLOCKED_PAUSE_MS);
                step.tx.defer_outbox(item.message, item.attempts.max(1), later)
            }
        }
    }

    /// Ends a message's way through the outbox.
    fn finish(
        &mut self,
        step: &mut Step<'_, '_>,
        row: MessageRow,
        state: MessageState,
    ) -> Result<(), StoreError> {
        self.rounds.remove(&row);
        self.dirty = true;
        self.stored += u64::from(matches!(state, MessageState::Stored { .. }));
        step.tx.finish_outbox(row, state)?;
        announce(step, row)
    }

    /// Tries again later: doubled, jittered, capped, and kept in the store.
    fn defer(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &Network,
        item: &OutboxItem,
    ) -> Result<(), StoreError> {
        self.rounds.remove(&item.message);
        self.dirty = true;
        let attempts = item.attempts.saturating_add(1);
        let cap = network.config().backoff_cap_ms;
        let pause = pause(u32::try_from(attempts).unwrap_or(u32::MAX), FIRST_PAUSE_MS, cap, step.rng);
        step.tx.defer_outbox(item.message, attempts, step.now.wall_ms.saturating_add_unsigned(pause))
    }

    /// The host wants a waiting or failed message tried now. False if there is no such message.
    pub(crate) fn retry(
        &mut self,
        step: &mut Step<'_, '_>,
        row: MessageRow,
        ttl_ms: i64,
    ) -> Result<bool, StoreError> {
        self.dirty = true;
        if step.tx.outbox_item(row)?.is_some() {
            step.tx.hasten_outbox(step.now.wall_ms)?;
            return Ok(true);
        }
        let requeued = step.tx.requeue_message(row, ttl_ms, step.now.wall_ms)?;
        if requeued {
            announce(step, row)?;
        }
        Ok(requeued)
    }

    /// The host gives a message up. False if it is not in the outbox.
    pub(crate) fn give_up(&mut self, step: &mut Step<'_, '_>, row: MessageRow) -> Result<bool, StoreError> {
        if step.tx.outbox_item(row)?.is_none() {
            return Ok(false);
        }
        if self.proving_for(row) {
            self.stop_proving(step);
        }
        self.finish(step, row, MessageState::Failed(FailureReason::GivenUp))?;
        Ok(true)
    }
}

/// The host hears that a message's state changed.
pub(crate) fn announce(step: &mut Step<'_, '_>, row: MessageRow) -> Result<(), StoreError> {
    let Some(message) = step.tx.message(row)? else { return Ok(()) };
    step.tx.push_event(Event::MessageStateChanged { conversation: message.conversation, message: row })?;
    step.effects.push(Effect::EventsReady);
    Ok(())
}

/// Makes a jump of the wall clock harmless: nothing may wait longer than the longest pause.
pub(crate) fn mend_dates(tx: &mut Tx<'_>, now: Now, cap_ms: u64) -> Result<(), StoreError> {
    let cap_ms = i64::try_from(cap_ms).unwrap_or(i64::MAX);
    tx.clamp_acks_due(now.wall_ms, cap_ms)?;
    tx.clamp_outbox_due(now.wall_ms, cap_ms)
}
