//! A network of real HTTPS service nodes on loopback: sockets, TLS and the system's clock around
//! [`Node`].
//!
//! Every node has its own address in 127/8 and its own port, a self-signed certificate, HTTP/1.1
//! and no ALPN, like the network's (network-protocol section 14). Onion requests travel from node
//! to node as HTTPS requests. Members of a swarm, which on the network speak another protocol, talk
//! in process.

mod config;
mod fault;
mod host;
mod rate;
mod relay;
mod replication;
mod server;
mod tls;
mod turns;

pub use config::Config;
pub use fault::{Fault, ParseFaultError};
pub use rate::RateLimit;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use starling_protocol::{NodeKey, ServiceNode, SwarmId};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::{DumpedMessage, Identity, NetworkView, Node};
use fault::Transport;
use host::{Endpoint, Fabric, Host};

/// A running network. Dropping it ends it.
pub struct Devnet {
    fabric: Arc<Fabric>,
    seed: SocketAddr,
    seed_tls: SocketAddr,
    servers: JoinSet<()>,
}

/// Why a devnet did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No swarm, no member, or more than there are addresses for.
    #[error("a devnet has 1 to 250 swarms of 1 to 250 nodes")]
    Size,
    /// A socket on loopback.
    #[error("cannot listen on loopback: {0}")]
    Listen(#[from] std::io::Error),
    /// The certificate or its key cannot be read.
    #[error("cannot read the certificate: {0}")]
    Certificate(#[from] rustls::pki_types::pem::Error),
    /// The TLS library refused the certificate.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The client that relays use.
    #[error("cannot set up the relays' client: {0}")]
    Client(#[from] reqwest::Error),
}

/// No node of the network has this key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no node {0}")]
pub struct UnknownNode(pub NodeKey);

/// What one node holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeDump {
    /// Who.
    pub node: NodeKey,
    /// Its messages, mailbox by mailbox, in order of arrival.
    pub messages: Vec<DumpedMessage>,
}

impl Devnet {
    /// Starts all nodes and a seed node, on tasks of the present tokio runtime. When it returns
    /// they answer.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running.
    pub async fn start(config: Config) -> Result<Devnet, StartError> {
        let swarm_ids = config.swarm_ids().ok_or(StartError::Size)?;
        let acceptor = tls::acceptor()?;
        let (view, hosts, listeners) = settle(&config, &swarm_ids).await?;
        let seed_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.seed_port)).await?;
        let seed_tls_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (seed, seed_tls) = (seed_listener.local_addr()?, seed_tls_listener.local_addr()?);

        let by_key: BTreeMap<NodeKey, Arc<Host>> =
            hosts.iter().map(|host| (host.listed.key, host.clone())).collect();
        let client = relay::client(&config)?;
        let idle = config.idle_timeout;
        let fabric = Arc::new(Fabric { hosts: by_key, view, client, config });
        let mut servers = JoinSet::new();
        for (host, listener) in hosts.into_iter().zip(listeners) {
            let transport = host.transport.subscribe();
            let endpoint = Endpoint::Node(fabric.clone(), host);
            servers.spawn(server::serve(listener, Some(acceptor.clone()), endpoint, transport, idle));
        }
        for (listener, tls) in [(seed_listener, None), (seed_tls_listener, Some(acceptor))] {
            let transport = tokio::sync::watch::channel(Transport::Up).1;
            servers.spawn(server::serve(listener, tls, Endpoint::Seed(fabric.clone()), transport, idle));
        }
        Ok(Devnet { fabric, seed, seed_tls, servers })
    }

    /// The seed node's URL, plain HTTP; `/json_rpc` is beneath it.
    #[must_use]
    pub fn seed_url(&self) -> String {
        format!("http://{}", self.seed)
    }

    /// The same seed node over HTTPS, with a self-signed certificate.
    #[must_use]
    pub fn seed_url_tls(&self) -> String {
        format!("https://{}", self.seed_tls)
    }

    /// All nodes, by key.
    #[must_use]
    pub fn nodes(&self) -> &[ServiceNode] {
        self.fabric.view.nodes()
    }

    /// The network as its nodes know it.
    #[must_use]
    pub fn view(&self) -> &NetworkView {
        &self.fabric.view
    }

    /// What every node holds now, expired messages excluded.
    #[must_use]
    pub fn dump(&self) -> Vec<NodeDump> {
        let dump = |host: &Arc<Host>| {
            let mut node = host.node();
            node.expire(now_ms());
            NodeDump { node: node.key(), messages: node.dump() }
        };
        self.fabric.hosts.values().map(dump).collect()
    }

    /// Makes a node misbehave from now on, in addition to what it does already; of two faults of the
    /// connection the later counts.
    ///
    /// # Errors
    /// [`UnknownNode`].
    pub fn inject(&self, node: &NodeKey, fault: Fault) -> Result<(), UnknownNode> {
        self.host(node)?.inject(fault);
        Ok(())
    }

    /// Ends all misbehaviour of a node.
    ///
    /// # Errors
    /// [`UnknownNode`].
    pub fn heal(&self, node: &NodeKey) -> Result<(), UnknownNode> {
        self.host(node)?.heal(&self.fabric.config.policy);
        Ok(())
    }

    /// Ends the network and waits until its sockets are closed.
    pub async fn shutdown(mut self) {
        self.servers.shutdown().await;
    }

    fn host(&self, node: &NodeKey) -> Result<&Arc<Host>, UnknownNode> {
        self.fabric.hosts.get(node).ok_or(UnknownNode(*node))
    }
}

/// The network's time, ms: the system's clock.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Gives every node its address and keys, and tells it of all the others.
async fn settle(
    config: &Config,
    swarm_ids: &[SwarmId],
) -> Result<(Arc<NetworkView>, Vec<Arc<Host>>, Vec<TcpListener>), StartError> {
    let (mut listed, mut nodes, mut listeners) = (Vec::new(), Vec::new(), Vec::new());
    for (swarm, swarm_id) in (1..).zip(swarm_ids) {
        for member in (1..).take(config.swarm_size) {
            let identity = Identity::generate(&mut rand::rng());
            let ip = Ipv4Addr::new(127, swarm, member, 1);
            let listener = TcpListener::bind((ip, 0)).await?;
            let (key, x25519, port) = (identity.key(), identity.x25519(), listener.local_addr()?.port());
            listed.push(ServiceNode { key, x25519, ip, port, swarm_id: *swarm_id });
            nodes.push(Node::new(identity, config.policy.clone()));
            listeners.push(listener);
        }
    }
    let view = Arc::new(NetworkView::new(listed.clone()));
    let host = |(listed, mut node): (ServiceNode, Node)| {
        node.set_view(view.clone());
        Arc::new(Host::new(listed, node))
    };
    let hosts = listed.into_iter().zip(nodes).map(host).collect();
    Ok((view, hosts, listeners))
}
