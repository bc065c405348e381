//! One message that was opened: what it means for the relation, and its row, place and event
//! (extensions sections 3, 5 and 7).

use std::collections::BTreeSet;

use starling_protocol::content::{Content, Placement, foreign_message_id};
use starling_protocol::sealed::Opened;
use starling_protocol::{AccountId, AccountKeys, session};
use starling_store::{
    Contact, ConversationId, Event, Held, MessageKind, Quarantined, Received, Relation, StoreError,
};

use super::gaps::Place;
use super::{Committed, Gaps, signed};
use crate::acks;
use crate::contacts::{self, Clock, Occasion};
use crate::friends::{Carrier, Input};
use crate::sessions;
use crate::step::Step;
use crate::unseal::{Unsealable, unseal};

/// Streams, places and clocks beyond this are no honest ones: 2^53.
const LARGEST_NUMBER: u64 = 1 << 53;
/// Rows of the quarantine; the store keeps no more.
const MOST_QUARANTINED: usize = 1_000;
/// Messages kept with an unanswered request.
const MOST_HELD_BACK: usize = 32;
/// Quarantine code of a message in the Session protocol from a contact who has a ratchet.
pub(super) const UNPROTECTED: i64 = 200;

/// What taking messages needs beside the step.
pub(super) struct Taking<'a> {
    pub(super) keys: &'a AccountKeys,
    pub(super) clock: Clock,
    pub(super) gaps: &'a mut Gaps,
    pub(super) committed: &'a mut Committed,
    /// How long an acknowledgement waits for company, in milliseconds.
    pub(super) ack_pause_ms: i64,
}

/// A message on its way into its conversation.
struct Letter {
    sender: AccountId,
    message_id: [u8; 16],
    placement: Option<Placement>,
    content: Content,
}

impl Taking<'_> {
    /// Takes a message of the Session protocol. The inner error sends it to the quarantine.
    pub(super) fn basic(
        &mut self,
        step: &mut Step<'_, '_>,
        opened: session::Opened,
        data: &str,
    ) -> Result<Result<(), Unsealable>, StoreError> {
        let content = match Content::decode_basic(&opened.content) {
            Ok(Some(content)) => content,
            // Typing, receipts and the like of Session clients: nothing to keep.
            Ok(None) => return Ok(Ok(())),
            Err(_) => return Ok(Err(Unsealable::BadContent)),
        };
        let sender = opened.sender;
        if sender == self.keys.account_id() || !plausible(content.placement.as_ref(), content.sent_ms) {
            return Ok(Err(Unsealable::BadContent));
        }
        let invite = content.request.as_ref().and_then(|request| request.invite.as_ref());
        let known = contacts::sender(step, &sender)?.invited(step, invite)?;
        let pinned = match &known {
            contacts::Sender::Blocked | contacts::Sender::Unheard(_) => return Ok(Ok(())),
            contacts::Sender::Stranger => None,
            contacts::Sender::Known(contact) => contact.ed25519,
        };
        if pinned.is_some_and(|pinned| pinned != opened.sender_ed25519) {
            return Ok(Err(Unsealable::BadSeal));
        }
        let input = match self.meaning(&content, &sender, pinned.as_ref()) {
            Ok(Some(input)) => input,
            // Neither text nor keys: nobody gets to know us by it.
            Ok(None) => return Ok(Ok(())),
            Err(refused) => return Ok(Err(refused)),
        };
        let Some(contact) = known.meet(step, &sender)? else { return Ok(Ok(())) };
        let placement = content.placement;
        let message_id = placement.map_or_else(
            || foreign_message_id(&sender, content.sent_ms, &opened.content),
            |placement| placement.message_id,
        );
        let letter = Letter { sender, message_id, placement, content };
        if letter.content.bundle.is_none() && self.unprotected(step, &contact, &letter)? {
            let conversation = Some(contact.conversation);
            let (hash, now_ms) = (hex::encode(message_id), step.now.wall_ms);
            let held = Quarantined { conversation, hash: &hash, data, reason: UNPROTECTED, now_ms };
            return step.tx.quarantine(held).map(Ok);
        }
        let mut occasion = Occasion::new(self.keys, self.clock);
        occasion.bundle = letter.content.bundle.clone();
        // The network commands nothing, so nothing can be refused to it.
        let _refused = contacts::apply(step, &mut occasion, contact.conversation, &input)?;
        self.file(step, contact.conversation, letter).map(Ok)
    }

    /// What a message of the Session protocol means for the relation with its sender.
    fn meaning(
        &self,
        content: &Content,
        sender: &AccountId,
        pinned: Option<&[u8; 32]>,
    ) -> Result<Option<Input>, Unsealable> {
        let Some(bundle) = &content.bundle else {
            return Ok(content.body.as_ref().map(|_| Input::BasicMessage));
        };
        let carrier = match (&content.request, content.rekey) {
            (Some(_), _) => Carrier::Request,
            (None, true) => Carrier::Rekey,
            (None, false) => Carrier::Upgrade,
        };
        let own = self.keys.account_id();
        match contacts::claim(bundle, sender, &own, pinned, carrier) {
            Some(input) => Ok(Some(input)),
            None => Err(Unsealable::BadContent),
        }
    }

    /// Whether a message in the Session protocol comes from a contact who should know better, and did
    /// not vouch for it in a ratchet frame.
    fn unprotected(
        &self,
        step: &mut Step<'_, '_>,
        contact: &Contact,
        letter: &Letter,
    ) -> Result<bool, StoreError> {
        Ok(contact.ratchet_floor && !step.tx.vouched(contact.conversation, &letter.message_id)?)
    }

    /// Takes the messages that were held as unprotected before their sender vouched for them.
    fn vouched(
        &mut self,
        step: &mut Step<'_, '_>,
        conversation: ConversationId,
        message_ids: &[[u8; 16]],
    ) -> Result<(), StoreError> {
        let names: BTreeSet<String> = message_ids.iter().map(hex::encode).collect();
        for row in step.tx.quarantined(None, MOST_QUARANTINED)? {
            let held = row.reason == UNPROTECTED && row.conversation == Some(conversation);
            if held
                && names.contains(&row.hash)
                && let Ok(Opened::Session(opened)) = unseal(self.keys, &row.data)
            {
                step.tx.leave_quarantine(row.id)?;
                // It was taken once already, up to the floor.
                let _held_again = self.basic(step, opened, &row.data)?;
            }
        }
        Ok(())
    }

    /// Takes a ratchet frame that opened.
    pub(super) fn frame(
        &mut self,
        step: &mut Step<'_, '_>,
        received: sessions::Received,
    ) -> Result<(), StoreError> {
        let sessions::Received { sender, plaintext } = received;
        let Some(contact) = step.tx.contact_with(&sender)? else { return Ok(()) };
        let (placement, content) = (plaintext.placement, plaintext.content);
        let conversation = contact.conversation;
        if !plausible(Some(&placement), content.sent_ms) {
            return Ok(());
        }
        // Sealed again after a block, an old message may carry the only acknowledgement of a new one.
        acks::take(step, conversation, &content, self.clock)?;
        if step.tx.blocked_at(conversation, signed(content.sent_ms))? {
            return Ok(());
        }
        step.tx.vouch(conversation, &content.unprotected, self.clock.mark_expiry_ms())?;
        if !content.unprotected.is_empty() {
            self.vouched(step, conversation, &content.unprotected)?;
        }
        let letter = Letter { sender, message_id: placement.message_id, placement: Some(placement), content };
        if let Some(bundle) = &letter.content.bundle {
            let own = self.keys.account_id();
            let pinned = contact.ed25519.as_ref();
            if let Some(input) = contacts::claim(bundle, &sender, &own, pinned, Carrier::Renewal) {
                let mut occasion = Occasion::new(self.keys, self.clock);
                occasion.bundle = Some(bundle.clone());
                let _refused = contacts::apply(step, &mut occasion, conversation, &input)?;
            }
        }
        if placement.seq == 0 {
            return Ok(());
        }
        self.file(step, conversation, letter)?;
        acks::owe(step, conversation, self.ack_pause_ms)
    }

    /// Gives a message its row and its place, once.
    fn file(
        &mut self,
        step: &mut Step<'_, '_>,
        conversation: ConversationId,
        letter: Letter,
    ) -> Result<(), StoreError> {
        let Some(contact) = step.tx.contact(conversation)? else { return Ok(()) };
        let waiting = match contact.relation {
            Relation::Friend | Relation::Accepting => false,
            Relation::AskedBundle | Relation::AskedBasic | Relation::AskedEmpty => true,
            // What the relation did not take is as if it had never come.
            Relation::Stranger | Relation::Requested => return Ok(()),
        };
        let sent_ms = signed(letter.content.sent_ms);
        if step.tx.blocked_at(conversation, sent_ms)? {
            return Ok(());
        }
        if let Some(name) = letter.content.name.as_ref().filter(|name| contact.name.as_ref() != Some(*name)) {
            step.tx.put_contact(&Contact { name: Some(name.clone()), ..contact })?;
        }
        if waiting && step.tx.pending_messages(conversation, MOST_HELD_BACK)?.len() >= MOST_HELD_BACK {
            return Ok(());
        }
        let new = step.tx.mark_seen(&letter.sender, &letter.message_id, self.clock.mark_expiry_ms())?;
        if let Some(Placement { stream, seq, base, .. }) = letter.placement {
            let (stream, seq, base) = (signed(stream), signed(seq), signed(base));
            step.tx.note_received(conversation, stream, seq, base, &letter.message_id)?;
        }
        match (letter.content.body.clone().filter(|_| new), letter.placement) {
            (Some(body), _) => self.insert(step, conversation, letter, body, waiting),
            (None, Some(placement)) if waiting => self.gaps.pass(step, conversation, &placement),
            (None, Some(placement)) => {
                self.committed.shown += self.gaps.fill(step, conversation, &placement)?;
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    fn insert(
        &mut self,
        step: &mut Step<'_, '_>,
        conversation: ConversationId,
        letter: Letter,
        body: String,
        waiting: bool,
    ) -> Result<(), StoreError> {
        let known = step.tx.conversation(conversation)?.ok_or(StoreError::NotFound)?;
        let place = match &letter.placement {
            Some(placement) if !waiting => self.gaps.place(step, conversation, placement)?,
            _ => Place::Next,
        };
        let held = match (waiting, place) {
            (true, _) => Held::WithRequest,
            (false, Place::Behind) => Held::BehindGap,
            (false, Place::Next | Place::Late) => Held::No,
        };
        let kind = match letter.content.request {
            Some(_) => MessageKind::Request,
            None => MessageKind::Text,
        };
        let message = step.tx.insert_received(Received {
            conversation,
            message_id: letter.message_id,
            kind,
            stream: letter.placement.map(|placement| signed(placement.stream)),
            seq: letter.placement.map(|placement| signed(placement.seq)),
            clock: letter.placement.map_or_else(|| known.clock.saturating_add(1), |p| signed(p.clock)),
            body,
            sent_ms: signed(letter.content.sent_ms),
            received_ms: self.clock.network_ms(),
            held,
        })?;
        match held {
            Held::WithRequest => {}
            Held::BehindGap => self.committed.gap_opened = true,
            Held::No if place == Place::Late => {
                step.tx.push_event(Event::MessageInserted { conversation, message })?;
            }
            Held::No => step.tx.push_event(Event::MessageReceived { conversation, message })?,
        }
        self.committed.shown += u64::from(held == Held::No);
        match letter.placement {
            Some(placement) if waiting => self.gaps.pass(step, conversation, &placement),
            Some(placement) if place == Place::Next => {
                let (stream, next) = (signed(placement.stream), signed(placement.seq).saturating_add(1));
                self.committed.shown += self.gaps.advance(step, conversation, stream, next)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Numbers that fit the store and leave room to count on.
fn plausible(placement: Option<&Placement>, sent_ms: u64) -> bool {
    let largest = placement.map_or(0, |place| place.stream.max(place.seq).max(place.clock).max(place.base));
    largest <= LARGEST_NUMBER && sent_ms <= LARGEST_NUMBER
}
