//! Service nodes of the Session network (network-protocol sections 3 to 6), for simulator and devnet.
//!
//! [`Node`] is one storage server's whole state and nothing else: no clock, no socket, no thread,
//! no randomness. A shell around it carries requests, onion bodies and the messages between
//! members of a swarm, in virtual time (the simulator) or over HTTPS on loopback (`devnet`).
//!
//! ```text
//! handle ──► Reply
//!        └─► Gather{ticket, forwards} ──► peer.receive ──► peer_answered(ticket, …) ──► Reply
//!                                     └── 5 s ──────────► gather_timeout(ticket)   ──► Reply
//! ```

mod commands;
#[cfg(feature = "devnet")]
pub mod devnet;
mod gather;
mod identity;
mod looseness;
mod mailbox;
mod movement;
mod node;
mod onion;
pub mod path_error;
mod peer;
mod policy;
mod reply;
mod requests;
mod seed;
mod signatures;
mod view;

pub use gather::{GATHER_TIMEOUT_MS, Ticket};
pub use identity::Identity;
pub use mailbox::DumpedMessage;
pub use node::{Handled, Node};
pub use onion::Onion;
pub use peer::{Forward, PeerMessage, PeerReply};
pub use policy::{Lie, Policy};
pub use reply::Reply;
pub use seed::seed_json_rpc;
pub use signatures::{Signatures, StrictEd25519};
pub use view::NetworkView;
