//! Forty seeds of everything at once, and that a seed means one run.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use starling_sim::{Scale, run, simulate};

#[test]
fn forty_seeds_keep_every_promise() {
    let scale = Scale { days: 4, messages: 40 };
    let complain = |outcome: &starling_sim::Outcome| {
        for violation in &outcome.violations {
            eprintln!("seed {}: {violation}", outcome.seed);
        }
    };
    let report = simulate(0..40, &scale, 2, &complain).unwrap();
    assert_eq!(report.failing_seeds, [] as [u64; 0]);
    assert_eq!(report.seeds, 40);
    assert!(report.messages >= 40 * 30, "{} messages", report.messages);
    assert!(report.kills > 0);
}

#[test]
fn a_seed_means_one_run() {
    let scale = Scale { days: 3, messages: 30 };
    for seed in [7, 8] {
        let (one, two) = (run(seed, &scale).unwrap(), run(seed, &scale).unwrap());
        assert_eq!(one, two);
    }
    assert_ne!(run(8, &scale).unwrap().trace_digest, run(9, &scale).unwrap().trace_digest);
}
