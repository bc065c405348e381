//! The closing summary, as JSON for programs and as lines for people.

use serde::Serialize;

use crate::demo::checker::Verdict;
use crate::demo::watch::Tally;

/// What `--report` writes.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    sent: usize,
    delivered: usize,
    duplicates: usize,
    lost: usize,
    out_of_order: usize,
    stored_min: usize,
    stored_max: usize,
    swarm_size: usize,
    onion_hops: usize,
    pow_messages: usize,
    pow_ms_p50: u64,
    requests: u64,
    seconds: f64,
}

impl Report {
    /// Joins the checker's verdict with what was measured on the way.
    pub(crate) fn new(verdict: &Verdict, tally: &Tally, swarm_size: usize, seconds: f64) -> Self {
        Self {
            sent: verdict.sent,
            delivered: verdict.delivered,
            duplicates: verdict.duplicates,
            lost: verdict.lost,
            out_of_order: verdict.out_of_order,
            stored_min: verdict.stored_min,
            stored_max: verdict.stored_max,
            swarm_size,
            onion_hops: tally.fewest_hops(),
            pow_messages: verdict.proven,
            pow_ms_p50: tally.median_proof_ms(),
            requests: tally.requests,
            seconds: (seconds * 10.0).round() / 10.0,
        }
    }

    /// Whether every message arrived, once and in its place.
    pub(crate) fn is_clean(&self) -> bool {
        self.delivered == self.sent && self.lost == 0 && self.duplicates == 0 && self.out_of_order == 0
    }

    /// The summary for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        vec![
            format!(
                "{} messages sent, {} delivered, {} lost, {} doubled, {} out of order",
                self.sent, self.delivered, self.lost, self.duplicates, self.out_of_order
            ),
            format!(
                "each message lies on {} to {} of {} nodes of its swarm and went through {} relays",
                self.stored_min, self.stored_max, self.swarm_size, self.onion_hops
            ),
            format!(
                "{} messages carry a proof of work, {} ms in the median; {} requests in {:.1} s",
                self.pow_messages, self.pow_ms_p50, self.requests, self.seconds
            ),
        ]
    }
}
