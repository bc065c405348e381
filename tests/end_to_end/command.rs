//! Running `starling` and reading what it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::network::Devnet;

pub const DONE: i32 = 0;
pub const BAD_INPUT: i32 = 2;
pub const NO_NETWORK: i32 = 3;
pub const LOCKED: i32 = 4;

/// Cases of other implementations (network-protocol section 13).
pub fn vectors() -> Value {
    serde_json::from_str(include_str!("../../rust/protocol/tests/vectors.json")).unwrap()
}

pub fn starling() -> Command {
    Command::new(env!("CARGO_BIN_EXE_starling"))
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("killed by a signal")
}

/// Standard output of a command that must succeed.
pub fn stdout(output: &Output) -> String {
    assert_eq!(code(output), DONE, "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).expect("one JSON value on standard output")
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A data directory and its key file.
pub struct Home {
    place: TempDir,
    pub key: String,
}

impl Home {
    /// `digit` makes the key.
    pub fn new(digit: char) -> Self {
        let place = TempDir::new().unwrap();
        let key = digit.to_string().repeat(64);
        fs::write(place.path().join("key"), &key).unwrap();
        Self { place, key }
    }

    pub fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.place.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = starling();
        command
            .arg("--data-dir")
            .arg(self.data())
            .arg("--key-file")
            .arg(self.place.path().join("key"))
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn online(&self, devnet: &Devnet, arguments: &[&str]) -> Output {
        self.command(&["--seed-node", &devnet.url]).args(arguments).output().unwrap()
    }

    /// Asks somebody for friendship, and is accepted: both are friends with a ratchet, and have seen it.
    pub fn befriend(&self, id: &str, other: &Self, other_id: &str, devnet: &Devnet) {
        json(&self.online(devnet, &["friends", "request", other_id, "--text", "It is me", "--json"]));
        json(&other.online(devnet, &["poll", "--json"]));
        json(&other.online(devnet, &["friends", "accept", id, "--json"]));
        for home in [self, other, self, other] {
            json(&home.online(devnet, &["poll", "--json"]));
        }
        for (home, peer) in [(self, other_id), (other, id)] {
            let friend = &json(&home.run(&["friends", "list", "--json"]))["friends"][0];
            assert_eq!((&friend["account_id"], &friend["relation"]), (&peer.into(), &"friend".into()));
            assert_eq!(friend["security"], "ratchet");
        }
    }

    /// Creates an account; its id.
    pub fn inhabit(&self) -> String {
        json(&self.run(&["account", "new", "--json"]))["account_id"].as_str().unwrap().to_owned()
    }
}

/// Every file below a directory with its content: equal before and after means nothing changed.
pub fn snapshot(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}
