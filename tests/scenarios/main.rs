//! Every fault that the field has reported, as a scenario: what is promised must hold, and the fault
//! must really have happened. In virtual time on the in-process network; the most telling ones again
//! over HTTPS.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod clocks;
mod hosts;
mod https;
mod membership;
mod outages;
mod pages;
mod paths;
mod receipts;
mod redundancy;
mod stage;
mod wakes;
mod work;
