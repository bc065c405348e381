//! A clock for the engine: a day of wakes must not take a day.

use std::sync::Arc;
use std::time::{Duration, Instant};

use starling_engine::{BoxFuture, Clock, Now};
use tokio::sync::watch;

/// Unix time at which the measurement begins, in milliseconds.
const EPOCH_MS: u64 = 1_790_000_000_000;

/// A clock that runs like the real one and can be set forward.
pub(super) struct JumpingClock {
    start: Instant,
    jumped_ms: watch::Sender<u64>,
}

impl JumpingClock {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), jumped_ms: watch::Sender::new(1_000_000) })
    }

    pub(super) fn jump(&self, span: Duration) {
        let ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.jumped_ms.send_modify(|jumped| *jumped += ms);
    }

    fn boot_ms(&self) -> u64 {
        let running = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        *self.jumped_ms.borrow() + running
    }

    pub(super) fn unix_ms(&self) -> u64 {
        EPOCH_MS + self.boot_ms()
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Now {
        let boot_ms = self.boot_ms();
        Now { boot_ms, wall_ms: i64::try_from(EPOCH_MS + boot_ms).unwrap_or(i64::MAX) }
    }

    fn sleep_until(&self, until_ms: u64) -> BoxFuture<()> {
        let (start, mut jumps) = (self.start, self.jumped_ms.subscribe());
        Box::pin(async move {
            loop {
                let jumped = *jumps.borrow_and_update();
                let end = start + Duration::from_millis(until_ms.saturating_sub(jumped));
                tokio::select! {
                    () = tokio::time::sleep_until(end.into()) => return,
                    changed = jumps.changed() => if changed.is_err() { return },
                }
            }
        })
    }
}
