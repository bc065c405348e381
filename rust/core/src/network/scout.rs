//! Finding out whether an outage is over, at the price of one request per guard.
//!
//! In an outage no pipeline asks anything. When a pause is over, each guard in use is asked directly
//! whether it is there. One answer ends the outage, and guards that were silent next to it are
//! barred; silence all around is more likely our own, so it costs a guard only one strike of three.

use std::collections::BTreeMap;

use starling_protocol::NodeKey;
use starling_protocol::rpc::Request as Call;

use super::Network;
use super::diagnosis::PROBE_TIMEOUT_MS;
use super::standing::LIMIT;
use crate::effect::{Purpose, Route};
use crate::input::{EffectId, Outcome};
use crate::step::Step;

/// Guards being asked.
#[derive(Default)]
pub(super) struct Scout {
    asked: BTreeMap<EffectId, NodeKey>,
    silent: Vec<NodeKey>,
    answered: bool,
}

impl Scout {
    pub(super) fn out(&self) -> bool {
        !self.asked.is_empty()
    }
}

impl Network {
    /// Sends scouts if none is out.
    pub(super) fn scout(&mut self, step: &mut Step<'_, '_>) {
        if self.scout.out() {
            return;
        }
        self.scout = Scout::default();
        let guards: Vec<_> =
            self.paths.all().iter().filter_map(|path| path.relays.first().copied()).collect();
        for guard in guards {
            if let Some(node) = self.node(&guard) {
                let route = Route::Direct(node);
                let id = self.launch(step, Purpose::Probe, route, Call::Info, PROBE_TIMEOUT_MS);
                self.scout.asked.insert(id, guard);
            }
        }
    }

    /// Takes a scout's report. False if the probe was none.
    pub(super) fn scout_landed(&mut self, step: &mut Step<'_, '_>, id: EffectId, outcome: &Outcome) -> bool {
        let Some(guard) = self.scout.asked.remove(&id) else { return false };
        match outcome {
            Outcome::Reply { .. } => {
                self.scout.answered = true;
                self.connectivity.restore();
            }
            _ => self.scout.silent.push(guard),
        }
        if self.scout.out() {
            return true;
        }
        let Scout { silent, answered, .. } = std::mem::take(&mut self.scout);
        for guard in silent {
            self.standing.strike(guard, if answered { LIMIT } else { 1 }, step.now);
        }
        if !answered {
            self.connectivity.wait_on(self.config.backoff_cap_ms, step);
        }
        true
    }
}
