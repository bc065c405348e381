//! The closing summary, as JSON for programs and as lines for people.

use serde::Serialize;

use crate::demo::checker::Verdict;
use crate::demo::watch::Tally;

/// What `--report` writes.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    sent: usize,
    delivered: usize,
    /// Messages whose sender has the recipient's word for it.
    delivered_acked: usize,
    duplicates: usize,
    lost: usize,
    out_of_order: usize,
    stored_min: usize,
    stored_max: usize,
    swarm_size: usize,
    onion_hops: usize,
    pow_messages: usize,
    pow_ms_p50: u64,
    /// `ratchet` if nothing but the introductions went without one.
    security: &'static str,
    /// Pairs that both sides call friends.
    friendships: usize,
    /// Those of them of which both asked, without a prompt.
    crossing: usize,
    /// Messages of a blocked account that caused nothing.
    blocked_silent: usize,
    requests: u64,
    seconds: f64,
    #[serde(skip)]
    blocked: usize,
}

/// Friendships of the performance: one by request and acceptance, one by requests that cross.
const FRIENDSHIPS: usize = 2;

impl Report {
    /// Joins the checker's verdict with what was measured on the way.
    pub(crate) fn new(verdict: &Verdict, tally: &Tally, swarm_size: usize, seconds: f64) -> Self {
        let secure = verdict.ratcheted + verdict.requests == verdict.sent;
        Self {
            sent: verdict.sent,
            delivered: verdict.delivered,
            delivered_acked: verdict.delivered_acked,
            duplicates: verdict.duplicates,
            lost: verdict.lost,
            out_of_order: verdict.out_of_order,
            stored_min: verdict.stored_min,
            stored_max: verdict.stored_max,
            swarm_size,
            onion_hops: tally.fewest_hops(),
            pow_messages: verdict.proven,
            pow_ms_p50: tally.median_proof_ms(),
            security: if secure { "ratchet" } else { "basic" },
            friendships: verdict.friendships,
            crossing: verdict.crossing,
            blocked_silent: verdict.blocked_silent,
            requests: tally.requests,
            seconds: (seconds * 10.0).round() / 10.0,
            blocked: verdict.blocked,
        }
    }

    /// Whether every message arrived, once and in its place, acknowledged and with a ratchet; and all
    /// became friends, or silent, as they should.
    pub(crate) fn is_clean(&self) -> bool {
        let arrived = self.delivered == self.sent && self.delivered_acked == self.sent;
        let faults = self.lost + self.duplicates + self.out_of_order;
        let befriended = self.friendships == FRIENDSHIPS && self.crossing == 1;
        let silent = self.blocked == 1 && self.blocked_silent == 1;
        arrived && faults == 0 && befriended && silent && self.security == "ratchet"
    }

    /// The summary for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        vec![
            format!(
                "{} messages sent, {} delivered, {} lost, {} doubled, {} out of order",
                self.sent, self.delivered, self.lost, self.duplicates, self.out_of_order
            ),
            format!(
                "{} acknowledged by their recipients; security of all but the introductions: {}",
                self.delivered_acked, self.security
            ),
            format!(
                "{} friendships, {} of them by requests that crossed; {} of {} messages of a blocked account \
                 caused nothing",
                self.friendships, self.crossing, self.blocked_silent, self.blocked
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
