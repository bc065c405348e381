//! What happens between us and one peer: inputs for the relation's table ([`crate::friends`]), and its
//! effects carried out in the store (extensions sections 4 and 5).
//!
//! | module | what it knows |
//! |---|---|
//! | `pair` | the table's state, read from rows and written back |
//! | `perform` | what each effect of the table means in the store |
//! | `offer` | bundles: made, sent, read |
//! | `commands` | what the host may ask about a contact |
//! | `lapses` | what ends by itself |
//! | `ranked` | which session and which bundle of a contact are used |
//! | `admission` | strangers: limits, digests, known contacts only |
//!
//! A step of the table and all of its effects are part of one transaction.

mod admission;
mod commands;
mod lapses;
mod offer;
mod pair;
mod perform;
mod ranked;

use starling_protocol::AccountKeys;
use starling_protocol::bundle::Bundle;
use starling_protocol::frame::Frame;
use starling_store::{
    Contact, ConversationId, Event, FrameMark, MessageRow, Quarantined, Relation, Security, StoreError,
};

pub(crate) use self::admission::{Admission, Sender, sender};
pub(crate) use self::commands::{Commanded, Introduction, Wish, command, fulfil, wish};
pub(crate) use self::lapses::Lapses;
pub(crate) use self::offer::{claim, for_message};
use self::perform::perform;
pub(crate) use self::ranked::{newest, preferred};
use crate::friends::{self, Input, Refusal};
use crate::sessions::Failure;
use crate::step::Step;

/// Dedupe marks outlive messages: 30 days.
const MARK_LIFE_MS: i64 = 30 * 24 * 3_600_000;
/// A frame that comes again and again is acknowledged again at most this often: hourly.
const REACK_PAUSE_MS: i64 = 3_600_000;

/// Network time at one step, as well as it is known.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    pub(crate) network_ms: u64,
}

impl Clock {
    pub(crate) fn network_s(self) -> i64 {
        i64::try_from(self.network_ms / 1_000).unwrap_or(i64::MAX)
    }

    pub(crate) fn network_ms(self) -> i64 {
        i64::try_from(self.network_ms).unwrap_or(i64::MAX)
    }

    /// Until when a mark against duplicates made now is kept.
    pub(crate) fn mark_expiry_ms(self) -> i64 {
        self.network_ms().saturating_add(MARK_LIFE_MS)
    }
}

/// What the effects of one input may need beside the state.
pub(crate) struct Occasion<'a> {
    pub(crate) keys: &'a AccountKeys,
    pub(crate) clock: Clock,
    /// The bundle that just came, or lies with the peer's request.
    pub(crate) bundle: Option<Bundle>,
    /// What a request of ours says.
    pub(crate) introduction: Option<Introduction>,
    /// The message in the outbox that a request of ours is to travel in, if there is one already.
    pub(crate) waiting: Option<[u8; 16]>,
    /// The message of the request that went out.
    pub(crate) introduced: Option<MessageRow>,
}

impl<'a> Occasion<'a> {
    pub(crate) fn new(keys: &'a AccountKeys, clock: Clock) -> Self {
        Self { keys, clock, bundle: None, introduction: None, waiting: None, introduced: None }
    }
}

/// Lets the table see an input about a peer, and carries out what follows.
pub(crate) fn apply(
    step: &mut Step<'_, '_>,
    occasion: &mut Occasion<'_>,
    conversation: ConversationId,
    input: &Input,
) -> Result<Result<(), Refusal>, StoreError> {
    let Some(contact) = step.tx.contact(conversation)? else { return Ok(Ok(())) };
    let kept = || contact.asked_bundle.as_deref().and_then(|bytes| Bundle::decode(bytes).ok());
    occasion.bundle = occasion.bundle.take().or_else(kept);
    let before = pair::read(step.tx, &contact)?;
    let now = occasion.clock.network_ms / 1_000;
    let (after, effects) = match friends::step(&before, input, now) {
        Ok(stepped) => stepped,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if after == before && effects.is_empty() {
        return Ok(Ok(()));
    }
    pair::write(step.tx, &contact, &before, &after)?;
    keep_asked(step, occasion, conversation)?;
    let mut current = after;
    for effect in effects {
        let Some(next) = perform(step, occasion, conversation, &current, effect)? else {
            // Keys with which there can be no session: as if the bundle had never come.
            step.tx.put_contact(&contact)?;
            return Ok(Ok(()));
        };
        if next != current {
            let contact = step.tx.contact(conversation)?.ok_or(StoreError::NotFound)?;
            pair::write(step.tx, &contact, &current, &next)?;
            current = next;
        }
    }
    settle(step, conversation)?;
    Ok(Ok(()))
}

/// The bundle of a request lies with it until the user has decided.
fn keep_asked(
    step: &mut Step<'_, '_>,
    occasion: &Occasion<'_>,
    conversation: ConversationId,
) -> Result<(), StoreError> {
    let (Some(bundle), Some(mut contact)) = (&occasion.bundle, step.tx.contact(conversation)?) else {
        return Ok(());
    };
    let asked = contact.asked_epoch.map(i64::unsigned_abs) == Some(bundle.offer.epoch);
    if asked && contact.relation == Relation::AskedBundle {
        contact.asked_bundle = Some(bundle.encode());
        step.tx.put_contact(&contact)?;
    }
    Ok(())
}

/// The conversation follows its contact: who has a ratchet never goes back.
fn settle(step: &mut Step<'_, '_>, conversation: ConversationId) -> Result<(), StoreError> {
    let (Some(contact), Some(known)) = (step.tx.contact(conversation)?, step.tx.conversation(conversation)?)
    else {
        return Ok(());
    };
    if contact.ratchet_floor && known.security == Security::Basic {
        step.tx.set_security(conversation, Security::Ratchet)?;
        step.tell(Event::SecurityUpgraded { conversation })?;
    }
    if contact.relation == Relation::Friend && !contact.ratchet_floor {
        step.tx.expect_no_acknowledgement(conversation)?;
    }
    step.queue_changed = true;
    step.tx.hasten_outbox(step.now.wall_ms)
}

/// Something came from the network. What it may not do to the relation, it does not do.
pub(crate) fn happened(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    conversation: ConversationId,
    input: &Input,
    clock: Clock,
) -> Result<(), StoreError> {
    let mut occasion = Occasion::new(keys, clock);
    // The network commands nothing, so nothing is refused to it: the table ignores what does not fit.
    let _refused: Result<(), Refusal> = apply(step, &mut occasion, conversation, input)?;
    Ok(())
}

/// Why an input would be refused; nothing changes.
pub(crate) fn refusal(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    input: &Input,
    clock: Clock,
) -> Result<Option<Refusal>, StoreError> {
    let Some(contact) = step.tx.contact(conversation)? else { return Ok(None) };
    let pair = pair::read(step.tx, &contact)?;
    Ok(friends::step(&pair, input, clock.network_ms / 1_000).err())
}

/// Whether an answered bundle has a place in the relation: asked before anything is written.
pub(crate) fn admits(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    input: &Input,
    clock: Clock,
) -> Result<bool, StoreError> {
    let (Some(contact), Input::Answered { session, .. }) = (step.tx.contact(conversation)?, input) else {
        return Ok(false);
    };
    let pair = pair::read(step.tx, &contact)?;
    let stepped = friends::step(&pair, input, clock.network_ms / 1_000);
    Ok(stepped.is_ok_and(|(after, _)| after.sessions.iter().any(|held| held.id == *session)))
}

/// Remembers the Ed25519 key that a peer has proven to be its own.
pub(crate) fn pin(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    ed25519: &[u8; 32],
) -> Result<(), StoreError> {
    match step.tx.contact(conversation)? {
        Some(mut contact) if contact.ed25519.is_none() => {
            contact.ed25519 = Some(*ed25519);
            step.tx.put_contact(&contact)
        }
        _ => Ok(()),
    }
}

/// The peer acknowledged a frame of ours, which vouched for what left before it: from now on it refuses our messages in the Session
/// protocol, so none has to be vouched for any more.
pub(crate) fn heard(step: &mut Step<'_, '_>, conversation: ConversationId) -> Result<(), StoreError> {
    match step.tx.contact(conversation)? {
        Some(contact) if !contact.session_listed => {
            step.tx.put_contact(&Contact { session_listed: true, ..contact })
        }
        _ => Ok(()),
    }
}

/// A frame that was taken before came again: its acknowledgement may be lost (extensions section 6).
pub(crate) fn seen_again(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    mark: &FrameMark,
) -> Result<(), StoreError> {
    let Some(mut contact) = step.tx.contact(conversation)? else { return Ok(()) };
    let now_ms = step.now.wall_ms;
    let lately = |at: i64| (0..REACK_PAUSE_MS).contains(&now_ms.saturating_sub(at));
    if mark.message_id.is_none() || !contact.open || contact.reacked_ms.is_some_and(lately) {
        return Ok(());
    }
    contact.reacked_ms = Some(now_ms);
    contact.ack_due_ms = Some(now_ms);
    step.acks_changed = true;
    step.tx.put_contact(&contact)
}

/// A frame under the peer's valid tag did not open, at first sight.
pub(crate) fn unopened(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    conversation: ConversationId,
    frame: &Frame,
    failure: Failure,
    clock: Clock,
) -> Result<(), StoreError> {
    let Some(contact) = step.tx.contact(conversation)? else { return Ok(()) };
    let pair = pair::read(step.tx, &contact)?;
    if contact.open && failure.kept() {
        let (hash, data) = (hex::encode(frame.hash()), hex::encode(frame.as_bytes()));
        let conversation = Some(conversation);
        let reason = failure.quarantine_code();
        let poison = Quarantined { conversation, hash: &hash, data: &data, reason, now_ms: step.now.wall_ms };
        step.tx.quarantine(poison)?;
    }
    match failure {
        Failure::Rejected => Ok(()),
        Failure::Erased | Failure::Used if pair.preferred().is_some() => {
            step.tx.add_nack(conversation, &frame.hash())?;
            step.acks_changed = true;
            step.tx.set_ack_due(conversation, Some(step.now.wall_ms))
        }
        Failure::Erased | Failure::Used | Failure::Lost => {
            happened(step, keys, conversation, &Input::Stray, clock)
        }
    }
}
