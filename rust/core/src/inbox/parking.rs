//! How long frames stay parked: until another replica was read, or 60 seconds (extensions section 4,
//! "Skipped keys").

use std::collections::BTreeSet;

use starling_protocol::NodeKey;
use starling_store::StoreError;

use crate::input::Now;
use crate::step::Step;

/// Longest stay: 60 seconds.
const PATIENCE_MS: u64 = 60_000;

/// The replicas that were read when frames were parked, and since when they are. Volatile: after a
/// restart they are opened with the first batch.
#[derive(Default)]
pub(super) struct Parking {
    since: Option<(u64, BTreeSet<NodeKey>)>,
}

impl Parking {
    /// Whether what is parked is to be opened now, whatever it skips.
    pub(super) fn over(&mut self, replicas: &BTreeSet<NodeKey>, now: Now) -> bool {
        let over = self.since.as_ref().is_none_or(|(since_ms, read)| {
            !replicas.is_subset(read) || now.boot_ms.saturating_sub(*since_ms) >= PATIENCE_MS
        });
        if over {
            self.since = None;
        }
        over
    }

    /// A batch is through; if it left frames parked, the wait begins.
    pub(super) fn began(
        &mut self,
        replicas: &BTreeSet<NodeKey>,
        step: &mut Step<'_, '_>,
    ) -> Result<(), StoreError> {
        if self.since.is_none() && step.tx.oldest_parked()?.is_some() {
            self.since = Some((step.now.boot_ms, replicas.clone()));
        }
        Ok(())
    }
}
