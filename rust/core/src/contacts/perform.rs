//! What each effect of the table means in the store.

use starling_store::{
    Contact, ConversationId, Event, FailureReason, MessageKind, MessageRow, NewOutgoing, StoreError,
};

use super::offer::{self, Terms};
use super::{Occasion, admission};
use crate::effect::Effect as DriverEffect;
use crate::friends::{self, Carrier, Effect, Input, Notice, Pair, SessionKey, Side};
use crate::sessions;
use crate::step::Step;

/// Life of a bundle's message and of an accept in the swarm: 14 days.
const LIFE_MS: i64 = 14 * 24 * 3_600_000;
/// Messages sealed again after a re-key in one go.
const MOST_RESEALED: usize = 10_000;

/// Carries out one effect and returns the table's state after it; `None` if the bundle to take has
/// keys with which there can be no session.
pub(super) fn perform(
    step: &mut Step<'_, '_>,
    occasion: &mut Occasion<'_>,
    conversation: ConversationId,
    pair: &Pair,
    effect: Effect,
) -> Result<Option<Pair>, StoreError> {
    let contact = step.tx.contact(conversation)?.ok_or(StoreError::NotFound)?;
    match effect {
        Effect::Offer { epoch, expiry, carrier } => {
            let waiting = occasion.waiting.take().filter(|_| carrier == Carrier::Request);
            let terms = Terms { epoch, expiry, carrier, request_id: waiting };
            send_offer(step, occasion, &contact, &terms)?;
        }
        Effect::Take { epoch } => return take(step, occasion, &contact, pair, epoch),
        Effect::EraseOffer { epoch } => erase_offer(step, conversation, epoch)?,
        Effect::EraseOffers => step.tx.erase_prekeys(conversation)?,
        Effect::EraseSession { id } => erase_session(step, id)?,
        Effect::ResealUnacknowledged => reseal(step, conversation, pair)?,
        // Whether the queue may leave is a column; the outbox looks at it after the step.
        Effect::ReleaseQueue => {}
        Effect::FailQueue => {
            let reason = if contact.blocked { FailureReason::Blocked } else { FailureReason::Withdrawn };
            let failed = step.tx.fail_queue(conversation, reason)?;
            announce(step, failed)?;
        }
        Effect::ExpireQueue => {
            let expired = step.tx.expire_queue(conversation)?;
            announce(step, expired)?;
        }
        Effect::ShowPending => {
            step.tx.release_pending(conversation)?;
            step.effects.push(DriverEffect::EventsReady);
        }
        Effect::DropPending => {
            step.tx.drop_pending(conversation)?;
        }
        Effect::Tell(notice) => tell(step, conversation, notice)?,
    }
    Ok(Some(pair.clone()))
}

fn send_offer(
    step: &mut Step<'_, '_>,
    occasion: &mut Occasion<'_>,
    contact: &Contact,
    terms: &Terms,
) -> Result<(), StoreError> {
    let Some(message_id) = offer::make(step, occasion.keys, contact, terms, occasion.clock)? else {
        return Ok(());
    };
    if terms.request_id.is_some() {
        return Ok(());
    }
    let kind = match terms.carrier {
        Carrier::Request => MessageKind::Request,
        Carrier::Rekey | Carrier::Renewal => MessageKind::Bundle,
        // It rides in our next message.
        Carrier::Upgrade => return Ok(()),
    };
    let introduction = occasion.introduction.take().filter(|_| kind == MessageKind::Request);
    if let Some(code) = introduction.as_ref().and_then(|introduction| introduction.invite) {
        step.tx.attach_invite(&message_id, &code)?;
    }
    let body = introduction.map(|introduction| introduction.text).unwrap_or_default();
    let message = enqueue(step, contact.conversation, kind, message_id, body)?;
    occasion.introduced = Some(message).filter(|_| kind == MessageKind::Request);
    Ok(())
}

/// Makes the session of a bundle and sends a first message on it.
fn take(
    step: &mut Step<'_, '_>,
    occasion: &Occasion<'_>,
    contact: &Contact,
    pair: &Pair,
    epoch: u64,
) -> Result<Option<Pair>, StoreError> {
    let Some(bundle) = occasion.bundle.as_ref().filter(|bundle| bundle.offer.epoch == epoch) else {
        return Ok(None);
    };
    let now_s = occasion.clock.network_s();
    let Some(session) = sessions::take(step, occasion.keys, contact, bundle, now_s)? else { return Ok(None) };
    super::pin(step, contact.conversation, &bundle.owner_ed25519)?;
    let mut message_id = [0; 16];
    step.rng.fill_bytes(&mut message_id);
    enqueue(step, contact.conversation, MessageKind::Handshake, message_id, String::new())?;
    let taken = Input::Taken { epoch, session: SessionKey(session) };
    let Ok((after, effects)) = friends::step(pair, &taken, occasion.clock.network_ms / 1_000) else {
        return Ok(None);
    };
    // One session more may be one too many.
    for effect in effects {
        if let Effect::EraseSession { id } = effect {
            erase_session(step, id)?;
        }
    }
    Ok(Some(after))
}

fn erase_session(step: &mut Step<'_, '_>, SessionKey(id): SessionKey) -> Result<(), StoreError> {
    match step.tx.session_by_id(&id)? {
        Some(session) => step.tx.erase_session(session.row),
        None => Ok(()),
    }
}

fn enqueue(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    kind: MessageKind,
    message_id: [u8; 16],
    body: String,
) -> Result<MessageRow, StoreError> {
    step.queue_changed = true;
    let now_ms = step.now.wall_ms;
    let new = NewOutgoing { conversation, message_id, kind, body, ttl_ms: LIFE_MS, now_ms };
    Ok(step.tx.enqueue_message(new)?.row)
}

fn erase_offer(step: &mut Step<'_, '_>, conversation: ConversationId, epoch: u64) -> Result<(), StoreError> {
    for (row, prekey) in step.tx.prekeys(conversation)? {
        if prekey.epoch.unsigned_abs() == epoch {
            step.tx.erase_prekey(row)?;
        }
    }
    Ok(())
}

/// The peer holds other sessions than we thought: whatever it has not acknowledged is sealed again.
fn reseal(step: &mut Step<'_, '_>, conversation: ConversationId, pair: &Pair) -> Result<(), StoreError> {
    // The table's word, not the store's: an answered session gets its row after the effects.
    let preferred = match pair.preferred() {
        Some(session) => step.tx.session_by_id(&session.id.0)?.map(|session| session.row),
        None => None,
    };
    for unread in step.tx.unacknowledged(conversation, MOST_RESEALED)? {
        // What lies on the session that is used from now on can be read: it is sealed once.
        if unread.session.is_none() || unread.session != preferred {
            step.tx.reseal(unread.message, step.now.wall_ms)?;
        }
    }
    step.queue_changed = true;
    Ok(())
}

fn announce(step: &mut Step<'_, '_>, rows: Vec<MessageRow>) -> Result<(), StoreError> {
    rows.into_iter().try_for_each(|row| crate::outbox::announce(step, row))
}

fn tell(step: &mut Step<'_, '_>, conversation: ConversationId, notice: Notice) -> Result<(), StoreError> {
    let event = match notice {
        Notice::RequestReceived => return admission::tell_request(step, conversation),
        Notice::RequestReplaced => Event::RequestReplaced { conversation },
        // The states of our messages tell of a request that nobody answered.
        Notice::RequestExpired(Side::Ours | Side::Theirs) => Event::RequestExpired { conversation },
        Notice::FriendAdded => Event::FriendAdded { conversation },
        Notice::SessionRenewed => Event::SessionRenewed { conversation },
    };
    step.tell(event)
}
