//! Service nodes as the node directory lists them (network-protocol sections 2 and 3.1).

use core::fmt;
use core::str::FromStr;
use std::net::Ipv4Addr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::swarm::SwarmId;

/// The Ed25519 public key that identifies a service node and signs its receipts.
///
/// Displayed and serialised as 64 lowercase hex characters; parsed from either case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey(pub [u8; 32]);

/// Text that is not 64 hex characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a node key is 64 hex characters")]
pub struct NodeKeyError;

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "NodeKey({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

impl FromStr for NodeKey {
    type Err = NodeKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NodeKeyError)?;
        Ok(Self(bytes))
    }
}

impl Serialize for NodeKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One usable service node: where it answers and which keys it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceNode {
    /// Identity; also the `destination` a relay forwards to.
    pub key: NodeKey,
    /// The key onion layers are encrypted to. Independent of [`ServiceNode::key`]: not its conversion.
    pub x25519: [u8; 32],
    /// Public address.
    pub ip: Ipv4Addr,
    /// HTTPS port of the storage server.
    pub port: u16,
    /// The swarm the node belongs to.
    pub swarm_id: SwarmId,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn key_survives_text_and_json() {
        let key = NodeKey([0xab; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<NodeKey>(&json).unwrap(), key);
        assert_eq!(format!("{key:?}"), "NodeKey(abababab…)");
    }

    #[test]
    fn bad_keys_are_refused() {
        for text in ["", "ab", &"g".repeat(64), &"a".repeat(63), &"a".repeat(66)] {
            assert_eq!(text.parse::<NodeKey>(), Err(NodeKeyError), "{text}");
        }
    }
}
