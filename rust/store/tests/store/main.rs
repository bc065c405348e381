//! The store as its users see it, one module for each subject.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod acks;
mod contacts;
mod conversations;
mod directory;
mod events;
mod fixture;
mod frames;
mod inbox;
mod invites;
mod lanes;
mod messages;
mod model;
mod opening;
mod outbox;
mod pages;
mod pending;
mod prekeys;
mod resend;
mod sealed;
mod search;
mod sessions;
mod sqlcipher;
mod suspending;
mod transactions;
mod visits;
