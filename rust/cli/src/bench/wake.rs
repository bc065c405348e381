//! Wakes of an engine on disk, with service nodes in the same process: what they cost the device.
//! CPU time of the whole process, without what the nodes' side took.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use starling_engine::{Driver, Engine, EngineConfig, EngineError, SeedNode, WakeReport};
use starling_protocol::rpc::AddressKind;
use starling_protocol::{AccountId, AccountKeys, Placement, Seed, Text, envelope, session};
use tokio::runtime::Runtime;

use super::archive::{self, Archive};
use super::clocks::{median, process_cpu, quantile};
use super::figure::{Figure, Target};
use super::jumping_clock::JumpingClock;
use super::service_nodes::ServiceNodes;
use crate::failure::Failure;

const BUDGET: Duration = Duration::from_secs(25);
const BETWEEN_WAKES: Duration = Duration::from_secs(15 * 60);
const WAKES: u64 = 96;
const QUEUED: u64 = 500;

/// An engine and its world.
struct Device {
    engine: Engine,
    nodes: ServiceNodes,
    clock: Arc<JumpingClock>,
}

/// One or several wakes.
#[derive(Default)]
struct Cost {
    cpu_ms: f64,
    requests: u64,
    bytes: u64,
    report: WakeReport,
}

impl Device {
    fn open(directory: &Path) -> Result<Self, EngineError> {
        let options = archive::options(directory.to_owned());
        let seed = SeedNode { url: "https://seed.invalid".to_owned(), address_kind: AddressKind::Public };
        let clock = JumpingClock::new();
        let nodes = ServiceNodes::start(Arc::clone(&clock));
        let driver = Driver { network: Arc::new(nodes.clone()), clock: Arc::clone(&clock) as _ };
        let engine = Engine::open(EngineConfig::new(options.directory, options.key, vec![seed]), driver)?;
        Ok(Self { engine, nodes, clock })
    }

    async fn wake(&self) -> Result<Cost, EngineError> {
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

fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other("starting the runtime", error))
}

fn failed(error: EngineError) -> Failure {
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

/// An engine on the archive: a wake that receives 500 messages, then one that sends 500.
pub(super) fn queued(archive: &Archive) -> Result<Vec<Figure>, Failure> {
    let (options, _) = archive.ready()?;
    let (_, keys) = archive::owner()?;
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let peer = AccountKeys::from_seed(&Seed::generate(&mut rng));
    archive::befriend(&options, &peer.account_id())?;
    let device = Device::open(&options.directory).map_err(failed)?;
    runtime()?.block_on(async move {
        let cold = device.wake().await.map_err(failed)?;
        for number in 1..=QUEUED {
            let data = sealed(number, device.nodes.unix_ms(), &peer, &keys.account_id(), &mut rng)?;
            device.nodes.deposit(keys.account_id(), &data);
        }
        let before = resident_mb();
        let received = device.wake().await.map_err(failed)?;
        let grown = resident_mb() - before;
        for number in 0..QUEUED {
            device.engine.send(peer.account_id(), format!("message {number}")).await.map_err(failed)?;
        }
        let sent = device.wake().await.map_err(failed)?;
        device.engine.shutdown().await.map_err(failed)?;
        Ok(queued_figures(&cold, &received, grown, &sent))
    })
}

fn queued_figures(cold: &Cost, received: &Cost, grown: f64, sent: &Cost) -> Vec<Figure> {
    vec![
        Figure::new("first wake of that account on this network: CPU", cold.cpu_ms, "ms"),
        Figure::new("500 waiting in the swarm, one wake: messages", received.report.new_messages as f64, "")
            .with_target(Target::AtLeast(500.0)),
        Figure::new("500 waiting in the swarm, one wake: CPU", received.cpu_ms / 1e3, "s")
            .with_target(Target::AtMost(1.0)),
        Figure::new("500 waiting in the swarm, one wake: memory", grown, "MB more")
            .with_target(Target::AtMost(12.0)),
        Figure::new("500 in the outbox, one wake: stored", sent.report.messages_stored as f64, ""),
        Figure::new("500 in the outbox, one wake: requests", sent.requests as f64, ""),
        Figure::new("500 in the outbox, one wake: CPU", sent.cpu_ms / 1e3, "s"),
    ]
}

fn sealed(
    number: u64,
    now_ms: u64,
    from: &AccountKeys,
    to: &AccountId,
    rng: &mut ChaCha20Rng,
) -> Result<String, Failure> {
    let message_id = u128::from(number).to_be_bytes();
    let placement = Placement { message_id, stream: 1, seq: number, clock: number, base: 1 };
    let body = format!("message {number} of many that have been waiting for somebody to wake up");
    let text = Text { body, sent_ms: now_ms, placement: Some(placement) };
    let content = session::seal(&text.encode(), from, to, rng);
    let content = content.map_err(|error| Failure::other("sealing a message", error))?;
    Ok(envelope::wrap(content, now_ms))
}

/// Resident memory; 0 where the system does not tell in this way.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1e3
}
