//! The lines a person follows: when, who, what.

use std::collections::BTreeMap;
use std::time::Instant;

use starling_protocol::{NodeKey, ServiceNode};

use crate::demo::checker::Side;
use crate::failure::Failure;
use crate::output::{Colour, Output};

/// Prints lines with the seconds since the beginning.
pub(crate) struct Timeline {
    output: Output,
    begun: Instant,
    names: BTreeMap<NodeKey, String>,
}

impl Timeline {
    /// Nodes get short names: a letter for their swarm and a number within it.
    pub(crate) fn new(output: Output, begun: Instant, nodes: &[ServiceNode]) -> Self {
        Self { output, begun, names: names(nodes) }
    }

    /// Seconds since the beginning.
    pub(crate) fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// A line of its own between two parts.
    pub(crate) fn heading(&self, text: &str) -> Result<(), Failure> {
        self.output.line(&format!("\n{}", self.output.paint(Colour::Cyan, text)))
    }

    /// One thing that happened at one side.
    pub(crate) fn line(&self, side: Side, colour: Option<Colour>, text: &str) -> Result<(), Failure> {
        let text = match colour {
            Some(colour) => self.output.paint(colour, text),
            None => text.to_owned(),
        };
        self.output.line(&format!("{:8.3}  {:<5}  {text}", self.seconds(), side.name()))
    }

    /// The short name of a node.
    pub(crate) fn name(&self, node: &NodeKey) -> &str {
        self.names.get(node).map_or("a node unknown to us", String::as_str)
    }

    /// Relays and destination: `A2 → B1 → A5 → B3`.
    pub(crate) fn route(&self, relays: &[NodeKey], destination: Option<NodeKey>) -> String {
        let nodes: Vec<&str> =
            relays.iter().chain(destination.as_ref()).map(|node| self.name(node)).collect();
        nodes.join(" → ")
    }
}

fn names(nodes: &[ServiceNode]) -> BTreeMap<NodeKey, String> {
    let mut swarms: BTreeMap<u64, Vec<NodeKey>> = BTreeMap::new();
    for node in nodes {
        swarms.entry(node.swarm_id).or_default().push(node.key);
    }
    let mut names = BTreeMap::new();
    for (letter, members) in ('A'..='Z').cycle().zip(swarms.into_values()) {
        for (number, key) in (1..).zip(members) {
            names.insert(key, format!("{letter}{number}"));
        }
    }
    names
}
