//! The result of many seeds, as `starling simulate --report` writes it.

use serde::Serialize;

use crate::checker::Violation;
use crate::clock::DAY_MS;

/// What one seed came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Messages whose acceptance was answered to the host.
    pub messages: u64,
    /// Accepted messages that are not in the recipient's database or were never shown to its host.
    pub lost: u64,
    /// Messages kept or shown more than once.
    pub duplicates: u64,
    /// Messages shown after a later one of the same stream, without a gap event before.
    pub out_of_order: u64,
    /// Every other broken promise, and one line for each of the above.
    pub violations: Vec<Violation>,
    /// Gap events shown. Allowed, but each one means that a user saw something missing for a while.
    pub gaps: u64,
    /// Requests that the devices made.
    pub requests: u64,
    /// Inputs that the devices' cores took.
    pub steps: u64,
    /// Times an engine was killed.
    pub kills: u64,
    /// Virtual time all devices lived through, added up.
    pub device_ms: u64,
    /// SHA-256 of the decision trace, hex.
    pub trace_digest: String,
}

impl Outcome {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.lost == 0 && self.duplicates == 0 && self.out_of_order == 0 && self.violations.is_empty()
    }
}

/// Sum of many seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Seeds run.
    pub seeds: u64,
    /// See [`Outcome::messages`].
    pub messages: u64,
    /// See [`Outcome::lost`].
    pub lost: u64,
    /// See [`Outcome::duplicates`].
    pub duplicates: u64,
    /// See [`Outcome::out_of_order`].
    pub out_of_order: u64,
    /// Number of [`Outcome::violations`].
    pub violations: u64,
    /// Device time simulated per second of CPU, a month having 30 days.
    pub device_months_per_cpu_second: f64,
    /// Device time simulated.
    pub device_months: f64,
    /// CPU time of the threads that ran the seeds.
    pub cpu_seconds: f64,
    /// See [`Outcome::gaps`].
    pub gaps: u64,
    /// See [`Outcome::requests`].
    pub requests: u64,
    /// See [`Outcome::kills`].
    pub kills: u64,
    /// Seeds that were not clean, ascending.
    pub failing_seeds: Vec<u64>,
}

impl Report {
    /// Adds one seed.
    pub fn add(&mut self, outcome: &Outcome, cpu_seconds: f64) {
        self.seeds += 1;
        self.messages += outcome.messages;
        self.lost += outcome.lost;
        self.duplicates += outcome.duplicates;
        self.out_of_order += outcome.out_of_order;
        self.violations += outcome.violations.len() as u64;
        self.gaps += outcome.gaps;
        self.requests += outcome.requests;
        self.kills += outcome.kills;
        self.device_months += outcome.device_ms as f64 / (30 * DAY_MS) as f64;
        self.cpu_seconds += cpu_seconds;
        self.device_months_per_cpu_second =
            if self.cpu_seconds > 0.0 { self.device_months / self.cpu_seconds } else { 0.0 };
        if !outcome.is_clean() {
            let place = self.failing_seeds.partition_point(|seed| *seed < outcome.seed);
            self.failing_seeds.insert(place, outcome.seed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_add_up_and_failing_ones_are_named() {
        let clean = Outcome {
            seed: 9,
            messages: 3,
            lost: 0,
            duplicates: 0,
            out_of_order: 0,
            violations: Vec::new(),
            gaps: 1,
            requests: 10,
            steps: 20,
            kills: 1,
            device_ms: 60 * DAY_MS,
            trace_digest: String::new(),
        };
        let lossy = Outcome { seed: 4, lost: 2, ..clean.clone() };
        let mut report = Report::default();
        report.add(&clean, 0.5);
        report.add(&lossy, 0.5);
        assert_eq!((report.seeds, report.messages, report.lost), (2, 6, 2));
        assert_eq!(report.failing_seeds, [4]);
        assert!((report.device_months_per_cpu_second - 4.0).abs() < 1e-9);
    }
}
