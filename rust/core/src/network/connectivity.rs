//! Whether anything gets through at all, and how long to be quiet when nothing does.

use crate::chance::pause;
use crate::input::{Now, Outcome};
use crate::step::Step;

/// Failures in a row that make an outage.
const OUTAGE: u32 = 4;
/// First pause of an outage in milliseconds.
const FIRST_PAUSE_MS: u64 = 2_000;

/// Counts failures over all requests. In an outage nothing is asked until the pause is over, so the
/// request rate falls to the cap however much is waiting (research pain 3).
#[derive(Default)]
pub(crate) struct Connectivity {
    failures_in_row: u32,
    /// Pauses so far in this outage.
    waves: u32,
    quiet_until: u64,
    answered: bool,
}

impl Connectivity {
    /// Notes how a request sent at `sent_boot_ms` ended.
    pub(crate) fn note(
        &mut self,
        outcome: &Outcome,
        sent_boot_ms: u64,
        cap_ms: u64,
        step: &mut Step<'_, '_>,
    ) {
        match outcome {
            Outcome::Reply { .. } | Outcome::PathError { .. } => {
                *self = Self { answered: true, ..Self::default() };
            }
            Outcome::Unreachable | Outcome::TimedOut | Outcome::Garbled => {
                self.failures_in_row = self.failures_in_row.saturating_add(1);
                // Requests that were under way when the pause began belong to the same wave.
                if self.failures_in_row >= OUTAGE && sent_boot_ms >= self.quiet_until {
                    self.waves = self.waves.saturating_add(1);
                    let pause = pause(self.waves, FIRST_PAUSE_MS, cap_ms, step.rng);
                    self.quiet_until = step.now.boot_ms.saturating_add(pause);
                    self.answered = false;
                }
            }
        }
    }

    pub(crate) fn quiet(&self, now: Now) -> bool {
        now.boot_ms < self.quiet_until
    }

    pub(crate) fn quiet_until(&self, now: Now) -> Option<u64> {
        self.quiet(now).then_some(self.quiet_until)
    }

    /// Something on the device failed: one short pause.
    pub(crate) fn back_off(&mut self, now: Now) {
        self.quiet_until = now.boot_ms.saturating_add(FIRST_PAUSE_MS);
    }

    pub(crate) fn break_silence(&mut self) {
        self.quiet_until = 0;
    }

    pub(crate) fn answered_lately(&self) -> bool {
        self.answered
    }
}
