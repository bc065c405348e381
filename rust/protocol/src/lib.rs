//! Formats and cryptography of the Session network, and of Starling's additions to it.
//!
//! Pure: no I/O, no clock, no threads, and no randomness that is not passed in. All input is hostile:
//! every decoder is bounded and answers with a typed error.
//!
//! A message on its way out passes [`content`], then [`session`] or [`plaintext`] and [`frame`], [`envelope`],
//! [`pow`], [`rpc`] and [`onion`]; on its way in, the same in reverse, with [`sealed`] at the fork.

pub mod accept;
pub mod account;
pub mod bundle;
pub mod content;
pub mod envelope;
pub mod frame;
pub mod hash;
pub mod hybrid;
mod kdf;
pub mod node;
pub mod onion;
pub mod padding;
pub mod phrase;
pub mod plaintext;
pub mod pow;
pub mod proto;
pub mod rpc;
pub mod sealed;
mod sealed_box;
pub mod session;
pub mod signed;
pub mod swarm;
pub mod text;

pub use account::{AccountId, AccountKeys, Seed, verify_ed25519};
pub use content::{Content, Placement};
pub use envelope::MAX_DATA_BYTES;
pub use hash::message_hash;
pub use node::{NodeKey, ServiceNode};
pub use swarm::SwarmId;
pub use text::Text;
