//! A node with a place in the devnet, and what its HTTP paths do.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hyper::Method;
use starling_protocol::{NodeKey, ServiceNode};
use tokio::sync::watch;

use super::fault::{Fault, Transport};
use super::rate::Buckets;
use super::{Config, now_ms};
use crate::{NetworkView, Node, Onion, Policy, Reply, path_error, seed_json_rpc};

/// Everything the nodes of one devnet share.
pub(super) struct Fabric {
    pub(super) hosts: BTreeMap<NodeKey, Arc<Host>>,
    pub(super) view: Arc<NetworkView>,
    pub(super) client: reqwest::Client,
    pub(super) config: Config,
}

/// One node and the state of its connections.
pub(super) struct Host {
    pub(super) listed: ServiceNode,
    pub(super) transport: watch::Sender<Transport>,
    node: Mutex<Node>,
    clients: Buckets,
}

/// What answers on a listener.
#[derive(Clone)]
pub(super) enum Endpoint {
    Node(Arc<Fabric>, Arc<Host>),
    Seed(Arc<Fabric>),
}

impl Host {
    pub(super) fn new(listed: ServiceNode, node: Node) -> Host {
        Host {
            listed,
            transport: watch::Sender::new(Transport::Up),
            node: Mutex::new(node),
            clients: Buckets::default(),
        }
    }

    /// The node, for a moment: never held across an await.
    pub(super) fn node(&self) -> MutexGuard<'_, Node> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn transport(&self) -> Transport {
        *self.transport.borrow()
    }

    pub(super) fn inject(&self, fault: Fault) {
        if let Some(transport) = fault.apply(self.node().policy_mut()) {
            self.transport.send_replace(transport);
        }
    }

    pub(super) fn heal(&self, policy: &Policy) {
        self.node().policy_mut().clone_from(policy);
        self.transport.send_replace(Transport::Up);
    }
}

impl Endpoint {
    /// Refuses a request before its body is read, which takes a client's patience and the node's memory.
    pub(super) fn turn_away(&self, path: &str, client: IpAddr) -> Option<Reply> {
        let (Endpoint::Node(fabric, host), "/storage_rpc/v1") = (self, path) else { return None };
        let limit = fabric.config.rate_limit?;
        let admitted = host.clients.admit(limit, client, Instant::now());
        (!admitted).then(|| Reply::text(429, "Too Many Requests\n"))
    }

    /// Answers one HTTP request whose body is complete.
    pub(super) async fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Reply {
        match (self, path) {
            _ if method != Method::POST => Reply::text(404, "Not found"),
            (Endpoint::Seed(fabric), "/json_rpc") => seed_json_rpc(&fabric.view, body),
            (Endpoint::Node(fabric, host), "/storage_rpc/v1") => {
                host.wait().await;
                fabric.storage_rpc(host, body).await
            }
            (Endpoint::Node(fabric, host), "/onion_req/v2") => {
                host.wait().await;
                fabric.onion_req(host, body).await
            }
            _ => Reply::text(404, "Not found"),
        }
    }
}

impl Host {
    /// Returns once the node is up; at once if it is.
    pub(super) async fn up(&self) {
        let mut transport = self.transport.subscribe();
        // The sender is this host's own.
        let _ = transport.wait_for(|transport| *transport != Transport::Down).await;
    }

    /// Slowness and silence.
    pub(super) async fn wait(&self) {
        match self.transport() {
            Transport::Up | Transport::Unreachable => {}
            Transport::Slow(delay) => tokio::time::sleep(delay).await,
            Transport::Drop | Transport::Down => std::future::pending().await,
        }
    }
}

impl Fabric {
    async fn storage_rpc(&self, host: &Host, body: &[u8]) -> Reply {
        let handled = host.node().handle_json(body, now_ms());
        self.settle(host, handled).await
    }

    async fn onion_req(&self, host: &Host, body: &[u8]) -> Reply {
        let onion = host.node().peel_onion(body);
        let (reply, sealer) = match onion {
            Onion::Reply(reply) => return reply,
            Onion::Forward { next, .. } if host.transport() == Transport::Unreachable => {
                return path_error::next_unreachable(&next.key);
            }
            Onion::Forward { next, body } => return self.relay(&next, body).await,
            Onion::Handle { body, sealer } => (self.storage_rpc(host, &body).await, sealer),
            Onion::Refuse { reply, sealer } => (reply, sealer),
        };
        let body = sealer.seal(reply.status, &reply.body_text(), &mut rand::rng());
        Reply { status: 200, body }
    }
}
