//! Speed of the simulator.

use starling_sim::Scale;

use super::figure::{Figure, Target};
use crate::failure::Failure;

const SEEDS: u64 = 12;
const SCALE: Scale = Scale { days: 30, messages: 200 };

pub(super) fn figures() -> Result<Vec<Figure>, Failure> {
    let report = starling_sim::simulate(1..1 + SEEDS, &SCALE, 1, &|_| {})
        .map_err(|error| Failure::other("opening a store in memory", error))?;
    let speed = report.device_months_per_cpu_second;
    Ok(vec![
        Figure::new("simulator, 12 seeds x 30 days x 200 messages", speed, "months/CPU-s")
            .with_target(Target::AtLeast(2.0)),
    ])
}
