//! The demonstration and the simulator, as `./run` and `./test long` start them.

use std::fs;

use serde_json::Value;

use crate::command::{Home, starling, stdout};

#[test]
fn the_demonstration_reports_what_became_of_every_message() {
    let home = Home::new('a');
    let file = home.file("report.json", "");
    let shown = stdout(&starling().args(["demo", "--report", &file]).output().unwrap());
    assert!(shown.contains("432, the node asks for proof of work"));
    let report: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "blocked_silent",
            "crossing",
            "delivered",
            "delivered_acked",
            "duplicates",
            "friendships",
            "lost",
            "onion_hops",
            "out_of_order",
            "pow_messages",
            "pow_ms_p50",
            "requests",
            "seconds",
            "security",
            "sent",
            "stored_max",
            "stored_min",
            "swarm_size"
        ]
    );
    for (key, expected) in [
        ("lost", 0),
        ("duplicates", 0),
        ("out_of_order", 0),
        ("swarm_size", 5),
        ("onion_hops", 3),
        ("friendships", 2),
        ("crossing", 1),
        ("blocked_silent", 1),
    ] {
        assert_eq!(report[key], expected, "{key}");
    }
    assert!(report["sent"].as_u64().unwrap() >= 40);
    assert_eq!(report["delivered"], report["sent"]);
    assert_eq!(report["delivered_acked"], report["sent"]);
    assert_eq!(report["security"], "ratchet");
    assert_eq!(report["pow_messages"], report["sent"]);
}

#[test]
fn the_simulator_reports_and_replays() {
    let home = Home::new('a');
    let file = home.file("report.json", "");
    let scale = ["--days", "1", "--messages", "20"];
    let seeds = ["simulate", "--seeds", "3", "--first-seed", "5", "--report", &file];
    stdout(&starling().args(seeds).args(scale).output().unwrap());
    let report: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    for (key, expected) in
        [("seeds", 3), ("lost", 0), ("duplicates", 0), ("out_of_order", 0), ("violations", 0)]
    {
        assert_eq!(report[key], expected, "{key}");
    }
    assert!(report["messages"].as_u64().unwrap() > 0);
    assert!(report["device_months_per_cpu_second"].as_f64().unwrap() > 0.0);

    let replay =
        || stdout(&starling().args(["simulate", "--seed", "6", "--trace"]).args(scale).output().unwrap());
    let (once, again) = (replay(), replay());
    assert!(once.lines().count() > 100, "a trace shows every step");
    assert!(once == again, "one seed, two traces");
}
