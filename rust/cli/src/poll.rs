//! `starling poll`: one round of background work, then what it brought.

use std::time::Duration;

use clap::Args;
use starling_engine::{Engine, EngineError, WakeReport};
use starling_store::{Event, EventSeq, Message};

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::shown;

/// More events than the queue ever holds (extensions section 7).
const ALL: usize = 20_000;

/// Options of `starling poll`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Seconds the whole round may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// `starling poll`: also sends what waits in the outbox. Each message is printed by one poll;
/// if printing fails, by the next one again.
pub(crate) async fn run(arguments: &Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    let engine = home.open_online()?;
    let result = round(&engine, Duration::from_secs(arguments.timeout), output).await;
    client::close(engine).await?;
    let report = result?;
    if report.replicas_read == 0 {
        return Err(Failure::Unreachable(format!("no service node answered within {} s", arguments.timeout)));
    }
    Ok(())
}

async fn round(engine: &Engine, budget: Duration, output: Output) -> Result<WakeReport, Failure> {
    let report = engine.wake(budget).await?;
    let (messages, last) = received(engine).await?;
    shown::print(&messages, &client::own_id(engine), output)?;
    if !output.is_json() {
        output.line(&format!("{} new, {} replicas read", messages.len(), report.replicas_read))?;
    }
    if let Some(last) = last {
        engine.ack_events(last).await?;
    }
    Ok(report)
}

/// Messages of all events not yet acknowledged, and the last of these events.
async fn received(engine: &Engine) -> Result<(Vec<Message>, Option<EventSeq>), EngineError> {
    let mut messages = Vec::new();
    let events = engine.next_events(ALL).await?;
    for (_, event) in &events {
        if let Event::MessageReceived { message, .. } | Event::MessageInserted { message, .. } = event {
            messages.extend(engine.message(*message).await?);
        }
    }
    Ok((messages, events.last().map(|(seq, _)| *seq)))
}
