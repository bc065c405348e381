//! `starling demo`: accounts become friends and talk over an embedded network, and what became of every
//! message is recounted from the databases and the nodes.

mod checker;
mod evidence;
mod party;
mod report;
mod script;
mod stage;
mod timeline;
mod watch;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use starling_protocol::ServiceNode;
use starling_simnet::Policy;
use starling_simnet::devnet::{Config, Devnet};
use tempfile::TempDir;

use crate::arguments::Home;
use crate::client;
use crate::demo::checker::{Evidence, Side};
use crate::demo::evidence::Database;
use crate::demo::party::Party;
use crate::demo::report::Report;
use crate::demo::stage::{Said, Stage};
use crate::demo::timeline::Timeline;
use crate::demo::watch::Tally;
use crate::devnet;
use crate::failure::Failure;
use crate::network;
use crate::output::{Colour, Output};

/// After this the performance is judged as it is: something hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// Options of `starling demo`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Also write the summary as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Proof-of-work difficulty that the nodes ask for
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
    difficulty: u64,
}

/// `starling demo`: fails if a message was lost, doubled or shown out of order, or a friendship went wrong.
pub(crate) async fn run(arguments: &Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    let begun = Instant::now();
    if let Some(file) = &arguments.report {
        // Better now than after the performance.
        File::create(file).map_err(|error| Failure::file(file, &error))?;
    }
    let temporary = TempDir::new().map_err(|error| Failure::other("making a directory", error))?;
    let directory = home.data_dir.as_deref().unwrap_or(temporary.path());
    let policy = Policy { difficulty: Some(arguments.difficulty), ..Policy::default() };
    let config = Config { policy, ..Config::default() };
    let devnet = Devnet::start(config)
        .await
        .map_err(|error| Failure::other("starting the embedded network", error))?;
    let nodes = devnet::in_order(&devnet);
    let timeline = Timeline::new(output, begun, &nodes);
    introduce(&timeline, &nodes, arguments.difficulty, directory, output)?;
    let stage = set(&devnet, &nodes, directory, timeline).await?;
    let said = perform(&stage).await?;
    let report = judge(stage, &devnet, &nodes, &said).await?;
    devnet.shutdown().await;
    conclude(&report, arguments.report.as_deref(), output)
}

fn introduce(
    timeline: &Timeline,
    nodes: &[ServiceNode],
    difficulty: u64,
    directory: &Path,
    output: Output,
) -> Result<(), Failure> {
    output.line(&format!(
        "A network of {} service nodes on this machine, HTTPS each, proof-of-work difficulty {difficulty}:",
        nodes.len()
    ))?;
    for node in nodes {
        let line = format!("  {}  {}:{}  {}", timeline.name(&node.key), node.ip, node.port, node.key);
        output.line(&output.paint(Colour::Dim, &line))?;
    }
    output.line(&format!("Four engines with encrypted stores in {}", directory.display()))
}

async fn set(
    devnet: &Devnet,
    nodes: &[ServiceNode],
    directory: &Path,
    timeline: Timeline,
) -> Result<Stage, Failure> {
    let seed_node = network::seed_node(&devnet.seed_url()).map_err(Failure::Other)?;
    let mut swarms: Vec<u64> = nodes.iter().map(|node| node.swarm_id).collect();
    swarms.sort_unstable();
    let (Some(first), Some(last)) = (swarms.first(), swarms.last()) else {
        return Err(Failure::Other("the embedded network has no nodes".to_owned()));
    };
    let open = async |side: Side, swarm: u64| {
        let directory = directory.join(side.name().to_lowercase());
        Party::open(side, directory, party::seed_in_swarm(nodes, swarm)?, seed_node.clone()).await
    };
    Ok(Stage {
        alice: open(Side::Alice, *first).await?,
        bob: open(Side::Bob, *last).await?,
        carol: open(Side::Carol, *last).await?,
        dave: open(Side::Dave, *first).await?,
        timeline,
    })
}

/// Plays the script while the timeline is printed.
async fn perform(stage: &Stage) -> Result<Said, Failure> {
    for side in Side::ALL {
        stage.note(side, &format!("is {}", stage.account(side)))?;
    }
    let mut said = Said::default();
    let play = script::perform(stage, &mut said);
    let played = tokio::select! {
        // Watching comes first, so that nothing the engines do at the start is missed.
        biased;
        watched = stage.narrate() => watched,
        played = tokio::time::timeout(PATIENCE, play) => played.unwrap_or_else(|_| {
            stage.timeline.heading("Not everything arrived in time")
        }),
    };
    played.map(|()| said)
}

/// Closes the engines and counts.
async fn judge(stage: Stage, devnet: &Devnet, nodes: &[ServiceNode], said: &Said) -> Result<Report, Failure> {
    for side in Side::ALL {
        client::close(stage.engine(side).clone()).await?;
    }
    let seconds = stage.timeline.seconds();
    let dump = devnet.dump();
    let (mut ledgers, mut held) = (BTreeMap::new(), Vec::new());
    for side in Side::ALL {
        let database = Database::open(stage.party(side))?;
        ledgers.insert(side, database.ledger(&stage.account(side.other()), &dump)?);
        for (number, node) in dump.iter().enumerate() {
            held.extend(database.held(number, &node.messages));
        }
    }
    let Said { accepted, blocked } = said;
    let verdict = checker::judge(&Evidence { accepted, blocked, ledgers: &ledgers, held: &held });
    let mut tally = Tally::default();
    let Stage { alice, bob, carol, dave, .. } = stage;
    [alice, bob, carol, dave].into_iter().for_each(|party| tally.add(party.tally.into_inner()));
    let swarm_size =
        nodes.first().map_or(0, |first| nodes.iter().filter(|node| node.swarm_id == first.swarm_id).count());
    Ok(Report::new(&verdict, &tally, swarm_size, seconds))
}

fn conclude(report: &Report, file: Option<&Path>, output: Output) -> Result<(), Failure> {
    let colour = if report.is_clean() { Colour::Green } else { Colour::Red };
    output.line("\nRecounted from the databases and the nodes:")?;
    for line in report.lines() {
        output.line(&output.paint(colour, &line))?;
    }
    if let Some(file) = file {
        let text =
            serde_json::to_string_pretty(report).map_err(|error| Failure::other("encoding JSON", error))?;
        std::fs::write(file, text + "\n").map_err(|error| Failure::file(file, &error))?;
    }
    if report.is_clean() {
        Ok(())
    } else {
        Err(Failure::Other("not everything went as it should".to_owned()))
    }
}
