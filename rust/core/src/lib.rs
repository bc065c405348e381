//! Starling's mind: a state machine that does no input or output of its own.
//!
//! [`Machine::apply`] takes one [`Input`] (a host command, the answer to a request, a finished
//! proof, a tick of the clock), runs it inside **one store transaction**, and returns the
//! [`Effect`]s that follow: requests to nodes, proofs of work, sealed messages to open, answers to
//! the host. The effects are released only after the commit, so whatever the world sees has
//! already been written down. A kill between two steps loses nothing, because everything
//! unfinished can be derived from the store; a failed step is rolled back and everything volatile
//! is thrown away and derived anew.
//!
//! The crate has no clock, no randomness, no thread and no socket: time and dice are arguments.
//! The `engine` crate performs the effects on a real device, the `sim` crate in virtual time.
//!
//! | module | what it knows |
//! |---|---|
//! | [`Machine`] (`machine`, `commands`, `lifecycle`) | which input concerns whom; when to work and when to hold still |
//! | `network` | nodes, swarms, guards, paths, blame, outages, network time, difficulty |
//! | [`friends`] | how two accounts become contacts, and which of their sessions they use: a pure table |
//! | `contacts` | that table in the store: its inputs, its effects, bundles, strangers |
//! | `sessions` | ratchet sessions: sealing, opening, parking, what a frame that does not open means |
//! | `acks` | end-to-end acknowledgements, and what happens without them |
//! | `outbox` | the way of a message out: seal once, date, prove, three stores, receipts |
//! | `inbox` | the way of a message in: three replicas, one commit, order and gaps |
//! | [`unseal`] | opening one message, on the driver's workers |

mod acks;
mod chance;
mod commands;
mod config;
mod contacts;
mod effect;
mod error;
pub mod friends;
mod inbox;
mod input;
mod lifecycle;
mod machine;
mod network;
mod outbox;
mod sessions;
mod step;
pub mod unseal;

pub use config::{Config, SeedNode};
pub use effect::{Answer, Connection, Effect, Purpose, Request, Route, Status, WakeReport};
pub use error::CommandError;
pub use input::{Command, CommandId, EffectId, Input, Now, Outcome};
pub use machine::{Applied, Machine};

/// Bytes of the longest text that fits into one message: what is stored may have 76,800 bytes
/// (network-protocol section 4.3) after padding, sealing and wrapping.
pub fn largest_text() -> usize {
    starling_protocol::text::largest_body()
}
