//! What a scenario does to a world beyond the listed faults, and how it looks at what came of it.

use std::collections::BTreeMap;

use starling_core::{Request, Status, WakeReport};
use starling_protocol::{AccountId, NodeKey, ServiceNode, rpc};
use starling_simnet::{DumpedMessage, Handled, Reply};
use starling_store::{StoreError, View};

use crate::world::World;

/// Rewrites what a server answers to a request.
type Meddler = Box<dyn FnMut(&rpc::Request, Reply) -> Reply + Send>;

/// A request as it left a device.
#[derive(Clone, Debug)]
pub struct Departure {
    /// Virtual time.
    pub at: u64,
    /// The device.
    pub device: usize,
    /// What it asked of whom, on which way.
    pub request: Request,
}

/// Who meddles with whose answers, and what was recorded.
pub(crate) struct Meddlers {
    of: BTreeMap<usize, Meddler>,
    departures: Option<Vec<Departure>>,
}

impl Meddlers {
    pub(crate) fn new(recorded: bool) -> Self {
        Self { of: BTreeMap::new(), departures: recorded.then(Vec::new) }
    }

    pub(crate) fn record(&mut self, at: u64, device: usize, request: &Request) {
        if let Some(departures) = &mut self.departures {
            departures.push(Departure { at, device, request: request.clone() });
        }
    }
}

impl World {
    /// Rewrites every answer of a server from now on; the server itself stays honest.
    pub fn meddle(
        &mut self,
        server: usize,
        meddler: impl FnMut(&rpc::Request, Reply) -> Reply + Send + 'static,
    ) {
        self.meddlers.of.insert(server, Box::new(meddler));
    }

    pub(crate) fn meddles(&self, server: usize) -> bool {
        self.meddlers.of.contains_key(&server)
    }

    pub(crate) fn meddled(&mut self, server: usize, request: &rpc::Request, reply: Reply) -> Reply {
        match self.meddlers.of.get_mut(&server) {
            Some(meddler) => meddler(request, reply),
            None => reply,
        }
    }

    /// A stranger stores something on one server only. Returns whether it was taken.
    pub fn deposit(&mut self, server: usize, store: rpc::Store) -> bool {
        let at = self.node_time();
        let Some(server) = self.network.topology.servers.get_mut(server) else { return false };
        match server.node.handle(rpc::Request::Store(store), at) {
            Handled::Reply(reply) => reply.status == 200,
            // Nobody carries the forwards on: the message stays where it is.
            Handled::Gather { .. } => true,
        }
    }

    /// A device's disk has no free page left (`true`), or room again.
    ///
    /// # Errors
    /// The store refuses the setting.
    pub fn disk_full(&mut self, device: usize, full: bool) -> Result<(), StoreError> {
        let Some(device) = self.devices.get_mut(device) else { return Ok(()) };
        device.store.limit_pages(if full { 1 } else { u32::MAX })
    }

    /// Requests so far, in order; none without [`crate::Setup::recorded`].
    pub fn departures(&self) -> &[Departure] {
        self.meddlers.departures.as_deref().unwrap_or_default()
    }

    /// When a device's wakes were answered, and the reports.
    pub fn wakes(&self, device: usize) -> &[(u64, WakeReport)] {
        self.devices.get(device).map_or(&[], |device| device.host.wakes.as_slice())
    }

    /// What a device's engine says of itself; `None` while its process does not run.
    pub fn status(&self, device: usize) -> Option<Status> {
        Some(self.devices.get(device)?.process.as_ref()?.machine.status())
    }

    /// A device's account.
    pub fn account(&self, device: usize) -> Option<AccountId> {
        self.devices.get(device).map(|device| device.account)
    }

    /// Reads a device's database as it is between two steps; `None` if there is no such device.
    pub fn read<T>(
        &self,
        device: usize,
        read: impl FnOnce(&View<'_>) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        self.devices.get(device).map(|device| device.store.read(read))
    }

    /// What a server holds.
    pub fn held(&self, server: usize) -> Vec<DumpedMessage> {
        self.network.topology.servers.get(server).map_or_else(Vec::new, |server| server.node.dump())
    }

    /// A server as the list of service nodes has it.
    pub fn listed(&self, server: usize) -> Option<&ServiceNode> {
        self.network.topology.servers.get(server).map(|server| &server.listed)
    }

    /// The number of the server with this key.
    pub fn server(&self, key: &NodeKey) -> Option<usize> {
        self.network.topology.number(key)
    }
}
