//! `starling messages`: what the store holds.

use clap::Args;
use starling_engine::{Engine, EngineError};
use starling_protocol::AccountId;
use starling_store::{Conversation, ConversationId, Message, PageDirection};

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::shown;

/// Conversations and messages are read in pages of at most this size.
const PAGE: usize = 100;

/// Options of `starling messages`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Only the conversation with this account
    #[arg(long = "with", value_name = "ID")]
    peer: Option<AccountId>,
    /// How many messages of each conversation, the newest ones
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// `starling messages`: one conversation after the other, each in its order of display.
pub(crate) async fn run(arguments: &Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let own = client::own_id(&engine);
    let result = collect(&engine, arguments).await;
    client::close(engine).await?;
    shown::print(&result?, &own, output)
}

async fn collect(engine: &Engine, arguments: &Arguments) -> Result<Vec<Message>, EngineError> {
    let mut messages = Vec::new();
    for conversation in chosen(engine, arguments.peer).await? {
        messages.extend(newest(engine, conversation.id, arguments.limit).await?);
    }
    Ok(messages)
}

async fn chosen(engine: &Engine, peer: Option<AccountId>) -> Result<Vec<Conversation>, EngineError> {
    if let Some(peer) = peer {
        return Ok(engine.conversation_with(peer).await?.into_iter().collect());
    }
    let mut all: Vec<Conversation> = Vec::new();
    loop {
        let page = engine.conversations(all.last().map(|last| last.id), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// The newest `limit` messages of a conversation, oldest first.
async fn newest(
    engine: &Engine,
    conversation: ConversationId,
    limit: usize,
) -> Result<Vec<Message>, EngineError> {
    let mut pages = Vec::new();
    let mut missing = limit;
    let mut cursor = None;
    while missing > 0 {
        let page = engine.messages(conversation, cursor, PageDirection::Older, missing.min(PAGE)).await?;
        missing = missing.saturating_sub(page.messages.len());
        cursor = page.older;
        pages.push(page.messages);
        if cursor.is_none() {
            break;
        }
    }
    Ok(pages.into_iter().rev().flatten().collect())
}
