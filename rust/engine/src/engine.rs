//! The handle a host holds: opening, commands and phases. Contacts are in
//! [`crate::contacts`], reads in [`crate::reads`].

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use starling_core::{Answer, Command, Config, Machine, SeedNode, WakeReport};
use starling_protocol::{AccountId, Seed};
use starling_store::{ConversationId, EventSeq, MessageRow, Options, Reader, Store, StoreKey};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::activity::{ActivityFeed, Announcer, Audience};
use crate::clock::Clock;
use crate::error::{EngineError, Hindrance};
use crate::hands::Hands;
use crate::latest::{End, Latest, LatestStatus, latest};
use crate::network::Driver;
use crate::order::{Order, Step};
use crate::proof::{Bench, ProofProgress};
use crate::writer::Writer;

/// What an engine is opened with.
#[derive(Debug)]
pub struct EngineConfig {
    /// Where the store lives; created if absent. One account and one engine at a time.
    pub directory: PathBuf,
    /// Key of the store, from the host's keychain.
    pub key: StoreKey,
    /// Limits and intervals.
    pub core: Config,
    /// Threads for proof of work, at least one.
    pub proof_threads: usize,
}

impl EngineConfig {
    /// The defaults: those of [`Config`], and for proof of work all processors but one.
    #[must_use]
    pub fn new(directory: PathBuf, key: StoreKey, seeds: Vec<SeedNode>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let core = Config { seeds, ..Config::default() };
        Self { directory, key, core, proof_threads: processors.saturating_sub(1).max(1) }
    }
}

/// A message that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The message.
    pub message: MessageRow,
    /// Its conversation, created with the first message.
    pub conversation: ConversationId,
}

/// A running engine. Clones are handles to the same one.
///
/// A call begins when its future is first polled. From then on it is carried out whether or not
/// anybody waits: dropping the future cancels nothing. Any executor will do. What a command changes
/// is on disk when its future resolves.
///
/// Dropping the last handle ends the engine's threads without waiting for them; the lock file is
/// released a moment later. [`Engine::shutdown`] waits.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

/// What the handles share.
pub(crate) struct Inner {
    orders: Sender<Order>,
    clock: Arc<dyn Clock>,
    audience: Audience,
    bench: Weak<Bench>,
    pub(crate) latest: Latest,
    pub(crate) reader: Reader,
    pub(crate) runtime: Handle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The writer may have ended already.
        let _ = self.orders.send(Order::Abandon);
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the store, or creates it, and starts the engine's threads. Blocks for as long as that
    /// takes. Nothing goes out before [`Engine::start`] or [`Engine::wake`].
    ///
    /// # Errors
    /// [`EngineError::Unlock`], [`EngineError::InUse`], [`EngineError::NewerVersion`],
    /// [`EngineError::Damaged`], [`EngineError::DiskFull`], [`EngineError::RetryLater`]; the files are
    /// untouched then.
    pub fn open(config: EngineConfig, driver: Driver) -> Result<Self, EngineError> {
        let EngineConfig { directory, key, core, proof_threads } = config;
        let clock = Arc::clone(&driver.clock);
        let mut store = Store::open(Options { directory, key })
            .inspect_err(|error| log::warn!("the store did not open: {error}"))?;
        let machine = Machine::open(&mut store, core, clock.now())?;
        // A store on disk has one.
        let reader = store.reader().ok_or(EngineError::RetryLater(Hindrance::Storage))?;
        let (publisher, latest) = latest(&machine);
        let announcer = Announcer::new();
        let (orders, received) = channel();
        let audience = announcer.audience();
        let hands = Hands::start(driver, announcer, orders.clone(), proof_threads)?;
        let (bench, runtime) = (hands.proofs().bench(), hands.runtime());
        let writer = Writer::new(store, machine, hands, publisher);
        let thread = std::thread::Builder::new().name("starling-writer".into());
        thread.spawn(move || writer.live(received))?;
        let inner = Inner { orders, clock, audience, bench, latest, reader, runtime };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Gives the data directory its account, new or restored.
    ///
    /// # Errors
    /// [`EngineError::FixInput`] if it has one, or what the store says.
    pub async fn create_account(&self, seed: Seed) -> Result<AccountId, EngineError> {
        match self.command(Command::CreateAccount(seed)).await? {
            Answer::Account(account) => Ok(account),
            other => Err(unexpected(&other)),
        }
    }

    /// The account of this data directory, if it has one.
    pub fn account_id(&self) -> Option<AccountId> {
        self.inner.latest.account()
    }

    /// Sends a text of at least one byte. It is in the outbox when the future resolves, and leaves
    /// as soon as the network allows, in this process or a later one. To a stranger it is a friend request
    /// with the text as its introduction; to somebody who asked for friendship it accepts; while our own
    /// request is pending it waits for the answer.
    ///
    /// # Errors
    /// [`EngineError::NeedsAccount`], [`EngineError::FixInput`] (also if the text is too long for a
    /// stranger, or the account is blocked), [`EngineError::Suspended`], or what the store says.
    pub async fn send(&self, to: AccountId, body: String) -> Result<Sent, EngineError> {
        match self.command(Command::Send { to, body }).await? {
            Answer::Queued { message, conversation } => Ok(Sent { message, conversation }),
            other => Err(unexpected(&other)),
        }
    }

    /// Tries a failed or waiting message again, now.
    ///
    /// # Errors
    /// [`EngineError::FixInput`] if there is no such message, [`EngineError::Suspended`], or what the
    /// store says.
    pub async fn retry(&self, message: MessageRow) -> Result<(), EngineError> {
        self.command(Command::Retry(message)).await.map(drop)
    }

    /// Gives a message up; it ends as failed.
    ///
    /// # Errors
    /// As [`Engine::retry`].
    pub async fn give_up(&self, message: MessageRow) -> Result<(), EngineError> {
        self.command(Command::GiveUp(message)).await.map(drop)
    }

    /// Forgets the events up to and including `through`: the host has dealt with them.
    ///
    /// # Errors
    /// [`EngineError::Suspended`], or what the store says.
    pub async fn ack_events(&self, through: EventSeq) -> Result<(), EngineError> {
        self.command(Command::AckEvents(through)).await.map(drop)
    }

    /// The device has changed networks: connections and back-offs are forgotten.
    ///
    /// # Errors
    /// [`EngineError::Suspended`], or what the store says.
    pub async fn network_changed(&self) -> Result<(), EngineError> {
        self.command(Command::NetworkChanged).await.map(drop)
    }

    /// Begins to work in the foreground: polls, sends, keeps paths; as soon as there is an account.
    ///
    /// # Errors
    /// [`EngineError::Suspended`] (resume instead), or what the store says.
    pub async fn start(&self) -> Result<(), EngineError> {
        self.step(Step::Start).await.map(drop)
    }

    /// One round of background work: reads the replicas, sends what is due, commits, and resolves
    /// before the budget is over. A suspended engine is suspended again when it resolves.
    ///
    /// # Errors
    /// [`EngineError::NeedsAccount`]; [`EngineError::RetryLater`] if another wake is under way or a
    /// suspend cuts this one off; [`EngineError::InUse`] if another process has the store of a
    /// suspended engine by now; or what the store says.
    pub async fn wake(&self, budget: Duration) -> Result<WakeReport, EngineError> {
        let now_ms = self.inner.clock.now().boot_ms;
        let deadline_boot_ms = now_ms.saturating_add(milliseconds(budget));
        match self.step(Step::Wake { deadline_boot_ms }).await? {
            Answer::Woke(report) => Ok(report),
            other => Err(unexpected(&other)),
        }
    }

    /// Finishes what is under way within the grace period and lets go of all files. When it resolves
    /// no lock is held and nothing is written until [`Engine::resume`] or [`Engine::wake`].
    ///
    /// # Errors
    /// [`EngineError::ShutDown`], [`EngineError::Crashed`].
    pub async fn suspend(&self, grace: Duration) -> Result<(), EngineError> {
        self.step(Step::Suspend { grace_ms: milliseconds(grace) }).await.map(drop)
    }

    /// Back to work after [`Engine::suspend`]; nothing to do otherwise.
    ///
    /// # Errors
    /// [`EngineError::InUse`] if another process has the store by now, or what the store says; the
    /// engine stays suspended then.
    pub async fn resume(&self) -> Result<(), EngineError> {
        self.step(Step::Resume).await.map(drop)
    }

    /// Ends the engine. When it resolves the store is closed and its lock released. Fine to repeat.
    ///
    /// # Errors
    /// [`EngineError::Crashed`] if the engine ended because of a defect instead.
    pub async fn shutdown(&self) -> Result<(), EngineError> {
        let (reply, answer) = oneshot::channel();
        if self.inner.orders.send(Order::Step(Step::Shutdown, reply)).is_err() {
            return Ok(());
        }
        match answer.await {
            Ok(result) => result.map(drop),
            Err(_) if self.inner.latest.end() == Some(End::Crashed) => Err(EngineError::Crashed),
            Err(_) => Ok(()),
        }
    }

    /// The engine's status now.
    pub fn status(&self) -> LatestStatus {
        self.inner.latest.status()
    }

    /// Resolves with the status as soon as its version is not `seen`; at once for 0.
    ///
    /// # Errors
    /// [`EngineError::ShutDown`] or [`EngineError::Crashed`] when the engine ends.
    pub async fn status_changed(&self, seen: u64) -> Result<LatestStatus, EngineError> {
        self.inner.latest.status_changed(seen).await
    }

    /// Proofs of work wanted now, the one being worked on first.
    pub fn proofs(&self) -> Vec<ProofProgress> {
        self.inner.bench.upgrade().map_or_else(Vec::new, |bench| bench.progress())
    }

    /// What the engine does from now on, for a timeline.
    pub fn activity(&self) -> ActivityFeed {
        self.inner.audience.feed()
    }

    pub(crate) async fn command(&self, command: Command) -> Result<Answer, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Command(command, reply), answer).await
    }

    async fn step(&self, step: Step) -> Result<Answer, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Step(step, reply), answer).await
    }

    async fn order(
        &self,
        order: Order,
        answer: oneshot::Receiver<Result<Answer, EngineError>>,
    ) -> Result<Answer, EngineError> {
        // The writer that ended without an answer has left word why.
        self.inner.orders.send(order).map_err(|_| self.inner.latest.ended())?;
        answer.await.map_err(|_| self.inner.latest.ended())?
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The core has answered another question than it was asked.
pub(crate) fn unexpected(answer: &Answer) -> EngineError {
    log::error!("unexpected answer of the core: {}", kind(answer));
    EngineError::Crashed
}

fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Done => "done",
        Answer::Account(_) => "account",
        Answer::Queued { .. } => "queued",
        Answer::Invite(_) => "invite",
        Answer::Woke(_) => "woke",
    }
}
