//! Wakes of an engine on disk, with service nodes in the same process: what they cost the device.
//! CPU time of the whole process, without what the nodes' side took.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use starling_engine::{Driver, Engine, EngineConfig, EngineError, SeedNode, WakeReport};
use starling_protocol::rpc::AddressKind;
use tokio::runtime::Runtime;

use super::archive;
use super::clocks::{median, process_cpu, quantile};
use super::figure::{Figure, Target};
use super::jumping_clock::JumpingClock;
use super::service_nodes::ServiceNodes;
use crate::failure::Failure;

const BUDGET: Duration = Duration::from_secs(25);
const BETWEEN_WAKES: Duration = Duration::from_secs(15 * 60);
const WAKES: u64 = 96;

/// An engine and its world.
pub(super) struct Device {
    pub(super) engine: Engine,
    pub(super) nodes: ServiceNodes,
    clock: Arc<JumpingClock>,
}

/// One or several wakes.
#[derive(Default)]
pub(super) struct Cost {
    pub(super) cpu_ms: f64,
    pub(super) requests: u64,
    bytes: u64,
    pub(super) report: WakeReport,
}

impl Device {
    /// The store of a directory, in a network of its own.
    pub(super) fn open(directory: &Path) -> Result<Self, EngineError> {
        let clock = JumpingClock::new();
        Self::join(directory, ServiceNodes::start(Arc::clone(&clock)), clock)
    }

    /// Another device in the same network.
    pub(super) fn beside(&self, directory: &Path) -> Result<Self, EngineError> {
        Self::join(directory, self.nodes.clone(), Arc::clone(&self.clock))
    }

    fn join(directory: &Path, nodes: ServiceNodes, clock: Arc<JumpingClock>) -> Result<Self, EngineError> {
        let options = archive::options(directory.to_owned());
        let seed = SeedNode { url: "https://seed.invalid".to_owned(), address_kind: AddressKind::Public };
        let driver = Driver { network: Arc::new(nodes.clone()), clock: Arc::clone(&clock) as _ };
        let engine = Engine::open(EngineConfig::new(options.directory, options.key, vec![seed]), driver)?;
        Ok(Self { engine, nodes, clock })
    }

    /// A wake with nobody else awake.
    pub(super) async fn wake(&self) -> Result<Cost, EngineError> {
        let device_cpu = || process_cpu().saturating_sub(self.nodes.cpu());
        let before = device_cpu();
        let report = self.engine.wake(BUDGET).await?;
        let cpu_ms = device_cpu().saturating_sub(before).as_secs_f64() * 1e3;
        Ok(Cost { cpu_ms, requests: report.requests, bytes: report.bytes, report })
    }

    /// The wakes of a day, after `Device::open` and a first one.
    async fn day(&self) -> Result<Vec<Cost>, EngineError> {
        let mut wakes = Vec::new();
        for _ in 0..WAKES {
            self.clock.jump(BETWEEN_WAKES);
            wakes.push(self.wake().await?);
        }
        Ok(wakes)
    }
}

/// What the futures of an engine run on.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other("starting the runtime", error))
}

/// For people.
pub(super) fn failed(error: EngineError) -> Failure {
    Failure::other("waking an engine", error)
}

/// An engine that stays open all day and never finds anything.
pub(super) fn figures(directory: &Path) -> Result<Vec<Figure>, Failure> {
    let (seed, _) = archive::owner()?;
    let device = Device::open(directory).map_err(failed)?;
    runtime()?.block_on(async move {
        device.engine.create_account(seed).await.map_err(failed)?;
        let first = device.wake().await.map_err(failed)?;
        let day = device.day().await.map_err(failed)?;
        device.engine.shutdown().await.map_err(failed)?;
        Ok(day_figures(&first, &day))
    })
}

fn day_figures(first: &Cost, day: &[Cost]) -> Vec<Figure> {
    let cpu: Vec<f64> = day.iter().map(|wake| wake.cpu_ms).collect();
    let cpu_s = cpu.iter().sum::<f64>() / 1e3;
    let requests: u64 = day.iter().map(|wake| wake.requests).sum();
    let bytes: u64 = day.iter().map(|wake| wake.bytes).sum();
    let idle = day.iter().filter(|wake| wake.report.replicas_read == 3 && !wake.report.cut_short).count();
    vec![
        Figure::new("first wake of an account: CPU", first.cpu_ms, "ms"),
        Figure::new("first wake of an account: requests", first.requests as f64, ""),
        Figure::new("idle wake, engine open: CPU, p50", median(cpu.clone()), "ms")
            .with_target(Target::AtMost(30.0)),
        Figure::new("idle wake, engine open: CPU, p95", quantile(cpu.clone(), 0.95), "ms"),
        Figure::new("idle wake, engine open: CPU, worst of the day", quantile(cpu, 1.0), "ms"),
        Figure::new("idle day: wakes that read three replicas", idle as f64, "of 96")
            .with_target(Target::AtLeast(96.0)),
        Figure::new("idle day: requests", requests as f64, "").with_target(Target::AtMost(400.0)),
        Figure::new("idle day: CPU", cpu_s, "s").with_target(Target::AtMost(3.0)),
        Figure::new("idle day: bodies both ways, without TLS", bytes as f64 / 1e6, "MB")
            .with_target(Target::AtMost(4.0)),
    ]
}
