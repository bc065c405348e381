//! The `starling` binary, driven as a newcomer would: from the command line, over a real network of
//! service nodes in a process of its own.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod command;
mod conversations;
mod devnets;
mod explanations;
mod friends;
mod network;
mod performances;
mod probes;
mod refusals;
