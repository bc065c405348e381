//! Bytes as a script: what happens to the core, one after another.

/// What can happen. A script is a sequence of these, each followed by the bytes it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Happening {
    /// A node answers as it should: which request.
    Answer,
    /// For three rounds every request, proof and unsealing job ends well.
    Settle,
    /// A request fails: which, how.
    Fail,
    /// A node's answer is spoiled: which request, status, three edits.
    Spoil,
    /// A node answers anything: which request, status, length, body.
    Babble,
    /// A node repeats the last answer of another: which request.
    Repeat,
    /// An answer to no request, or to one that has ended: number.
    Stray,
    /// The time comes that the core asked for.
    Timer,
    /// Time passes: binary exponent of milliseconds.
    Pass,
    /// The wall clock jumps: direction and binary exponent.
    Jump,
    /// A proof ends: how.
    Prove,
    /// Messages are opened: how.
    Unseal,
    /// The host sends: to whom, length.
    Send,
    /// The host wants something else: what, which.
    Command,
    /// Somebody writes to us: how, to which replicas, placement.
    Write,
    /// A node gets other rules: which, what.
    Rule,
    /// The process is killed: and the device restarted or not.
    Kill,
    /// The store is closed for one step: whether the core is told that it is open again.
    Close,
}

use Happening::*;

const ALL: [Happening; 18] = [
    Answer, Settle, Fail, Spoil, Babble, Repeat, Stray, Timer, Pass, Jump, Prove, Unseal, Send, Command,
    Write, Rule, Kill, Close,
];

/// Most happenings of one script: longer ones only repeat themselves.
const LONGEST: usize = 300;

/// The rest of a script.
pub(super) struct Script<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Script<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, left: LONGEST }
    }

    /// What happens next; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Happening> {
        if self.bytes.is_empty() {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        Some(ALL[usize::from(self.byte()) % ALL.len()])
    }

    /// One byte, 0 where the script has ended.
    pub(super) fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => 0,
        }
    }

    /// Up to `count` bytes.
    pub(super) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(count.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    /// One of the list.
    pub(super) fn one_of<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        let choice = usize::from(self.byte());
        list.get(choice.checked_rem(list.len())?).cloned()
    }

    /// A power of two below two to the `limit`, or 0.
    pub(super) fn magnitude(&mut self, limit: u32) -> u64 {
        match u32::from(self.byte()) % limit {
            0 => 0,
            exponent => 1 << (exponent - 1),
        }
    }
}
