//! Scripts: what a conversation looks like from the core, in calm and in trouble.

use starling_fuzz_bodies::machine::script::Happening::{self, *};

use crate::Seed;

/// Commands by number.
const CREATE: u8 = 0;
const START: u8 = 1;
const SUSPEND: u8 = 3;
const WAKE: u8 = 4;
const NETWORK_CHANGED: u8 = 5;
const RETRY: u8 = 6;
const GIVE_UP: u8 = 7;
const ACKNOWLEDGE: u8 = 8;
const REQUEST: u8 = 11;
const DECIDE: u8 = 12;

/// Decisions about a contact by number.
const ACCEPT: u8 = 0;
const DECLINE: u8 = 1;
const WITHDRAW: u8 = 3;
const BLOCK: u8 = 4;
const UNBLOCK: u8 = 5;

/// What of a script is about the second account of the cast.
const PEER: u8 = 1;

/// A script being written.
#[derive(Clone, Default)]
struct Draft(Vec<u8>);

impl Draft {
    /// An account at work on a network it knows.
    fn online() -> Self {
        Self::default().then(Command, &[CREATE]).then(Command, &[START]).then(Settle, &[]).then(Settle, &[])
    }

    fn then(mut self, happening: Happening, bytes: &[u8]) -> Self {
        self.0.push(happening as u8);
        self.0.extend(bytes);
        self
    }

    fn times(self, count: usize, happening: Happening, bytes: &[u8]) -> Self {
        (0..count).fold(self, |draft, _| draft.then(happening, bytes))
    }

    /// Time goes by, and whoever is asked answers.
    fn polls(self, count: usize) -> Self {
        (0..count).fold(self, |draft, _| draft.then(Timer, &[]).then(Settle, &[]))
    }

    /// A message of eleven bytes to the second account of the cast.
    fn send(self) -> Self {
        self.then(Send, &[1, 11])
    }

    fn seed(self, name: &'static str) -> Seed {
        ("machine", name, self.0)
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    [calm(), friends(), trouble(), clocks(), background()].concat()
}

fn calm() -> Vec<Seed> {
    let text = |seq: u8, base: u8| [0, 0, 2, 1, seq, base, 0, seq];
    vec![
        Draft::online().send().send().times(3, Settle, &[]).then(Command, &[ACKNOWLEDGE, 10]).seed("send"),
        Draft::online().send().then(Write, &text(1, 1)).then(Write, &text(2, 1)).polls(4).seed("receive"),
        Draft::online()
            .send()
            .then(Write, &text(1, 1))
            .then(Write, &text(4, 1))
            .polls(3)
            .then(Pass, &[16])
            .then(Write, &text(2, 1))
            .polls(3)
            .seed("gap"),
        (0..12)
            .fold(Draft::online(), |draft, node| draft.then(Rule, &[node, 1, 5]))
            .send()
            .times(4, Settle, &[])
            .send()
            .times(3, Settle, &[])
            .seed("proof_of_work"),
        Draft::online()
            .send()
            .then(Write, &[[1, 0, 0].as_slice(), &[b'?'; 40]].concat())
            .then(Write, &[[1, 0, 1].as_slice(), &[b'?'; 40]].concat())
            .polls(4)
            .seed("poison"),
        Draft::online()
            .then(Send, &[1, 255])
            .then(Send, &[2, 254])
            .then(Send, &[0, 5])
            .then(Send, &[3, 0])
            .times(3, Settle, &[])
            .seed("lengths"),
    ]
}

fn friends() -> Vec<Seed> {
    // From the peer to all replicas: a request of now that lives 12 days, a re-key, a frame of no session, a text.
    let request = |number: u8| [0, 0, 5, 0, 0, number, 0, 21];
    let rekey = |number: u8| [0, 0, 5, 6, 1, number, 0, 21];
    let stray = |session: u8| [0, 0, 7, session, 1, 0];
    let text = [0, 0, 2, 1, 1, 1, 0, 1];
    let decide = |draft: Draft, decision: u8| draft.then(Command, &[DECIDE, PEER, decision]);
    let asked = || Draft::online().then(Write, &request(130)).polls(4);
    let friend = || decide(asked(), ACCEPT).send().polls(4);
    vec![
        friend().send().polls(4).seed("accept"),
        friend().then(Write, &rekey(140)).polls(4).then(Write, &stray(2)).polls(4).send().seed("rekey"),
        decide(asked(), DECLINE)
            .then(Write, &request(130))
            .polls(4)
            .then(Write, &request(131))
            .polls(4)
            .send()
            .seed("decline"),
        decide(decide(asked(), BLOCK).then(Write, &request(131)).polls(4), UNBLOCK)
            .send()
            .polls(2)
            .seed("block"),
        decide(Draft::online().then(Command, &[REQUEST, PEER, 9]).send().polls(3), WITHDRAW)
            .send()
            .seed("withdraw"),
        Draft::online().send().polls(3).then(Write, &request(135)).polls(4).send().polls(3).seed("crossing"),
        decide(Draft::online().then(Write, &stray(1)).polls(4), ACCEPT).send().polls(3).seed("empty_request"),
        decide(Draft::online().then(Write, &text).polls(4), ACCEPT).send().polls(3).seed("basic"),
    ]
}

fn trouble() -> Vec<Seed> {
    let kinds = |draft: Draft| (0..9).fold(draft, |draft, kind| draft.then(Fail, &[0, kind, kind, 4, b'?']));
    vec![
        kinds(Draft::online().send())
            .times(4, Timer, &[])
            .then(Settle, &[])
            .times(2, Timer, &[])
            .seed("failures"),
        Draft::online()
            .send()
            .times(12, Fail, &[0, 1, 0])
            .times(20, Timer, &[])
            .then(Settle, &[])
            .seed("outage"),
        Draft::online()
            .send()
            .times(6, Spoil, &[0, 1, 1, 0, b'x', 20, 2, 0, 3, 9, 3, 0, 5, 8])
            .then(Timer, &[])
            .times(4, Babble, &[0, 0, 2, b'{', b'}'])
            .then(Settle, &[])
            .seed("spoiled"),
        Draft::online()
            .send()
            .times(3, Repeat, &[0])
            .then(Stray, &[3])
            .times(2, Settle, &[])
            .seed("repeated"),
        (0..12)
            .fold(Draft::online(), |draft, node| draft.then(Rule, &[node, 3, node]))
            .send()
            .times(4, Settle, &[])
            .times(4, Timer, &[])
            .then(Settle, &[])
            .seed("liars"),
        (0..12)
            .fold(Draft::online(), |draft, node| draft.then(Rule, &[node, 1, 40]))
            .send()
            .times(4, Settle, &[])
            .then(Command, &[RETRY, 0])
            .then(Settle, &[])
            .seed("absurd_difficulty"),
    ]
}

fn clocks() -> Vec<Seed> {
    vec![
        Draft::online()
            .send()
            .then(Jump, &[1, 40])
            .times(2, Settle, &[])
            .then(Jump, &[0, 42])
            .send()
            .times(2, Timer, &[])
            .then(Settle, &[])
            .seed("clock_jumps"),
        Draft::online()
            .then(Rule, &[0, 6, 44])
            .then(Rule, &[1, 7, 44])
            .send()
            .times(2, Settle, &[])
            .then(Pass, &[36])
            .times(2, Settle, &[])
            .seed("clocks_of_nodes"),
    ]
}

fn background() -> Vec<Seed> {
    let sleeping = || Draft::default().then(Command, &[CREATE]).send();
    vec![
        sleeping().then(Command, &[WAKE, 15]).times(4, Settle, &[]).then(Timer, &[]).seed("wake"),
        sleeping()
            .then(Command, &[WAKE, 14])
            .times(3, Fail, &[0, 1, 0])
            .then(Pass, &[15])
            .seed("wake_in_vain"),
        Draft::online()
            .send()
            .then(Command, &[SUSPEND, 12])
            .then(Answer, &[0])
            .then(Timer, &[])
            .then(Command, &[START])
            .times(3, Settle, &[])
            .seed("suspend"),
        Draft::online()
            .send()
            .then(Kill, &[0])
            .then(Command, &[START])
            .then(Settle, &[])
            .then(Kill, &[1])
            .then(Command, &[START])
            .times(3, Settle, &[])
            .seed("kills"),
        Draft::online()
            .send()
            .then(Close, &[0])
            .times(2, Timer, &[])
            .times(3, Settle, &[])
            .then(Command, &[WAKE, 15])
            .then(Close, &[1])
            .seed("store_fails"),
        Draft::online()
            .send()
            .send()
            .then(Command, &[GIVE_UP, 0])
            .then(Command, &[NETWORK_CHANGED])
            .then(Command, &[RETRY, 0])
            .then(Command, &[RETRY, 1])
            .times(3, Settle, &[])
            .seed("second_thoughts"),
    ]
}
