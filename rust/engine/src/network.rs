//! The network, as the engine gets it: a trait above the onion layer, so that a simulated network
//! can take the place of the real one.

use std::sync::Arc;

use starling_core::{Outcome, Request};

use crate::clock::{BoxFuture, Clock, SystemClock};
use crate::error::EngineError;
use crate::onion_http::OnionHttp;

/// How one request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// What came back.
    pub outcome: Outcome,
    /// Bytes that crossed the network, both directions.
    pub bytes: u64,
}

/// The engine's only way out.
pub trait Network: Send + Sync + 'static {
    /// Makes one request. Called within the engine's runtime. The engine keeps the time: when
    /// [`Request::timeout_ms`] is over it drops the future and reports
    /// [`Outcome::TimedOut`] itself.
    fn request(&self, request: Request) -> BoxFuture<Answered>;
    /// The device has another way to the network now: connections that were kept are worthless.
    fn network_changed(&self);
}

/// What the engine reaches the outside world with.
#[derive(Clone)]
pub struct Driver {
    /// The way out.
    pub network: Arc<dyn Network>,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
}

impl Driver {
    /// The real ones: [`OnionHttp`] and [`SystemClock`].
    ///
    /// # Errors
    /// [`EngineError::RetryLater`] if no HTTP client can be made.
    pub fn system() -> Result<Self, EngineError> {
        Ok(Self { network: Arc::new(OnionHttp::new()?), clock: Arc::new(SystemClock) })
    }
}
