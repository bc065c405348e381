//! Clocks for measuring, runs in turns, and medians.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread: what other processes do does not count.
pub(super) fn thread_cpu() -> Duration {
    read(ClockId::ThreadCPUTime)
}

/// CPU time of all threads of this process.
pub(super) fn process_cpu() -> Duration {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// CPU seconds of this thread that `work` takes.
pub(super) fn cpu_seconds(work: impl FnOnce()) -> f64 {
    let before = thread_cpu();
    work();
    (thread_cpu() - before).as_secs_f64()
}

/// What one piece of work took, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    /// By the clock on the wall: what somebody waits, the disk and other processes included.
    pub(super) wall_ms: f64,
    /// CPU time of this thread.
    pub(super) cpu_ms: f64,
}

/// Does `work` by both clocks.
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (Spent, T) {
    let (wall, cpu) = (Instant::now(), thread_cpu());
    let result = work();
    let (wall, cpu) = (wall.elapsed(), thread_cpu() - cpu);
    (Spent { wall_ms: wall.as_secs_f64() * 1e3, cpu_ms: cpu.as_secs_f64() * 1e3 }, result)
}

/// Runs every side once per round, in turns, after one round that does not count; the median of each.
pub(super) fn in_turns<const N: usize>(rounds: usize, sides: [&mut dyn FnMut() -> f64; N]) -> [f64; N] {
    let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    let mut sides = sides;
    for round in 0..=rounds {
        for (side, times) in sides.iter_mut().zip(&mut times) {
            let seconds = side();
            if round > 0 {
                times.push(seconds);
            }
        }
    }
    times.map(median)
}

/// The middle one.
pub(super) fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

/// The smallest value that is not below the given share of all; 0 if there are none.
pub(super) fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.max(1) - 1).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let values = || vec![5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(median(values()), 3.0);
        assert_eq!((quantile(values(), 0.95), quantile(values(), 0.0)), (5.0, 1.0));
        assert_eq!(median(Vec::new()), 0.0);
    }

    #[test]
    fn sides_take_turns_and_the_first_round_is_left_out() {
        let order = std::cell::RefCell::new(String::new());
        let mut count = 0.0;
        let mut a = || {
            order.borrow_mut().push('a');
            count += 1.0;
            count
        };
        let mut b = || {
            order.borrow_mut().push('b');
            7.0
        };
        assert_eq!(in_turns(3, [&mut a, &mut b]), [3.0, 7.0]);
        assert_eq!(*order.borrow(), "abababab");
    }
}
