//! The simulator: real cores and real service nodes under one virtual clock and one seed.
//!
//! A [`World`] runs devices (the product's `core` over the product's `store`) against the nodes of
//! `simnet`. It performs every effect of a core in virtual time, so a month takes a second, and every
//! draw comes from one seed, so what went wrong once goes wrong again. [`run`] makes a world from a seed,
//! a plan of a conversation with everything that breaks meanwhile, and judges what came of it;
//! [`simulate`] does that for many seeds. [`history`] and [`histories`] do the same for friendships.
//!
//! # Short cuts
//! Each makes a run faster, and none changes what a core sees:
//! - Requests travel above the onion layer: hops, latency and path errors are real, the encryption is left
//!   out. One seed in a hundred sends real onion bytes, peeled by every relay.
//! - Proof of work is an oracle: time passes as if the work were done, and the nonce says which
//!   difficulty it was worked to; nodes compare that with their own.
//! - Ed25519 results of nodes are remembered (`memo`).
//! - The store is the product's schema in memory, without encryption.
//! - Kills happen at commit boundaries: after any step, with any number of its effects released. Cuts
//!   inside a commit belong to the power-cut test of the store.
//!
//! | module | what it knows |
//! |---|---|
//! | [`World`] (`world`) | the queue of what happens, and how to look at what happened |
//! | `clock`, `chance` | virtual time, clocks that are wrong, randomness by role |
//! | `device`, `host`, `reading` | a process that can be killed at any step; the app and the system around it; events |
//! | `network`, `replication`, `topology`, `memo` | requests hop by hop, nodes among themselves |
//! | `faults` | what breaks, and how much may break at once |
//! | `meddling` | what a scenario does and looks at beyond that: altered answers, strangers' messages, full disks |
//! | `witness`, `relations` | promises checked while they are made |
//! | `evidence`, `checker` | promises checked at the end |
//! | `restore` | a store that is destroyed and an account restored from the phrase |
//! | `trace` | the decision trace and its digest |
//! | `plan`, `run`, `report` | a seed's conversation and its faults; many seeds; the report |
//! | `histories` | random friendships, from the request to the healing of a lost store |

mod acquaintance;
mod chance;
mod checker;
mod clock;
mod device;
mod evidence;
mod faults;
mod histories;
mod host;
mod meddling;
mod memo;
mod network;
mod plan;
mod reading;
mod relations;
mod replication;
mod report;
mod restore;
mod run;
mod topology;
mod trace;
mod witness;
mod world;

pub use acquaintance::Acquaintance;
pub use checker::{
    Accepted, Deaf, Displayed, Ending, History, Kept, MessageId, Sent, Shown, ShownMessage, Verdict,
    Violation,
};
pub use clock::{DAY_MS, DeviceClock, EPOCH_MS, HOUR_MS, MINUTE_MS};
pub use device::Death;
pub use faults::{Change, Fault};
pub use histories::{Tally, Told, histories, history, history_printed};
pub use host::{Act, Manners};
pub use meddling::Departure;
pub use network::Weather;
pub use plan::{Plan, Scale};
pub use report::{Outcome, Report};
pub use run::{run, run_printed, simulate};
pub use trace::{Moment, Printer};
pub use world::{Setup, World};
