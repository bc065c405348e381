//! One life of a victim: what it said, and how it ended.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::str::SplitWhitespace;
use std::time::Duration;

const SIGKILL: i32 = 9;

/// One account: what all its lives have in common.
pub(crate) struct Party {
    /// Its seed, its key and its name are made of this byte.
    pub(crate) account: u8,
    pub(crate) peer: u8,
    pub(crate) directory: PathBuf,
    pub(crate) seed_node: String,
}

/// What a life is for.
#[derive(Clone, Copy)]
pub(crate) enum Task {
    Work { texts: u64, pause_ms: u64 },
    Drain,
}

/// When death comes: after so many lines, or as soon as there is nothing left to do, and then so
/// many microseconds later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) lines: usize,
    pub(crate) microseconds: u64,
}

/// A line of a victim (see there).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Opened,
    Accepted(String),
    Shown {
        event: i64,
        label: String,
    },
    Gap {
        event: i64,
        from: i64,
        to: i64,
    },
    Changed,
    /// On so many nodes of the swarm, as the sender was told.
    Stored {
        label: String,
        copies: usize,
    },
    Delivered(String),
    /// About friendship, not about a message.
    Contact,
    Acknowledged(i64),
    Done,
}

impl Line {
    fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let text = |words: &mut SplitWhitespace<'_>| words.next().unwrap().to_owned();
        let number = |words: &mut SplitWhitespace<'_>| words.next().unwrap().parse().unwrap();
        match words.next().unwrap() {
            "opened" => Self::Opened,
            "accepted" => Self::Accepted(text(&mut words)),
            "shown" => Self::Shown { event: number(&mut words), label: text(&mut words) },
            "gap" => {
                Self::Gap { event: number(&mut words), from: number(&mut words), to: number(&mut words) }
            }
            "changed" => Self::Changed,
            "stored" => {
                let label = text(&mut words);
                Self::Stored { label, copies: words.next().unwrap().parse().unwrap() }
            }
            "delivered" => Self::Delivered(text(&mut words)),
            "contact" => Self::Contact,
            "acknowledged" => Self::Acknowledged(number(&mut words)),
            "done" => Self::Done,
            _ => panic!("a victim said {line:?}"),
        }
    }
}

impl Party {
    /// Lives until `moment`; what was said in time.
    pub(crate) fn live_until(&self, task: Task, moment: Moment) -> Vec<Line> {
        let mut child = self.spawn(task);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = Vec::new();
        while lines.len() < moment.lines && lines.last() != Some(&Line::Done) {
            let Some(line) = next_line(&mut stdout) else { break };
            lines.push(line);
        }
        // The only way to meet a process at a moment that it does not announce.
        std::thread::sleep(Duration::from_micros(moment.microseconds));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(SIGKILL), "a victim ended by itself: {status}");
        lines.extend(std::iter::from_fn(|| next_line(&mut stdout)));
        lines
    }

    /// Lives until there is nothing left to do and ends by itself.
    pub(crate) fn live_out(&self, task: Task) -> Vec<Line> {
        let mut child = self.spawn(task);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut stdout) {
            if line == Line::Done {
                drop(child.stdin.take());
            }
            lines.push(line);
        }
        let status = child.wait().unwrap();
        assert!(status.success(), "a victim failed: {status}; it said {lines:?}");
        assert!(lines.contains(&Line::Done));
        lines
    }

    fn spawn(&self, task: Task) -> Child {
        let (name, texts, pause_ms) = match task {
            Task::Work { texts, pause_ms } => ("work", texts, pause_ms),
            Task::Drain => ("drain", 0, 0),
        };
        Command::new(env!("CARGO_BIN_EXE_starling-victim"))
            .arg(name)
            .arg(&self.directory)
            .arg(&self.seed_node)
            .args([u64::from(self.account), u64::from(self.peer), texts, pause_ms].map(|n| n.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

/// The next whole line; death may cut the last one.
fn next_line(stdout: &mut impl BufRead) -> Option<Line> {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    line.strip_suffix('\n').map(Line::parse)
}
