//! Time, as the engine gets it: a trait, so that simulated time can take its place.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use starling_core::Now;

/// A future that owns what it needs and may move between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The engine's only source of time.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Now;
    /// Completes as soon as [`Now::boot_ms`] has reached `boot_ms`, at once if it has already.
    fn sleep_until(&self, boot_ms: u64) -> BoxFuture<()>;
}

/// Longest single sleep. The timers below stand still while the device sleeps and the boot clock
/// does not, so a long sleep is cut into pieces and the clock is read again after each.
const SLICE_MS: u64 = 30_000;

/// The device's clocks: time since boot with sleep included, and Unix time.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { boot_ms: boot_ms(), wall_ms: wall_ms() }
    }

    fn sleep_until(&self, boot_ms: u64) -> BoxFuture<()> {
        Box::pin(async move {
            loop {
                let left = boot_ms.saturating_sub(self::boot_ms());
                if left == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(left.min(SLICE_MS))).await;
            }
        })
    }
}

/// `CLOCK_BOOTTIME`: the standard library has no clock that promises to count sleep.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn boot_ms() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000).saturating_add(nanoseconds / 1_000_000)
}

/// The standard library's monotonic clock, counted from its first use in this process.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn boot_ms() -> u64 {
    static ORIGIN: once_cell::sync::Lazy<std::time::Instant> =
        once_cell::sync::Lazy::new(std::time::Instant::now);
    u64::try_from(ORIGIN.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Unix time in milliseconds; negative on a device whose clock stands before 1970.
fn wall_ms() -> i64 {
    let milliseconds = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => milliseconds(since),
        Err(before) => milliseconds(before.duration()).saturating_neg(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn time_runs_forwards_from_a_plausible_present() {
        let (first, second) = (SystemClock.now(), SystemClock.now());
        assert!(second.boot_ms >= first.boot_ms);
        assert!(first.wall_ms > 1_700_000_000_000, "a wall clock in this millennium");
    }

    #[tokio::test]
    async fn a_sleep_ends_no_earlier_than_asked() {
        let until = SystemClock.now().boot_ms + 3;
        SystemClock.sleep_until(until).await;
        assert!(SystemClock.now().boot_ms >= until);
        SystemClock.sleep_until(0).await;
    }
}
