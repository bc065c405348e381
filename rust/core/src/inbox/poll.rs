//! Polling our swarm: three distinct replicas, drawn without replacement until the swarm is covered,
//! read in parallel, merged, committed at once (extensions section 2).
//!
//! A poll reads one page of each replica, commits what came, and goes on with the replicas that
//! have more. It never waits long for a slow replica: once one has answered, the others get
//! [`LINGER_MS`]; what comes later joins the next commit. One batch is opened and committed at a
//! time, so a cursor can never overtake the messages before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use starling_protocol::rpc::reply::Retrieved;
use starling_protocol::rpc::{Request as Call, Retrieve};
use starling_protocol::sealed::Opened;
use starling_protocol::{AccountKeys, NodeKey};
use starling_store::StoreError;

use super::read::take_page;
use super::withheld::Debts;
use super::{Batch, Gaps, Parking, commit, sweep};
use crate::chance::{below, draw};
use crate::effect::{Effect, Purpose};
use crate::input::{EffectId, Now};
use crate::network::{Delivery, Network};
use crate::outbox::seal::NAMESPACE;
use crate::step::Step;
use crate::unseal::Unsealable;

/// How long an answer waits for the other replicas: 1.5 seconds.
const LINGER_MS: u64 = 1_500;
/// How long a signed request is used: half the 60 seconds that nodes tolerate.
const SIGNATURE_LIFE_MS: u64 = 30_000;
/// Pages read from one replica in one poll.
const MOST_PAGES: u32 = 64;
/// Strikes for what an honest node never does.
const GRAVE: u32 = 3;

/// One poll under way.
#[derive(Default)]
struct Poll {
    asked: BTreeMap<EffectId, (NodeKey, Option<String>)>,
    /// Replicas with more pages, asked on after the next commit.
    more: BTreeSet<NodeKey>,
    /// Members to ask instead of those that fail.
    spare: Vec<NodeKey>,
    pages: BTreeMap<NodeKey, u32>,
    /// The signed request of this poll; replicas differ only in their cursor, which is not signed.
    signed: Option<Retrieve>,
    handed_out: BTreeMap<NodeKey, BTreeSet<String>>,
    new: BTreeSet<String>,
    linger_until: Option<u64>,
    /// A gap opened: poll again at once.
    again: bool,
}

/// The polling of our own swarm. Volatile: cursors are in the store.
#[derive(Default)]
pub(crate) struct Poller {
    /// Members read since the swarm was last covered.
    drawn: BTreeSet<NodeKey>,
    poll: Option<Poll>,
    /// What came and is not being opened yet.
    batch: Batch,
    unsealing: Option<(EffectId, Batch)>,
    debts: Debts,
    parking: Parking,
    next_at: u64,
    interval_ms: u64,
    /// Counters for wake reports: polls ended, replicas read, messages shown.
    polls: u64,
    replicas_read: u64,
    shown: u64,
}

impl Poller {
    pub(crate) fn polls(&self) -> u64 {
        self.polls
    }

    pub(crate) fn replicas_read(&self) -> u64 {
        self.replicas_read
    }

    pub(crate) fn shown(&self) -> u64 {
        self.shown
    }

    pub(crate) fn count_shown(&mut self, shown: u64) {
        self.shown += shown;
    }

    pub(crate) fn busy(&self) -> bool {
        self.poll.is_some() || self.unsealing.is_some()
    }

    /// Whether the last poll asked for another one at once.
    pub(crate) fn wants_another(&self, now: Now) -> bool {
        self.next_at <= now.boot_ms
    }

    /// Something happens in our conversations: poll soon and often again.
    pub(crate) fn liven(&mut self, now: Now, config_min_ms: u64) {
        self.interval_ms = config_min_ms;
        self.next_at = self.next_at.min(now.boot_ms.saturating_add(config_min_ms));
    }

    /// Poll as soon as possible.
    pub(crate) fn hasten(&mut self) {
        self.next_at = 0;
    }

    /// Drops what is under way; nothing of it was committed, so it will be read again.
    pub(crate) fn stop(&mut self) {
        self.poll = None;
        self.batch = Batch::default();
        self.unsealing = None;
    }

    /// Boot time of the next thing to do by itself; polls begin only when `polling`.
    pub(crate) fn next_timer(&self, polling: bool) -> Option<u64> {
        match &self.poll {
            Some(poll) => poll.linger_until.filter(|_| self.unsealing.is_none() && !self.batch.is_empty()),
            None => polling.then_some(self.next_at),
        }
    }

    /// Begins a poll if one is due and ends what has waited long enough.
    pub(crate) fn pump(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        gaps: &mut Gaps,
        keys: &Arc<AccountKeys>,
    ) -> Result<(), StoreError> {
        if network.settled(step.now) && self.next_at <= step.now.boot_ms && !self.busy() {
            self.begin(step, network, keys)?;
        }
        self.proceed(step, network, gaps, keys)
    }

    fn begin(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        keys: &AccountKeys,
    ) -> Result<(), StoreError> {
        let members = network.swarm_of(&keys.account_id());
        let mut chosen = self.draw_members(step, network, &members);
        let wanted = network.config().replicas.min(chosen.len());
        let mut poll = Poll { spare: chosen.split_off(wanted), ..Poll::default() };
        for node in chosen {
            self.ask(step, network, keys, &mut poll, node)?;
        }
        self.schedule(step, network);
        if !poll.asked.is_empty() {
            self.poll = Some(poll);
        }
        Ok(())
    }

    /// All members in the order in which to ask: those not yet read in this turn first, then the
    /// rest; among them those that withheld least first.
    fn draw_members(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        members: &[NodeKey],
    ) -> Vec<NodeKey> {
        let standing = network.standing();
        let covered = |node: &NodeKey| self.drawn.contains(node) || standing.barred(node, step.now);
        if members.iter().all(covered) {
            self.drawn.clear();
        }
        let mut order = draw(members, usize::MAX, step.rng);
        order.sort_by_key(|node| {
            (standing.barred(node, step.now), self.drawn.contains(node), standing.withholding(node))
        });
        order
    }

    fn ask(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        keys: &AccountKeys,
        poll: &mut Poll,
        node: NodeKey,
    ) -> Result<(), StoreError> {
        let cursor = step.tx.cursor(&node, NAMESPACE)?;
        let timestamp = network.time_guess_ms(step.now);
        let fresh = |call: &Retrieve| timestamp.abs_diff(call.timestamp) < SIGNATURE_LIFE_MS;
        let signed = poll.signed.take().filter(fresh).unwrap_or_else(|| {
            let size = Some(network.config().page_bytes);
            Retrieve::signed(keys, NAMESPACE, None, None, size, timestamp)
        });
        let call = Retrieve { last_hash: cursor.clone(), ..signed.clone() };
        poll.signed = Some(signed);
        if let Some(id) = network.ask(step, Purpose::Retrieve(node), &node, Call::Retrieve(call)) {
            poll.asked.insert(id, (node, cursor));
        }
        Ok(())
    }

    /// The next poll comes later the longer nothing happens, jittered, within the configured bounds.
    fn schedule(&mut self, step: &mut Step<'_, '_>, network: &Network) {
        let config = network.config();
        let longest = config.poll_max_ms.max(config.poll_min_ms);
        let interval = self.interval_ms.clamp(config.poll_min_ms, longest);
        let jitter = below(step.rng, interval / 4 + 1);
        self.next_at = step.now.boot_ms.saturating_add(interval).saturating_add(jitter);
        self.interval_ms = interval.saturating_mul(8) / 5;
    }

    /// Takes one replica's answer.
    pub(crate) fn retrieved(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        keys: &AccountKeys,
        delivery: Delivery,
    ) -> Result<(), StoreError> {
        let Some(mut poll) = self.poll.take() else { return Ok(()) };
        if let Some((node, cursor)) = poll.asked.remove(&delivery.id) {
            let read = self.read(step, network, keys, &mut poll, &delivery, cursor.as_deref())?;
            if !read && let Some(instead) = poll.spare.pop() {
                self.ask(step, network, keys, &mut poll, instead)?;
            }
            if read {
                self.drawn.insert(node);
                poll.linger_until.get_or_insert(step.now.boot_ms.saturating_add(LINGER_MS));
            }
        }
        self.poll = Some(poll);
        Ok(())
    }

    fn read(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        keys: &AccountKeys,
        poll: &mut Poll,
        delivery: &Delivery,
        cursor: Option<&str>,
    ) -> Result<bool, StoreError> {
        let node = delivery.node;
        let page = match &delivery.answer {
            Some((200, body)) => Retrieved::parse(body).ok(),
            Some((406, _)) => {
                network.doubt_time();
                return Ok(false);
            }
            // Not our swarm, or (503) in no swarm at all.
            Some((421 | 503, _)) => {
                network.doubt_directory();
                return Ok(false);
            }
            Some(_) => None,
            // Blamed on the right hop already.
            None => return Ok(false),
        };
        let Some(page) = page else {
            network.standing().strike(node, 1, step.now);
            return Ok(false);
        };
        network.note_time(step, delivery, page.t)?;
        let taken = take_page(&mut self.batch, &keys.account_id(), node, cursor, page);
        if taken.lying {
            network.standing().strike(node, GRAVE, step.now);
        }
        poll.handed_out.entry(node).or_default().extend(taken.hashes);
        let pages = poll.pages.entry(node).or_default();
        *pages += 1;
        if taken.more && *pages < MOST_PAGES {
            poll.more.insert(node);
        } else {
            self.replicas_read += 1;
        }
        Ok(true)
    }

    /// Commits or opens what came, asks on, and ends the poll when all is read.
    fn proceed(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        gaps: &mut Gaps,
        keys: &Arc<AccountKeys>,
    ) -> Result<(), StoreError> {
        while self.unsealing.is_none() && self.ripe(step.now) {
            let batch = std::mem::take(&mut self.batch);
            let mut fresh = Vec::new();
            for hash in &batch.order {
                if !step.tx.hash_known(hash)? {
                    fresh.push(hash.clone());
                }
            }
            if fresh.is_empty() {
                self.commit(step, network, gaps, keys, batch, Vec::new())?;
                continue;
            }
            let sealed = fresh.iter().filter_map(|hash| batch.messages.get(hash).cloned()).collect();
            let id = network.issue_id();
            step.effects.push(Effect::Unseal { id, keys: Arc::clone(keys), sealed });
            self.unsealing = Some((id, Batch { order: fresh, ..batch }));
        }
        self.end_if_done(step, network);
        Ok(())
    }

    /// Whether what came is to be committed now.
    fn ripe(&self, now: Now) -> bool {
        let Some(poll) = &self.poll else { return false };
        let waited = poll.linger_until.is_some_and(|until| until <= now.boot_ms);
        !self.batch.is_empty() && (poll.asked.is_empty() || waited)
    }

    /// The messages were opened: commit them.
    pub(crate) fn unsealed(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        gaps: &mut Gaps,
        keys: &Arc<AccountKeys>,
        id: EffectId,
        results: Vec<Result<Opened, Unsealable>>,
    ) -> Result<(), StoreError> {
        let Some((_, batch)) = self.unsealing.take_if(|(expected, _)| *expected == id) else { return Ok(()) };
        if results.len() != batch.order.len() {
            // A driver that lost results must not make us skip messages: read them again.
            self.stop();
            return Ok(());
        }
        let opened = batch.order.iter().cloned().zip(results).collect();
        self.commit(step, network, gaps, keys, batch, opened)
    }

    fn commit(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        gaps: &mut Gaps,
        keys: &AccountKeys,
        batch: Batch,
        opened: Vec<(String, Result<Opened, Unsealable>)>,
    ) -> Result<(), StoreError> {
        let new: Vec<String> = opened.iter().map(|(hash, _)| hash.clone()).collect();
        // Gaps that were open before this batch have now seen its replicas.
        gaps.replicas_read(&batch.replicas);
        let committed = commit(step, network, gaps, &mut self.parking, keys, &batch, opened)?;
        self.shown += committed.shown;
        if !new.is_empty() {
            sweep(step, network)?;
            self.liven(step.now, network.config().poll_min_ms);
        }
        let Some(mut poll) = self.poll.take() else { return Ok(()) };
        poll.linger_until = None;
        poll.new.extend(new);
        poll.again |= committed.gap_opened;
        for node in std::mem::take(&mut poll.more) {
            // A node whose page is still being waited for in a later batch goes on from there.
            self.ask(step, network, keys, &mut poll, node)?;
        }
        self.poll = Some(poll);
        Ok(())
    }

    fn end_if_done(&mut self, step: &mut Step<'_, '_>, network: &mut Network) {
        let done = |poll: &Poll| poll.asked.is_empty() && poll.more.is_empty();
        if self.unsealing.is_some() || !self.batch.is_empty() || !self.poll.as_ref().is_some_and(done) {
            return;
        }
        let Some(poll) = self.poll.take() else { return };
        self.polls += 1;
        for node in self.debts.compare(&poll.handed_out, &poll.new, step.now) {
            network.standing().withheld(node);
        }
        if poll.again {
            self.hasten();
        }
    }

    /// A wake is about to end: what came so far is opened now.
    pub(crate) fn hurry(&mut self, now: Now) {
        if let Some(poll) = &mut self.poll {
            poll.linger_until = Some(now.boot_ms);
        }
    }
}
