//! The relation machine explored: two accounts, a network that does what it likes, and the very
//! function that the core calls.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod canon;
mod properties;
mod search;
mod settling;
mod world;

use stateright::{Checker, HasDiscoveries, Model};

use crate::search::{Bounds, Search};

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

#[allow(dead_code)]
fn explore(name: &str, bounds: Bounds) {
    let start = std::time::Instant::now(); let checker = Search::new(starling_core::friends::step, bounds).checker().finish_when(HasDiscoveries::AnyFailures).target_state_count(std::env::var("T").map_or(3_000_000, |v| v.parse().unwrap())).spawn_bfs().join();
    println!(
        "{}{name}: {} states, {} transitions, depth {}", if checker.is_done() { "" } else { "UNFINISHED " },
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth()
    );
    println!("{:?} done {}", start.elapsed(), checker.is_done());
    for (name, path) in checker.discoveries() {
        println!("{name}: {:?}", path.into_actions());
    }
    if checker.is_done() { checker.assert_properties(); }
}

#[test]
fn two_ends() {
    let arg = |name: &str, default: u8| std::env::var(name).map_or(default, |v| v.parse().unwrap());
    explore(
        "x",
        Bounds {
            instants: &[0, HOUR, 15 * DAY, 45 * DAY][..arg("I", 4) as usize],
            bundles: arg("B", 3), requests: arg("Q", 2),
            renewals: arg("N", 0),
            restores: arg("R", 0),
            session_clients: arg("S", 0) == 1,
        },
    );
}
