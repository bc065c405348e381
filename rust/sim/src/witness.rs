//! Promises that are looked at while they are made, not at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use starling_core::{Purpose, Request};
use starling_protocol::hash::message_hash;
use starling_protocol::{NodeKey, rpc};
use starling_store::{MessageRow, MessageState, PageDirection, StoreError};

use crate::checker::MessageId;
use crate::clock::HOUR_MS;
use crate::world::World;

/// Requests of one device in one hour above which it is said to run wild: three replicas every three
/// seconds are 3,600, a burst of messages and its retries come on top.
const REQUESTS_PER_HOUR: u32 = 6_000;

/// Messages read at a time when orders are compared.
const PAGE: usize = 50;

/// What has been seen so far.
#[derive(Default)]
pub(crate) struct Witness {
    /// Hashes under which a device tried to store one of its messages.
    tried: BTreeMap<(usize, MessageRow), BTreeSet<String>>,
    /// Servers that were seen to hold one of these, or to have held it.
    holders: BTreeMap<(usize, MessageRow), BTreeSet<NodeKey>>,
    /// What servers held when they lost it or left.
    bygone: BTreeSet<(NodeKey, String)>,
    /// Servers that at some time signed for what they threw away: no client can see through that.
    discarders: BTreeSet<NodeKey>,
    /// Messages stored again late in their life.
    pub(crate) restored: BTreeSet<(usize, MessageId)>,
    /// Messages given up or tried again: these may have two places, one at each side.
    pub(crate) reconsidered: BTreeSet<MessageId>,
    /// Requests of a device in the current hour.
    hours: BTreeMap<usize, (u64, u32)>,
}

impl Witness {
    pub(crate) fn lost_data(&mut self, key: NodeKey, hashes: impl Iterator<Item = String>) {
        self.bygone.extend(hashes.map(|hash| (key, hash)));
    }

    pub(crate) fn discards(&mut self, key: NodeKey) {
        self.discarders.insert(key);
    }

    /// A device's store is gone; rows are counted from the beginning.
    pub(crate) fn forget_store(&mut self, device: usize) {
        self.tried.retain(|(of, _), _| *of != device);
        self.holders.retain(|(of, _), _| *of != device);
    }

    fn count_request(&mut self, device: usize, hour: u64) -> u32 {
        let (current, count) = self.hours.entry(device).or_insert((hour, 0));
        *count = if *current == hour { *count + 1 } else { 1 };
        *current = hour;
        *count
    }
}

impl World {
    /// A request leaves a device: not in its sleep, and not too many of them.
    pub(crate) fn witness_request(&mut self, index: usize, request: &Request) {
        let Some(device) = self.devices.get(index) else { return };
        if !device.host.may_work() {
            let what = format!("device {index} makes a request ({:?}) while it must rest", request.purpose);
            self.violation(what);
        }
        if self.witness.count_request(index, self.now / HOUR_MS) == REQUESTS_PER_HOUR {
            self.violation(format!("device {index} makes {REQUESTS_PER_HOUR} requests in an hour"));
        }
        if let (Purpose::Store(message), rpc::Request::Store(store)) = (&request.purpose, &request.body) {
            let unread = self
                .devices
                .get(index)
                .map(|device| device.store.read(|view| view.unacknowledged_message(*message)));
            if let Some(Ok(Some(unread))) = unread
                && unread.restored
            {
                self.witness.restored.insert((index, unread.message_id));
            }
            match store.decoded() {
                Ok(data) => {
                    let hash = message_hash(&store.account, store.namespace, &data);
                    self.witness.tried.entry((index, *message)).or_default().insert(hash);
                }
                Err(_) => self.violation(format!("device {index} stores what is not base64")),
            }
        }
    }

    /// A message says "stored on k of n": k members hold it at this moment, or did.
    pub(crate) fn witness_receipts(&mut self, index: usize, message: MessageRow) {
        let Some(device) = self.devices.get_mut(index) else { return };
        let Ok(Some(row)) = device.store.read(|view| view.message(message)) else { return };
        let MessageState::Stored { k, n } = row.state else { return };
        let key = (index, message);
        let tried = self.witness.tried.get(&key).cloned().unwrap_or_default();
        let holders = self.witness.holders.entry(key).or_default();
        for server in &self.network.topology.servers {
            let name = server.listed.key;
            let bygone = || tried.iter().any(|hash| self.witness.bygone.contains(&(name, hash.clone())));
            let holds = || server.node.dump().iter().any(|held| tried.contains(&held.hash));
            if !holders.contains(&name) && (self.witness.discarders.contains(&name) || bygone() || holds()) {
                holders.insert(name);
            }
        }
        let held = holders.len();
        if k == 0 || k > n || (k as usize) > held {
            let what =
                format!("device {index}: message {} says stored {k} of {n}, held by {held}", message.0);
            self.violation(what);
        }
    }

    /// Display order is (clock, sender), so two devices page through what both have in the same order,
    /// except for messages that took a new place after they had arrived in the old one.
    pub fn compare_orders(&mut self) {
        for one in 0..self.devices.len() {
            for other in 0..one {
                let (left, right) = (self.paged(one, other), self.paged(other, one));
                let right: Vec<_> = right.iter().filter(|message| left.contains(message)).collect();
                let left: Vec<_> = left.iter().filter(|message| right.contains(message)).collect();
                if let Some((mine, theirs)) = left.iter().zip(&right).find(|(mine, theirs)| mine != theirs) {
                    let what = format!("where device {one} shows {mine:?}, device {other} shows {theirs:?}");
                    self.violation(what);
                }
            }
        }
    }

    /// Everything a device shows of its conversation with another, page by page.
    fn paged(&self, index: usize, peer: usize) -> Vec<Placed> {
        let (Some(device), Some(peer)) = (self.devices.get(index), self.devices.get(peer)) else {
            return Vec::new();
        };
        let read = device.store.read(|view| {
            let mut shown = Vec::new();
            let Some(conversation) = view.conversation_with(&peer.account)? else { return Ok(shown) };
            let mut cursor = None;
            loop {
                let page = view.messages(conversation.id, cursor, PageDirection::Newer, PAGE)?;
                shown.extend(
                    page.messages.iter().map(|message| Placed(message.message_id, message.body.clone())),
                );
                cursor = page.newer;
                if page.messages.len() < PAGE {
                    return Ok::<_, StoreError>(shown);
                }
            }
        });
        let mut shown = read.unwrap_or_default();
        shown.retain(|Placed(id, _)| !self.witness.reconsidered.contains(id));
        shown
    }
}

/// A message in a page.
#[derive(Clone, PartialEq, Eq)]
struct Placed(MessageId, String);

impl fmt::Debug for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.1.chars().take(20).collect::<String>())
    }
}
