//! `starling devnet`: a network of service nodes on this machine, with faults on request.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use starling_protocol::ServiceNode;
use starling_simnet::Policy;
use starling_simnet::devnet::{Config, Devnet, Fault};
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::output::{Colour, Output};

const AFTER_HELP: &str = "\
Faults can also be typed while it runs, in the same words without the dashes; further ones are:
  heal N               the node behaves again
  replication on       members of a swarm pass messages on again
  withhold N           the node gives out no messages
  refuse N             the node answers every request 503
  broken N             the node can neither store nor delete nor change anything
  demand N DIFFICULTY  the node asks for this much proof of work, 0 for none
  unreachable N        as a relay, the node claims that the next one is unreachable
  clock N MS           the node's clock is ahead
  lie N hash|forge     the node signs another hash, or invents receipts of its peers

The first line printed is the URL for --seed-node; the nodes follow with their numbers. It ends with
Ctrl-C, or with --until-eof when its standard input ends.";

/// Options of `starling devnet`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Swarms
    #[arg(long, value_name = "N", default_value_t = 2)]
    swarms: u8,
    /// Service nodes in each swarm
    #[arg(long, value_name = "N", default_value_t = 5)]
    swarm_size: usize,
    /// Proof-of-work difficulty that the nodes ask for; 0 for none
    #[arg(long, value_name = "N", default_value_t = 1)]
    difficulty: u64,
    /// Port of the seed node; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// End when standard input ends
    #[arg(long)]
    until_eof: bool,
    #[command(flatten)]
    faults: Faults,
}

/// Faults to begin with; each may be repeated.
#[derive(Args, Debug)]
struct Faults {
    /// Node N refuses connections
    #[arg(long, value_name = "N")]
    down: Vec<String>,
    /// Node N answers MS milliseconds later
    #[arg(long, num_args = 2, value_names = ["N", "MS"])]
    slow: Vec<String>,
    /// Node N takes requests and never answers
    #[arg(long, value_name = "N")]
    drop: Vec<String>,
    /// Node N signs receipts and stores nothing
    #[arg(long, value_name = "N")]
    lie: Vec<String>,
    /// Node N passes nothing on to its swarm
    #[arg(long, value_name = "N")]
    diverge: Vec<String>,
    /// Whether members of a swarm pass messages on
    #[arg(long, value_name = "off|on")]
    replication: Option<String>,
}

impl Faults {
    /// The same as typed commands.
    fn commands(&self) -> Vec<String> {
        let of_one =
            [("down", &self.down), ("drop", &self.drop), ("lie", &self.lie), ("diverge", &self.diverge)];
        let mut commands: Vec<String> = of_one
            .into_iter()
            .flat_map(|(name, nodes)| nodes.iter().map(move |node| format!("{name} {node}")))
            .collect();
        commands.extend(self.slow.chunks(2).map(|pair| format!("slow {}", pair.join(" "))));
        commands.extend(self.replication.iter().map(|switch| format!("replication {switch}")));
        commands
    }
}

/// What the first line says with `--json`.
#[derive(Serialize)]
struct Running {
    seed_url: String,
    seed_url_tls: String,
    nodes: Vec<ServiceNodeAnswer>,
}

#[derive(Serialize)]
struct ServiceNodeAnswer {
    key: String,
    address: String,
    swarm_id: String,
}

/// The nodes of a devnet, swarm by swarm: the order in which people count them.
pub(crate) fn in_order(devnet: &Devnet) -> Vec<ServiceNode> {
    let mut nodes = devnet.nodes().to_vec();
    nodes.sort_by_key(|node| node.ip);
    nodes
}

/// `starling devnet`
pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let policy = Policy {
        difficulty: (arguments.difficulty > 0).then_some(arguments.difficulty),
        ..Policy::default()
    };
    let config = Config {
        swarms: arguments.swarms,
        swarm_size: arguments.swarm_size,
        policy,
        seed_port: arguments.port,
        ..Config::default()
    };
    let devnet = Devnet::start(config).await.map_err(|error| Failure::Usage(error.to_string()))?;
    let mut faulty = Faulty::new(devnet);
    for command in arguments.faults.commands() {
        faulty.obey(&command).map_err(|problem| Failure::Usage(format!("{command}: {problem}")))?;
    }
    introduce(&faulty, output)?;
    serve(&mut faulty, arguments.until_eof, output).await?;
    faulty.devnet.shutdown().await;
    Ok(())
}

fn introduce(faulty: &Faulty, output: Output) -> Result<(), Failure> {
    let nodes = faulty.nodes.iter().map(|node| ServiceNodeAnswer {
        key: node.key.to_string(),
        address: format!("{}:{}", node.ip, node.port),
        swarm_id: node.swarm_id.to_string(),
    });
    let running = Running {
        seed_url: faulty.devnet.seed_url(),
        seed_url_tls: faulty.devnet.seed_url_tls(),
        nodes: nodes.collect(),
    };
    output.answer(&running, || running.seed_url.clone())?;
    if output.is_json() {
        return Ok(());
    }
    for (number, node) in running.nodes.iter().enumerate() {
        let line = format!("{number:3}  {:<16} swarm {:<20} {}", node.address, node.swarm_id, node.key);
        output.line(&output.paint(Colour::Dim, &line))?;
    }
    Ok(())
}

/// Obeys typed commands until the end.
async fn serve(faulty: &mut Faulty, until_eof: bool, output: Output) -> Result<(), Failure> {
    let mut typed = typed_lines();
    let mut listening = true;
    while listening || !until_eof {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            line = typed.recv(), if listening => match line {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => match faulty.obey(&line) {
                    Ok(()) => output.line(&format!("ok: {}", line.trim()))?,
                    Err(problem) => output.line(&format!("? {problem}"))?,
                },
                None => listening = false,
            },
        }
    }
    Ok(())
}

/// Lines of standard input, read on a thread: there is no other portable way to wait for them.
fn typed_lines() -> mpsc::UnboundedReceiver<String> {
    let (typed, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if typed.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// The network and what is wrong with it at present.
struct Faulty {
    devnet: Devnet,
    nodes: Vec<ServiceNode>,
    faults: BTreeMap<usize, Vec<Fault>>,
    replication: bool,
}

impl Faulty {
    fn new(devnet: Devnet) -> Self {
        Self { nodes: in_order(&devnet), devnet, faults: BTreeMap::new(), replication: true }
    }

    /// `down 3`, `slow 3 200`, `heal 3`, `replication off`.
    fn obey(&mut self, command: &str) -> Result<(), String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        match *words.as_slice() {
            ["replication", switch @ ("on" | "off")] => {
                self.replication = switch == "on";
                (0..self.nodes.len()).try_for_each(|number| self.apply(number))
            }
            ["heal", node] => {
                let number = self.number(node)?;
                self.faults.remove(&number);
                self.apply(number)
            }
            [fault, node] => self.add(fault.to_owned(), node),
            [fault, node, value] => self.add(format!("{fault}:{value}"), node),
            _ => Err("not a command; `starling devnet --help` lists them".to_owned()),
        }
    }

    fn add(&mut self, fault: String, node: &str) -> Result<(), String> {
        let fault: Fault =
            fault.parse().map_err(|error: starling_simnet::devnet::ParseFaultError| error.to_string())?;
        let number = self.number(node)?;
        self.faults.entry(number).or_default().push(fault);
        self.apply(number)
    }

    fn number(&self, text: &str) -> Result<usize, String> {
        let number = text.parse().ok().filter(|number| *number < self.nodes.len());
        number.ok_or_else(|| format!("{text} is not the number of a node: 0 to {}", self.nodes.len() - 1))
    }

    /// Makes one node behave as noted: heals it and adds what is wrong with it.
    fn apply(&self, number: usize) -> Result<(), String> {
        let Some(node) = self.nodes.get(number) else {
            return Ok(());
        };
        let noted = self.faults.get(&number).into_iter().flatten().copied();
        let silent = (!self.replication).then_some(Fault::Diverge);
        let unknown = |error: starling_simnet::devnet::UnknownNode| error.to_string();
        self.devnet.heal(&node.key).map_err(unknown)?;
        noted.chain(silent).try_for_each(|fault| self.devnet.inject(&node.key, fault).map_err(unknown))
    }
}
