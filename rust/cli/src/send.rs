//! `starling send`: one text, until the recipient's swarm has it.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use starling_engine::{Engine, EngineError};
use starling_protocol::AccountId;
use starling_store::{Message, MessageRow, MessageState};

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::shown;

/// Options of `starling send`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Account id of the recipient, 66 hex digits
    #[arg(long, value_name = "ID")]
    to: AccountId,
    /// The text
    #[arg(long)]
    text: String,
    /// Seconds to wait until it is stored; after that it stays in the outbox and goes out with
    /// the next `poll`, `send` or `chat`
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

#[derive(Serialize)]
struct SendAnswer {
    message_id: String,
    state: String,
    stored: u32,
    swarm_size: u32,
}

/// `starling send`
pub(crate) async fn run(arguments: Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    let engine = home.open_online()?;
    let limit = Duration::from_secs(arguments.timeout);
    let result = deliver(&engine, arguments, limit).await;
    client::close(engine).await?;
    let message = result?;
    let (stored, swarm_size) = match message.state {
        MessageState::Stored { k, n } => (k, n),
        _ => (0, 0),
    };
    let state = shown::state(message.state);
    let answer = SendAnswer { message_id: hex::encode(message.message_id), state, stored, swarm_size };
    output.answer(&answer, || answer.state.clone())?;
    match message.state {
        MessageState::Failed(reason) => Err(Failure::Other(format!("not sent: {}", shown::failure(reason)))),
        _ if stored > 0 => Ok(()),
        _ => Err(Failure::Unreachable(format!(
            "not stored within {} s; the message waits in the outbox",
            limit.as_secs()
        ))),
    }
}

/// Commits the text, then works until the swarm has it or the time is over.
async fn deliver(engine: &Engine, arguments: Arguments, limit: Duration) -> Result<Message, Failure> {
    let sent = engine.send(arguments.to, arguments.text).await?;
    let waiting = async {
        engine.start().await?;
        until_settled(engine, sent.message).await
    };
    // Whether it was in time is read from the message itself.
    if let Ok(ended) = tokio::time::timeout(limit, waiting).await {
        ended?;
    }
    find(engine, sent.message).await.map_err(Failure::from)
}

/// Waits until the message is stored by a majority, or will never be stored.
async fn until_settled(engine: &Engine, row: MessageRow) -> Result<(), EngineError> {
    let mut seen = 0;
    loop {
        seen = engine.events_changed(seen).await?;
        match find(engine, row).await?.state {
            MessageState::Queued | MessageState::Working => {}
            MessageState::Stored { k, n } if k * 2 <= n => {}
            _ => return Ok(()),
        }
    }
}

async fn find(engine: &Engine, row: MessageRow) -> Result<Message, EngineError> {
    engine.message(row).await?.ok_or(EngineError::Crashed)
}
