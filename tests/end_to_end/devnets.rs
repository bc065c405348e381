//! The development network as a person meets it: what it prints first, and its faults by their names.

use std::io::BufReader;
use std::process::Stdio;

use crate::command::{starling, stdout};
use crate::network::{Devnet, line};

#[test]
fn a_network_introduces_itself_with_the_url_for_seed_node_and_its_nodes() {
    let mut process = starling()
        .args(["devnet", "--until-eof", "--swarms", "2", "--swarm-size", "3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap());
    assert!(line(&mut lines).starts_with("http://127.0.0.1:"));
    for number in 0..6 {
        let node = line(&mut lines);
        let words: Vec<&str> = node.split_whitespace().collect();
        let [counted, address, "swarm", _, key] = *words.as_slice() else { panic!("{node}") };
        assert_eq!((counted, key.len()), (&*number.to_string(), 64), "{node}");
        assert!(address.starts_with("127."), "{node}");
    }
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());
}

#[test]
fn every_fault_is_in_the_help_and_obeyed() {
    let help = stdout(&starling().args(["devnet", "--help"]).output().unwrap());
    let mut devnet = Devnet::start(&[]);
    for (command, in_help) in [
        ("down 0", "--down <N>"),
        ("slow 1 1", "--slow <N> <MS>"),
        ("drop 2", "--drop <N>"),
        ("lie 3", "--lie <N>"),
        ("lie 3 hash", "lie N hash|forge"),
        ("lie 3 forge", "lie N hash|forge"),
        ("diverge 4", "--diverge <N>"),
        ("withhold 5", "withhold N"),
        ("refuse 6", "refuse N"),
        ("unreachable 7", "unreachable N"),
        ("broken 8", "broken N"),
        ("demand 8 1000000", "demand N DIFFICULTY"),
        ("clock 9 -5000", "clock N MS"),
        ("heal 9", "heal N"),
        ("replication off", "--replication <off|on>"),
        ("replication on", "replication on"),
    ] {
        devnet.obey(command);
        assert!(help.contains(in_help), "{in_help}");
    }
    // A fault that exists is known to the help.
    let known = devnet.answer_to("explode 1");
    let known = known.strip_prefix("? no such fault; known are ").unwrap();
    for fault in known.split(", ") {
        let name = fault.split(':').next().unwrap();
        assert!(help.contains(&format!("{name} <N>")) || help.contains(&format!("{name} N")), "{fault}");
    }
    assert_eq!(devnet.answer_to("down 10"), "? 10 is not the number of a node: 0 to 9");
    assert!(devnet.answer_to("down").starts_with("? not a command"));
}
