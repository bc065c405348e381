//! `starling send`: one text, until the recipient's swarm has it.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use starling_engine::{Engine, EngineError, Sent};
use starling_protocol::AccountId;
use starling_store::{Message, MessageKind, MessageRow, MessageState, Relation};

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
    /// The text; to a stranger it is the introduction of a friend request, of at most 512 bytes
    #[arg(long)]
    text: String,
    /// Seconds to wait until it is stored; after that it stays in the outbox and goes out with
    /// the next `poll`, `send` or `chat`
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A text, whatever that is to the recipient.
    Text,
    /// A friend request.
    Request {
        /// Code that the recipient gave away.
        invite: Option<[u8; 16]>,
    },
}

#[derive(Serialize)]
struct SendAnswer {
    message_id: String,
    /// `text`, or `introduction` of a friend request.
    kind: &'static str,
    state: String,
    stored: u32,
    swarm_size: u32,
    /// The text is not sent before the recipient has answered our friend request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    waits_for_friend: bool,
}

/// How things stand when the waiting is over.
struct Outcome {
    message: Message,
    waits_for_friend: bool,
}

/// `starling send`
pub(crate) async fn run(arguments: Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    let Arguments { to, text, timeout } = arguments;
    run_as(What::Text, to, text, timeout, home, output).await
}

/// Sends, waits up to `timeout` seconds, and tells what came of it.
pub(crate) async fn run_as(
    what: What,
    to: AccountId,
    text: String,
    timeout: u64,
    home: &Home,
    output: Output,
) -> Result<(), Failure> {
    let engine = home.open_online()?;
    let result = deliver(&engine, what, to, text, Duration::from_secs(timeout)).await;
    client::close(engine).await?;
    let Outcome { message, waits_for_friend } = result?;
    let (stored, swarm_size) = match message.state {
        MessageState::Stored { k, n } => (k, n),
        _ => (0, 0),
    };
    let (kind, state) = (shown::kind(message.kind), shown::state(message.state));
    let message_id = hex::encode(message.message_id);
    let answer = SendAnswer { message_id, kind, state, stored, swarm_size, waits_for_friend };
    output.answer(&answer, || line(&answer, message.kind))?;
    match message.state {
        MessageState::Failed(reason) => Err(Failure::Other(format!("not sent: {}", shown::failure(reason)))),
        MessageState::Delivered | MessageState::Read => Ok(()),
        _ if stored > 0 || waits_for_friend => Ok(()),
        _ => Err(Failure::Unreachable(format!(
            "not stored within {timeout} s; the message waits in the outbox"
        ))),
    }
}

fn line(answer: &SendAnswer, kind: MessageKind) -> String {
    match kind {
        MessageKind::Request => format!("{}: a friend request", answer.state),
        _ if answer.waits_for_friend => {
            format!("{}: sent when the friend request is answered", answer.state)
        }
        _ => answer.state.clone(),
    }
}

/// Commits the text, then works until the swarm has it or the time is over.
async fn deliver(
    engine: &Engine,
    what: What,
    to: AccountId,
    text: String,
    limit: Duration,
) -> Result<Outcome, Failure> {
    let sent = match what {
        What::Text => engine.send(to, text).await?,
        What::Request { invite: None } => request(engine.request_friend(to, text).await?)?,
        What::Request { invite: Some(code) } => request(engine.request_invited(to, text, code).await?)?,
    };
    let row = sent.message;
    let waits = waits_for_friend(engine, to, row).await?;
    let waiting = async {
        if waits {
            // The answer may have come already.
            engine.wake(limit).await?;
            if waits_for_friend(engine, to, row).await? {
                return Ok(());
            }
        }
        engine.start().await?;
        until_settled(engine, row).await
    };
    // Whether it was in time is read from the message itself.
    if let Ok(ended) = tokio::time::timeout(limit, waiting).await {
        ended?;
    }
    let message = find(engine, row).await?;
    let waits_for_friend = waits_for_friend(engine, to, row).await?;
    Ok(Outcome { message, waits_for_friend })
}

/// A request with an introduction has a message.
fn request(sent: Option<Sent>) -> Result<Sent, EngineError> {
    sent.ok_or(EngineError::Crashed)
}

/// Whether the text stays here because our friend request is not answered.
async fn waits_for_friend(engine: &Engine, to: AccountId, row: MessageRow) -> Result<bool, EngineError> {
    let requested = engine.contact(to).await?.is_some_and(|contact| contact.relation == Relation::Requested);
    let message = find(engine, row).await?;
    Ok(requested && message.kind == MessageKind::Text && message.state == MessageState::Queued)
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
