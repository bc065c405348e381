//! Dating a sealed message and, where the network asks for it, proving work (extensions section 1).

use starling_protocol::pow::{Nonce, Puzzle};
use starling_store::{FailureReason, MessageRow, MessageState, OutboxItem, Stage, StoreError};

use super::{Outbox, announce};
use crate::effect::Effect;
use crate::input::EffectId;
use crate::network::Network;
use crate::step::Step;

/// The one proof under way; more would only share the same threads.
pub(super) struct Proving {
    id: EffectId,
    message: MessageRow,
    timestamp_ms: i64,
    difficulty: u64,
}

impl Outbox {
    pub(super) fn proving_for(&self, row: MessageRow) -> bool {
        self.proving.as_ref().is_some_and(|proving| proving.message == row)
    }

    pub(crate) fn stop_proving(&mut self, step: &mut Step<'_, '_>) {
        if let Some(proving) = self.proving.take() {
            step.effects.push(Effect::CancelProof(proving.id));
        }
    }

    /// Gives a sealed message its timestamp: at once where no node asks for work, else with a proof.
    pub(super) fn date(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        item: OutboxItem,
        network_ms: u64,
    ) -> Result<(), StoreError> {
        // A proof that is under way is used, even if the demand has fallen meanwhile.
        if self.proving_for(item.message) {
            return Ok(());
        }
        let difficulty = network.difficulty(step.now);
        let timestamp_ms = network_ms as i64;
        if difficulty == 0 {
            step.tx.prove_message(item.message, timestamp_ms, None, 0)?;
            return self.store_dated(step, network, item.message);
        }
        // The end of this proof looks for the next sealed message.
        if self.proving.is_some() {
            return Ok(());
        }
        let data = item.data.as_deref().unwrap_or_default();
        let (timestamp, ttl) = (network_ms.to_string(), item.ttl_ms.to_string());
        let Ok(puzzle) = Puzzle::new(&timestamp, &ttl, &item.peer.to_string(), data, difficulty) else {
            return self.finish(step, item.message, MessageState::Failed(FailureReason::TooHard));
        };
        let (id, message) = (network.issue_id(), item.message);
        self.proving = Some(Proving { id, message, timestamp_ms, difficulty });
        step.effects.push(Effect::Prove { id, message, puzzle });
        step.tx.set_message_state(message, MessageState::Working)?;
        announce(step, message)
    }

    /// Commits nonce and timestamp in the step that emits the stores.
    pub(crate) fn proved(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        id: EffectId,
        nonce: Option<Nonce>,
    ) -> Result<(), StoreError> {
        let Some(proving) = self.proving.take_if(|proving| proving.id == id) else { return Ok(()) };
        self.look_again();
        let Some(nonce) = nonce else { return Ok(()) };
        let sealed = |item: &OutboxItem| item.stage == Stage::Sealed;
        if !step.tx.outbox_item(proving.message)?.as_ref().is_some_and(sealed) {
            return Ok(());
        }
        let difficulty = i64::try_from(proving.difficulty).unwrap_or(i64::MAX);
        let nonce = nonce.to_base64();
        step.tx.prove_message(proving.message, proving.timestamp_ms, Some(&nonce), difficulty)?;
        self.store_dated(step, network, proving.message)
    }

    fn store_dated(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        row: MessageRow,
    ) -> Result<(), StoreError> {
        match step.tx.outbox_item(row)? {
            Some(item) if network.ready(step.now) => self.store(step, network, item),
            _ => Ok(()),
        }
    }
}
