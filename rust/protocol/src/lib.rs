//! Formats and cryptography of the Session network, and of Starling's additions to it.
//!
//! Pure: no I/O, no clock, no threads, and no randomness that is not passed in. All input is hostile:
//! every decoder is bounded and answers with a typed error.
//!
//! A message on its way out passes [`text`], [`session`], [`envelope`], [`pow`], [`rpc`] and [`onion`];
//! on its way in, the same in reverse.

pub mod account;
pub mod envelope;
pub mod hash;
pub mod node;
pub mod onion;
pub mod padding;
pub mod phrase;
pub mod pow;
pub mod proto;
pub mod rpc;
mod sealed_box;
pub mod session;
pub mod swarm;
pub mod text;

pub use account::{AccountId, AccountKeys, Seed, verify_ed25519};
pub use envelope::MAX_DATA_BYTES;
pub use hash::message_hash;
pub use node::{NodeKey, ServiceNode};
pub use swarm::SwarmId;
pub use text::{Placement, Text};
