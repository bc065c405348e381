//! Waiting for the other members of the swarm (network-protocol sections 4.6, 14).
//!
//! A recursive request is answered when every member has answered or 5 s have passed; who was
//! silent is listed as failed. The subrequests of one batch travel together, those of a sequence
//! one after another.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use starling_protocol::NodeKey;
use starling_protocol::rpc::Request;
use starling_protocol::rpc::reply::{Batch, Deleted, Expired, Stored, SubReply};

use crate::peer::{Answer, Command, Kind};
use crate::requests::Begun;
use crate::{Forward, Handled, Lie, Node, PeerMessage, PeerReply, Reply, looseness};

/// How long a node waits for the other members, ms.
pub const GATHER_TIMEOUT_MS: u64 = 5_000;

/// Names one waiting request of one node; never used twice by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(u64);

/// One waiting request.
pub(crate) struct Gather {
    plan: Plan,
    commands: Arc<[Command]>,
    /// By command: the entries of the members that answered, this node first.
    answers: Vec<Vec<Answer>>,
    waiting: BTreeSet<NodeKey>,
    /// Members that did not answer.
    silent: BTreeSet<NodeKey>,
}

/// What is made of the commands' results.
pub(crate) enum Plan {
    Single,
    Batch(Vec<Slot>),
    Sequence { done: Vec<SubReply>, rest: VecDeque<Request> },
}

/// One result of a batch: known, or that of the next command.
pub(crate) enum Slot {
    Ready(Reply),
    Command,
}

impl Node {
    /// Every subrequest, whatever becomes of the others.
    pub(crate) fn batch(&mut self, requests: Vec<Request>, now_ms: u64) -> Handled {
        let (mut slots, mut commands) = (Vec::new(), Vec::new());
        for request in requests {
            slots.push(match self.begin(request, now_ms) {
                Begun::Reply(reply) => Slot::Ready(reply),
                Begun::Command(command) => {
                    commands.push(command);
                    Slot::Command
                }
            });
        }
        self.gather(Plan::Batch(slots), commands, now_ms)
    }

    /// Subrequests in order, up to the first that fails.
    pub(crate) fn sequence(
        &mut self,
        mut done: Vec<SubReply>,
        mut rest: VecDeque<Request>,
        now_ms: u64,
    ) -> Handled {
        while let Some(request) = rest.pop_front() {
            match self.begin(request, now_ms) {
                Begun::Reply(reply) => {
                    let success = reply.is_success();
                    done.push(sub_reply(reply));
                    if !success {
                        break;
                    }
                }
                Begun::Command(command) => {
                    return self.gather(Plan::Sequence { done, rest }, vec![command], now_ms);
                }
            }
        }
        Handled::Reply(Reply::json(200, Batch { results: done }.to_json()))
    }

    /// Carries out the commands here and asks the other members to do the same.
    pub(crate) fn gather(&mut self, plan: Plan, commands: Vec<Command>, now_ms: u64) -> Handled {
        let answers = commands.iter().map(|command| vec![self.execute(command, now_ms)]).collect();
        let commands: Arc<[Command]> = commands.into();
        let mut gather =
            Gather { plan, commands, answers, waiting: BTreeSet::new(), silent: BTreeSet::new() };
        if gather.commands.is_empty() || !self.policy.replication || self.policy.lie.is_some() {
            if self.policy.lie == Some(Lie::ForgeReceipts) {
                for (answers, command) in gather.answers.iter_mut().zip(gather.commands.iter()) {
                    answers.extend(self.forged(command));
                }
            }
            return self.conclude(gather, now_ms);
        }
        gather.waiting = self.peers().collect();
        if gather.waiting.is_empty() {
            return self.conclude(gather, now_ms);
        }
        let message = PeerMessage(Kind::Commands(gather.commands.clone()));
        let forwards =
            gather.waiting.iter().map(|to| Forward { to: *to, message: message.clone() }).collect();
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.gathers.insert(ticket, gather);
        Handled::Gather { ticket, forwards }
    }

    /// A member answered, or could not be reached (`None`). Gives the result with the last of them:
    /// the answer, or for a sequence perhaps the next gathering.
    pub fn peer_answered(
        &mut self,
        ticket: Ticket,
        peer: NodeKey,
        answer: Option<PeerReply>,
        now_ms: u64,
    ) -> Option<Handled> {
        let gather = self.gathers.get_mut(&ticket)?;
        if !gather.waiting.remove(&peer) {
            return None;
        }
        gather.add(peer, answer);
        if !gather.waiting.is_empty() {
            return None;
        }
        let gather = self.gathers.remove(&ticket)?;
        Some(self.conclude(gather, now_ms))
    }

    /// [`GATHER_TIMEOUT_MS`] have passed: whoever has not answered failed. `None` if the request was
    /// answered before.
    pub fn gather_timeout(&mut self, ticket: Ticket, now_ms: u64) -> Option<Handled> {
        let mut gather = self.gathers.remove(&ticket)?;
        for peer in std::mem::take(&mut gather.waiting) {
            gather.add(peer, None);
        }
        Some(self.conclude(gather, now_ms))
    }

    fn conclude(&mut self, gather: Gather, now_ms: u64) -> Handled {
        let Gather { plan, commands, answers, silent, .. } = gather;
        let results = commands.iter().zip(answers).map(|(command, answers)| {
            let reply = self.result(command, answers, now_ms);
            Reply { body: looseness::written_loosely(&reply.body, &self.key, &silent), ..reply }
        });
        let mut results: VecDeque<Reply> = results.collect();
        match plan {
            Plan::Single => Handled::Reply(
                results.pop_front().unwrap_or_else(|| Reply::text(500, "Internal Server Error")),
            ),
            Plan::Batch(slots) => {
                let reply = |slot| match slot {
                    Slot::Ready(reply) => Some(reply),
                    Slot::Command => results.pop_front(),
                };
                let results = slots.into_iter().filter_map(reply).map(sub_reply).collect();
                Handled::Reply(Reply::json(200, Batch { results }.to_json()))
            }
            Plan::Sequence { mut done, mut rest } => {
                for reply in results {
                    if !reply.is_success() {
                        rest.clear();
                    }
                    done.push(sub_reply(reply));
                }
                self.sequence(done, rest, now_ms)
            }
        }
    }

    /// The answer to one command: 200 if at least one member did it; to `store` always, where only
    /// the missing hash tells that this node did not.
    fn result(&self, command: &Command, answers: Vec<Answer>, now_ms: u64) -> Reply {
        let t = Some(self.local(now_ms));
        let (mut stored, mut deleted, mut expired) = (
            Stored { t, ..Stored::default() },
            Deleted { t, ..Deleted::default() },
            Expired { t, ..Expired::default() },
        );
        for answer in answers {
            match answer {
                Answer::Stored(receipt) => stored.members.push(receipt),
                Answer::Deleted(deletion) => deleted.members.push(deletion),
                Answer::Expired(change) => expired.members.push(change),
            }
        }
        let (done, body) = match command {
            Command::Store(_) => {
                // The top-level hash is this node's own, and missing if it could not store.
                stored.hash = stored
                    .members
                    .first()
                    .filter(|own| own.node == self.key)
                    .and_then(|own| own.hash.clone());
                stored.difficulty = self.policy.difficulty;
                (true, stored.to_json())
            }
            Command::Delete(delete) => {
                if delete.required && deleted.members.iter().all(|member| member.deleted.is_empty()) {
                    return Reply::json(404, deleted.to_json());
                }
                (deleted.members.iter().any(|member| !member.failed), deleted.to_json())
            }
            Command::Expire(_) => (expired.members.iter().any(|member| !member.failed), expired.to_json()),
        };
        Reply::json(if done { 200 } else { 500 }, body)
    }
}

impl Gather {
    /// Adds a member's entries, one per command; an answer of another length or about another kind
    /// of command is none.
    fn add(&mut self, peer: NodeKey, answer: Option<PeerReply>) {
        let timeout = answer.is_none();
        if timeout {
            self.silent.insert(peer);
        }
        let mut entries = answer.map(|reply| reply.0).filter(|entries| entries.len() == self.commands.len());
        for (index, (answers, command)) in self.answers.iter_mut().zip(self.commands.iter()).enumerate() {
            let entry =
                entries.as_mut().and_then(|entries| entries.get_mut(index)).filter(|e| e.fits(peer, command));
            answers.push(entry.map_or_else(|| command.failed(peer, timeout), |entry| entry.clone()));
        }
    }
}

impl Answer {
    /// Whether it is `peer`'s answer to this kind of command.
    fn fits(&self, peer: NodeKey, command: &Command) -> bool {
        match (self, command) {
            (Answer::Stored(entry), Command::Store(_)) => entry.node == peer,
            (Answer::Deleted(entry), Command::Delete(_)) => entry.node == peer,
            (Answer::Expired(entry), Command::Expire(_)) => entry.node == peer,
            _ => false,
        }
    }
}

fn sub_reply(reply: Reply) -> SubReply {
    SubReply { status: reply.status, body: reply.body }
}
