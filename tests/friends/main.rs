//! The relation machine (extensions sections 4 and 5): its table walked row by row, and explored
//! with two ends and a network between them that does what it likes. What is stepped here is the
//! very function that the core calls.
//!
//! `STARLING_FRIENDS=long` explores wider bounds: some minutes and gigabytes.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod canon;
mod mutants;
mod properties;
mod rows;
mod search;
mod settling;
mod world;

use starling_core::friends::step;
use stateright::{Checker, HasDiscoveries, Model};

use crate::search::{Bounds, Search};

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
/// Now; a re-key later; after requests expired, while their prekeys live; after everything.
const INSTANTS: &[u64] = &[0, HOUR, 15 * DAY, 45 * DAY];

/// Both sides ask twice at most, and do everything else as often as they like.
const REQUESTS: Bounds = Bounds {
    instants: INSTANTS.split_at(1).0,
    bundles: 4,
    requests: 2,
    renewals: 0,
    restores: 0,
    session_clients: false,
};
/// A session is renewed, and re-keyed an hour later.
const RENEWALS: Bounds = Bounds { instants: INSTANTS.split_at(2).0, bundles: 3, renewals: 1, ..REQUESTS };
/// One side's store is lost.
const RESTORES: Bounds = Bounds { instants: INSTANTS.split_at(2).0, bundles: 3, restores: 1, ..REQUESTS };
/// Everything lapses, and one store is lost.
const LAPSES: Bounds = Bounds { instants: INSTANTS, bundles: 2, restores: 1, ..REQUESTS };
/// Both accounts are used with today's Session clients, too.
const CLIENTS: Bounds =
    Bounds { instants: INSTANTS.split_at(2).0, bundles: 3, session_clients: true, ..REQUESTS };

/// Explores until nothing new is found.
fn explore(name: &str, bounds: Bounds, reached: &[&'static str]) {
    let bounds = match std::env::var("STARLING_FRIENDS").as_deref() {
        Ok("long") => Bounds { bundles: bounds.bundles + 1, ..bounds },
        _ => bounds,
    };
    let checker =
        Search::new(step, bounds).checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let [states, transitions] = [checker.unique_state_count(), checker.state_count()];
    println!("{name}: fixpoint at {states} states and {transitions} transitions, {bounds:?}");
    for property in properties::ALL {
        if let Some(path) = checker.discovery(property) {
            panic!("{name}: not so: {property}\n{path}");
        }
    }
    for property in reached {
        assert!(checker.discovery(property).is_some(), "{name}: never reached: {property}");
    }
}

#[test]
fn requests_reach_a_fixpoint() {
    explore("requests", REQUESTS, &[search::FRIENDS, search::CROSSING]);
}

#[test]
fn renewals_reach_a_fixpoint() {
    explore("renewals", RENEWALS, &[search::FRIENDS, search::CROSSING, search::RENEWED]);
}

#[test]
fn lost_stores_reach_a_fixpoint() {
    explore("lost stores", RESTORES, &[search::FRIENDS, search::CROSSING, search::HEALED]);
}

#[test]
fn lapses_reach_a_fixpoint() {
    explore("lapses", LAPSES, &[search::FRIENDS, search::HEALED]);
}

#[test]
fn session_clients_reach_a_fixpoint() {
    explore("session clients", CLIENTS, &[search::FRIENDS, search::CROSSING]);
}

#[test]
fn every_row_of_the_table_holds() {
    assert_eq!(rows::failing(step), Vec::<&str>::new());
}

/// What catches a mutant: a property of the exploration, else a row of the table.
fn caught(mutant: world::Step) -> Option<String> {
    let narrow = [
        Bounds { bundles: 2, ..REQUESTS },
        Bounds { bundles: 2, ..RESTORES },
        Bounds { bundles: 2, ..CLIENTS },
        Bounds { restores: 0, ..LAPSES },
        Bounds { bundles: 3, ..REQUESTS },
        REQUESTS,
    ];
    for bounds in narrow {
        let checker =
            Search::new(mutant, bounds).checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        if let Some(property) = properties::ALL.iter().find(|name| checker.discovery(name).is_some()) {
            return Some(format!("the exploration: {property}"));
        }
    }
    let row = *rows::failing(mutant).first()?;
    Some(format!("a row: {row}"))
}

#[test]
fn every_mutant_is_caught() {
    let mut escaped = Vec::new();
    for (name, mutant) in mutants::MUTANTS {
        match caught(*mutant) {
            Some(catch) => println!("mutant that {name}: caught by {catch}"),
            None => escaped.push(*name),
        }
    }
    println!("{} mutants", mutants::MUTANTS.len());
    assert_eq!(escaped, Vec::<&str>::new());
}
