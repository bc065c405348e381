//! What one step may use.

use rand_core::CryptoRng;
use starling_store::Tx;

use crate::effect::Effect;
use crate::input::Now;

/// The transaction, the time, the dice and the list of effects of one step.
pub(crate) struct Step<'a, 'c> {
    pub(crate) tx: &'a mut Tx<'c>,
    pub(crate) now: Now,
    pub(crate) rng: &'a mut dyn CryptoRng,
    pub(crate) effects: Vec<Effect>,
}
