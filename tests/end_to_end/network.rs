//! A network in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::command::starling;

/// A network that ends with this value.
pub struct Devnet {
    process: Child,
    pub commands: Option<ChildStdin>,
    _answers: BufReader<ChildStdout>,
    pub url: String,
}

impl Devnet {
    pub fn start(options: &[&str]) -> Self {
        let mut process = starling()
            .args(["devnet", "--until-eof"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut url = String::new();
        answers.read_line(&mut url).unwrap();
        assert!(url.starts_with("http"), "first line of devnet: {url:?}");
        Self { process, commands, _answers: answers, url: url.trim().to_owned() }
    }
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
