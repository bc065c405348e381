//! A round: the same bytes to three distinct members of the recipient's swarm in parallel
//! (message-routing, extensions section 1), and what their answers mean.
//!
//! | the round brought | next |
//! |---|---|
//! | verified receipts of more than half the swarm | stored k of n |
//! | none, but two members ask for more work than the ceiling | failed: too hard |
//! | at most half, and members ask for more work or another time | date and prove anew, once per attempt |
//! | none, and a member disowns the account (421), is in no swarm (503) or gone | a new node list first |
//! | some, after three rounds | stored k of n for the host; pause and try for more, three attempts in all |
//! | anything else | another round; after three, pause and try again |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use starling_protocol::rpc::reply::{Difficulty, Stored};
use starling_protocol::rpc::{Request as Call, Store as StoreCall};
use starling_protocol::{NodeKey, verify_ed25519};
use starling_store::{FailureReason, MessageState, OutboxItem, Stage, StoreError, Verdict, Visit};

use super::{Outbox, announce};
use crate::chance::draw;
use crate::effect::Purpose;
use crate::input::EffectId;
use crate::network::{Delivery, Network, second_highest};
use crate::step::Step;

/// Rounds of one attempt.
const MOST_ROUNDS: i64 = 3;
/// Attempts that a message held by a minority gets: its few receipts may be a liar's.
const MOST_MINORITY_ATTEMPTS: i64 = 2;
/// Strikes for what an honest node never does.
const GRAVE: u32 = 3;

/// The stores of one message under way, and what the members said so far in this attempt.
#[derive(Default)]
pub(super) struct Round {
    waiting: BTreeSet<EffectId>,
    tried: BTreeSet<NodeKey>,
    /// Work each member asked for; 0 where it stored without.
    demands: BTreeMap<NodeKey, u64>,
    misdirected: bool,
    misdated: bool,
}

impl Outbox {
    /// Starts a round for a proven message.
    pub(super) fn store(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        item: OutboxItem,
    ) -> Result<(), StoreError> {
        let Some(conversation) = step.tx.conversation(item.conversation)? else { return Ok(()) };
        if !self.swarm_checked(step, network, &conversation) {
            return Ok(());
        }
        self.next_round(step, network, &item, Round::default())
    }

    fn next_round(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        item: &OutboxItem,
        mut round: Round,
    ) -> Result<(), StoreError> {
        let body = store_call(item);
        for node in self.choose(step, network, item, &round)? {
            let purpose = Purpose::Store(item.message);
            if let Some(id) = network.ask(step, purpose, &node, Call::Store(body.clone())) {
                round.waiting.insert(id);
                round.tried.insert(node);
                self.stores.insert(id, item.message);
            }
        }
        if round.waiting.is_empty() {
            return self.defer(step, network, item);
        }
        step.tx.advance_round(item.message, item.rounds.saturating_add(1))?;
        self.rounds.insert(item.message, round);
        Ok(())
    }

    /// Three members: first those that were not asked yet, then those that gave no receipt.
    fn choose(
        &self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        item: &OutboxItem,
        round: &Round,
    ) -> Result<Vec<NodeKey>, StoreError> {
        let holders = step.tx.receipts(item.message)?;
        let mut members = draw(&network.swarm_of(&item.peer), usize::MAX, step.rng);
        members.sort_by_key(|node| {
            (round.tried.contains(node), network.standing().barred(node, step.now), holders.contains(node))
        });
        members.truncate(network.config().replicas);
        Ok(members)
    }

    /// Takes one member's answer.
    pub(crate) fn store_answered(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        delivery: Delivery,
    ) -> Result<(), StoreError> {
        let Some(row) = self.stores.remove(&delivery.id) else { return Ok(()) };
        if !self.rounds.get(&row).is_some_and(|round| round.waiting.contains(&delivery.id)) {
            return Ok(());
        }
        let item = match step.tx.outbox_item(row)? {
            Some(item) if item.stage == Stage::Proven => item,
            // Acknowledged, given up, or sealed anew meanwhile: these stores are nobody's any more.
            _ => {
                self.rounds.remove(&row);
                self.look_again();
                return Ok(());
            }
        };
        let verdict = self.read_answer(step, network, &item, &delivery)?;
        let (at_ms, node) = (step.now.wall_ms, delivery.node);
        step.tx.record_visit(row, &Visit { at_ms, node, relays: delivery.relays, verdict })?;
        let Some(round) = self.rounds.get_mut(&row) else { return Ok(()) };
        round.waiting.remove(&delivery.id);
        if !round.waiting.is_empty() {
            return Ok(());
        }
        match self.rounds.remove(&row) {
            Some(round) => self.conclude(step, network, item, round),
            None => Ok(()),
        }
    }

    fn read_answer(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        item: &OutboxItem,
        delivery: &Delivery,
    ) -> Result<Verdict, StoreError> {
        let Some(round) = self.rounds.get_mut(&item.message) else { return Ok(Verdict::NoAnswer) };
        round.misdirected |= delivery.list_doubted;
        let Some((status, body)) = &delivery.answer else { return Ok(Verdict::NoAnswer) };
        let verdict = match status {
            200 => match Stored::parse(body) {
                Ok(stored) => {
                    network.note_time(step, delivery, stored.t)?;
                    round.demands.insert(delivery.node, stored.difficulty.unwrap_or(0));
                    let receipts = take_receipts(step, network, item, delivery.node, &stored)?;
                    Verdict::Stored { receipts: count(receipts) }
                }
                Err(_) => Verdict::Unreadable,
            },
            406 => Verdict::WrongTime,
            421 => Verdict::WrongSwarm,
            432 => match Difficulty::parse(body) {
                Ok(Difficulty { difficulty }) => Verdict::NeedsWork { difficulty },
                Err(_) => Verdict::Unreadable,
            },
            status => Verdict::Refused { status: *status },
        };
        let ceiling = network.config().difficulty_ceiling;
        match verdict {
            Verdict::WrongTime => round.misdated = true,
            Verdict::WrongSwarm => round.misdirected = true,
            Verdict::NeedsWork { difficulty } => {
                round.demands.insert(delivery.node, difficulty);
                if difficulty > ceiling {
                    network.standing().strike(delivery.node, GRAVE, step.now);
                }
            }
            Verdict::Refused { status } => {
                // A node in no swarm any more says that it is not ready.
                round.misdirected |= status == 503;
                network.standing().strike(delivery.node, 1, step.now);
            }
            Verdict::Unreadable => network.standing().strike(delivery.node, 1, step.now),
            Verdict::Stored { .. } | Verdict::NoAnswer => {}
        }
        Ok(verdict)
    }

    fn conclude(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        item: OutboxItem,
        round: Round,
    ) -> Result<(), StoreError> {
        let held = step.tx.receipts(item.message)?.len();
        let members = network.swarm_of(&item.peer).len().max(held);
        let ceiling = network.config().difficulty_ceiling;
        let absurd = round.demands.values().filter(|demand| **demand > ceiling).count();
        let demands: Vec<u64> = round.demands.values().copied().filter(|demand| *demand <= ceiling).collect();
        network.learn_difficulty(step, &demands)?;
        let state = MessageState::Stored { k: count(held), n: count(members) };
        let last_attempt = item.rounds >= MOST_ROUNDS && item.attempts >= MOST_MINORITY_ATTEMPTS;
        if held > 0 {
            step.tx.note_stored(item.message, network.time_guess_ms(step.now) as i64)?;
        }
        if held * 2 > members || (held > 0 && last_attempt) {
            return self.finish(step, item.message, state);
        }
        if held == 0 && absurd >= 2 {
            return self.finish(step, item.message, MessageState::Failed(FailureReason::TooHard));
        }
        if held > 0 {
            step.tx.set_message_state(item.message, state)?;
            announce(step, item.message)?;
        }
        if self.worth_redating(step, network, &item, &round, &demands)? {
            return Ok(());
        }
        if round.misdirected {
            network.doubt_directory();
            step.tx.set_swarm_checked(item.conversation, None)?;
        }
        if item.rounds >= MOST_ROUNDS || (round.misdirected && held == 0) {
            return self.defer(step, network, &item);
        }
        self.next_round(step, network, &item, round)
    }

    /// Refused for its date or its lack of work: back to sealed, once per attempt.
    fn worth_redating(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &mut Network,
        item: &OutboxItem,
        round: &Round,
        demands: &[u64],
    ) -> Result<bool, StoreError> {
        let worked = item.difficulty.unsigned_abs();
        let wants_work = second_highest(demands).is_some_and(|demand| demand > worked);
        if round.misdated {
            network.doubt_time();
        }
        if item.recomputed || !(wants_work || round.misdated) {
            return Ok(false);
        }
        self.look_again();
        step.tx.reopen_proof(item.message)?;
        Ok(true)
    }
}

fn store_call(item: &OutboxItem) -> StoreCall {
    let data: Arc<str> = item.data.as_deref().unwrap_or_default().into();
    let timestamp = item.timestamp.unwrap_or(0).unsigned_abs();
    let mut call = StoreCall::public(item.peer, timestamp, item.ttl_ms.unsigned_abs(), data);
    call.nonce.clone_from(&item.nonce);
    call
}

/// Keeps the receipts that hold: our hash, a member of the recipient's swarm, a valid signature. Returns
/// how many are new.
fn take_receipts(
    step: &mut Step<'_, '_>,
    network: &mut Network,
    item: &OutboxItem,
    node: NodeKey,
    stored: &Stored,
) -> Result<usize, StoreError> {
    let Some(hash) = item.hash.as_deref() else { return Ok(0) };
    let members = network.swarm_of(&item.peer);
    let known = step.tx.receipts(item.message)?;
    let mut fresh: Vec<NodeKey> = Vec::new();
    for receipt in stored.members.iter().filter(|receipt| !receipt.failed) {
        if !members.contains(&receipt.node) || known.contains(&receipt.node) {
            continue;
        }
        let named = receipt.hash.as_deref().unwrap_or(hash);
        let signed = |text: &str| {
            let check = |signature: [u8; 64]| verify_ed25519(&receipt.node.0, text.as_bytes(), &signature);
            receipt.signature.is_some_and(check)
        };
        match (named == hash, signed(named)) {
            (true, true) => fresh.push(receipt.node),
            // The member itself swears to another hash; without its signature the answering node made it up.
            (false, true) => network.standing().strike(receipt.node, GRAVE, step.now),
            (_, false) => network.standing().strike(node, 1, step.now),
        }
    }
    if stored.hash.as_deref().is_some_and(|named| named != hash) {
        network.standing().strike(node, GRAVE, step.now);
    }
    step.tx.record_receipts(item.message, &fresh)?;
    Ok(fresh.len())
}

fn count(members: usize) -> u32 {
    u32::try_from(members).unwrap_or(u32::MAX)
}
