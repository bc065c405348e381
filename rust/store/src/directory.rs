//! The node directory a quorum agreed on, and the guards of our paths (extensions section 2,
//! network-protocol section 3).

use starling_protocol::node::{NodeKey, ServiceNode};

use crate::columns::{ipv4, node_key};
use crate::{StoreError, Tx, View};

impl View<'_> {
    /// All nodes, in the order of their keys.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn directory(&self) -> Result<Vec<ServiceNode>, StoreError> {
        self.all("SELECT key, x25519, ip, port, swarm FROM nodes ORDER BY key", [], |row| {
            Ok(ServiceNode {
                key: node_key(row, 0)?,
                x25519: row.get(1)?,
                ip: ipv4(row, 2)?,
                port: row.get(3)?,
                swarm_id: row.get::<_, i64>(4)?.cast_unsigned(),
            })
        })
    }

    /// The guards, in the order they were set.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn guards(&self) -> Result<Vec<NodeKey>, StoreError> {
        self.all("SELECT node FROM guards ORDER BY position", [], |row| node_key(row, 0))
    }
}

impl Tx<'_> {
    /// Replaces the whole directory. Of nodes with the same key the last one counts.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn replace_directory(&mut self, nodes: &[ServiceNode]) -> Result<(), StoreError> {
        self.change("DELETE FROM nodes", [])?;
        for node in nodes {
            self.change(
                "INSERT OR REPLACE INTO nodes (key, x25519, ip, port, swarm) VALUES (?1, ?2, ?3, ?4, ?5)",
                (node.key.0, node.x25519, node.ip.to_bits(), node.port, node.swarm_id.cast_signed()),
            )?;
        }
        Ok(())
    }

    /// Replaces the guards. They need not be in the directory: a guard that left is the core's business.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if one is named twice, and any other [`StoreError`] of writing.
    pub fn set_guards(&mut self, guards: &[NodeKey]) -> Result<(), StoreError> {
        self.change("DELETE FROM guards", [])?;
        for guard in guards {
            self.change("INSERT INTO guards (node) VALUES (?1)", [guard.0])?;
        }
        Ok(())
    }
}
