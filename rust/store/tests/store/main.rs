//! The store as its users see it, one module for each subject.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod conversations;
mod directory;
mod events;
mod fixture;
mod inbox;
mod messages;
mod model;
mod opening;
mod outbox;
mod pages;
mod search;
mod sqlcipher;
mod suspending;
mod transactions;
mod visits;
