//! The command line as a whole; each command's own options stand with the command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use starling_engine::SeedNode;

use crate::{
    account, bench, chat, demo, devnet, explain, friends, messages, network, poll, probes, search, send,
    simulate,
};

/// Where the help lists what every command takes.
const ALL_COMMANDS: &str = "Options of all commands";

const AFTER_HELP: &str = "\
A first conversation, in three terminals:

  starling devnet                          # a network on this machine; prints its URL
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n' > alice.key
  starling --data-dir alice --key-file alice.key account new
  starling --data-dir alice --key-file alice.key --seed-node URL chat --to BOBS-ID

and the same as bob in the third. Or watch all of it at once: starling demo

Secrets (the store key, the recovery phrase) come from files or a prompt, never from the
command line. With --json the answer is one JSON value on standard output and a failure one
JSON object on standard error.

Exit codes:
  0  done
  1  something else went wrong
  2  wrong usage or bad input; nothing was changed
  3  the network could not be reached, or not in the time given
  4  the store is in use, or the key does not open it";

/// Private messages over onion requests and swarms of service nodes
#[derive(Parser, Debug)]
#[command(name = "starling", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) home: Home,
    /// Print one JSON value instead of lines
    #[arg(long, global = true, help_heading = ALL_COMMANDS)]
    pub(crate) json: bool,
    /// Show the log on standard error; twice for more
    #[arg(long, short, global = true, help_heading = ALL_COMMANDS, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where an account lives and how it reaches its network.
#[derive(Args, Debug)]
#[command(next_help_heading = ALL_COMMANDS)]
pub(crate) struct Home {
    /// Directory of the account and its messages [default: starling-data; demo: a temporary one]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// File with the key of the encrypted store, 64 hex digits; asked for if not given
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Node that tells the first list of service nodes, http or https; may be repeated
    #[arg(long = "seed-node", global = true, value_name = "URL", value_parser = network::seed_node)]
    pub(crate) seed_nodes: Vec<SeedNode>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Watch accounts become friends and talk over an embedded network
    Demo(demo::Arguments),
    /// Run a network of service nodes on this machine
    Devnet(devnet::Arguments),
    /// Create, restore, name or show the account of a data directory
    Account(account::Arguments),
    /// Ask for friendship, answer those who ask, block
    Friends(friends::Arguments),
    /// Send a text and wait until the recipient's swarm stores it; to a stranger, a friend request
    Send(send::Arguments),
    /// Fetch new messages and friend requests and print them
    Poll(poll::Arguments),
    /// Talk with somebody, line by line
    Chat(chat::Arguments),
    /// Print stored messages; needs no network
    Messages(messages::Arguments),
    /// Search stored messages; needs no network
    Search(search::Arguments),
    /// Tell why a message is where it is: route, nodes tried, what each said, next try; needs no network
    Explain(explain::Arguments),
    /// Look at the network
    Network(network::Arguments),
    /// Run accounts and nodes in virtual time, with faults, and check that no message is lost
    Simulate(simulate::Arguments),
    /// Measure what things cost, against the targets; build with --release
    Bench(bench::Arguments),
    /// Probe: which swarm an account belongs to
    SwarmOf(probes::SwarmOf),
    /// Probe: find a proof of work
    Pow(probes::Pow),
    /// Probe: hash of a stored message
    Hash(probes::Hash),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
