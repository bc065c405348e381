//! Running seeds.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::time::{ClockId, clock_gettime};
use starling_store::OpenError;

use crate::clock::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::faults::Change;
use crate::host::{Act, Manners};
use crate::plan::{Plan, Scale};
use crate::report::{Outcome, Report};
use crate::trace::Printer;
use crate::world::World;

/// Time the devices get, with everything repaired, to deliver what is left.
const SETTLE_MS: u64 = 6 * HOUR_MS;

/// Runs one seed and judges it.
///
/// # Errors
/// A database in memory that cannot be opened.
pub fn run(seed: u64, scale: &Scale) -> Result<Outcome, OpenError> {
    execute(&Plan::draw(seed, scale), None)
}

/// Like [`run`], with every step of every core printed.
///
/// # Errors
/// A database in memory that cannot be opened.
pub fn run_printed(seed: u64, scale: &Scale, printer: Printer) -> Result<Outcome, OpenError> {
    execute(&Plan::draw(seed, scale), Some(printer))
}

/// Runs many seeds on up to `threads` threads, each seed on one. `progress` hears of each outcome as soon
/// as it is there.
///
/// # Errors
/// A database in memory that cannot be opened.
pub fn simulate(
    seeds: Range<u64>,
    scale: &Scale,
    threads: usize,
    progress: &(dyn Fn(&Outcome) + Sync),
) -> Result<Report, OpenError> {
    let report = Mutex::new(Ok(Report::default()));
    on_threads(seeds, threads, &|seed| {
        let before = thread_cpu_seconds();
        let outcome = run(seed, scale);
        let spent = thread_cpu_seconds() - before;
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        match (report.as_mut(), outcome) {
            (Ok(report), Ok(outcome)) => {
                report.add(&outcome, spent);
                progress(&outcome);
                return true;
            }
            (Ok(_), Err(error)) => *report = Err(error),
            (Err(_), _) => {}
        }
        false
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Gives each seed to one of up to `threads` threads; a thread goes on as long as its work says so.
pub(crate) fn on_threads(seeds: Range<u64>, threads: usize, work: &(dyn Fn(u64) -> bool + Sync)) {
    let next = AtomicU64::new(seeds.start);
    let run = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || !work(seed) {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(run);
        }
        run();
    });
}

/// The only clock the simulator reads, and only to say how fast it is.
fn thread_cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn execute(plan: &Plan, printer: Option<Printer>) -> Result<Outcome, OpenError> {
    let mut setup = World::setup(plan.seed)
        .nodes(plan.nodes)
        .swarm_size(plan.swarm_size)
        .devices(plan.devices)
        .wrong_clocks();
    if let Some(difficulty) = plan.difficulty {
        setup = setup.difficulty(difficulty);
    }
    if plan.onion_bytes {
        setup = setup.onion_bytes();
    }
    if let Some(printer) = printer {
        setup = setup.printer(printer);
    }
    let mut world = setup.build()?;
    for (device, manners) in plan.manners.iter().enumerate() {
        world.manners(device, *manners);
    }
    for (at, device, act) in &plan.acts {
        world.plan(*at, *device, act.clone());
    }
    for (at, change) in &plan.changes {
        world.plan_change(*at, change.clone());
    }
    world.run_for(plan.days * DAY_MS);
    // What was planned beyond the last day (repairs, mostly) is overtaken by this.
    world.run_for(13 * HOUR_MS);
    settle(&mut world, plan.devices);
    Ok(judge(world, plan))
}

/// Everything is repaired, and every device is in its user's hand.
fn settle(world: &mut World, devices: usize) {
    world.change(Change::Peace);
    for device in 0..devices {
        world.spare(device);
        world.manners(device, Manners::default());
        world.act(device, Act::Foreground);
        world.act(device, Act::Online);
    }
    if !world.run_until_quiet(SETTLE_MS) {
        world.run_for(MINUTE_MS);
    }
}

fn judge(mut world: World, plan: &Plan) -> Outcome {
    world.compare_orders();
    let verdict = world.history().judge(world.now_ms());
    let mut violations = world.violations().to_vec();
    violations.extend(verdict.violations);
    let devices = 0..plan.devices;
    Outcome {
        seed: plan.seed,
        messages: verdict.messages,
        lost: verdict.lost,
        duplicates: verdict.duplicates,
        out_of_order: verdict.out_of_order,
        violations,
        gaps: verdict.gaps,
        requests: devices.clone().map(|device| world.requests(device)).sum(),
        steps: devices.clone().map(|device| world.steps(device)).sum(),
        kills: devices.map(|device| world.kills(device)).sum(),
        device_ms: world.now_ms() * plan.devices as u64,
        trace_digest: world.trace_digest(),
    }
}
