//! Every rule that extensions section 4 lays on the Olm sessions themselves.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attacks;
mod chains;
mod handshake;
mod model;
mod pair;
mod pickles;
mod room;
mod secrecy;
mod versions;
