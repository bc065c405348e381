//! Performing effects: everything the engine does that is not bookkeeping.
//!
//! Whatever is begun here ends in an [`Order::Input`], also when it panics. Nothing here blocks
//! the writer.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use starling_core::{EffectId, Input, Outcome, Request};
use starling_protocol::AccountKeys;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;

use crate::activity::{Announcer, Traced, What};
use crate::clock::Clock;
use crate::network::{Answered, Driver};
use crate::order::Order;
use crate::proof::Proofs;
use crate::unsealing::unseal_batch;

/// Threads for requests; they only move bytes.
const REQUEST_THREADS: usize = 2;
/// Threads for what blocks: two unseal, the rest read the store for the host.
const BLOCKING_THREADS: usize = 4;
/// Idle blocking threads go away.
const BLOCKING_IDLE: Duration = Duration::from_secs(10);

/// The runtime, the way out, and the threads for proof of work. Dropping it never blocks: requests
/// are dropped where they are, threads end on their own.
pub(crate) struct Hands {
    driver: Driver,
    announcer: Announcer,
    orders: Sender<Order>,
    proofs: Proofs,
    /// When the alarm rings, in boot milliseconds.
    alarm: watch::Sender<Option<u64>>,
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Hands {
    pub(crate) fn start(
        driver: Driver,
        announcer: Announcer,
        orders: Sender<Order>,
        proof_threads: usize,
    ) -> std::io::Result<Self> {
        let clock = Arc::clone(&driver.clock);
        let proofs = Proofs::start(proof_threads, clock, announcer.clone(), orders.clone())?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(REQUEST_THREADS)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_keep_alive(BLOCKING_IDLE)
            .thread_name("starling-engine")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (alarm, wanted) = watch::channel(None);
        handle.spawn(ring(wanted, Arc::clone(&driver.clock), orders.clone()));
        Ok(Self { driver, announcer, orders, proofs, alarm, handle, runtime: Some(runtime) })
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.driver.clock.as_ref()
    }

    pub(crate) fn runtime(&self) -> Handle {
        self.handle.clone()
    }

    pub(crate) fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    pub(crate) fn network_changed(&self) {
        self.driver.network.network_changed();
    }

    /// Sets the alarm anew; it rings once.
    pub(crate) fn set_alarm(&self, boot_ms: Option<u64>) {
        self.alarm.send_replace(boot_ms);
    }

    pub(crate) fn request(&self, request: Request) {
        let (driver, announcer) = (self.driver.clone(), self.announcer.clone());
        let orders = self.orders.clone();
        self.handle.spawn(async move {
            let (id, traced) = (request.id, Traced::new(&request));
            let begun = driver.clock.now();
            announcer.say(begun, traced.started());
            let Answered { outcome, bytes } = in_time(&driver, request, begun.boot_ms).await;
            let now = driver.clock.now();
            let ms = now.boot_ms.saturating_sub(begun.boot_ms);
            announcer.say(now, traced.finished(&outcome, ms, bytes));
            send(&orders, Input::Reply { id, outcome, bytes });
        });
    }

    pub(crate) fn unseal(&self, id: EffectId, keys: Arc<AccountKeys>, sealed: Vec<String>) {
        let (clock, announcer) = (Arc::clone(&self.driver.clock), self.announcer.clone());
        let orders = self.orders.clone();
        self.handle.spawn(async move {
            let begun_ms = clock.now().boot_ms;
            let Some(results) = unseal_batch(keys, sealed).await else { return };
            let now = clock.now();
            let ms = now.boot_ms.saturating_sub(begun_ms);
            let refused = results.iter().filter(|result| result.is_err()).count();
            announcer.say(now, What::Unsealed { messages: results.len(), refused, ms });
            send(&orders, Input::Unsealed { id, results });
        });
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn send(orders: &Sender<Order>, input: Input) {
    // A closed channel means that the engine has ended.
    let _ = orders.send(Order::Input(input));
}

/// One request with its time limit. It runs as a task of its own, so that a panic ends there.
async fn in_time(driver: &Driver, request: Request, begun_ms: u64) -> Answered {
    let deadline = driver.clock.sleep_until(begun_ms.saturating_add(request.timeout_ms));
    let network = Arc::clone(&driver.network);
    let mut task = tokio::spawn(async move { network.request(request).await });
    tokio::select! {
        biased;
        ended = &mut task => ended.unwrap_or_else(|_| {
            log::error!("a request ended in a panic");
            Answered { outcome: Outcome::Garbled, bytes: 0 }
        }),
        () = deadline => {
            task.abort();
            Answered { outcome: Outcome::TimedOut, bytes: 0 }
        }
    }
}

/// The one timer of the engine: rings when the time set has come, then waits to be set again.
async fn ring(mut wanted: watch::Receiver<Option<u64>>, clock: Arc<dyn Clock>, orders: Sender<Order>) {
    loop {
        let boot_ms = *wanted.borrow_and_update();
        tokio::select! {
            biased;
            set = wanted.changed() => match set {
                Ok(()) => continue,
                Err(_) => return,
            },
            () = sleep(clock.as_ref(), boot_ms) => {}
        }
        if orders.send(Order::Alarm).is_err() || wanted.changed().await.is_err() {
            return;
        }
    }
}

async fn sleep(clock: &dyn Clock, boot_ms: Option<u64>) {
    match boot_ms {
        Some(boot_ms) => clock.sleep_until(boot_ms).await,
        None => std::future::pending().await,
    }
}
