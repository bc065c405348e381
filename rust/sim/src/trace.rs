//! The decision trace: what every core was told and what it decided, as one digest.
//!
//! No ciphertext gets in: a hash derived from one appears as the ordinal of its first appearance, a node
//! as its number in the network. Two runs of one seed have equal digests, or something in the core
//! depends on what it must not depend on.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha256};
use starling_core::{Command, Effect, Input, Outcome, Purpose, Request, Route};
use starling_protocol::NodeKey;
use starling_protocol::rpc;

/// Virtual time for people: day, hours, minutes, seconds, milliseconds.
pub struct Moment(pub u64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ms) = self;
        let (seconds, minutes, hours) = (ms / 1_000, ms / 60_000, ms / 3_600_000);
        write!(
            f,
            "d{:02} {:02}:{:02}:{:02}.{:03}",
            hours / 24,
            hours % 24,
            minutes % 60,
            seconds % 60,
            ms % 1_000
        )
    }
}

/// Where readable lines go.
pub type Printer = Box<dyn FnMut(&str) + Send>;

/// The running digest, and the readable lines if somebody wants them.
pub(crate) struct Trace {
    digest: Sha256,
    line: String,
    printer: Option<Printer>,
    nodes: BTreeMap<NodeKey, usize>,
    hashes: BTreeMap<String, usize>,
}

impl Trace {
    pub(crate) fn new(printer: Option<Printer>) -> Self {
        let (nodes, hashes) = (BTreeMap::new(), BTreeMap::new());
        Self { digest: Sha256::new(), line: String::new(), printer, nodes, hashes }
    }

    /// Whether lines that are no decisions (faults, hops) are worth formatting.
    pub(crate) fn is_printed(&self) -> bool {
        self.printer.is_some()
    }

    pub(crate) fn name_node(&mut self, key: NodeKey, number: usize) {
        self.nodes.insert(key, number);
    }

    /// One step of one core.
    pub(crate) fn step(&mut self, at: u64, device: usize, input: &str, effects: &[Effect]) {
        self.line.clear();
        self.line.push_str(&format!("{} device {device}: {input}", Moment(at)));
        for effect in effects {
            let effect = self.effect(effect);
            self.line.push_str("\n    -> ");
            self.line.push_str(&effect);
        }
        self.flush();
    }

    /// Something of the world around the cores: part of the digest, because it is part of the run.
    pub(crate) fn note(&mut self, at: u64, what: &str) {
        self.line.clear();
        self.line.push_str(&format!("{} {what}", Moment(at)));
        self.flush();
    }

    /// Something only a reader wants to know.
    pub(crate) fn remark(&mut self, at: u64, what: impl fmt::Display) {
        if let Some(print) = &mut self.printer {
            print(&format!("{}     {what}", Moment(at)));
        }
    }

    pub(crate) fn digest(&self) -> String {
        let digest: [u8; 32] = self.digest.clone().finalize().into();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn flush(&mut self) {
        self.line.push('\n');
        self.digest.update(self.line.as_bytes());
        if let Some(print) = &mut self.printer {
            print(self.line.trim_end());
        }
    }

    fn ordinal(&mut self, hash: &str) -> usize {
        if let Some(known) = self.hashes.get(hash) {
            return *known;
        }
        let next = self.hashes.len() + 1;
        self.hashes.insert(hash.to_owned(), next);
        next
    }

    fn node(&self, key: &NodeKey) -> String {
        self.nodes.get(key).map_or_else(|| "node ?".to_owned(), |number| format!("node {number}"))
    }

    fn effect(&mut self, effect: &Effect) -> String {
        match effect {
            Effect::Request(request) => self.request(request),
            Effect::Prove { id, message, puzzle } => {
                format!("prove #{} message {} difficulty {}", id.0, message.0, puzzle.difficulty())
            }
            Effect::CancelProof(id) => format!("cancel proof #{}", id.0),
            Effect::Unseal { id, sealed, .. } => format!("unseal #{} {} messages", id.0, sealed.len()),
            Effect::Answer { id, result } => format!("answer {} {result:?}", id.0),
            Effect::EventsReady => "events ready".to_owned(),
        }
    }

    fn request(&mut self, request: &Request) -> String {
        let purpose = match &request.purpose {
            Purpose::Bootstrap => "bootstrap".to_owned(),
            Purpose::Directory => "directory".to_owned(),
            Purpose::Clock => "clock".to_owned(),
            Purpose::SwarmCheck(conversation) => format!("swarm of conversation {}", conversation.0),
            Purpose::Store(message) => format!("store message {}", message.0),
            Purpose::Retrieve(_) => "retrieve".to_owned(),
            Purpose::Probe => "probe".to_owned(),
        };
        let way = match &request.route {
            Route::Seed(url) => url.clone(),
            Route::Direct(node) => format!("direct {}", self.node(&node.key)),
            Route::Onion { relays, destination } => {
                let relays: Vec<_> = relays.iter().map(|relay| self.node(&relay.key)).collect();
                format!("{} => {}", relays.join(", "), self.node(&destination.key))
            }
        };
        let body = self.body(&request.body);
        format!("request #{} {purpose} ({body}) {way} within {} ms", request.id.0, request.timeout_ms)
    }

    fn body(&mut self, body: &rpc::Request) -> String {
        match body {
            rpc::Request::Store(store) => format!("timestamp {}", store.timestamp),
            rpc::Request::Retrieve(retrieve) => match &retrieve.last_hash {
                Some(hash) => format!("after hash {}", self.ordinal(hash)),
                None => "from the start".to_owned(),
            },
            other => other.method().to_owned(),
        }
    }
}

/// An input in a trace's words.
pub(crate) fn summary(input: &Input) -> String {
    match input {
        Input::Command { id, command } => format!("command {} {}", id.0, command_name(command)),
        Input::Reply { id, outcome, .. } => format!("reply #{} {}", id.0, outcome_name(outcome)),
        Input::Proved { id, nonce } => {
            format!("proof #{} {}", id.0, if nonce.is_some() { "found" } else { "cancelled" })
        }
        Input::Unsealed { id, results } => {
            let opened = results.iter().filter(|result| result.is_ok()).count();
            format!("unsealed #{} {opened} of {}", id.0, results.len())
        }
        Input::Tick => "tick".to_owned(),
    }
}

fn command_name(command: &Command) -> String {
    match command {
        Command::CreateAccount(_) => "create account".to_owned(),
        Command::Send { body, .. } => format!("send {} bytes", body.len()),
        Command::Request { introduction, .. } => format!("request with {} bytes", introduction.len()),
        Command::Decide { decision, .. } => format!("{decision:?}").to_lowercase(),
        Command::LowerFloor(_) => "lower the floor".to_owned(),
        Command::Invite => "invite".to_owned(),
        Command::SetName(name) => format!("name of {} bytes", name.len()),
        Command::SetKnownContactsOnly(only) => format!("known contacts only: {only}"),
        Command::Retry(message) => format!("retry message {}", message.0),
        Command::GiveUp(message) => format!("give up message {}", message.0),
        Command::AckEvents(through) => format!("acknowledge events through {}", through.0),
        Command::Start => "start".to_owned(),
        Command::Suspend { grace_ms } => format!("suspend within {grace_ms} ms"),
        Command::Resume => "resume".to_owned(),
        Command::Shutdown => "shut down".to_owned(),
        Command::Wake { deadline_boot_ms } => format!("wake until boot {deadline_boot_ms}"),
        Command::NetworkChanged => "network changed".to_owned(),
    }
}

fn outcome_name(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Reply { status, .. } => format!("status {status}"),
        Outcome::PathError { status, text } => {
            let text = text.split(':').next().unwrap_or_default();
            format!("path error {status} {text}")
        }
        Outcome::Unreachable => "unreachable".to_owned(),
        Outcome::TimedOut => "timed out".to_owned(),
        Outcome::Garbled => "garbled".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_ordinals() {
        let mut trace = Trace::new(None);
        assert_eq!([trace.ordinal("x"), trace.ordinal("y"), trace.ordinal("x")], [1, 2, 1]);
    }

    #[test]
    fn the_digest_is_of_the_whole_trace() {
        let mut one = Trace::new(None);
        one.note(1, "a");
        one.note(2, "b");
        let mut two = Trace::new(None);
        two.note(1, "a");
        assert_ne!(one.digest(), two.digest());
        two.note(2, "b");
        assert_eq!(one.digest(), two.digest());
    }
}
