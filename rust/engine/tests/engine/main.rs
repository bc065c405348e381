//! The engine on a network and a clock that the tests control.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod commands;
mod contacts;
mod defects;
mod onion_http;
mod phases;
mod wakes;
mod world;
