//! How a message leaves: the table of [`super`].

use starling_protocol::bundle::Bundle;
use starling_store::{Contact, MessageKind, Relation, Session, StoreError};

use super::{FORTNIGHT_S, Sealing};
use crate::contacts;
use crate::friends::{Carrier, Input};
use crate::step::Step;

/// How a message leaves.
pub(super) enum Way {
    Basic(Option<(Bundle, Carrier)>),
    Ratchet(Session),
    Wait,
}

impl Sealing<'_> {
    pub(super) fn way(&self, step: &mut Step<'_, '_>) -> Result<Way, StoreError> {
        let conversation = self.item.conversation;
        let message_id = self.message.message_id;
        let mut carried = contacts::for_message(step, conversation, &message_id)?;
        if self.item.kind == MessageKind::Request && carried.is_none() && !self.contact.open {
            contacts::fulfil(step, self.keys, conversation, message_id, self.clock)?;
            carried = contacts::for_message(step, conversation, &message_id)?;
        }
        if let Some((bundle, carrier @ (Carrier::Request | Carrier::Rekey))) = carried
            && bundle.offer.expiry_s > self.clock.network_ms / 1_000
        {
            return Ok(Way::Basic(Some((bundle, carrier))));
        }
        if let Some(session) = contacts::preferred(step, &self.contact)? {
            return Ok(Way::Ratchet(session));
        }
        let basic = self.contact.relation == Relation::Friend && !self.contact.ratchet_floor;
        match self.item.kind {
            MessageKind::Text | MessageKind::Request if basic => Ok(Way::Basic(self.upgrade(step)?)),
            _ => Ok(Way::Wait),
        }
    }

    /// The bundle that offers a ratchet, every fortnight.
    fn upgrade(&self, step: &mut Step<'_, '_>) -> Result<Option<(Bundle, Carrier)>, StoreError> {
        let now_s = self.clock.network_s();
        let lately = |at: i64| now_s.saturating_sub(at) < FORTNIGHT_S;
        if self.contact.upgrade_offered_s.is_some_and(lately) || !self.roomy() {
            return Ok(None);
        }
        let conversation = self.item.conversation;
        contacts::happened(step, self.keys, conversation, &Input::RenewalDue, self.clock)?;
        if let Some(contact) = step.tx.contact(conversation)? {
            step.tx.put_contact(&Contact { upgrade_offered_s: Some(now_s), ..contact })?;
        }
        contacts::newest(step, conversation, Carrier::Upgrade)
    }
}
