//! Latest values: what the host may look at whenever it likes, each with a version.

use std::sync::{Arc, OnceLock};

use starling_core::{Machine, Status};
use starling_protocol::AccountId;
use tokio::sync::watch;

use crate::error::EngineError;

/// The engine's status and how often it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestStatus {
    /// Starts at 1 and rises by one with every change.
    pub version: u64,
    /// The status.
    pub status: Status,
}

/// How the writer's thread ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    ShutDown,
    Crashed,
}

/// The writer's side. Dropping it wakes everybody who waits; set the end before.
pub(crate) struct Publisher {
    status: watch::Sender<LatestStatus>,
    events: watch::Sender<u64>,
    account: Arc<OnceLock<AccountId>>,
    end: Arc<OnceLock<End>>,
}

/// The handles' side.
pub(crate) struct Latest {
    status: watch::Receiver<LatestStatus>,
    events: watch::Receiver<u64>,
    account: Arc<OnceLock<AccountId>>,
    end: Arc<OnceLock<End>>,
}

/// The two sides, showing the machine as it is now.
pub(crate) fn latest(machine: &Machine) -> (Publisher, Latest) {
    let status = watch::Sender::new(LatestStatus { version: 1, status: machine.status() });
    let events = watch::Sender::new(1);
    let (account, end) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
    let latest = Latest {
        status: status.subscribe(),
        events: events.subscribe(),
        account: Arc::clone(&account),
        end: Arc::clone(&end),
    };
    let publisher = Publisher { status, events, account, end };
    publisher.publish(machine);
    (publisher, latest)
}

impl Publisher {
    /// Shows what has changed.
    pub(crate) fn publish(&self, machine: &Machine) {
        let status = machine.status();
        self.status.send_if_modified(|latest| {
            let changed = latest.status != status;
            if changed {
                *latest = LatestStatus { version: latest.version + 1, status };
            }
            changed
        });
        if let Some(account) = machine.account_id() {
            // An account is created once.
            let _ = self.account.set(account);
        }
    }

    pub(crate) fn events_ready(&self) {
        self.events.send_modify(|version| *version += 1);
    }

    pub(crate) fn end(&self, end: End) {
        let _ = self.end.set(end);
    }
}

impl Latest {
    pub(crate) fn status(&self) -> LatestStatus {
        self.status.borrow().clone()
    }

    pub(crate) fn account(&self) -> Option<AccountId> {
        self.account.get().copied()
    }

    /// Waits for a version other than `seen`.
    pub(crate) async fn status_changed(&self, seen: u64) -> Result<LatestStatus, EngineError> {
        let mut status = self.status.clone();
        let changed = status.wait_for(|latest| latest.version != seen).await;
        changed.map(|latest| latest.clone()).map_err(|_| self.ended())
    }

    /// Waits for a version other than `seen`.
    pub(crate) async fn events_changed(&self, seen: u64) -> Result<u64, EngineError> {
        let mut events = self.events.clone();
        let changed = events.wait_for(|version| *version != seen).await;
        changed.map(|version| *version).map_err(|_| self.ended())
    }

    /// Whether the writer's thread has ended, and how.
    pub(crate) fn end(&self) -> Option<End> {
        self.end.get().copied()
    }

    /// The error of every call the writer will not answer any more.
    pub(crate) fn ended(&self) -> EngineError {
        match self.end() {
            Some(End::Crashed) => EngineError::Crashed,
            Some(End::ShutDown) | None => EngineError::ShutDown,
        }
    }
}
