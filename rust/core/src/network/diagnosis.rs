//! Blaming a failure on the right hop.
//!
//! | what came back | who is blamed |
//! |---|---|
//! | an answer of the destination, whatever its status | nobody; all hops worked |
//! | 502 naming the next node | that node (network-protocol section 6.6) |
//! | 503 naming a node, or none | that node, or the guard |
//! | no connection to the first hop | the guard; outright only if another guard works meanwhile |
//! | time-out, 504, 500, anything unreadable | found out by probes |
//!
//! Nothing in an ambiguous failure says which hop is dead, so each prefix of the path is probed
//! with a request of its own: the guard directly, the middle through the guard, the exit through
//! both. The first that does not answer is to blame; if all do, the destination is.

use std::collections::BTreeMap;

use starling_protocol::NodeKey;
use starling_protocol::rpc::Request as Call;

use super::standing::LIMIT;
use super::{Flight, Network};
use crate::effect::{Purpose, Route};
use crate::input::{EffectId, Outcome};
use crate::step::Step;

/// Time a probe gets: 10 seconds.
pub(super) const PROBE_TIMEOUT_MS: u64 = 10_000;

/// What a relay says of a node that is not in its list: then one of the two lists is old.
const UNKNOWN_NODE: &str = "Next node not found";

/// A path whose hops are being probed.
pub(crate) struct Diagnosis {
    relays: Vec<NodeKey>,
    destination: NodeKey,
    /// Which hop each probe under way asks.
    probes: BTreeMap<EffectId, usize>,
    dead: Vec<usize>,
}

impl Network {
    /// Acts on the table above for one ended request. Returns whether a relay did not
    /// know the next hop: then our list is old, or its.
    pub(super) fn judge(&mut self, step: &mut Step<'_, '_>, flight: &Flight, outcome: &Outcome) -> bool {
        let Some(guard) = flight.relays.first().copied() else { return false };
        match outcome {
            Outcome::Reply { .. } => {
                for node in flight.relays.iter().chain(&flight.destination) {
                    self.standing.clear(node, step.now);
                }
            }
            Outcome::Unreachable => self.blame_guard(guard, step),
            Outcome::PathError { status, text } => match (status, self.named_hop(flight, text)) {
                (502 | 503, Some(named)) => {
                    self.standing.strike(named, LIMIT, step.now);
                    if text.starts_with(UNKNOWN_NODE) {
                        self.doubt_directory();
                        return true;
                    }
                }
                (503, None) => self.standing.strike(guard, 1, step.now),
                _ => self.diagnose(step, flight),
            },
            Outcome::TimedOut | Outcome::Garbled => self.diagnose(step, flight),
        }
        false
    }

    /// The node a relay complains about, if it is one that a relay of this route may complain about.
    fn named_hop(&self, flight: &Flight, text: &str) -> Option<NodeKey> {
        let named: NodeKey = text.split_whitespace().find_map(|word| word.parse().ok())?;
        flight.relays.iter().skip(1).chain(&flight.destination).find(|hop| **hop == named).copied()
    }

    /// With no other guard working, we may well be offline ourselves.
    fn blame_guard(&mut self, guard: NodeKey, step: &mut Step<'_, '_>) {
        let weight =
            if self.connectivity.answered_lately() && self.paths.all().len() > 1 { LIMIT } else { 1 };
        self.standing.strike(guard, weight, step.now);
    }

    fn diagnose(&mut self, step: &mut Step<'_, '_>, flight: &Flight) {
        let (Some(destination), None) = (flight.destination, &self.diagnosis) else { return };
        if self.connectivity.outage() || self.closed {
            return;
        }
        let nodes: Vec<_> = flight.relays.iter().filter_map(|key| self.node(key)).collect();
        let mut probes = BTreeMap::new();
        for (at, hop) in nodes.iter().enumerate() {
            let relays: Vec<_> = nodes.iter().take(at).cloned().collect();
            let route = if relays.is_empty() {
                Route::Direct(hop.clone())
            } else {
                Route::Onion { relays, destination: hop.clone() }
            };
            probes.insert(self.launch(step, Purpose::Probe, route, Call::Info, PROBE_TIMEOUT_MS), at);
        }
        let relays = nodes.into_iter().map(|node| node.key).collect();
        self.diagnosis = Some(Diagnosis { relays, destination, probes, dead: Vec::new() });
    }

    pub(crate) fn probe_landed(&mut self, step: &mut Step<'_, '_>, id: EffectId, outcome: &Outcome) {
        let Some(diagnosis) = &mut self.diagnosis else { return };
        let Some(at) = diagnosis.probes.remove(&id) else { return };
        if !matches!(outcome, Outcome::Reply { .. }) {
            diagnosis.dead.push(at);
        }
        if !diagnosis.probes.is_empty() {
            return;
        }
        let Some(Diagnosis { relays, destination, dead, .. }) = self.diagnosis.take() else { return };
        match dead.into_iter().min() {
            Some(0) => {
                if let Some(guard) = relays.first() {
                    self.blame_guard(*guard, step);
                }
            }
            Some(at) => {
                if let Some(hop) = relays.get(at) {
                    self.standing.strike(*hop, LIMIT, step.now);
                }
                // A guard that answers us but forwards nothing makes every middle look dead.
                if let (1, Some(guard)) = (at, relays.first()) {
                    self.standing.strike(*guard, 1, step.now);
                }
            }
            None => self.standing.strike(destination, 1, step.now),
        }
    }
}
