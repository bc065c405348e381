//! Whether anything gets through at all, and how long to be quiet when nothing does.
//!
//! | state | begins with | what may be asked |
//! |---|---|---|
//! | connected | any answer of any node | everything |
//! | outage, quiet | four failures in a row, or a scout without an answer | nothing |
//! | outage, pause over | time, or a wake | scouts only ([`super::scout`]) |
//!
//! So the request rate falls to the cap however much is waiting (research pain 3).

use crate::chance::pause;
use crate::input::{Now, Outcome};
use crate::step::Step;

/// Failures in a row that make an outage.
const OUTAGE: u32 = 4;
/// First pause of an outage in milliseconds.
const FIRST_PAUSE_MS: u64 = 2_000;

/// Counts failures over all requests.
#[derive(Default)]
pub(crate) struct Connectivity {
    failures_in_row: u32,
    /// Pauses so far in this outage; 0 when there is none.
    pauses: u32,
    quiet_until: u64,
    answered: bool,
}

impl Connectivity {
    /// Notes how a request ended.
    pub(crate) fn note(&mut self, outcome: &Outcome, cap_ms: u64, step: &mut Step<'_, '_>) {
        match outcome {
            Outcome::Reply { .. } | Outcome::PathError { .. } => self.restore(),
            Outcome::Unreachable | Outcome::TimedOut | Outcome::Garbled => {
                self.failures_in_row = self.failures_in_row.saturating_add(1);
                // What was under way when the outage began fails within the same pause.
                if self.failures_in_row >= OUTAGE && !self.outage() {
                    self.wait_on(cap_ms, step);
                }
            }
        }
    }

    /// The next, longer pause.
    pub(crate) fn wait_on(&mut self, cap_ms: u64, step: &mut Step<'_, '_>) {
        self.pauses = self.pauses.saturating_add(1);
        self.answered = false;
        let pause = pause(self.pauses, FIRST_PAUSE_MS, cap_ms, step.rng);
        self.quiet_until = step.now.boot_ms.saturating_add(pause);
    }

    /// Something answered: no outage.
    pub(crate) fn restore(&mut self) {
        *self = Self { answered: true, ..Self::default() };
    }

    pub(crate) fn outage(&self) -> bool {
        self.pauses > 0
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
