//! One node and its swarm without I/O: what it answers, what it keeps, what it passes on.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod batch;
mod faults;
mod movement;
mod net;
mod onion;
mod retrieve;
mod store;
mod upkeep;
mod view;
