//! When the engine works and when it holds still (DESIGN section 5).
//!
//! | mode | start / resume | suspend | wake | shutdown |
//! |---|---|---|---|---|
//! | `Stopped` | `Foreground` | done at once | works until the wake ends | `ShutDown` |
//! | `Foreground` | done at once | `Suspending` | polls at once | `Suspending`, then `ShutDown` |
//! | `Suspending` | refused | refused | refused | then `ShutDown` |
//! | `ShutDown` | refused | done at once | refused | done at once |
//!
//! A wake is not a mode: it lends activity to a stopped engine, and answers in a foreground one as
//! soon as its work is done.

use crate::error::CommandError;
use crate::input::{CommandId, Now};

/// What is left of the deadline when a wake stops waiting for replicas: 250 ms.
const HURRY_MS: u64 = 250;
/// What is left of the deadline when a wake answers, done or not: 50 ms, which a busy device needs to
/// carry the answer out.
const MARGIN_MS: u64 = 50;

/// The engine's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Not started, or suspended.
    Stopped,
    /// Polling, sending, keeping paths.
    Foreground,
    /// Finishing what is under way; no new work.
    Suspending { answer: CommandId, until_boot_ms: u64, for_good: bool },
    /// Shut down.
    ShutDown,
}

impl Mode {
    /// `start` and `resume`.
    pub(crate) fn start(self) -> Result<Self, CommandError> {
        match self {
            Self::Stopped | Self::Foreground => Ok(Self::Foreground),
            Self::Suspending { .. } => Err(CommandError::WrongState("suspending")),
            Self::ShutDown => Err(CommandError::ShutDown),
        }
    }

    /// `suspend` and `shutdown`. The command is answered when the mode has become stopped.
    pub(crate) fn stop(
        self,
        answer: CommandId,
        until_boot_ms: u64,
        for_good: bool,
    ) -> Result<Self, CommandError> {
        match self {
            Self::Suspending { .. } => Err(CommandError::WrongState("suspending")),
            Self::ShutDown if for_good => Ok(self),
            Self::ShutDown => Err(CommandError::ShutDown),
            Self::Stopped | Self::Foreground => Ok(Self::Suspending { answer, until_boot_ms, for_good }),
        }
    }

    /// Whether a wake, or any other work, may be asked for.
    pub(crate) fn open_for_work(self) -> Result<(), CommandError> {
        match self {
            Self::Stopped | Self::Foreground => Ok(()),
            Self::Suspending { .. } => Err(CommandError::WrongState("suspending")),
            Self::ShutDown => Err(CommandError::ShutDown),
        }
    }
}

/// Counters at one moment; a wake reports the difference of two.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) shown: u64,
    pub(crate) replicas_read: u64,
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
    pub(crate) stored: u64,
    pub(crate) polls: u64,
}

/// One wake under way.
pub(crate) struct Wake {
    pub(crate) answer: CommandId,
    pub(crate) before: Tally,
    deadline_boot_ms: u64,
}

impl Wake {
    pub(crate) fn new(answer: CommandId, deadline_boot_ms: u64, before: Tally) -> Self {
        Self { answer, before, deadline_boot_ms }
    }

    /// Boot time by which the wake must have answered.
    pub(crate) fn deadline_boot_ms(&self) -> u64 {
        self.deadline_boot_ms
    }

    /// Time to commit what has come instead of waiting for more.
    pub(crate) fn hurried(&self, now: Now) -> bool {
        now.boot_ms.saturating_add(HURRY_MS) >= self.deadline_boot_ms
    }

    /// Time to answer, whatever is left undone.
    pub(crate) fn over(&self, now: Now) -> bool {
        now.boot_ms.saturating_add(MARGIN_MS) >= self.deadline_boot_ms
    }

    /// Boot time at which one of the two becomes true.
    pub(crate) fn next_timer(&self, now: Now) -> u64 {
        let lead = if self.hurried(now) { MARGIN_MS } else { HURRY_MS };
        self.deadline_boot_ms.saturating_sub(lead)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ID: CommandId = CommandId(1);

    #[test]
    fn the_table_holds() {
        let suspending = Mode::Stopped.stop(ID, 5, false).unwrap();
        assert_eq!(Mode::Stopped.start(), Ok(Mode::Foreground));
        assert_eq!(Mode::Foreground.start(), Ok(Mode::Foreground));
        assert_eq!(suspending.start(), Err(CommandError::WrongState("suspending")));
        assert_eq!(suspending.stop(ID, 9, true), Err(CommandError::WrongState("suspending")));
        assert_eq!(suspending.open_for_work(), Err(CommandError::WrongState("suspending")));
        assert_eq!(Mode::ShutDown.start(), Err(CommandError::ShutDown));
        assert_eq!(Mode::ShutDown.stop(ID, 0, true), Ok(Mode::ShutDown));
        assert_eq!(Mode::ShutDown.stop(ID, 0, false), Err(CommandError::ShutDown));
        assert_eq!(Mode::ShutDown.open_for_work(), Err(CommandError::ShutDown));
        assert_eq!(Mode::Foreground.open_for_work(), Ok(()));
    }

    #[test]
    fn a_wake_hurries_and_then_ends_before_its_deadline() {
        let wake = Wake::new(ID, 10_000, Tally::default());
        let at = |boot_ms| Now { boot_ms, wall_ms: 0 };
        assert_eq!(wake.next_timer(at(0)), 9_750);
        assert!(wake.hurried(at(9_750)) && !wake.over(at(9_750)));
        assert_eq!(wake.next_timer(at(9_750)), 9_950);
        assert!(wake.over(at(9_950)));
    }
}
