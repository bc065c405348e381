//! What ends by itself: requests, accepts, prekeys, replaced sessions.

use starling_protocol::AccountKeys;
use starling_store::{ConversationId, StoreError};

use super::{Clock, happened};
use crate::friends::{Input, PREKEY_REST, SESSION_REST};
use crate::input::Now;
use crate::network::Network;
use crate::step::Step;

/// Contacts looked at in one step.
const BATCH: usize = 64;

/// When something lapses next. Volatile.
#[derive(Default)]
pub(crate) struct Lapses {
    next_s: Option<i64>,
    dirty: bool,
}

impl Lapses {
    pub(crate) fn new() -> Self {
        Self { next_s: None, dirty: true }
    }

    /// The store has changed.
    pub(crate) fn look_again(&mut self) {
        self.dirty = true;
    }

    /// Lets the table see that time has passed, for every contact to whom it matters. Erasure by time
    /// happens by agreed network time only.
    pub(crate) fn pump(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &Network,
        keys: &AccountKeys,
    ) -> Result<(), StoreError> {
        let Some(network_ms) = network.time_ms(step.now) else { return Ok(()) };
        let clock = Clock { network_ms };
        let now_s = clock.network_s();
        if !self.dirty && self.next_s.is_none_or(|at| at > now_s) {
            return Ok(());
        }
        for conversation in due(step, now_s)? {
            happened(step, keys, conversation, &Input::Tick, clock)?;
        }
        self.dirty = false;
        // Never at once again: what a step could not settle waits a minute.
        self.next_s = next(step)?.map(|at| at.max(now_s.saturating_add(60)));
        Ok(())
    }

    /// Boot time of the next lapse.
    pub(crate) fn next_timer(&self, network: &Network, now: Now) -> Option<u64> {
        let at_ms = u64::try_from(self.next_s?).unwrap_or(0).saturating_mul(1_000);
        let wait_ms = at_ms.saturating_sub(network.time_ms(now)?);
        Some(now.boot_ms.saturating_add(wait_ms))
    }
}

fn due(step: &mut Step<'_, '_>, now_s: i64) -> Result<Vec<ConversationId>, StoreError> {
    let mut due = step.tx.contacts_due(now_s, BATCH)?;
    due.extend(step.tx.prekeys_due(now_s.saturating_sub_unsigned(PREKEY_REST + 1), BATCH)?);
    due.extend(step.tx.sessions_due(now_s.saturating_sub_unsigned(SESSION_REST + 1), BATCH)?);
    due.sort_unstable();
    due.dedup();
    Ok(due)
}

fn next(step: &mut Step<'_, '_>) -> Result<Option<i64>, StoreError> {
    let rest = |at: Option<i64>, seconds: u64| at.map(|at| at.saturating_add_unsigned(seconds + 1));
    let lapses = [
        step.tx.next_contact_due()?,
        rest(step.tx.next_prekey_expiry()?, PREKEY_REST),
        rest(step.tx.next_session_retired()?, SESSION_REST),
    ];
    Ok(lapses.into_iter().flatten().min())
}
