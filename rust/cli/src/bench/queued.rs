//! 500 messages that wait for a device which has many already, and 500 that wait on it: one wake each, without a
//! ratchet and with one.

use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use starling_engine::EngineError;
use starling_protocol::{AccountId, AccountKeys, Placement, Seed, Text, envelope, session};
use starling_store::{ContactList, Relation};

use super::archive::{self, Archive};
use super::figure::{Figure, Target};
use super::memory::Memory;
use super::wake::{Cost, Device, failed, runtime};
use crate::failure::Failure;

const QUEUED: u64 = 500;
/// Wakes in which a request must have become a friendship.
const MOST_WAKES: usize = 8;

/// What the two wakes cost.
struct Wakes {
    received: Cost,
    received_mb: f64,
    sent: Cost,
    sent_mb: f64,
}

/// Both kinds of conversation, on the archive; `beside` is for the other end's store.
pub(super) fn figures(archive: &Archive, beside: &Path) -> Result<Vec<Figure>, Failure> {
    let mut figures = session_protocol(archive)?.figures("Session protocol");
    figures.extend(ratchet(archive, beside)?.figures("ratchet"));
    Ok(figures)
}

/// With a friend of today's Session network.
fn session_protocol(archive: &Archive) -> Result<Wakes, Failure> {
    let (options, _) = archive.ready()?;
    let (_, keys) = archive::owner()?;
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let peer = AccountKeys::from_seed(&Seed::generate(&mut rng));
    archive::befriend(&options, &peer.account_id())?;
    let device = Device::open(&options.directory).map_err(failed)?;
    runtime()?.block_on(async move {
        device.wake().await.map_err(failed)?;
        for number in 1..=QUEUED {
            let data = sealed(number, device.nodes.unix_ms(), &peer, &keys.account_id(), &mut rng)?;
            device.nodes.deposit(keys.account_id(), &data);
        }
        let wakes = both(&device, peer.account_id()).await;
        device.engine.shutdown().await.map_err(failed)?;
        wakes.map_err(failed)
    })
}

/// With a friend who has a ratchet: another engine, asleep while this one is measured.
fn ratchet(archive: &Archive, beside: &Path) -> Result<Wakes, Failure> {
    let (options, _) = archive.ready()?;
    let (_, keys) = archive::owner()?;
    let owner = keys.account_id();
    let device = Device::open(&options.directory).map_err(failed)?;
    let friend = device.beside(beside).map_err(failed)?;
    let seed = Seed::generate(&mut ChaCha20Rng::seed_from_u64(9));
    runtime()?.block_on(async move {
        let peer = friend.engine.create_account(seed).await.map_err(failed)?;
        befriend(&device, &friend, owner, peer).await?;
        queue(&friend, owner).await.map_err(failed)?;
        friend.wake().await.map_err(failed)?;
        let wakes = both(&device, peer).await;
        friend.engine.shutdown().await.map_err(failed)?;
        device.engine.shutdown().await.map_err(failed)?;
        wakes.map_err(failed)
    })
}

/// By a request, an accept, and the answer to it.
async fn befriend(
    device: &Device,
    friend: &Device,
    owner: AccountId,
    peer: AccountId,
) -> Result<(), Failure> {
    friend.engine.request_friend(owner, "hello".to_owned()).await.map_err(failed)?;
    for _ in 0..MOST_WAKES {
        friend.wake().await.map_err(failed)?;
        device.wake().await.map_err(failed)?;
        let asked = device.engine.contacts(ContactList::Incoming, None, 1).await.map_err(failed)?;
        if asked.iter().any(|contact| contact.peer == peer) {
            device.engine.accept(peer).await.map_err(failed)?;
            device.wake().await.map_err(failed)?;
        }
        if is_friend(device, peer).await.map_err(failed)? && is_friend(friend, owner).await.map_err(failed)? {
            return Ok(());
        }
    }
    Err(Failure::Other("a request did not become a friendship".to_owned()))
}

async fn is_friend(device: &Device, peer: AccountId) -> Result<bool, EngineError> {
    let contact = device.engine.contact(peer).await?;
    Ok(contact.is_some_and(|contact| contact.relation == Relation::Friend))
}

async fn queue(device: &Device, peer: AccountId) -> Result<(), EngineError> {
    for number in 1..=QUEUED {
        device.engine.send(peer, text(number)).await?;
    }
    Ok(())
}

/// A wake that receives what waits in the swarm, then one that sends as much.
async fn both(device: &Device, peer: AccountId) -> Result<Wakes, EngineError> {
    let memory = Memory::watch();
    let received = device.wake().await?;
    let received_mb = memory.grown_mb();
    queue(device, peer).await?;
    let memory = Memory::watch();
    let sent = device.wake().await?;
    Ok(Wakes { received, received_mb, sent, sent_mb: memory.grown_mb() })
}

impl Wakes {
    fn figures(&self, kind: &str) -> Vec<Figure> {
        let all = Target::AtLeast(QUEUED as f64);
        let (cpu, memory) = (Target::AtMost(1.0), Target::AtMost(12.0));
        let figure = |way: &str, what: &str, value: f64, unit: &'static str| {
            Figure::new(format!("500 {way}, {kind}, one wake: {what}"), value, unit)
        };
        let (waiting, outbox) = ("waiting in the swarm", "in the outbox");
        let (received, sent) = (&self.received, &self.sent);
        vec![
            figure(waiting, "messages", received.report.new_messages as f64, "").with_target(all),
            figure(waiting, "CPU", received.cpu_ms / 1e3, "s").with_target(cpu),
            figure(waiting, "memory", self.received_mb, "MB more").with_target(memory),
            figure(waiting, "requests", received.requests as f64, ""),
            figure(outbox, "stored", sent.report.messages_stored as f64, "").with_target(all),
            figure(outbox, "CPU", sent.cpu_ms / 1e3, "s").with_target(cpu),
            figure(outbox, "memory", self.sent_mb, "MB more").with_target(memory),
            figure(outbox, "requests", sent.requests as f64, ""),
        ]
    }
}

fn text(number: u64) -> String {
    format!("message {number} of many that have been waiting for somebody to wake up")
}

fn sealed(
    number: u64,
    now_ms: u64,
    from: &AccountKeys,
    to: &AccountId,
    rng: &mut ChaCha20Rng,
) -> Result<String, Failure> {
    let message_id = u128::from(number).to_be_bytes();
    let placement = Placement { message_id, stream: 1, seq: number, clock: number, base: 1 };
    let text = Text { body: text(number), sent_ms: now_ms, placement: Some(placement) };
    let content = session::seal(&text.encode(), from, to, rng);
    let content = content.map_err(|error| Failure::other("sealing a message", error))?;
    Ok(envelope::wrap(content, now_ms))
}
