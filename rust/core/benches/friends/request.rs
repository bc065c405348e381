//! A friend request on its whole way, what each end spends on each step of it, and a message for comparison.

use starling_core::{Command, friends};
use starling_store::Relation;

use super::device::{Device, SETTLE_MS, Traffic};
use super::nodes::Nodes;
use super::{Figure, median, milliseconds};

const HOUR_MS: u64 = 3_600_000;
/// Requesters: each is a device of its own.
const PAIRS: u8 = 40;

const STEPS: [&str; 7] = [
    "a poll that brings nothing",
    "request: made, sealed and stored on three nodes",
    "request: polled, opened, verified and kept",
    "accept: bundle taken, session begun, frame sealed and stored",
    "accept: polled, opened, session made; answer sealed and stored",
    "answer: polled and opened; the acceptor is a friend",
    "a text to a friend: sealed and stored on three nodes",
];

pub(crate) fn figures() -> Vec<Figure> {
    let mut nodes = Nodes::new();
    let mut owner = Device::new(1, 24 * HOUR_MS, &mut nodes);
    let mut spent: [Vec<f64>; STEPS.len()] = Default::default();
    let mut traffic = [Traffic::default(); 2];
    for number in 0..PAIRS {
        let mut stranger = Device::new(100 + number, 24 * HOUR_MS, &mut nodes);
        let steps = befriend(&mut nodes, &mut stranger, &mut owner, &mut traffic);
        steps.into_iter().zip(&mut spent).for_each(|(step, spent)| spent.push(step));
    }
    let mut figures: Vec<Figure> = STEPS
        .iter()
        .zip(spent)
        .map(|(what, spent)| Figure::new(format!("{what}: CPU"), median(spent), "ms"))
        .collect();
    for (what, Traffic { stores, bytes }) in ["request", "accept"].into_iter().zip(traffic) {
        let each = |total: usize| total as f64 / f64::from(PAIRS);
        figures.push(Figure::new(format!("{what}: stores"), each(stores), ""));
        figures.push(Figure::new(format!("{what}: bodies of these stores, both ways"), each(bytes), "bytes"));
    }
    figures
}

/// The steps in the order of [`STEPS`], in milliseconds.
fn befriend(
    nodes: &mut Nodes,
    stranger: &mut Device,
    owner: &mut Device,
    traffic: &mut [Traffic; 2],
) -> [f64; STEPS.len()] {
    let (asker, asked) = (stranger.account, owner.account);
    let accept = Command::Decide { peer: asker, decision: friends::Command::Accept };
    let introduction = "We met at the library. Do you still have the book?".to_owned();
    let request = Command::Request { to: asked, introduction, invite: None };

    let idle = owner.spend(|owner| owner.poll(nodes));
    let made = stranger.spend(|stranger| stranger.act(nodes, request));
    traffic[0].add(std::mem::take(&mut stranger.traffic));
    let kept = owner.spend(|owner| owner.poll(nodes));
    owner.traffic = Traffic::default();
    let accepted = owner.spend(|owner| owner.act(nodes, accept));
    traffic[1].add(owner.traffic);
    let answered = stranger.spend(|stranger| stranger.poll(nodes));
    let ended = owner.spend(|owner| owner.poll(nodes));
    assert_eq!(owner.relation(&asker), Relation::Friend);
    assert_eq!(stranger.relation(&asked), Relation::Friend);
    let text = Command::Send { to: asked, body: "It is under the chair by the window.".to_owned() };
    let sent = stranger.spend(|stranger| stranger.act(nodes, text));
    // Its acknowledgement must not fall into the next pair's steps.
    owner.poll(nodes);
    [idle, made, kept, accepted, answered, ended, sent].map(milliseconds)
}

impl Device {
    /// A command, and what follows from it within some seconds.
    fn act(&mut self, nodes: &mut Nodes, command: Command) {
        self.command(nodes, command);
        self.pass(nodes, SETTLE_MS);
    }

    pub(crate) fn relation(&self, peer: &starling_protocol::AccountId) -> Relation {
        self.store.read(|view| view.contact_with(peer)).unwrap().unwrap().relation
    }
}
