//! Asking nodes for the time when no agreed time stands (extensions section 8).

use starling_protocol::NodeKey;
use starling_protocol::rpc::Request as Call;
use starling_protocol::rpc::reply::Info;
use starling_store::StoreError;

use super::Network;
use crate::chance::pause;
use crate::effect::Purpose;
use crate::step::Step;

/// Nodes asked at once. Three must answer; five when the clock is to jump.
const ASKED: usize = 5;
/// First pause after an attempt that brought no agreement.
const FIRST_PAUSE_MS: u64 = 1_000;

/// Where the question stands.
#[derive(Default)]
pub(crate) struct TimeCheck {
    waiting: usize,
    attempts: u32,
    not_before: u64,
}

impl Network {
    pub(super) fn time_timer(&self) -> Option<u64> {
        let wanted = self.clock.wants_samples() && self.time_check.waiting == 0;
        (wanted && !self.paths.all().is_empty()).then_some(self.time_check.not_before)
    }

    pub(super) fn check_time(&mut self, step: &mut Step<'_, '_>) {
        let due = self.time_timer().is_some_and(|at| at <= step.now.boot_ms);
        if !due {
            return;
        }
        // Each further attempt waits longer; the answers that come reset nothing but the need.
        self.time_check.attempts = self.time_check.attempts.saturating_add(1);
        let cap = self.config.backoff_cap_ms;
        let pause = pause(self.time_check.attempts, FIRST_PAUSE_MS, cap, step.rng);
        self.time_check.not_before = step.now.boot_ms.saturating_add(pause);
        for node in self.anyone(step, ASKED) {
            let asked = self.ask(step, Purpose::Clock, &node, Call::Info).is_some();
            self.time_check.waiting += usize::from(asked);
        }
    }

    pub(super) fn time_answered(
        &mut self,
        step: &mut Step<'_, '_>,
        node: NodeKey,
        sent_boot_ms: u64,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        self.time_check.waiting = self.time_check.waiting.saturating_sub(1);
        if let Some((200, body)) = answer
            && let Ok(info) = Info::parse(&body)
        {
            self.take_sample(step, node, info.timestamp, sent_boot_ms)?;
        }
        if !self.clock.wants_samples() {
            self.time_check.attempts = 0;
        }
        Ok(())
    }
}
