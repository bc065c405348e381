//! Random friendships: requests, texts, kills, lost stores; nothing is lost, doubled or out of order.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use starling_sim::{Told, histories, history, history_printed};

/// Histories of `./test`; `STARLING_HISTORIES` asks for more, `STARLING_FIRST_HISTORY` where to begin.
const HISTORIES: u64 = 150;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn friendships_heal_whatever_happens() {
    let first = number("STARLING_FIRST_HISTORY").unwrap_or(1);
    let seeds = first..first + number("STARLING_HISTORIES").unwrap_or(HISTORIES);
    let complain = |told: &Told| {
        for violation in told.violations.iter().take(12) {
            eprintln!("history {}: {violation}", told.seed);
        }
    };
    let tally = histories(seeds, 2, &complain).unwrap();
    println!("{tally}");
    assert_eq!(tally.failing, [] as [u64; 0]);
    assert_eq!((tally.lost, tally.duplicates, tally.out_of_order), (0, 0, 0));
    if tally.histories < HISTORIES {
        return;
    }
    let happened = [
        tally.messages,
        tally.requests,
        tally.accepts,
        tally.restores,
        tally.rekeys,
        tally.renewals,
        tally.kills,
        tally.restored_messages,
        tally.expiries,
    ];
    assert!(happened.iter().all(|count| *count > 0), "{tally}");
}

#[test]
fn a_seed_means_one_history() {
    for seed in [3, 8, 11] {
        assert_eq!(history(seed).unwrap(), history(seed).unwrap());
    }
}

/// `STARLING_HISTORY=7 cargo test -p starling-sim --test histories one -- --nocapture` prints all of it.
#[test]
fn one_history_is_told_if_wanted() {
    let seed = number("STARLING_HISTORY");
    let told = match seed {
        Some(seed) => history_printed(seed, Box::new(|line| println!("{line}"))),
        None => history(1),
    };
    let violations = told.unwrap().violations;
    assert!(violations.is_empty(), "{} violations", violations.len());
}
