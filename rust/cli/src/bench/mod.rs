//! `starling bench`: what things cost, against the targets of the project.
//!
//! Wherever there is something to compare with, both sides run in turns within one run, and the figure
//! is the ratio of their medians: what else the machine does meanwhile hits both. The receive pipeline
//! is compared with raw SQLite, which only the store may touch: `cargo bench -p starling-core`.

mod archive;
mod clocks;
mod figure;
mod jumping_clock;
mod memory;
mod onion;
mod pow;
mod queued;
mod service_nodes;
mod simulator;
mod store;
mod wake;

use clap::{Args, ValueEnum};
use serde::Serialize;
use tempfile::TempDir;

use crate::failure::Failure;
use crate::output::Output;
use figure::Figure;

/// Options of `starling bench`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// What to measure [default: everything]
    #[arg(value_enum)]
    names: Vec<Name>,
    /// Messages in the store for `store` and `queued`
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    messages: u64,
}

/// One benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Name {
    /// Proof of work against bare SHA-512 loops
    Pow,
    /// An onion request built and its answer opened, against the bare primitives
    Onion,
    /// An encrypted store with many messages: opening, paging, searching, inserting
    Store,
    /// A wake with nothing to do, and a day of them
    Wake,
    /// A wake that finds 500 messages, and one that sends 500, on that store, without a ratchet and with one
    Queued,
    /// Virtual time per CPU time in the simulator
    Simulator,
}

#[derive(Serialize)]
struct Measured {
    name: Name,
    figures: Vec<Figure>,
}

/// `starling bench`: prints figures beside their targets; a missed target is no failure.
pub(crate) fn run(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let names = if arguments.names.is_empty() { Name::value_variants() } else { &arguments.names };
    let directory = TempDir::new().map_err(|error| Failure::other("making a directory", error))?;
    let archive = archive::Archive::new(directory.path().join("archive"), arguments.messages);
    let mut all = Vec::new();
    for name in names {
        let figures = match name {
            Name::Pow => pow::figures()?,
            Name::Onion => onion::figures()?,
            Name::Store => store::figures(&archive)?,
            Name::Wake => wake::figures(&directory.path().join("idle"))?,
            Name::Queued => queued::figures(&archive, &directory.path().join("friend"))?,
            Name::Simulator => simulator::figures()?,
        };
        if !output.is_json() {
            figures.iter().try_for_each(|figure| output.line(&figure.line()))?;
        }
        all.push(Measured { name: *name, figures });
    }
    if output.is_json() { output.json(&all) } else { Ok(()) }
}
