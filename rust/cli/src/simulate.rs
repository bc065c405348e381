//! `starling simulate`: many seeds in virtual time, and what came of them.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use starling_sim::{Outcome, Report, Scale};

use crate::failure::Failure;
use crate::output::Output;

/// Violations of one seed that are printed.
const SHOWN: usize = 20;

/// Options of `starling simulate`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// How many seeds to run
    #[arg(long, value_name = "N", default_value_t = 10)]
    seeds: u64,
    /// Virtual days of each run
    #[arg(long, value_name = "D", default_value_t = 30)]
    days: u64,
    /// Messages of each run
    #[arg(long, value_name = "M", default_value_t = 200)]
    messages: u64,
    /// The first seed; the others follow it
    #[arg(long, value_name = "S", default_value_t = 1)]
    first_seed: u64,
    /// Seeds run at once [default: one per processor]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Also write the report as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Run this seed alone
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "first_seed", "report"])]
    seed: Option<u64>,
    /// Print every step of that seed
    #[arg(long, requires = "seed")]
    trace: bool,
}

/// `starling simulate`: fails if a promise was broken.
pub(crate) fn run(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let scale = Scale { days: arguments.days, messages: arguments.messages };
    match arguments.seed {
        Some(seed) => run_one(seed, &scale, arguments.trace, output),
        None => run_many(arguments, &scale, output),
    }
}

fn run_one(seed: u64, scale: &Scale, trace: bool, output: Output) -> Result<(), Failure> {
    let outcome = if trace {
        // A closed pipe ends nothing: the verdict is still wanted.
        starling_sim::run_printed(seed, scale, Box::new(move |line| drop(output.line(line))))
    } else {
        starling_sim::run(seed, scale)
    };
    let outcome = outcome.map_err(|error| Failure::other("opening a store in memory", error))?;
    let mut report = Report::default();
    report.add(&outcome, 0.0);
    print_violations(&outcome, output)?;
    output.answer(&report, || format!("{}\ntrace {}", summary(&report), outcome.trace_digest))?;
    verdict(&report)
}

fn run_many(arguments: &Arguments, scale: &Scale, output: Output) -> Result<(), Failure> {
    if let Some(file) = &arguments.report {
        // Better now than after an hour.
        File::create(file).map_err(|error| Failure::file(file, &error))?;
    }
    let end = arguments
        .first_seed
        .checked_add(arguments.seeds)
        .ok_or_else(|| Failure::Usage("the last seed is too large".to_owned()))?;
    let threads =
        arguments.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let bar = progress_bar(arguments.seeds);
    let report = starling_sim::simulate(arguments.first_seed..end, scale, threads, &|outcome| {
        bar.suspend(|| print_violations(outcome, output).unwrap_or_default());
        bar.inc(1);
    })
    .map_err(|error| Failure::other("opening a store in memory", error))?;
    bar.finish_and_clear();
    if let Some(file) = &arguments.report {
        write(&report, file)?;
    }
    output.answer(&report, || summary(&report))?;
    verdict(&report)
}

/// Drawn on standard error, and only for a terminal.
fn progress_bar(seeds: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} seeds, {elapsed} gone, {eta} left");
    ProgressBar::new(seeds).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn print_violations(outcome: &Outcome, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(());
    }
    let found = outcome.violations.iter().take(SHOWN);
    found.into_iter().try_for_each(|violation| output.line(&format!("seed {}: {violation}", outcome.seed)))
}

fn write(report: &Report, file: &Path) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(report).map_err(|error| Failure::other("encoding JSON", error))?;
    std::fs::write(file, text + "\n").map_err(|error| Failure::file(file, &error))
}

fn summary(report: &Report) -> String {
    let mut text = format!(
        "{} seeds, {} messages: {} lost, {} doubled, {} out of order, {} violations\n\
         {} gaps shown, {} requests, {} kills; {:.1} device-months per CPU-second",
        report.seeds,
        report.messages,
        report.lost,
        report.duplicates,
        report.out_of_order,
        report.violations,
        report.gaps,
        report.requests,
        report.kills,
        report.device_months_per_cpu_second
    );
    if !report.failing_seeds.is_empty() {
        let seeds: Vec<String> = report.failing_seeds.iter().map(u64::to_string).collect();
        text.push_str(&format!("\nfailing seeds: {}", seeds.join(" ")));
    }
    text
}

fn verdict(report: &Report) -> Result<(), Failure> {
    if report.failing_seeds.is_empty() {
        return Ok(());
    }
    Err(Failure::Other(format!("{} seeds broke a promise", report.failing_seeds.len())))
}
