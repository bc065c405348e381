//! `starling poll`: one round of background work, then what it brought.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use starling_engine::{Engine, EngineError, FriendRequest, WakeReport};
use starling_store::{ConversationId, Event, EventSeq, Message};

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::friends::{self, ShownRequest};
use crate::output::Output;
use crate::shown::ShownMessage;

/// More events than the queue ever holds (extensions section 7).
const ALL: usize = 20_000;

/// Options of `starling poll`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Seconds the whole round may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// One thing that came, as it is printed.
#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Message(ShownMessage),
    Request(ShownRequest),
}

impl Item {
    fn line(&self) -> String {
        match self {
            Self::Message(message) => message.line(),
            Self::Request(request) => request.line(),
        }
    }
}

/// What the events not yet acknowledged tell of.
#[derive(Default)]
struct News {
    messages: Vec<Message>,
    /// Requests that are still pending, each once.
    requests: Vec<FriendRequest>,
    last: Option<EventSeq>,
}

/// `starling poll`: also sends what waits in the outbox. Each message and each request is printed by one
/// poll; if printing fails, by the next one again.
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
    let news = news(engine).await?;
    print(&news, &client::own_id(engine), output)?;
    if !output.is_json() {
        let (messages, requests) = (news.messages.len(), news.requests.len());
        let asked = if requests > 0 { format!(", {requests} friend requests") } else { String::new() };
        output.line(&format!("{messages} new{asked}, {} replicas read", report.replicas_read))?;
    }
    if let Some(last) = news.last {
        engine.ack_events(last).await?;
    }
    Ok(report)
}

fn print(news: &News, own: &str, output: Output) -> Result<(), Failure> {
    let messages = news.messages.iter().map(|message| Item::Message(ShownMessage::new(message, own)));
    let requests = news.requests.iter().map(|request| Item::Request(ShownRequest::new(request)));
    let items: Vec<Item> = messages.chain(requests).collect();
    if output.is_json() {
        return output.json(&items);
    }
    items.iter().try_for_each(|item| output.line(&item.line()))
}

async fn news(engine: &Engine) -> Result<News, EngineError> {
    let mut news = News::default();
    let mut asking: Vec<ConversationId> = Vec::new();
    let mut all_requests = false;
    for (seq, event) in engine.next_events(ALL).await? {
        match event {
            Event::MessageReceived { message, .. } | Event::MessageInserted { message, .. } => {
                news.messages.extend(engine.message(message).await?);
            }
            Event::RequestReceived { conversation } | Event::RequestReplaced { conversation } => {
                asking.push(conversation);
            }
            Event::RequestsDigest | Event::Resync => all_requests = true,
            // The states of messages and contacts tell of these.
            Event::Gap { .. }
            | Event::MessageStateChanged { .. }
            | Event::RequestExpired { .. }
            | Event::FriendAdded { .. }
            | Event::SessionRenewed { .. }
            | Event::SecurityUpgraded { .. } => {}
        }
        news.last = Some(seq);
    }
    if all_requests || !asking.is_empty() {
        let mut pending = friends::incoming(engine).await?;
        pending.retain(|request| all_requests || asking.contains(&request.conversation));
        news.requests = pending;
    }
    Ok(news)
}
