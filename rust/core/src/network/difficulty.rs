//! How much proof of work the network asks for (extensions section 1).

use std::collections::VecDeque;

use crate::input::Now;

/// Demands are remembered this long: 10 minutes.
const MEMORY_MS: u64 = 600_000;

/// What the nodes asked for lately.
pub(crate) struct Difficulty {
    lately: VecDeque<(u64, u64)>,
    last: u64,
}

impl Difficulty {
    /// `last` is the value of the store, 0 where no node ever asked for work.
    pub(crate) fn new(last: u64) -> Self {
        Self { lately: VecDeque::new(), last }
    }

    /// What to work to now: the highest value of the last ten minutes, else the last one known.
    pub(crate) fn current(&self, now: Now) -> u64 {
        self.lately
            .iter()
            .filter(|(at, _)| fresh(*at, now))
            .map(|(_, value)| *value)
            .max()
            .unwrap_or(self.last)
    }

    /// Notes the demands of the nodes that answered one send and returns the value to persist if it
    /// changed. One liar burns nobody's battery: the second-highest demand counts, unless only one
    /// node answered.
    pub(crate) fn learn(&mut self, demands: &[u64], now: Now) -> Option<u64> {
        let value = second_highest(demands)?;
        self.lately.retain(|(at, _)| fresh(*at, now));
        self.lately.push_back((now.boot_ms, value));
        let changed = self.last != value;
        self.last = value;
        changed.then_some(value)
    }
}

fn fresh(at: u64, now: Now) -> bool {
    now.boot_ms.saturating_sub(at) <= MEMORY_MS
}

/// The second-highest of several demands; the only one if there is one.
pub(crate) fn second_highest(demands: &[u64]) -> Option<u64> {
    let mut sorted = demands.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    sorted.get(1).or_else(|| sorted.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot_ms: u64) -> Now {
        Now { boot_ms, wall_ms: 0 }
    }

    #[test]
    fn one_liar_of_three_is_not_believed() {
        let mut difficulty = Difficulty::new(0);
        assert_eq!(difficulty.learn(&[2, 900, 2], at(0)), Some(2));
        assert_eq!(difficulty.current(at(0)), 2);
    }

    #[test]
    fn the_highest_of_ten_minutes_holds_then_the_last() {
        let mut difficulty = Difficulty::new(0);
        difficulty.learn(&[10], at(0));
        difficulty.learn(&[3, 3], at(1));
        assert_eq!(difficulty.current(at(MEMORY_MS)), 10);
        assert_eq!(difficulty.current(at(MEMORY_MS + 1)), 3);
        assert_eq!(difficulty.current(at(10 * MEMORY_MS)), 3);
    }

    #[test]
    fn a_network_without_work_stays_without() {
        let mut difficulty = Difficulty::new(0);
        assert_eq!(difficulty.learn(&[], at(0)), None);
        assert_eq!(difficulty.learn(&[0, 0, 0], at(0)), None);
        assert_eq!(difficulty.current(at(0)), 0);
    }
}
