//! Sealing: the step from plaintext to the bytes that every attempt will send (extensions
//! section 3, "seal once").

use starling_protocol::text::{Placement, Text};
use starling_protocol::{AccountKeys, envelope, hash, rpc, session};
use starling_store::{FailureReason, MessageState, OutboxItem, StoreError};

use super::Outbox;
use crate::network::Network;
use crate::step::Step;

/// Session clients store direct messages in namespace 0.
pub(crate) const NAMESPACE: i16 = 0;

impl Outbox {
    /// Seals one message and returns it as it now stands; `None` if it cannot be sealed at all and
    /// has failed.
    pub(super) fn seal(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &Network,
        keys: &AccountKeys,
        item: &OutboxItem,
        network_ms: u64,
    ) -> Result<Option<OutboxItem>, StoreError> {
        let (Some(conversation), Some(message)) =
            (step.tx.conversation(item.conversation)?, step.tx.message(item.message)?)
        else {
            return Ok(None);
        };
        let sent_ms = network_ms as i64;
        let stream = conversation.stream.unwrap_or(sent_ms / 1_000);
        let ttl_ms = i64::try_from(network.config().text_ttl_ms).unwrap_or(i64::MAX);
        // Peers without a ratchet acknowledge nothing: what has not expired may still be fetched.
        let base = step.tx.lowest_live_seq(conversation.id, sent_ms.saturating_sub(ttl_ms))?;
        let placement = Placement {
            message_id: message.message_id,
            stream: stream.unsigned_abs(),
            seq: item.seq.unsigned_abs(),
            clock: message.clock.unsigned_abs(),
            base: base.unwrap_or(item.seq).min(item.seq).unsigned_abs(),
        };
        let text = Text { body: message.body, sent_ms: network_ms, placement: Some(placement) };
        let Ok(content) = session::seal(&text.encode(), keys, &item.peer, step.rng) else {
            // Only a peer id that is no usable key, or a text that never should have been queued.
            self.finish(step, item.message, MessageState::Failed(FailureReason::Rejected))?;
            return Ok(None);
        };
        let data = envelope::wrap(content, network_ms);
        let Some(bytes) = rpc::decode_data(&data) else {
            self.finish(step, item.message, MessageState::Failed(FailureReason::Rejected))?;
            return Ok(None);
        };
        let hash = hash::message_hash(&item.peer, NAMESPACE, &bytes);
        step.tx.seal_message(item.message, stream, &data, &hash, sent_ms)?;
        step.tx.outbox_item(item.message)
    }
}
