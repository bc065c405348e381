//! What strangers cost: a friend request and its acceptance, step by step, and a flood of requests.
//!
//! Real cores on real stores, with nodes in the same process whose work is not counted; no onion layers.
//! `cargo bench -p starling-core --bench friends [-- --json] [request] [flood] [--strangers N]`
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod device;
mod flood;
mod mail;
mod memory;
mod nodes;
mod request;
mod stranger;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// One number, and at most how large it may be.
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) at_most: Option<f64>,
}

impl Figure {
    pub(crate) fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, at_most: None }
    }

    pub(crate) fn at_most(self, bound: f64) -> Self {
        Self { at_most: Some(bound), ..self }
    }

    fn print(&self, json: bool) {
        let Self { what, value, unit, at_most } = self;
        if json {
            let target = at_most.map_or(String::new(), |bound| {
                format!(",\"target\":{{\"at_most\":{bound}}},\"met\":{}", *value <= bound)
            });
            println!("{{\"what\":\"{what}\",\"value\":{value:.4},\"unit\":\"{unit}\"{target}}}");
            return;
        }
        let verdict = at_most.map_or(String::new(), |bound| {
            format!("  ≤ {bound}  {}", if *value <= bound { "met" } else { "MISSED" })
        });
        println!("{what:<72} {value:>10.3} {unit:<10}{verdict}");
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let strangers = arguments.iter().position(|argument| argument == "--strangers");
    let strangers = strangers.map_or(100_000, |at| arguments[at + 1].parse().unwrap());
    let (json, all) = (has("--json"), !has("request") && !has("flood"));
    if all || has("request") {
        request::figures().iter().for_each(|figure| figure.print(json));
    }
    if all || has("flood") {
        flood::figures(strangers).iter().for_each(|figure| figure.print(json));
    }
}

/// CPU time of this thread.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
