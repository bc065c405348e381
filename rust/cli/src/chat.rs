//! `starling chat`: a conversation line by line, with what arrives shown in between.

use std::io::IsTerminal;

use clap::Args;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor, ExternalPrinter};
use starling_engine::{Engine, EngineError, FriendRequest};
use starling_protocol::AccountId;
use starling_store::{ConversationId, Event, Message, MessageState, Relation};
use tokio::sync::mpsc;

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::friends::{self, ShownRequest};
use crate::output::{Output, printable};
use crate::shown;

/// Events taken at a time.
const BATCH: usize = 64;

/// Options of `starling chat`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Account id to talk with, 66 hex digits
    #[arg(long, value_name = "ID")]
    to: AccountId,
}

/// Where incoming messages are printed: above the line being typed if somebody types.
type Printer = Box<dyn FnMut(String) -> Result<(), Failure> + Send>;

/// `starling chat`: ends with Ctrl-D, Ctrl-C or the end of standard input.
pub(crate) async fn run(arguments: &Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    let engine = home.open_online()?;
    let result = talk(&engine, arguments.to, output).await;
    client::close(engine).await?;
    result
}

async fn talk(engine: &Engine, peer: AccountId, output: Output) -> Result<(), Failure> {
    output.line(&format!("You are {}. Ctrl-D ends.", client::own_id(engine)))?;
    if let Some(line) = standing(engine, peer).await? {
        output.line(&line)?;
    }
    let (lines, printer) = keyboard(output)?;
    engine.start().await?;
    tokio::select! {
        ended = say(engine, peer, lines, output) => ended,
        ended = listen(engine, peer, printer) => ended,
    }
}

/// What the first line will mean, unless the other one is a friend.
async fn standing(engine: &Engine, peer: AccountId) -> Result<Option<String>, EngineError> {
    let Some(contact) = engine.contact(peer).await? else {
        return Ok(Some("Your first line is a friend request.".to_owned()));
    };
    Ok(match contact.relation {
        _ if contact.blocked => Some("This account is blocked.".to_owned()),
        Relation::Stranger => Some("Your first line is a friend request.".to_owned()),
        Relation::Requested => Some("Your friend request is not answered; what you say waits.".to_owned()),
        Relation::AskedBundle | Relation::AskedBasic | Relation::AskedEmpty => {
            request_in(engine, contact.conversation, peer).await?
        }
        Relation::Accepting | Relation::Friend => None,
    })
}

async fn say(
    engine: &Engine,
    peer: AccountId,
    mut lines: mpsc::UnboundedReceiver<String>,
    output: Output,
) -> Result<(), Failure> {
    while let Some(line) = lines.recv().await {
        if line.is_empty() {
            continue;
        }
        match engine.send(peer, line).await {
            Ok(_) => {}
            // A text that is too long is the typist's to correct; the conversation goes on.
            Err(EngineError::FixInput(problem)) => output.line(&format!("! {problem}"))?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn listen(engine: &Engine, peer: AccountId, mut printer: Printer) -> Result<(), Failure> {
    let mut seen = 0;
    loop {
        seen = engine.events_changed(seen).await?;
        let events = engine.next_events(BATCH).await?;
        let Some((last, _)) = events.last() else {
            continue;
        };
        for (_, event) in &events {
            if let Some(line) = describe(engine, peer, event).await? {
                printer(line)?;
            }
        }
        engine.ack_events(*last).await?;
    }
}

/// The line for an event, if it is one that a person wants to see.
async fn describe(engine: &Engine, peer: AccountId, event: &Event) -> Result<Option<String>, EngineError> {
    Ok(match event {
        Event::MessageReceived { message, .. } | Event::MessageInserted { message, .. } => {
            engine.message(*message).await?.map(|message| incoming(&message, peer))
        }
        Event::MessageStateChanged { message, .. } => {
            engine.message(*message).await?.and_then(|message| outgoing(&message))
        }
        Event::Gap { from_seq, to_seq, .. } => {
            Some(format!("  (messages {from_seq} to {to_seq} are missing)"))
        }
        Event::RequestReceived { conversation } | Event::RequestReplaced { conversation } => {
            request_in(engine, *conversation, peer).await?
        }
        Event::FriendAdded { conversation } => {
            about(engine, *conversation, peer, "is your friend now").await?
        }
        Event::SecurityUpgraded { conversation } => {
            about(engine, *conversation, peer, "has a ratchet: from now on forward secret").await?
        }
        Event::SessionRenewed { conversation } => {
            about(engine, *conversation, peer, "begins a new session").await?
        }
        Event::RequestExpired { conversation } => {
            about(engine, *conversation, peer, "did not answer in time, or was not answered").await?
        }
        Event::RequestsDigest => Some("  (many friend requests: see `starling friends list`)".to_owned()),
        Event::Resync => Some("  (much has happened: see `starling messages`)".to_owned()),
    })
}

/// The request of a conversation, if it is still pending.
async fn request_in(
    engine: &Engine,
    conversation: ConversationId,
    peer: AccountId,
) -> Result<Option<String>, EngineError> {
    let pending = friends::incoming(engine).await?;
    let request = pending.into_iter().find(|request| request.conversation == conversation);
    Ok(request.map(|request| asks(&request, peer)))
}

fn asks(request: &FriendRequest, peer: AccountId) -> String {
    let line = ShownRequest::new(request).line();
    if request.peer == peer { format!("  ({line}; whatever you say accepts)") } else { format!("  ({line})") }
}

/// Something about the other side of a conversation.
async fn about(
    engine: &Engine,
    conversation: ConversationId,
    peer: AccountId,
    what: &str,
) -> Result<Option<String>, EngineError> {
    let here = engine.conversation_with(peer).await?.is_some_and(|known| known.id == conversation);
    Ok(here.then(|| format!("  ({peer} {what})")))
}

fn incoming(message: &Message, peer: AccountId) -> String {
    let text = printable(&message.body);
    if message.peer == peer { format!("< {text}") } else { format!("  (from {}) {text}", message.peer) }
}

fn outgoing(message: &Message) -> Option<String> {
    match message.state {
        MessageState::Stored { .. }
        | MessageState::Delivered
        | MessageState::Expired
        | MessageState::Failed(_) => Some(format!(
            "  ({}) {}",
            shown::state(message.state),
            crate::output::shortened(&message.body, 40)
        )),
        _ => None,
    }
}

/// Typed lines on a thread of their own, and a printer that does not disturb them.
fn keyboard(output: Output) -> Result<(mpsc::UnboundedReceiver<String>, Printer), Failure> {
    let (typed, lines) = mpsc::unbounded_channel();
    if !std::io::stdin().is_terminal() {
        std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                if typed.send(line).is_err() {
                    break;
                }
            }
        });
        return Ok((lines, Box::new(move |line| output.line(&line))));
    }
    let mut editor = editor()?;
    let mut above = editor.create_external_printer().map_err(terminal)?;
    std::thread::spawn(move || {
        while let Some(line) = read_line(&mut editor) {
            if typed.send(line).is_err() {
                break;
            }
        }
    });
    Ok((lines, Box::new(move |line| above.print(line + "\n").map_err(terminal))))
}

type LineEditor = Editor<(), MemHistory>;

fn editor() -> Result<LineEditor, Failure> {
    Editor::with_history(Config::default(), MemHistory::new()).map_err(terminal)
}

/// The next line, or `None` when the person is done.
fn read_line(editor: &mut LineEditor) -> Option<String> {
    match editor.readline("> ") {
        Ok(line) => {
            // History is a convenience; a line that cannot be kept is sent all the same.
            let _ = editor.add_history_entry(line.as_str());
            Some(line)
        }
        Err(_) => None,
    }
}

fn terminal(error: ReadlineError) -> Failure {
    Failure::other("using the terminal", error)
}
