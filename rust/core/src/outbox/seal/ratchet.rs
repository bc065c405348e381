//! A message as a ratchet frame, and what rides along in it: acks, nacks, a fresh bundle.

use starling_protocol::content::{Ack, Content, MAX_UNPROTECTED};
use starling_store::{MessageKind, MessageState, Session, StoreError};

use super::{FORTNIGHT_S, Note, Outbox, Sealing};
use crate::contacts;
use crate::friends::{Carrier, Input};
use crate::sessions::{self, Letter};
use crate::step::Step;

/// A session is renewed after 7 days or 2,000 messages (extensions section 4, "Renewal").
const RENEWAL_S: i64 = 7 * 24 * 3_600;
const RENEWAL_MESSAGES: i64 = 2_000;

impl Outbox {
    /// Seals on a session. False if the message has to wait or cannot leave.
    pub(super) fn seal_frame(
        &mut self,
        step: &mut Step<'_, '_>,
        sealing: &Sealing<'_>,
        session: &Session,
    ) -> Result<bool, StoreError> {
        let Sealing { item, clock, .. } = sealing;
        let signal = item.kind == MessageKind::Signal;
        if !signal && sessions::crowded(step, session)? {
            return Ok(false);
        }
        let base = step.tx.lowest_unacknowledged_seq(item.conversation)?;
        let placement = sealing.placement(base);
        let content = sealing.frame_content(step, session)?;
        if signal && content.ack.is_none() && content.nacks.is_empty() {
            self.finish(step, item.message, MessageState::Sent)?;
            return Ok(false);
        }
        let letter =
            Letter { recipient: item.peer, placement, content, session, network_ms: clock.network_ms };
        let Some(sealed) = sessions::seal(step, sealing.keys, letter)? else {
            return self.reject(step, item);
        };
        if !self.keep(step, sealing, &sealed.data, &placement)? {
            return Ok(false);
        }
        if sealing.roomy() {
            step.tx.set_ack_due(item.conversation, None)?;
        }
        if !signal {
            let sessions::Sealed { frame_hash, chain, chain_index, .. } = sealed;
            let session = Some(session.row);
            self.note(step, Note { sealing, session, chain, chain_index, frame_hash, restored: true })?;
        }
        self.renew_if_old(step, sealing, session)?;
        Ok(true)
    }

    fn renew_if_old(
        &self,
        step: &mut Step<'_, '_>,
        sealing: &Sealing<'_>,
        session: &Session,
    ) -> Result<(), StoreError> {
        let age_s = sealing.clock.network_s().saturating_sub(session.created_s);
        if age_s < RENEWAL_S && session.sent_count < RENEWAL_MESSAGES {
            return Ok(());
        }
        let conversation = sealing.item.conversation;
        contacts::happened(step, sealing.keys, conversation, &Input::RenewalDue, sealing.clock)
    }
}

impl Sealing<'_> {
    /// What the message says, and everything that can ride along. A text that nearly fills the largest frame
    /// leaves what can wait to the next one.
    fn frame_content(&self, step: &mut Step<'_, '_>, session: &Session) -> Result<Content, StoreError> {
        let conversation = self.item.conversation;
        let mut content = self.content();
        content.bundle = contacts::for_message(step, conversation, &self.message.message_id)?
            .filter(|(_, carrier)| *carrier == Carrier::Renewal)
            .map(|(bundle, _)| bundle);
        if self.roomy() {
            content.ack = self.acknowledgement(step)?;
            content.nacks = step.tx.take_nacks(conversation)?;
        }
        if self.roomy() && !self.contact.session_listed {
            content.unprotected = self.unprotected(step)?;
        }
        if self.item.kind == MessageKind::Handshake {
            // An accept counts from the moment of the user's word, however late it leaves.
            let taken_ms = session.created_s.unsigned_abs().saturating_mul(1_000);
            content.sent_ms = content.sent_ms.min(taken_ms);
            content.name = step.tx.own_name()?;
        }
        Ok(content)
    }

    /// What we have of the peer: every frame repeats it.
    fn acknowledgement(&self, step: &mut Step<'_, '_>) -> Result<Option<Ack>, StoreError> {
        let state = step.tx.ack_state(self.item.conversation)?;
        Ok(state.map(|state| Ack {
            stream: state.stream.unsigned_abs(),
            through: state.through.unsigned_abs(),
            above: state.above,
            read_through: None,
        }))
    }

    /// Our latest messages that left in the Session protocol, so that they are still read.
    fn unprotected(&self, step: &mut Step<'_, '_>) -> Result<Vec<[u8; 16]>, StoreError> {
        let since_ms = self.clock.network_ms().saturating_sub(FORTNIGHT_S * 1_000);
        step.tx.unprotected_since(self.item.conversation, since_ms, MAX_UNPROTECTED)
    }
}
