//! The process that `kills` kills: one account at work, which tells on standard output what it was
//! promised and what it was shown, one line each, and only afterwards.
//!
//! The two are strangers at first. Whoever speaks first asks for friendship, and whoever was asked accepts
//! by speaking; if both speak first, their requests cross.
//!
//! `starling-victim work DIRECTORY SEED_NODE ACCOUNT PEER TEXTS PAUSE_MS` sends that many texts,
//! relates what happens, says `done` when its outbox is empty, and ends with its standard input.
//! `starling-victim drain …` has three wakes instead, and ends by itself. ACCOUNT is the byte that
//! its seed is made of, PEER the byte of the other's.
//!
//! | line | when |
//! |---|---|
//! | `opened` | the store is open and has its account |
//! | `accepted LABEL` | `send` has returned |
//! | `shown EVENT LABEL` | the event log says that a message was received |
//! | `gap EVENT FROM TO` | the event log names a gap |
//! | `changed LABEL`, `stored LABEL COPIES`, `delivered LABEL` | the event log says so of an own message |
//! | `contact` | the event log says something of the friendship |
//! | `acknowledged EVENT` | acknowledging it has returned |
//! | `done` | nothing is left to do |

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use starling_engine::{Config, Driver, Engine, EngineConfig, SeedNode};
use starling_protocol::rpc::AddressKind;
use starling_protocol::{AccountId, AccountKeys, Seed};
use starling_store::{Direction, Event, MessageRow, MessageState, PageDirection, StoreKey};

type Outcome = Result<(), Box<dyn Error>>;

/// Longest life: whoever works longer is stuck.
const LIFE: Duration = Duration::from_secs(120);
/// A swarm of five has been read completely after two wakes; the third must find nothing to do.
const WAKES: usize = 3;
/// One wake's time.
const BUDGET: Duration = Duration::from_secs(20);
/// Every fourth text is this long, so that transfers and proofs of work take their time.
const LONG_TEXT: usize = 12_000;
/// Own messages looked at to see whether the outbox is empty; a life adds a handful.
const RECENT: usize = 500;

struct Arguments {
    drain: bool,
    directory: String,
    seed_node: String,
    account: u8,
    peer: u8,
    texts: u64,
    pause: Duration,
}

impl Arguments {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut words = std::env::args().skip(1);
        let mut next = || words.next().ok_or("too few arguments");
        Ok(Self {
            drain: next()? == "drain",
            directory: next()?,
            seed_node: next()?,
            account: next()?.parse()?,
            peer: next()?.parse()?,
            texts: next()?.parse()?,
            pause: Duration::from_millis(next()?.parse()?),
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let arguments = Arguments::read()?;
    tokio::time::timeout(LIFE, live(&arguments)).await.map_err(|_| "stuck")?
}

async fn live(arguments: &Arguments) -> Outcome {
    let engine = open(arguments)?;
    if engine.account_id().is_none() {
        engine.create_account(seed(arguments.account)?).await?;
    }
    say("opened")?;
    let mut host = Host { engine, acquainted: 0 };
    if arguments.drain { host.drain().await } else { host.work(arguments).await }
}

fn open(arguments: &Arguments) -> Result<Engine, Box<dyn Error>> {
    let key = StoreKey::from_bytes([arguments.account; 32]);
    let seed_node = SeedNode { url: arguments.seed_node.clone(), address_kind: AddressKind::Loopback };
    let mut config = EngineConfig::new(arguments.directory.clone().into(), key, vec![seed_node]);
    // Much happens in a short life.
    config.core = Config { poll_min_ms: 100, poll_max_ms: 300, ..config.core };
    Ok(Engine::open(config, Driver::system()?)?)
}

fn seed(byte: u8) -> Result<Seed, Box<dyn Error>> {
    Ok(Seed::from_bytes(&[byte; 16])?)
}

/// A line is written at once, so that a death leaves whole lines.
fn say(line: &str) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(format!("{line}\n").as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// The application around an engine.
struct Host {
    engine: Engine,
    /// Version of the event log up to which everything was related.
    acquainted: u64,
}

impl Host {
    async fn work(&mut self, arguments: &Arguments) -> Outcome {
        let engine = self.engine.clone();
        let peer = AccountKeys::from_seed(&seed(arguments.peer)?).account_id();
        engine.start().await?;
        let speaking = async {
            speak(&engine, arguments, peer).await?;
            outbox_empty(&engine, peer).await?;
            say("done")?;
            end_of_input().await
        };
        tokio::select! {
            spoken = speaking => spoken?,
            related = self.relate_for_ever() => related?,
        }
        engine.shutdown().await?;
        Ok(())
    }

    async fn drain(&mut self) -> Outcome {
        for _ in 0..WAKES {
            self.engine.wake(BUDGET).await?;
            self.relate().await?;
        }
        self.engine.shutdown().await?;
        say("done")
    }

    async fn relate_for_ever(&mut self) -> Outcome {
        loop {
            self.acquainted = self.engine.events_changed(self.acquainted).await?;
            self.relate().await?;
        }
    }

    /// Relates and acknowledges one event after the other, so that there is a moment to die between.
    async fn relate(&self) -> Outcome {
        while let Some((seq, event)) = self.engine.next_events(1).await?.pop() {
            let event_seq = seq.0;
            let line = match event {
                Event::MessageReceived { message, .. } | Event::MessageInserted { message, .. } => {
                    format!("shown {event_seq} {}", self.label(message).await?.0)
                }
                Event::Gap { from_seq, to_seq, .. } => format!("gap {event_seq} {from_seq} {to_seq}"),
                Event::MessageStateChanged { message, .. } => match self.label(message).await? {
                    (label, MessageState::Stored { k, .. }) => format!("stored {label} {k}"),
                    (label, MessageState::Delivered) => format!("delivered {label}"),
                    (label, _) => format!("changed {label}"),
                },
                Event::Resync => return Err("a resync, though every event was acknowledged".into()),
                Event::RequestReceived { .. }
                | Event::RequestReplaced { .. }
                | Event::FriendAdded { .. }
                | Event::SessionRenewed { .. }
                | Event::SecurityUpgraded { .. } => "contact".to_owned(),
                Event::RequestExpired { .. } | Event::RequestsDigest => {
                    return Err("a request expired, or there were many".into());
                }
            };
            say(&line)?;
            self.engine.ack_events(seq).await?;
            say(&format!("acknowledged {event_seq}"))?;
        }
        Ok(())
    }

    /// The first word of a text says which it is.
    async fn label(&self, row: MessageRow) -> Result<(String, MessageState), Box<dyn Error>> {
        let message = self.engine.message(row).await?.ok_or("an event without its message")?;
        let label = message.body.split(' ').next().unwrap_or_default();
        Ok((label.to_owned(), message.state))
    }
}

/// The number of a text is the lowest place it may have in the conversation, so that each is said once however often
/// its sender dies.
async fn speak(engine: &Engine, arguments: &Arguments, peer: AccountId) -> Outcome {
    for _ in 0..arguments.texts {
        let conversation = engine.conversation_with(peer).await?;
        let number = conversation.map_or(1, |conversation| conversation.next_seq);
        let label = format!("{}-{number}", arguments.account);
        let filling = if number % 4 == 0 { LONG_TEXT } else { 10 };
        engine.send(peer, format!("{label} {}", "x".repeat(filling))).await?;
        say(&format!("accepted {label}"))?;
        tokio::time::sleep(arguments.pause).await;
    }
    Ok(())
}

async fn outbox_empty(engine: &Engine, peer: AccountId) -> Outcome {
    let mut seen = 0;
    while let Some(conversation) = engine.conversation_with(peer).await? {
        seen = engine.events_changed(seen).await?;
        let page = engine.messages(conversation.id, None, PageDirection::Older, RECENT).await?;
        let own = page.messages.iter().filter(|message| message.direction == Direction::Outgoing);
        let states: Vec<MessageState> = own.map(|message| message.state).collect();
        if !states.iter().any(|state| matches!(state, MessageState::Queued | MessageState::Working)) {
            break;
        }
    }
    Ok(())
}

/// Standard input ends when the test wants it, or is no more.
async fn end_of_input() -> Outcome {
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let read = std::io::stdin().read_to_end(&mut Vec::new());
        // Nobody listens if the engine has failed meanwhile.
        let _ = ended.send(read);
    });
    end.await??;
    Ok(())
}
