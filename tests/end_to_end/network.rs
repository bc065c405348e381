//! A network in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::Value;

use crate::command::{json, starling, text};

/// A network that ends with this value.
pub struct Devnet {
    process: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub url: String,
    /// Key and swarm id of each node, in the order of their numbers.
    pub nodes: Vec<(String, String)>,
}

impl Devnet {
    pub fn start(options: &[&str]) -> Self {
        let mut process = starling()
            .args(["devnet", "--until-eof", "--json"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let running: Value = serde_json::from_str(&line(&mut answers)).unwrap();
        let node = |node: &Value| (text(&node["key"]).to_owned(), text(&node["swarm_id"]).to_owned());
        let nodes = running["nodes"].as_array().unwrap().iter().map(node).collect();
        let url = text(&running["seed_url"]).to_owned();
        Self { process, commands, answers, url, nodes }
    }

    /// Types a command and waits for the answer to it.
    pub fn answer_to(&mut self, command: &str) -> String {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
        line(&mut self.answers)
    }

    /// Types a command that must be obeyed.
    pub fn obey(&mut self, command: &str) {
        assert_eq!(self.answer_to(command), format!("ok: {command}"));
    }

    /// Numbers of the nodes that keep an account's messages.
    pub fn members(&self, account: &str) -> Vec<usize> {
        let ids: Vec<&str> = self.nodes.iter().map(|(_, swarm_id)| swarm_id.as_str()).collect();
        let probe = ["swarm-of", "--json", "--account", account, "--swarm-ids", &ids.join(",")];
        let answer = json(&starling().args(probe).output().unwrap());
        let ours = |number: &usize| answer["swarm_id"] == *self.nodes[*number].1;
        (0..self.nodes.len()).filter(ours).collect()
    }
}

/// One line, without its end.
pub fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    assert_ne!(from.read_line(&mut line).unwrap(), 0, "no more lines");
    line.trim_end().to_owned()
}

impl Drop for Devnet {
    fn drop(&mut self) {
        self.commands.take();
        let ended = self.process.wait();
        if !std::thread::panicking() {
            assert!(ended.unwrap().success(), "devnet did not end cleanly");
        }
    }
}
