//! End-to-end acknowledgements over the asynchronous route (extensions sections 6 and 7).
//!
//! An acknowledgement names the stream, the contiguous seq and the ids above it; it is part of every
//! frame we seal, so it usually needs no message of its own. One that finds no company within its
//! pause leaves as a signal. What is not acknowledged is stored once more, sealed anew, when 80 % of
//! its time to live have passed, and expires one time to live after that.

use starling_protocol::content::Content;
use starling_store::{ConversationId, MessageKind, NewOutgoing, StoreError};

use crate::contacts::{self, Clock};
use crate::input::Now;
use crate::network::Network;
use crate::outbox::announce;
use crate::step::Step;

/// Life of a signal in the swarm: 4 days.
const SIGNAL_LIFE_MS: i64 = 4 * 24 * 3_600_000;
/// Contacts or messages looked at in one step.
const BATCH: usize = 64;
/// Unacknowledged messages among which a frame is looked for.
const MOST_LOOKED_AT: usize = 256;
/// A message asked for again goes to the store at most this often: 10 minutes.
const RESEAL_PAUSE_MS: i64 = 600_000;

/// When the store is next to be asked. Volatile.
#[derive(Default)]
pub(crate) struct Acks {
    /// Wall time at which the first acknowledgement has waited long enough.
    next_due_ms: Option<i64>,
    /// Network time at which the first unacknowledged message is stored again or expires.
    next_sealed_ms: Option<i64>,
    /// The store has not been asked since it changed.
    dirty: bool,
}

impl Acks {
    pub(crate) fn new() -> Self {
        Self { dirty: true, ..Self::default() }
    }

    /// The store has changed.
    pub(crate) fn look_again(&mut self) {
        self.dirty = true;
    }

    /// Sends what waited long enough (in a hurry: everything), stores again and expires what is due.
    pub(crate) fn pump(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &Network,
        hurry: bool,
    ) -> Result<(), StoreError> {
        let Some(network_ms) = network.time_ms(step.now) else { return Ok(()) };
        let network_ms = i64::try_from(network_ms).unwrap_or(i64::MAX);
        let due = |at: Option<i64>, now: i64| at.is_some_and(|at| at <= now);
        let waited = due(self.next_due_ms, step.now.wall_ms) || (hurry && self.next_due_ms.is_some());
        if !self.dirty && !waited && !due(self.next_sealed_ms, network_ms) {
            return Ok(());
        }
        self.dirty = false;
        let by_ms = if hurry { i64::MAX } else { step.now.wall_ms };
        for conversation in step.tx.acks_due(by_ms, BATCH)? {
            signal(step, conversation)?;
        }
        for message in step.tx.expire_sealed(network_ms, BATCH)? {
            announce(step, message)?;
        }
        restore(step, network_ms)?;
        self.next_due_ms = step.tx.next_ack_due()?;
        self.next_sealed_ms = step.tx.next_sealed_due()?;
        Ok(())
    }

    /// Whether an acknowledgement waits to leave.
    pub(crate) fn waiting(&self) -> bool {
        self.dirty || self.next_due_ms.is_some()
    }

    /// Boot time of the next thing to do by itself.
    pub(crate) fn next_timer(&self, network: &Network, now: Now) -> Option<u64> {
        let wait =
            |at: Option<i64>, now_ms: i64| at.map(|at| at.saturating_sub(now_ms).max(0).unsigned_abs());
        let acks = wait(self.next_due_ms, now.wall_ms);
        let network_ms = network.time_ms(now).map(|at| i64::try_from(at).unwrap_or(i64::MAX));
        let sealed = network_ms.and_then(|network_ms| wait(self.next_sealed_ms, network_ms));
        let first = [acks, sealed].into_iter().flatten().min()?;
        Some(now.boot_ms.saturating_add(first))
    }
}

/// A signal of its own, sealed when it leaves: it then says what is known by then.
fn signal(step: &mut Step<'_, '_>, conversation: ConversationId) -> Result<(), StoreError> {
    step.tx.set_ack_due(conversation, None)?;
    let Some(contact) = step.tx.contact(conversation)? else { return Ok(()) };
    if !contact.open || contacts::preferred(step, &contact)?.is_none() {
        return Ok(());
    }
    let mut message_id = [0; 16];
    step.rng.fill_bytes(&mut message_id);
    step.tx.enqueue_message(NewOutgoing {
        conversation,
        message_id,
        kind: MessageKind::Signal,
        body: String::new(),
        ttl_ms: SIGNAL_LIFE_MS,
        now_ms: step.now.wall_ms,
    })?;
    step.queue_changed = true;
    Ok(())
}

/// What nobody acknowledged gets a second life, once.
fn restore(step: &mut Step<'_, '_>, network_ms: i64) -> Result<(), StoreError> {
    for unread in step.tx.due_restores(network_ms, BATCH)? {
        step.tx.mark_restored(unread.message)?;
        step.tx.extend_expiry(unread.message, network_ms.saturating_add(unread.ttl_ms))?;
        step.tx.reseal(unread.message, step.now.wall_ms)?;
        step.queue_changed = true;
    }
    Ok(())
}

/// Something durable came: an acknowledgement leaves with our next message, or after the pause.
pub(crate) fn owe(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    pause_ms: i64,
) -> Result<(), StoreError> {
    step.acks_changed = true;
    let Some(contact) = step.tx.contact(conversation)? else { return Ok(()) };
    if contact.ack_due_ms.is_some() {
        return Ok(());
    }
    step.tx.set_ack_due(conversation, Some(step.now.wall_ms.saturating_add(pause_ms)))
}

/// Takes the acks and nacks of a frame.
pub(crate) fn take(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    content: &Content,
    clock: Clock,
) -> Result<(), StoreError> {
    if let Some(ack) = &content.ack {
        let (stream, through) = (signed(ack.stream), signed(ack.through));
        let framed = step.tx.unacknowledged(conversation, MOST_LOOKED_AT)?.iter().any(|unread| {
            let named = unread.stream == stream && unread.seq <= through;
            unread.session.is_some() && (named || ack.above.contains(&unread.message_id))
        });
        if framed {
            contacts::heard(step, conversation)?;
        }
        let mut delivered = step.tx.acknowledge(conversation, stream, through)?;
        delivered.extend(step.tx.acknowledge_ids(conversation, &ack.above)?);
        step.acks_changed |= !delivered.is_empty();
        step.queue_changed |= !delivered.is_empty();
        if !delivered.is_empty() {
            // Whoever waits for room on a chain may have some now.
            step.tx.hasten_outbox(step.now.wall_ms)?;
        }
        for message in delivered {
            announce(step, message)?;
        }
    }
    for hash in &content.nacks {
        seal_again(step, conversation, hash, clock)?;
    }
    Ok(())
}

/// The peer could not open a frame. A message it acknowledged meanwhile, or that was sealed anew, is not
/// sealed again.
fn seal_again(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    hash: &[u8; 32],
    clock: Clock,
) -> Result<(), StoreError> {
    let Some(unread) = step.tx.sealed_frame(hash)? else { return Ok(()) };
    if unread.conversation != conversation || unread.session.is_none() {
        return Ok(());
    }
    let since_ms = unread.last_stored_ms.map_or(i64::MAX, |at| clock.network_ms().saturating_sub(at));
    let wait_ms = RESEAL_PAUSE_MS.saturating_sub(since_ms).max(0);
    step.tx.reseal(unread.message, step.now.wall_ms.saturating_add(wait_ms))?;
    step.queue_changed = true;
    Ok(())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
