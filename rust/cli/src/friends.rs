//! `starling friends`: requests, answers to them, blocks, and the lists of all these.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use starling_engine::{Contact, Engine, EngineError, FriendRequest, RequestKind};
use starling_protocol::AccountId;
use starling_store::{ContactList, ConversationId, Relation, Security};

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::output::{Output, printable};
use crate::send;

/// Contacts are read in pages of this size.
const PAGE: usize = 100;

/// Options of `starling friends`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Ask an account for friendship, and wait until its swarm stores the request; accepts if it asked first
    Request {
        /// Account id, 66 hex digits
        #[arg(value_name = "ID")]
        peer: AccountId,
        /// The introduction: 1 to 512 bytes
        #[arg(long)]
        text: String,
        /// Code that the account gave away: it is then heard whatever its limits say, once
        #[arg(long, value_name = "CODE", value_parser = invite)]
        invite: Option<[u8; 16]>,
        /// Seconds to wait until it is stored; after that it stays in the outbox and goes out with
        /// the next `poll`, `send` or `chat`
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        timeout: u64,
    },
    /// Make a code to give away, for one request that is heard whatever the limits say; needs no network
    Invite,
    /// List friends, requests both ways and blocked accounts; needs no network
    List,
    /// Accept the request of an account, and send the acceptance
    Accept {
        /// Account id, 66 hex digits
        #[arg(value_name = "ID")]
        peer: AccountId,
        /// Seconds that sending may take; after that it goes out with the next `poll`, `send` or `chat`
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        timeout: u64,
    },
    /// Drop the request of an account, which learns nothing; needs no network
    Decline {
        /// Account id, 66 hex digits
        #[arg(value_name = "ID")]
        peer: AccountId,
    },
    /// Take our own request to an account back; needs no network
    Withdraw {
        /// Account id, 66 hex digits
        #[arg(value_name = "ID")]
        peer: AccountId,
    },
    /// Hear nothing of an account any more, which learns nothing; needs no network
    Block {
        /// Account id, 66 hex digits
        #[arg(value_name = "ID")]
        peer: AccountId,
    },
    /// End a block; needs no network
    Unblock {
        /// Account id, 66 hex digits
        #[arg(value_name = "ID")]
        peer: AccountId,
    },
}

/// A contact as `friends` prints it.
#[derive(Serialize)]
struct ShownContact {
    account_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    relation: &'static str,
    security: &'static str,
    blocked: bool,
    /// Seconds since 1970, by the network's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_s: Option<i64>,
}

impl ShownContact {
    fn new(contact: &Contact) -> Self {
        Self {
            account_id: contact.peer.to_string(),
            name: contact.name.clone(),
            relation: relation(contact.relation),
            security: security(contact.security),
            blocked: contact.blocked,
            expires_s: contact.expires_s,
        }
    }

    fn line(&self) -> String {
        let standing = if self.blocked { "blocked" } else { self.relation };
        format!("{}  {standing}, security {}", titled(&self.account_id, self.name.as_deref()), self.security)
    }
}

/// A request that waits for an answer, as `friends list` and `poll` print it.
#[derive(Serialize)]
pub(crate) struct ShownRequest {
    /// Always `request`: `poll` prints messages beside it.
    kind: &'static str,
    /// What comes with it: `bundle` (the keys of a session), `basic` (texts of an account without a
    /// ratchet), `empty` (a sign of life of somebody who takes us for a friend).
    request: &'static str,
    conversation: String,
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The introduction; several texts are lines.
    text: String,
    /// Seconds since 1970, by the network's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_s: Option<i64>,
}

impl ShownRequest {
    pub(crate) fn new(request: &FriendRequest) -> Self {
        let kind = match request.kind {
            RequestKind::Bundle => "bundle",
            RequestKind::Basic => "basic",
            RequestKind::Empty => "empty",
        };
        Self {
            kind: "request",
            request: kind,
            conversation: request.peer.to_string(),
            from: request.peer.to_string(),
            name: request.name.clone(),
            text: request.texts.join("\n"),
            expires_s: request.expires_s,
        }
    }

    /// For people: who, and what is said.
    pub(crate) fn line(&self) -> String {
        let who = titled(&self.from, self.name.as_deref());
        match self.text.as_str() {
            "" => format!("{who} asks to be your friend"),
            text => format!("{who} asks to be your friend: {}", printable(text)),
        }
    }
}

#[derive(Serialize)]
struct Lists {
    friends: Vec<ShownContact>,
    incoming: Vec<ShownRequest>,
    outgoing: Vec<ShownContact>,
    blocked: Vec<ShownContact>,
}

/// `starling friends …`
pub(crate) async fn run(arguments: Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    match arguments.action {
        Action::Request { peer, text, invite, timeout } => {
            if text.is_empty() {
                return Err(Failure::Usage("a request introduces itself: the text is empty".to_owned()));
            }
            send::run_as(send::What::Request { invite }, peer, text, timeout, home, output).await
        }
        Action::Invite => make_invite(home, output).await,
        Action::List => list(home, output).await,
        Action::Accept { peer, timeout } => accept(peer, Duration::from_secs(timeout), home, output).await,
        Action::Decline { peer } => {
            let engine = home.open()?;
            let decided = engine.decline(peer).await;
            settle(engine, decided, peer, output).await
        }
        Action::Withdraw { peer } => {
            let engine = home.open()?;
            let decided = engine.withdraw(peer).await;
            settle(engine, decided, peer, output).await
        }
        Action::Block { peer } => {
            let engine = home.open()?;
            let decided = engine.block(peer).await;
            settle(engine, decided, peer, output).await
        }
        Action::Unblock { peer } => {
            let engine = home.open()?;
            let decided = engine.unblock(peer).await;
            settle(engine, decided, peer, output).await
        }
    }
}

#[derive(Serialize)]
struct Invite {
    invite: String,
}

fn invite(text: &str) -> Result<[u8; 16], String> {
    let mut code = [0; 16];
    hex::decode_to_slice(text, &mut code).map_err(|_| "an invite is 32 hex digits".to_owned())?;
    Ok(code)
}

async fn make_invite(home: &Home, output: Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let made = engine.create_invite().await;
    client::close(engine).await?;
    let made = Invite { invite: hex::encode(made?) };
    output.answer(&made, || made.invite.clone())
}

/// Closes the engine and says how the contact stands after a decision.
async fn settle(
    engine: Engine,
    decided: Result<(), EngineError>,
    peer: AccountId,
    output: Output,
) -> Result<(), Failure> {
    let contact = engine.contact(peer).await;
    client::close(engine).await?;
    decided?;
    match contact? {
        Some(contact) => {
            let shown = ShownContact::new(&contact);
            output.answer(&shown, || shown.line())
        }
        None => Err(Failure::Other("the contact is gone".to_owned())),
    }
}

/// The decision is on disk before anything is sent; one round of background work then sends it.
async fn accept(peer: AccountId, limit: Duration, home: &Home, output: Output) -> Result<(), Failure> {
    let engine = home.open_online()?;
    let accepted = engine.accept(peer).await;
    let woken = match accepted {
        Ok(()) => engine.wake(limit).await.map(Some),
        Err(_) => Ok(None),
    };
    settle(engine, accepted, peer, output).await?;
    match woken? {
        Some(report) if report.replicas_read == 0 && report.messages_stored == 0 => {
            Err(Failure::Unreachable(
                "no service node answered; the acceptance goes out with the next poll".to_owned(),
            ))
        }
        _ => Ok(()),
    }
}

async fn list(home: &Home, output: Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let lists = read(&engine).await;
    client::close(engine).await?;
    let lists = lists?;
    if output.is_json() {
        return output.json(&lists);
    }
    let parts = [("Friends", &lists.friends), ("Asked by you", &lists.outgoing), ("Blocked", &lists.blocked)];
    for (title, contacts) in parts {
        section(title, contacts.iter().map(ShownContact::line).collect(), output)?;
    }
    section("Asking you", lists.incoming.iter().map(ShownRequest::line).collect(), output)
}

fn section(title: &str, lines: Vec<String>, output: Output) -> Result<(), Failure> {
    output.line(&format!("{title}: {}", if lines.is_empty() { "nobody" } else { "" }))?;
    lines.iter().try_for_each(|line| output.line(&format!("  {line}")))
}

async fn read(engine: &Engine) -> Result<Lists, EngineError> {
    Ok(Lists {
        friends: contacts(engine, ContactList::Friends).await?,
        incoming: incoming(engine).await?.iter().map(ShownRequest::new).collect(),
        outgoing: contacts(engine, ContactList::Outgoing).await?,
        blocked: contacts(engine, ContactList::Blocked).await?,
    })
}

async fn contacts(engine: &Engine, list: ContactList) -> Result<Vec<ShownContact>, EngineError> {
    let mut all: Vec<ShownContact> = Vec::new();
    let mut last: Option<ConversationId> = None;
    loop {
        let page = engine.contacts(list, last, PAGE).await?;
        all.extend(page.iter().map(ShownContact::new));
        match page.last() {
            Some(contact) => last = Some(contact.conversation),
            None => return Ok(all),
        }
    }
}

/// Every request that waits for an answer.
pub(crate) async fn incoming(engine: &Engine) -> Result<Vec<FriendRequest>, EngineError> {
    let mut all: Vec<FriendRequest> = Vec::new();
    loop {
        let page = engine.friend_requests(all.last().map(|last| last.conversation), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// What an account is to us, in one word.
pub(crate) fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Stranger => "stranger",
        Relation::Requested => "requested",
        Relation::AskedBundle | Relation::AskedBasic | Relation::AskedEmpty => "asked",
        Relation::Accepting => "accepting",
        Relation::Friend => "friend",
    }
}

/// How a conversation is sealed, in one word.
pub(crate) fn security(security: Security) -> &'static str {
    match security {
        Security::Basic => "basic",
        Security::Ratchet => "ratchet",
    }
}

/// The account by id, with the name it gave itself.
fn titled(account_id: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{account_id} “{}”", printable(&name.replace('\n', " "))),
        None => account_id.to_owned(),
    }
}
