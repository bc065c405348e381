//! Tests that look at the workspace as a whole. The package has no code of its own.
//!
//! - `layering.rs`: the arrows between our crates, and who may use the runtime, the network and
//!   the database.
//! - `kills`: two processes are killed at random moments of sending and receiving, over HTTPS.
//! - `wakes.rs`: wakes over HTTPS while nodes hang.
//! - `end_to_end`: the `starling` binary, driven as a newcomer would. It belongs to the package
//!   `starling-cli`, because cargo tells only a binary's own package where the binary is.
