//! What reaches the writer's thread, and the promises it leaves behind.

use starling_core::{Answer, Command, Input};
use tokio::sync::oneshot;

use crate::error::EngineError;

/// Where the answer to a host call goes. The host may have stopped waiting.
pub(crate) type Reply = oneshot::Sender<Result<Answer, EngineError>>;

/// One order to the writer.
pub(crate) enum Order {
    /// A host command that is legal while the store is open.
    Command(Command, Reply),
    /// A change of the engine's phase; carried out one after the other.
    Step(Step, Reply),
    /// A request, proof or unsealing job ended.
    Input(Input),
    /// The alarm rang.
    Alarm,
    /// The last handle is gone: end, without ceremony. Everything promised is in the store.
    Abandon,
}

/// A change of phase (DESIGN section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Start,
    Suspend { grace_ms: u64 },
    Resume,
    Wake { deadline_boot_ms: u64 },
    Shutdown,
}
