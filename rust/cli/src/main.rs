//! `starling`: the command line of the engine, the development network and the simulator.
//!
//! A thin user of the engine: it parses arguments, calls, and prints. One module per command;
//! `arguments` is the table of contents.

mod account;
mod arguments;
mod bench;
mod chat;
mod client;
mod demo;
mod devnet;
mod explain;
mod failure;
mod friends;
mod messages;
mod network;
mod output;
mod poll;
mod probes;
mod search;
mod secrets;
mod send;
mod shown;
mod simulate;

use std::process::ExitCode;

use clap::Parser;
use log::LevelFilter;
use tokio::runtime::Runtime;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    start_log(arguments.verbose);
    match run(arguments, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::OutputClosed) {
                output.failure(&failure);
            }
            ExitCode::from(failure.code())
        }
    }
}

fn start_log(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::Off,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    env_logger::Builder::new().filter_level(level).init();
}

fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let home = arguments.home;
    match arguments.command {
        Command::Demo(options) => runtime()?.block_on(demo::run(&options, &home, output)),
        Command::Devnet(options) => runtime()?.block_on(devnet::run(options, output)),
        Command::Account(options) => runtime()?.block_on(account::run(options, &home, output)),
        Command::Friends(options) => runtime()?.block_on(friends::run(options, &home, output)),
        Command::Send(options) => runtime()?.block_on(send::run(options, &home, output)),
        Command::Poll(options) => runtime()?.block_on(poll::run(&options, &home, output)),
        Command::Chat(options) => runtime()?.block_on(chat::run(&options, &home, output)),
        Command::Messages(options) => runtime()?.block_on(messages::run(&options, &home, output)),
        Command::Search(options) => runtime()?.block_on(search::run(options, &home, output)),
        Command::Explain(options) => runtime()?.block_on(explain::run(&options, &home, output)),
        Command::Network(options) => runtime()?.block_on(network::run(&options, &home, output)),
        Command::Simulate(options) => simulate::run(&options, output),
        Command::Bench(options) => bench::run(&options, output),
        Command::SwarmOf(options) => probes::swarm_of(options, output),
        Command::Pow(options) => probes::pow(&options, output),
        Command::Hash(options) => probes::hash(&options, output),
    }
}

fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| Failure::other("starting the runtime", error))
}
