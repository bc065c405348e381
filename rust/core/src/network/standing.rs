//! How far each node is trusted to work: strikes, bars, and what it withheld.
//!
//! Volatile on purpose: after a restart every node starts afresh, so a bad hour can never become
//! a trap on disk (research pain 6).

use std::collections::BTreeMap;

use starling_protocol::NodeKey;

use crate::input::Now;

/// Strikes that bar a node (network-protocol section 3.4).
pub(crate) const LIMIT: u32 = 3;
/// First bar in milliseconds; doubles each time.
const FIRST_BAR_MS: u64 = 60_000;
/// Longest bar: one hour.
const LONGEST_BAR_MS: u64 = 3_600_000;

#[derive(Default)]
struct Record {
    strikes: u32,
    bars: u32,
    barred_until: u64,
    withheld: u32,
}

/// What we hold against the nodes.
#[derive(Default)]
pub(crate) struct Standing {
    records: BTreeMap<NodeKey, Record>,
    /// Raised whenever a node is barred or bars are lifted.
    verdicts: u64,
}

impl Standing {
    /// Counts `weight` strikes against a node; at [`LIMIT`] it is barred for a while.
    pub(crate) fn strike(&mut self, node: NodeKey, weight: u32, now: Now) {
        let record = self.records.entry(node).or_default();
        record.strikes = record.strikes.saturating_add(weight);
        if record.strikes >= LIMIT {
            let bar = FIRST_BAR_MS.saturating_mul(1 << record.bars.min(10)).min(LONGEST_BAR_MS);
            record.barred_until = now.boot_ms.saturating_add(bar);
            record.bars = record.bars.saturating_add(1);
            record.strikes = 0;
            self.verdicts += 1;
        }
    }

    /// A number that changes whenever a node is barred or bars are lifted.
    pub(crate) fn verdicts(&self) -> u64 {
        self.verdicts
    }

    /// A node did its work: its strikes are forgotten, and a long good run shortens the next bar.
    pub(crate) fn clear(&mut self, node: &NodeKey, now: Now) {
        if let Some(record) = self.records.get_mut(node) {
            record.strikes = 0;
            if now.boot_ms.saturating_sub(record.barred_until) > LONGEST_BAR_MS {
                record.bars = 0;
            }
        }
    }

    pub(crate) fn barred(&self, node: &NodeKey, now: Now) -> bool {
        self.records.get(node).is_some_and(|record| record.barred_until > now.boot_ms)
    }

    /// A node kept back what others handed out long ago (extensions section 2).
    pub(crate) fn withheld(&mut self, node: NodeKey) {
        let record = self.records.entry(node).or_default();
        record.withheld = record.withheld.saturating_add(1);
    }

    /// How often a node withheld something; lower is better.
    pub(crate) fn withholding(&self, node: &NodeKey) -> u32 {
        self.records.get(node).map_or(0, |record| record.withheld)
    }

    /// Another network, another verdict: all bars and strikes are lifted.
    pub(crate) fn lift_bars(&mut self) {
        self.verdicts += 1;
        for record in self.records.values_mut() {
            record.strikes = 0;
            record.barred_until = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeKey = NodeKey([7; 32]);

    fn at(boot_ms: u64) -> Now {
        Now { boot_ms, wall_ms: 0 }
    }

    #[test]
    fn three_strikes_bar_and_bars_grow_to_an_hour() {
        let mut standing = Standing::default();
        let mut clock = 0;
        for bar in [60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000, 3_600_000, 3_600_000] {
            standing.strike(NODE, 1, at(clock));
            standing.strike(NODE, 1, at(clock));
            assert!(!standing.barred(&NODE, at(clock)));
            standing.strike(NODE, 1, at(clock));
            assert!(standing.barred(&NODE, at(clock + bar - 1)), "bar of {bar}");
            clock += bar;
            assert!(!standing.barred(&NODE, at(clock)), "bar of {bar} is over");
        }
    }

    #[test]
    fn good_work_clears_strikes_and_a_new_network_lifts_bars() {
        let mut standing = Standing::default();
        standing.strike(NODE, 2, at(0));
        standing.clear(&NODE, at(0));
        standing.strike(NODE, 2, at(0));
        assert!(!standing.barred(&NODE, at(0)));
        standing.strike(NODE, 1, at(0));
        assert!(standing.barred(&NODE, at(0)));
        standing.lift_bars();
        assert!(!standing.barred(&NODE, at(0)));
    }
}
