//! Onion requests, version 2: the client's side and the nodes' (network-protocol section 6).
//!
//! A request is encrypted once for its destination and once more for every relay on the way, each time
//! with a fresh key. A relay removes one layer and learns the next node, nothing else. The answer is
//! encrypted once, by the destination, and passes the relays untouched.

pub mod frame;
pub mod layer;
pub mod relay;
pub mod request;

pub use layer::Cipher;
pub use relay::{PeelError, Peeled, ReplySealer, ServerRequest, peel};
pub use request::{Hop, OnionError, OnionRequest, Reply, ReplyKey, build};

/// The largest onion request, in bytes: 10 MiB.
pub const MAX_REQUEST_BYTES: usize = 10 * 1_024 * 1_024;

/// The highest hop number a node accepts; the guard is hop 0.
pub const MAX_HOP_NO: u64 = 15;
