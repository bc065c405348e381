//! `starling network`: what this account sees of its network; and how seed nodes are named.

use std::net::Ipv4Addr;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use starling_engine::{Connection, Engine, EngineError, SeedNode, Status};
use starling_protocol::rpc::AddressKind;
use url::{Host, Url};

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::output::Output;

/// Options of `starling network`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Connect, and print what the network looks like from here
    Status {
        /// Seconds to wait for a connection
        #[arg(long, value_name = "SECONDS", default_value_t = 30)]
        timeout: u64,
    },
}

#[derive(Serialize)]
struct StatusAnswer {
    connection: &'static str,
    nodes: usize,
    paths: Vec<Vec<String>>,
    clock_offset_ms: Option<i64>,
    difficulty: u64,
}

/// Parses `--seed-node`. The kind of its address decides which kind of service node counts
/// (extensions section 2).
pub(crate) fn seed_node(text: &str) -> Result<SeedNode, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err("must be scheme, host and port alone".to_owned());
    }
    let address_kind = match url.host() {
        Some(Host::Ipv4(address)) => kind_of(address)?,
        Some(Host::Ipv6(address)) if address.is_loopback() => AddressKind::Loopback,
        Some(Host::Domain("localhost")) => AddressKind::Loopback,
        Some(Host::Ipv6(_) | Host::Domain(_)) => AddressKind::Public,
        None => return Err("has no host".to_owned()),
    };
    let url = url.as_str().trim_end_matches('/').trim_end_matches("/json_rpc");
    Ok(SeedNode { url: url.to_owned(), address_kind })
}

fn kind_of(address: Ipv4Addr) -> Result<AddressKind, String> {
    AddressKind::of(address).ok_or_else(|| format!("{address} is not the address of a host"))
}

/// `starling network status`
pub(crate) async fn run(arguments: &Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    let Action::Status { timeout } = &arguments.action;
    let engine = home.open_online()?;
    let reached = tokio::time::timeout(Duration::from_secs(*timeout), connect(&engine)).await;
    let status = engine.status().status;
    client::close(engine).await?;
    let answer = StatusAnswer {
        connection: connection_name(status.connection),
        nodes: status.nodes,
        paths: status.paths.iter().map(|path| path.iter().map(ToString::to_string).collect()).collect(),
        clock_offset_ms: status.clock_offset_ms,
        difficulty: status.difficulty,
    };
    output.answer(&answer, || describe(&answer))?;
    match reached {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Failure::Unreachable(format!("not connected within {timeout} s"))),
    }
}

/// Starts the engine and waits until the network answers.
async fn connect(engine: &Engine) -> Result<(), EngineError> {
    engine.start().await?;
    let mut latest = engine.status();
    while !is_connected(&latest.status) {
        latest = engine.status_changed(latest.version).await?;
    }
    Ok(())
}

fn is_connected(status: &Status) -> bool {
    status.connection == Connection::Online && !status.paths.is_empty() && status.clock_offset_ms.is_some()
}

fn connection_name(connection: Connection) -> &'static str {
    match connection {
        Connection::Idle => "idle",
        Connection::Connecting => "connecting",
        Connection::Online => "online",
        Connection::TooFewNodes => "too_few_nodes",
    }
}

fn describe(answer: &StatusAnswer) -> String {
    let clock = answer.clock_offset_ms.map_or("unknown".to_owned(), |offset| format!("{offset:+} ms"));
    let work = if answer.difficulty == 0 { "none".to_owned() } else { answer.difficulty.to_string() };
    let mut text = format!(
        "Connection     {}\nService nodes  {}\nNetwork clock  {clock}\nProof of work  {work}",
        answer.connection, answer.nodes
    );
    for path in &answer.paths {
        let hops: Vec<String> = path.iter().map(|key| key.chars().take(8).collect()).collect();
        text.push_str("\nPath           ");
        text.push_str(&hops.join(" → "));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn the_address_of_a_seed_decides_its_kind() {
        for (text, url, kind) in [
            ("http://127.0.0.1:4000", "http://127.0.0.1:4000", AddressKind::Loopback),
            ("https://localhost:1/", "https://localhost:1", AddressKind::Loopback),
            ("https://seed.example:4443/json_rpc", "https://seed.example:4443", AddressKind::Public),
            ("http://10.1.2.3", "http://10.1.2.3", AddressKind::Private),
        ] {
            let expected = SeedNode { url: url.to_owned(), address_kind: kind };
            assert_eq!(seed_node(text).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_seed_is_refused() {
        for text in
            ["", "127.0.0.1:80", "ftp://127.0.0.1", "http://", "http://a:b@127.0.0.1", "http://0.0.0.0"]
        {
            assert!(seed_node(text).is_err(), "{text} was accepted");
        }
    }
}
