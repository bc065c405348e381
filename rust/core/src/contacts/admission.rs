//! Strangers: who may ask, how many, and how loudly the host hears of it (extensions section 5,
//! "Limits").
//!
//! Everything here comes before anything expensive: an account that is not known and finds no room
//! costs a few reads, and leaves no row but the mark against duplicates.

use starling_protocol::AccountId;
use starling_store::{Contact, ConversationId, Event, Relation, Security, Setting, StoreError};

use crate::step::Step;

/// Requests that wait for the user at the same time.
const MOST_PENDING: i64 = 256;
/// Bytes that they may hold in all: 4 MiB.
const MOST_PENDING_BYTES: i64 = 4 << 20;
/// Requests that are told one by one in any hour; of the others only that there are some.
const TOLD_SINGLY: u32 = 30;
/// An hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;
/// Least pause between two digests: 2 minutes.
const DIGEST_PAUSE_MS: u64 = 120_000;

/// How many strangers were let in lately. Volatile: a restart forgives.
#[derive(Debug, Default, Clone)]
pub(crate) struct Admission {
    hour_began_ms: u64,
    told: u32,
    digested_ms: Option<u64>,
}

impl Admission {
    /// How the host hears of one more request.
    fn notice(&mut self, conversation: ConversationId, boot_ms: u64) -> Option<Event> {
        if boot_ms.saturating_sub(self.hour_began_ms) >= HOUR_MS {
            (self.hour_began_ms, self.told) = (boot_ms, 0);
        }
        self.told = self.told.saturating_add(1);
        if self.told <= TOLD_SINGLY {
            return Some(Event::RequestReceived { conversation });
        }
        let lately = |at: u64| boot_ms.saturating_sub(at) < DIGEST_PAUSE_MS;
        if self.digested_ms.is_some_and(lately) {
            return None;
        }
        self.digested_ms = Some(boot_ms);
        Some(Event::RequestsDigest)
    }
}

/// Tells the host of a request, singly or as one of many.
pub(super) fn tell_request(step: &mut Step<'_, '_>, conversation: ConversationId) -> Result<(), StoreError> {
    match step.admission.notice(conversation, step.now.boot_ms) {
        Some(event) => step.tell(event),
        None => Ok(()),
    }
}

/// Who sent something.
pub(crate) enum Sender {
    /// Blocked: dropped without a trace or an answer.
    Blocked,
    /// A stranger for whom there is no room: dropped likewise, unless invited.
    Unheard(Option<Contact>),
    /// Somebody never met, for whom there is room.
    Stranger,
    Known(Contact),
}

/// Looks at a sender before anything expensive is done for it.
pub(crate) fn sender(step: &mut Step<'_, '_>, account: &AccountId) -> Result<Sender, StoreError> {
    let known = step.tx.contact_with(account)?;
    let heard = match &known {
        Some(contact) if contact.blocked => return Ok(Sender::Blocked),
        Some(contact) if contact.relation != Relation::Stranger => true,
        // Whom we wrote to once may still answer an old request of ours.
        Some(contact) => !step.tx.prekeys(contact.conversation)?.is_empty(),
        None => false,
    };
    if !heard && !room(step)? {
        return Ok(Sender::Unheard(known));
    }
    Ok(known.map_or(Sender::Stranger, Sender::Known))
}

impl Sender {
    /// Lets in whom we gave a code; a code counts once.
    pub(crate) fn invited(
        self,
        step: &mut Step<'_, '_>,
        code: Option<&[u8; 16]>,
    ) -> Result<Self, StoreError> {
        match (self, code) {
            (Self::Unheard(known), Some(code)) if step.tx.invited(code)? => {
                step.tx.use_invite(code)?;
                Ok(known.map_or(Self::Stranger, Self::Known))
            }
            (sender, _) => Ok(sender),
        }
    }

    /// The contact; a stranger becomes one.
    pub(crate) fn meet(
        self,
        step: &mut Step<'_, '_>,
        account: &AccountId,
    ) -> Result<Option<Contact>, StoreError> {
        match self {
            Self::Blocked | Self::Unheard(_) => Ok(None),
            Self::Known(contact) => Ok(Some(contact)),
            Self::Stranger => {
                let now_ms = step.now.wall_ms;
                let conversation = step.tx.open_conversation(account, Security::Basic, now_ms)?;
                step.tx.contact(conversation.id)
            }
        }
    }
}

fn room(step: &mut Step<'_, '_>) -> Result<bool, StoreError> {
    if step.tx.number(Setting::KnownContactsOnly)?.unwrap_or(0) != 0 {
        return Ok(false);
    }
    let pending = step.tx.pending_requests()?;
    Ok(pending.count < MOST_PENDING && pending.bytes < MOST_PENDING_BYTES)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_hour_of_flood_is_told_at_most_sixty_times() {
        let mut admission = Admission::default();
        let told = (0..100_000_u64)
            .filter_map(|number| admission.notice(ConversationId(1), 7_200_000 + number * 36))
            .count();
        assert!((31..=60).contains(&told), "{told}");
    }

    #[test]
    fn the_first_requests_of_an_hour_are_told_singly() {
        let mut admission = Admission::default();
        let single = Some(Event::RequestReceived { conversation: ConversationId(7) });
        for _ in 0..TOLD_SINGLY {
            assert_eq!(admission.notice(ConversationId(7), HOUR_MS), single);
        }
        assert_eq!(admission.notice(ConversationId(7), HOUR_MS), Some(Event::RequestsDigest));
        assert_eq!(admission.notice(ConversationId(7), HOUR_MS + 1), None);
        assert_eq!(admission.notice(ConversationId(7), 2 * HOUR_MS), single);
    }
}
