//! Network time: the median of what at least three nodes say (extensions section 8).
//!
//! Within a process the clock runs on the device's boot time, which never jumps; the offset to
//! the wall clock is kept in the store only as a first guess for the next process.

use std::collections::BTreeMap;

use starling_protocol::NodeKey;

use crate::input::Now;

/// Samples older than this no longer count: 15 minutes.
const SAMPLE_LIFE_MS: u64 = 15 * 60_000;
/// Fewest nodes whose answers make a time.
const QUORUM: usize = 3;
/// Nodes that must agree before the clock moves by more than [`JUMP_MS`].
const JUMP_QUORUM: usize = 5;
/// One hour: a larger correction wants [`JUMP_QUORUM`] nodes.
const JUMP_MS: i64 = 3_600_000;
/// The store hears of a changed offset only from here on: two seconds.
const WORTH_KEEPING_MS: i64 = 2_000;
/// A round trip slower than this says too little about the time: 20 seconds.
const SLOWEST_ROUND_TRIP_MS: u64 = 20_000;
/// Latest time a node may claim: the year 2600, so that sums cannot overflow.
const LATEST_MS: u64 = 20_000_000_000_000;

#[derive(Clone, Copy)]
struct Sample {
    /// Network time minus boot time.
    offset_ms: i64,
    taken_boot_ms: u64,
}

/// The engine's idea of network time.
pub(crate) struct NetworkClock {
    samples: BTreeMap<NodeKey, Sample>,
    /// Network time minus boot time, agreed on in this process.
    agreed: Option<i64>,
    /// Network minus wall time as last persisted.
    kept: Option<i64>,
    /// Nodes must be asked before the clock is used again.
    stale: bool,
}

impl NetworkClock {
    /// `kept` is the offset to the wall clock from the store, if this store ever knew one.
    pub(crate) fn new(kept: Option<i64>) -> Self {
        Self { samples: BTreeMap::new(), agreed: None, kept, stale: true }
    }

    /// Network time in milliseconds, if nodes agreed on it in this process.
    pub(crate) fn known(&self, now: Now) -> Option<u64> {
        if self.stale {
            return None;
        }
        self.agreed.map(|offset| to_unsigned(offset.saturating_add_unsigned(now.boot_ms)))
    }

    /// The best guess: agreed, else from the persisted offset, else device time.
    pub(crate) fn guess(&self, now: Now) -> u64 {
        let agreed = self.agreed.map(|offset| offset.saturating_add_unsigned(now.boot_ms));
        let kept = now.wall_ms.saturating_add(self.kept.unwrap_or(0));
        to_unsigned(agreed.unwrap_or(kept))
    }

    /// Network minus wall time, if known.
    pub(crate) fn offset_ms(&self, now: Now) -> Option<i64> {
        self.known(now).map(|network| (network as i64).saturating_sub(now.wall_ms))
    }

    /// Whether nodes must be asked for the time.
    pub(crate) fn wants_samples(&self) -> bool {
        self.stale
    }

    /// A node called our time wrong: ask again before anything else is dated.
    pub(crate) fn doubt(&mut self) {
        self.stale = true;
        self.samples.clear();
    }

    /// Takes a node's time `node_ms`, received at `now` for a request that left at `sent_boot_ms`, in
    /// a network of `nodes`. Returns an offset worth persisting, if there is one.
    pub(crate) fn sample(
        &mut self,
        node: NodeKey,
        node_ms: u64,
        sent_boot_ms: u64,
        nodes: usize,
        now: Now,
    ) -> Option<i64> {
        let round_trip = now.boot_ms.saturating_sub(sent_boot_ms);
        if round_trip > SLOWEST_ROUND_TRIP_MS || node_ms > LATEST_MS {
            return None;
        }
        let at_receipt = (node_ms + round_trip / 2) as i64;
        let offset_ms = at_receipt.saturating_sub_unsigned(now.boot_ms);
        self.samples.insert(node, Sample { offset_ms, taken_boot_ms: now.boot_ms });
        self.samples.retain(|_, sample| now.boot_ms.saturating_sub(sample.taken_boot_ms) <= SAMPLE_LIFE_MS);
        self.agree(nodes, now)
    }

    fn agree(&mut self, nodes: usize, now: Now) -> Option<i64> {
        let mut offsets: Vec<i64> = self.samples.values().map(|sample| sample.offset_ms).collect();
        offsets.sort_unstable();
        let median = *offsets.get(offsets.len() / 2)?;
        let jumps = self.agreed.is_some_and(|agreed| agreed.abs_diff(median) > JUMP_MS.unsigned_abs());
        if offsets.len() < if jumps { JUMP_QUORUM.min(nodes) } else { QUORUM } {
            return None;
        }
        self.agreed = Some(median);
        self.stale = false;
        let to_wall = median.saturating_add_unsigned(now.boot_ms).saturating_sub(now.wall_ms);
        if self.kept.is_some_and(|kept| kept.abs_diff(to_wall) < WORTH_KEEPING_MS.unsigned_abs()) {
            return None;
        }
        self.kept = Some(to_wall);
        Some(to_wall)
    }
}

fn to_unsigned(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TRUE_MS: u64 = 1_700_000_000_000;

    fn node(n: u8) -> NodeKey {
        NodeKey([n; 32])
    }

    fn now(boot_ms: u64) -> Now {
        // A device whose wall clock is ten years behind.
        Now { boot_ms, wall_ms: (TRUE_MS + boot_ms) as i64 - 315_360_000_000 }
    }

    #[test]
    fn three_nodes_make_a_time_and_two_do_not() {
        let mut clock = NetworkClock::new(None);
        assert_eq!(clock.sample(node(1), TRUE_MS + 1_000, 900, 12, now(1_000)), None);
        clock.sample(node(2), TRUE_MS + 1_000, 1_000, 12, now(1_000));
        assert_eq!(clock.known(now(1_000)), None);
        let kept = clock.sample(node(3), TRUE_MS + 1_000, 1_000, 12, now(1_000));
        assert_eq!(kept, Some(315_360_000_000));
        assert_eq!(clock.known(now(61_000)), Some(TRUE_MS + 61_000));
    }

    #[test]
    fn one_liar_of_three_moves_nothing() {
        for lie in [0, TRUE_MS - 86_400_000, TRUE_MS + 86_400_000, LATEST_MS, u64::MAX] {
            let mut clock = NetworkClock::new(None);
            for n in 1..=3 {
                clock.sample(node(n), TRUE_MS, 0, 12, now(0));
            }
            clock.sample(node(3), lie, 0, 12, now(0));
            assert_eq!(clock.known(now(0)), Some(TRUE_MS), "lie {lie}");
        }
    }

    #[test]
    fn a_jump_over_an_hour_wants_five_nodes() {
        let mut clock = NetworkClock::new(None);
        for n in 1..=3 {
            clock.sample(node(n), TRUE_MS, 0, 12, now(0));
        }
        clock.doubt();
        let later = TRUE_MS + 2 * 3_600_000;
        for n in 1..=4 {
            clock.sample(node(n), later, 0, 12, now(0));
            assert_eq!(clock.known(now(0)), None, "{n} nodes");
        }
        clock.sample(node(5), later, 0, 12, now(0));
        assert_eq!(clock.known(now(0)), Some(later));
    }

    #[test]
    fn a_wall_clock_jump_within_the_process_changes_nothing() {
        let mut clock = NetworkClock::new(None);
        for n in 1..=3 {
            clock.sample(node(n), TRUE_MS, 0, 12, now(0));
        }
        let jumped = Now { boot_ms: 5_000, wall_ms: 0 };
        assert_eq!(clock.known(jumped), Some(TRUE_MS + 5_000));
        assert_eq!(clock.guess(jumped), TRUE_MS + 5_000);
    }

    #[test]
    fn the_first_guess_of_a_process_is_the_kept_offset() {
        let clock = NetworkClock::new(Some(315_360_000_000));
        assert_eq!(clock.known(now(7)), None);
        assert_eq!(clock.guess(now(7)), TRUE_MS + 7);
    }
}
