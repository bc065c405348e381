//! Virtual time: the queue of what is going to happen, and the clocks of devices, which are wrong.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use starling_core::Now;

/// Unix time of virtual millisecond 0: the clock of an honest node then shows this.
pub const EPOCH_MS: i64 = 1_790_000_000_000;

/// One virtual minute.
pub const MINUTE_MS: u64 = 60_000;
/// One virtual hour.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
/// One virtual day.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// What is going to happen, in the order of time; what is due at the same millisecond happens in the
/// order in which it was put in, so that a run depends on its seed alone.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Due<T>>,
    next: u64,
}

#[derive(Debug)]
struct Due<T> {
    at: u64,
    order: u64,
    what: T,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), next: 0 }
    }

    pub(crate) fn put(&mut self, at: u64, what: T) {
        self.heap.push(Due { at, order: self.next, what });
        self.next += 1;
    }

    /// The time of the next entry.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|due| due.at)
    }

    pub(crate) fn take(&mut self) -> Option<(u64, T)> {
        self.heap.pop().map(|due| (due.at, due.what))
    }
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Due<T> {}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Due<T> {
    /// Reversed, because the heap gives out its greatest entry.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// The clocks of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceClock {
    /// Virtual time at which the boot clock showed `boot_base`.
    base: u64,
    boot_base: u64,
    /// How much faster than true time the clocks run, in parts per million; may be negative.
    drift_ppm: i64,
    /// Device wall clock minus true time at virtual time 0, jumps included.
    wall_offset_ms: i64,
}

impl DeviceClock {
    /// A device that started `boot_ms` before virtual time 0.
    pub fn new(boot_ms: u64, wall_offset_ms: i64, drift_ppm: i64) -> Self {
        Self { base: 0, boot_base: boot_ms, drift_ppm: drift_ppm.clamp(-500, 500), wall_offset_ms }
    }

    /// What the device's clocks show at a virtual time.
    pub fn now(&self, at: u64) -> Now {
        let wall = EPOCH_MS + drifted(at, self.drift_ppm) + self.wall_offset_ms;
        Now { boot_ms: self.boot(at), wall_ms: wall }
    }

    /// The first virtual time, not before `at`, at which the boot clock shows at least `boot_ms`.
    pub fn when(&self, boot_ms: u64, at: u64) -> u64 {
        let missing = boot_ms.saturating_sub(self.boot(at));
        let mut due = at + (missing as i128 * 1_000_000 / (1_000_000 + i128::from(self.drift_ppm))) as u64;
        while self.boot(due) < boot_ms {
            due += 1;
        }
        due
    }

    /// The user or the system sets the wall clock: it jumps, the boot clock does not.
    pub fn jump(&mut self, by_ms: i64) {
        self.wall_offset_ms += by_ms;
    }

    /// The device restarts: the boot clock begins at zero.
    pub fn reboot(&mut self, at: u64) {
        self.base = at;
        self.boot_base = 0;
    }

    fn boot(&self, at: u64) -> u64 {
        self.boot_base + drifted(at.saturating_sub(self.base), self.drift_ppm) as u64
    }
}

/// Milliseconds a drifting clock counts while `elapsed` true ones pass.
fn drifted(elapsed: u64, drift_ppm: i64) -> i64 {
    (i128::from(elapsed) * (1_000_000 + i128::from(drift_ppm)) / 1_000_000) as i64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_queue_keeps_time_and_then_order() {
        let mut queue = Queue::new();
        for (at, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b')] {
            queue.put(at, what);
        }
        assert_eq!(queue.next_at(), Some(1));
        let taken: String = std::iter::from_fn(|| queue.take()).map(|(_, what)| what).collect();
        assert_eq!(taken, "abcd");
    }

    #[test]
    fn a_timer_is_met_at_the_first_millisecond_that_reaches_it() {
        for drift in [-500, -3, 0, 7, 500] {
            let clock = DeviceClock::new(77, 0, drift);
            for target in [77, 78, 1_000, 86_400_077, 2_592_000_000] {
                let due = clock.when(target, 0);
                assert!(clock.now(due).boot_ms >= target);
                assert!(due == 0 || clock.now(due - 1).boot_ms < target, "drift {drift} target {target}");
            }
        }
    }

    #[test]
    fn jumps_move_the_wall_clock_alone_and_a_reboot_the_boot_clock_alone() {
        let mut clock = DeviceClock::new(1_000, 0, 0);
        clock.jump(-3_600_000);
        assert_eq!(clock.now(10), Now { boot_ms: 1_010, wall_ms: EPOCH_MS + 10 - 3_600_000 });
        clock.reboot(500);
        assert_eq!(clock.now(510), Now { boot_ms: 10, wall_ms: EPOCH_MS + 510 - 3_600_000 });
    }
}
