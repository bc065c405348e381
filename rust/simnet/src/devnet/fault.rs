//! How a node of the devnet can be made to misbehave while it runs.

use std::str::FromStr;
use std::time::Duration;

use crate::{Lie, Policy};

/// One misbehaviour. As text: `down`, `slow:MS`, `drop`, `unreachable`, `lie`, `lie:hash`,
/// `lie:forge`, `diverge`, `withhold`, `refuse`, `broken`, `demand:DIFFICULTY`, `clock:MS`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Refuses connections and cuts those that are open.
    Down,
    /// Answers late.
    Slow(Duration),
    /// Accepts connections and requests and never answers.
    Drop,
    /// As a relay, claims that the next node is unreachable.
    Unreachable,
    /// Lies about stored messages.
    Lie(Lie),
    /// Replicates nothing.
    Diverge,
    /// Gives out no messages.
    Withhold,
    /// Answers every request 503.
    Refuse,
    /// Cannot store, delete or change anything.
    Broken,
    /// Asks for this much proof of work; 0 for none.
    Demand(u64),
    /// Has a clock that is this many ms ahead.
    Clock(i64),
}

/// The text names no fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "no such fault; known are down, slow:MS, drop, unreachable, lie, lie:hash, lie:forge, diverge, withhold, refuse, broken, demand:DIFFICULTY, clock:MS"
)]
pub struct ParseFaultError;

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Fault, ParseFaultError> {
        let (name, value) = text.split_once(':').map_or((text, None), |(name, value)| (name, Some(value)));
        Ok(match (name, value) {
            ("down", None) => Fault::Down,
            ("slow", Some(ms)) => {
                Fault::Slow(Duration::from_millis(ms.parse().map_err(|_| ParseFaultError)?))
            }
            ("drop", None) => Fault::Drop,
            ("unreachable", None) => Fault::Unreachable,
            ("lie", None) => Fault::Lie(Lie::Discard),
            ("lie", Some("hash")) => Fault::Lie(Lie::WrongHash),
            ("lie", Some("forge")) => Fault::Lie(Lie::ForgeReceipts),
            ("diverge", None) => Fault::Diverge,
            ("withhold", None) => Fault::Withhold,
            ("refuse", None) => Fault::Refuse,
            ("broken", None) => Fault::Broken,
            ("demand", Some(difficulty)) => Fault::Demand(difficulty.parse().map_err(|_| ParseFaultError)?),
            ("clock", Some(ms)) => Fault::Clock(ms.parse().map_err(|_| ParseFaultError)?),
            _ => return Err(ParseFaultError),
        })
    }
}

/// How a node's connections behave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Transport {
    Up,
    Down,
    Slow(Duration),
    Drop,
    Unreachable,
}

impl Fault {
    /// Applies a fault inside the node; gives the connection's state for a fault outside it.
    pub(super) fn apply(self, policy: &mut Policy) -> Option<Transport> {
        match self {
            Fault::Down => return Some(Transport::Down),
            Fault::Slow(delay) => return Some(Transport::Slow(delay)),
            Fault::Drop => return Some(Transport::Drop),
            Fault::Unreachable => return Some(Transport::Unreachable),
            Fault::Lie(lie) => policy.lie = Some(lie),
            Fault::Diverge => policy.replication = false,
            Fault::Withhold => policy.withhold = true,
            Fault::Refuse => policy.refuse = true,
            Fault::Broken => policy.broken = true,
            Fault::Demand(difficulty) => policy.difficulty = (difficulty > 0).then_some(difficulty),
            Fault::Clock(offset) => policy.clock_offset_ms = offset,
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_names() {
        let cases = [
            ("down", Some(Fault::Down)),
            ("slow:250", Some(Fault::Slow(Duration::from_millis(250)))),
            ("drop", Some(Fault::Drop)),
            ("unreachable", Some(Fault::Unreachable)),
            ("lie", Some(Fault::Lie(Lie::Discard))),
            ("lie:hash", Some(Fault::Lie(Lie::WrongHash))),
            ("lie:forge", Some(Fault::Lie(Lie::ForgeReceipts))),
            ("diverge", Some(Fault::Diverge)),
            ("withhold", Some(Fault::Withhold)),
            ("refuse", Some(Fault::Refuse)),
            ("broken", Some(Fault::Broken)),
            ("demand:1000000", Some(Fault::Demand(1_000_000))),
            ("clock:-5000", Some(Fault::Clock(-5000))),
            ("slow", None),
            ("slow:x", None),
            ("demand", None),
            ("demand:-1", None),
            ("down:1", None),
            ("", None),
        ];
        for (text, fault) in cases {
            assert_eq!(text.parse::<Fault>().ok(), fault, "{text}");
        }
    }
}
