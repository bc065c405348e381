//! What nodes answer (network-protocol sections 4.3, 4.6, 14).
//!
//! Reading is lenient where running nodes are loose (flags as integers, ports as text, missing
//! hashes) and bounded everywhere: a body has at most [`MAX_BODY_BYTES`],
//! lists have the limits of this module's parent. An entry that makes no sense is left out; it
//! never spoils its neighbours.

mod batch;
mod info;
mod node_list;
mod retrieved;
mod stored;
mod swarm;
mod upkept;

pub use batch::{Batch, SubReply};
pub use info::{Difficulty, Info};
pub use node_list::NodeList;
pub use retrieved::{Retrieved, StoredMessage};
pub use stored::{MemberReceipt, Stored};
pub use swarm::{ListedNode, Swarm};
pub use upkept::{Deleted, Expired, Expiries, MemberDeletion, MemberExpiry};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::MAX_BODY_BYTES;

/// The hard fork our nodes report.
pub const HARDFORK: [u16; 2] = [19, 3];

/// A reply that cannot be read. Says nothing of its content, so that it can be logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReplyError {
    /// Longer than any reply may be.
    #[error("reply of {0} bytes is too long")]
    TooLong(usize),
    /// No JSON, or not of the expected form.
    #[error("reply is malformed at line {line}, column {column}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A list is longer than its limit.
    #[error("reply lists too many {0}")]
    TooMany(&'static str),
    /// A field without which the reply says nothing.
    #[error("reply has no {0}")]
    Missing(&'static str),
}

/// Deserialises a whole body of bounded size.
fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ReplyError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(ReplyError::TooLong(body.len()));
    }
    serde_json::from_slice(body)
        .map_err(|error| ReplyError::Malformed { line: error.line(), column: error.column() })
}

/// Adds the node's clock and hard fork, as all success bodies and the 421 body have them.
fn with_clock(mut body: Map<String, Value>, t: Option<u64>) -> Vec<u8> {
    if let Some(t) = t {
        body.insert("t".into(), t.into());
        body.insert("hf".into(), HARDFORK.to_vec().into());
    }
    Value::Object(body).to_string().into_bytes()
}

#[cfg(test)]
mod tests;
