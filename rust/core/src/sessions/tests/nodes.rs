//! The obedient nodes of the bench.

use std::net::Ipv4Addr;

use starling_protocol::rpc::reply::{
    Info, ListedNode, MemberReceipt, NodeList, Retrieved, Stored, StoredMessage, Swarm,
};
use starling_protocol::rpc::{Request as Call, decode_data};
use starling_protocol::{AccountKeys, NodeKey, ServiceNode, message_hash, swarm};

use super::bench::{Bench, Mail, seed};
use crate::effect::{Purpose, Request};
use crate::input::Outcome;

impl Bench {
    /// What a node says to a request of this end.
    pub(super) fn answer(&mut self, end: usize, request: &Request) -> Outcome {
        let now = self.network_ms();
        let body = match (&request.purpose, &request.body) {
            (Purpose::Bootstrap | Purpose::Directory, _) => NodeList { nodes: self.listing() }.to_json(now),
            (Purpose::Clock | Purpose::Probe, _) => Info { timestamp: now, version: vec![2, 8, 0] }.to_json(),
            (Purpose::SwarmCheck(_), _) => self.swarm().to_json(),
            (Purpose::Retrieve(_), Call::Retrieve(call)) => {
                self.page(end, call.last_hash.as_deref()).to_json()
            }
            (Purpose::Store(_), Call::Store(call)) => {
                let bytes = decode_data(&call.data).unwrap();
                let hash = message_hash(&call.account, 0, &bytes);
                let data = call.data.to_string();
                let mail = Mail { from: end, hash: hash.clone(), data, ttl_ms: call.ttl_ms };
                self.stores.push(mail.clone());
                if self.mute_stores {
                    return Outcome::TimedOut;
                }
                if self.sent.insert(hash.clone()) {
                    self.wire.push(mail);
                }
                self.receipts(hash).to_json()
            }
            other => panic!("{other:?}"),
        };
        Outcome::Reply { status: 200, body }
    }

    fn listing(&self) -> Vec<ServiceNode> {
        // One swarm where the first account is, the other one opposite to the second account.
        let [home, second] =
            [100, 101].map(|number| swarm::space(&AccountKeys::from_seed(&seed(number)).account_id()));
        let elsewhere = second.wrapping_add(1 << 63);
        let node = |(number, keys): (u8, &AccountKeys)| ServiceNode {
            key: NodeKey(keys.ed25519_public()),
            x25519: [number; 32],
            ip: Ipv4Addr::new(127, 0, 0, number),
            port: 22021,
            swarm_id: if number <= self.swarm_size { home } else { elsewhere },
        };
        (1..).zip(&self.nodes).map(node).collect()
    }

    fn swarm(&self) -> Swarm {
        let members = self.listing().into_iter().take(self.swarm_size.into());
        let nodes =
            members.map(|ServiceNode { key, x25519, ip, port, .. }| ListedNode { key, x25519, ip, port });
        Swarm { nodes: nodes.collect(), swarm_id: self.listing().first().map(|node| node.swarm_id), t: None }
    }

    fn receipts(&self, hash: String) -> Stored {
        let receipt = |node: &AccountKeys| MemberReceipt {
            node: NodeKey(node.ed25519_public()),
            hash: Some(hash.clone()),
            signature: Some(node.sign(hash.as_bytes())),
            failed: false,
            timeout: false,
            already: false,
            expiry: None,
        };
        let members = self.nodes.iter().take(self.swarm_size.into()).map(receipt).collect();
        Stored { hash: Some(hash), members, difficulty: None, t: None }
    }

    fn page(&self, end: usize, last: Option<&str>) -> Retrieved {
        let mailbox = &self.ends[end].mailbox;
        let after = last.and_then(|last| mailbox.iter().rposition(|(hash, _)| hash == last));
        let fresh = mailbox.iter().skip(after.map_or(0, |at| at + 1));
        let message = |(hash, data): &(String, String)| StoredMessage {
            hash: hash.clone(),
            timestamp: 1,
            expiration: u64::MAX >> 8,
            data: data.clone(),
        };
        Retrieved { messages: fresh.map(message).collect(), more: false, t: None }
    }
}
