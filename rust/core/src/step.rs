//! What one step may use.

use rand_core::CryptoRng;
use starling_store::{Event, StoreError, Tx};

use crate::contacts::Admission;
use crate::effect::Effect;
use crate::input::Now;

/// The transaction, the time, the dice and the list of effects of one step.
pub(crate) struct Step<'a, 'c> {
    pub(crate) tx: &'a mut Tx<'c>,
    pub(crate) now: Now,
    pub(crate) rng: &'a mut dyn CryptoRng,
    pub(crate) effects: Vec<Effect>,
    /// How many strangers the host was told of lately.
    pub(crate) admission: &'a mut Admission,
    /// There may be something new in the outbox, or something in it may leave now.
    pub(crate) queue_changed: bool,
    /// Acknowledgements are owed, or were received.
    pub(crate) acks_changed: bool,
}

impl Step<'_, '_> {
    /// Queues a durable event for the host.
    pub(crate) fn tell(&mut self, event: Event) -> Result<(), StoreError> {
        self.tx.push_event(event)?;
        self.effects.push(Effect::EventsReady);
        Ok(())
    }
}
