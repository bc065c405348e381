//! What the core asks the driver to do, released only after the commit that justifies it.

use std::sync::Arc;

use starling_protocol::pow::Puzzle;
use starling_protocol::rpc;
use starling_protocol::{AccountId, AccountKeys, NodeKey, ServiceNode};
use starling_store::{ConversationId, MessageRow};

use crate::error::CommandError;
use crate::input::{CommandId, EffectId};

/// One order to the driver.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "requests are by far the most common effect; a box each would cost more"
)]
pub enum Effect {
    /// Make a request; ends in [`crate::Input::Reply`].
    Request(Request),
    /// Find a proof of work on threads of the driver's; ends in [`crate::Input::Proved`].
    Prove {
        /// Names the job.
        id: EffectId,
        /// The message it is for.
        message: MessageRow,
        /// What to solve.
        puzzle: Puzzle,
    },
    /// Stop that proof; its `Proved` may still come and is ignored.
    CancelProof(EffectId),
    /// Open sealed messages on worker threads with [`crate::unseal::unseal`]; ends in
    /// [`crate::Input::Unsealed`].
    Unseal {
        /// Names the job.
        id: EffectId,
        /// Keys to open with.
        keys: Arc<AccountKeys>,
        /// `data` of stored messages, base64 as the node sent it.
        sealed: Vec<String>,
    },
    /// The answer to a command.
    Answer {
        /// The command's id.
        id: CommandId,
        /// What came of it.
        result: Result<Answer, CommandError>,
    },
    /// There are new durable events to fetch.
    EventsReady,
}

/// A request to a node. Above the onion layer: the driver serialises, encrypts and sends.
#[derive(Debug, Clone)]
pub struct Request {
    /// Names the request.
    pub id: EffectId,
    /// Why it is made; for timelines and traces, not for decisions.
    pub purpose: Purpose,
    /// The way it takes.
    pub route: Route,
    /// What is asked. For [`Route::Seed`] the driver sends [`rpc::seed_node_list_request`] instead.
    pub body: rpc::Request,
    /// Milliseconds after which the driver reports [`crate::Outcome::TimedOut`].
    pub timeout_ms: u64,
}

/// The way of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// HTTP(S) JSON-RPC to a seed node.
    Seed(String),
    /// HTTPS `/storage_rpc/v1` straight to a guard (only guards may be asked directly:
    /// network-protocol section 6.7).
    Direct(ServiceNode),
    /// An onion request: relays in order, the guard first, then the destination.
    Onion {
        /// One to three relays.
        relays: Vec<ServiceNode>,
        /// The node that answers.
        destination: ServiceNode,
    },
}

/// Why a request is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// First service node list, from a seed.
    Bootstrap,
    /// Service node list compared among nodes.
    Directory,
    /// Network time.
    Clock,
    /// `get_swarm` for a recipient.
    SwarmCheck(ConversationId),
    /// Store a message on one member of the recipient's swarm.
    Store(MessageRow),
    /// Read one member of our own swarm.
    Retrieve(NodeKey),
    /// Find out which hop of a path is dead.
    Probe,
}

/// What a command brings when it succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing to tell.
    Done,
    /// The account that was created.
    Account(AccountId),
    /// The message is durable.
    Queued {
        /// Its row.
        message: MessageRow,
        /// Its conversation.
        conversation: ConversationId,
    },
    /// An invite code to give away, once.
    Invite([u8; 16]),
    /// The wake is over.
    Woke(WakeReport),
}

/// What one wake did and what it left (DESIGN section 5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WakeReport {
    /// Messages committed and shown.
    pub new_messages: u64,
    /// Distinct replicas of our swarm that were read to the end.
    pub replicas_read: u64,
    /// Requests made.
    pub requests: u64,
    /// Bytes that crossed the network, as the driver reported them.
    pub bytes: u64,
    /// Messages that reached the swarm in this wake.
    pub messages_stored: u64,
    /// Messages still waiting in the outbox.
    pub outbox_left: u64,
    /// Whether work was left that this wake was to do: the deadline came, nothing could be reached, or a
    /// message found no taker.
    pub cut_short: bool,
}

/// Latest-value state of the engine, for the host's status line. Not durable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// How the network looks from here.
    pub connection: Connection,
    /// Service nodes known.
    pub nodes: usize,
    /// Onion paths, each from guard to exit.
    pub paths: Vec<Vec<NodeKey>>,
    /// Network time minus device time in milliseconds, once known.
    pub clock_offset_ms: Option<i64>,
    /// Proof-of-work difficulty the network asks for; 0 if none.
    pub difficulty: u64,
}

/// How the network looks from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connection {
    /// Not working: stopped or suspended.
    #[default]
    Idle,
    /// No answer yet, or none for a while.
    Connecting,
    /// The last answers were good.
    Online,
    /// Fewer service nodes than a path needs (extensions section 2).
    TooFewNodes,
}
