//! Requests from a hundred thousand keys within an hour, and what a friend's messages cost meanwhile.
//!
//! The device is in the foreground and polls every three seconds. A friend's message is measured with nothing
//! else in the poll, so that it is the state the flood left that is compared.

use starling_core::{Command, friends};
use starling_store::{Event, Relation};

use super::device::Device;
use super::memory::{forget_peak, peak_mb, resident_mb};
use super::nodes::Nodes;
use super::{Figure, cpu, median, milliseconds, stranger};

const HOUR_MS: u64 = 3_600_000;
const POLL_MS: u64 = 3_000;
/// Long enough for a message to be read and acknowledged, too short for another poll.
const HEARD_MS: u64 = 2_500;
/// Polls of the hour after which the friend is heard.
const PAUSES: u64 = 8;
/// Messages of the friend before the flood, in all pauses of it, and after it.
const MESSAGES: u64 = 160;

struct Flood {
    nodes: Nodes,
    owner: Device,
    friend: Device,
}

pub(crate) fn figures(strangers: u64) -> Vec<Figure> {
    let mut nodes = Nodes::new();
    let mut owner = Device::new(1, POLL_MS, &mut nodes);
    let friend = Device::new(2, 24 * HOUR_MS, &mut nodes);
    let begun = cpu();
    let numbers: Vec<usize> = (0..strangers)
        .map(|number| {
            let data = stranger::request(number, owner.account, nodes.unix_ms());
            nodes.mail_of(owner.account).keep(&data)
        })
        .collect();
    let generated = cpu() - begun;
    nodes.mail_of(owner.account).reserve(numbers.len() + 4 * MESSAGES as usize);
    owner.take_events(&mut nodes);
    let mut flood = Flood { nodes, owner, friend };
    flood.befriend();
    flood.hear(MESSAGES / 4);
    let before = flood.hear(MESSAGES);
    flood.owner.take_events(&mut flood.nodes);

    let (memory, disk) = (resident_mb(), flood.owner.disk_mb());
    forget_peak();
    let hour = flood.hour(&numbers);
    let memory = peak_mb() - memory;
    let after = flood.hear(MESSAGES);

    let pending = flood.owner.store.read(|view| view.pending_requests()).unwrap();
    let (before, during, after) = (median(before), median(hour.friend), median(after));
    vec![
        Figure::new("flood: requests", strangers as f64, ""),
        Figure::new(
            "flood: CPU to make one (not counted below)",
            milliseconds(generated) / strangers as f64,
            "ms",
        ),
        Figure::new("flood: CPU of the device for one", milliseconds(hour.spent) / strangers as f64, "ms"),
        Figure::new("flood: memory, peak", memory, "MB more").at_most(16.0),
        Figure::new("flood: disk, largest", hour.disk_mb - disk, "MB more").at_most(32.0),
        Figure::new("flood: host events", hour.events as f64, "").at_most(60.0),
        Figure::new("flood: requests kept for the user", pending.count as f64, ""),
        Figure::new("friend's message before the flood: CPU", before, "ms"),
        Figure::new("friend's message during the flood: CPU", during, "ms"),
        Figure::new("friend's message after the flood: CPU", after, "ms"),
        Figure::new("friend's message during / before", during / before, "").at_most(1.2),
        Figure::new("friend's message after / before", after / before, "").at_most(1.2),
    ]
}

/// What the hour cost.
struct Hour {
    spent: std::time::Duration,
    disk_mb: f64,
    /// Events of strangers.
    events: usize,
    friend: Vec<f64>,
}

impl Flood {
    fn befriend(&mut self) {
        let Self { nodes, owner, friend } = self;
        let request = Command::Request { to: owner.account, introduction: "hello".to_owned(), invite: None };
        friend.command(nodes, request);
        friend.poll(nodes);
        owner.poll(nodes);
        let (peer, decision) = (friend.account, friends::Command::Accept);
        owner.command(nodes, Command::Decide { peer, decision });
        owner.poll(nodes);
        friend.poll(nodes);
        owner.poll(nodes);
        assert_eq!(owner.relation(&friend.account), Relation::Friend);
    }

    /// Messages of the friend, each in a poll of its own: CPU milliseconds of the device for each.
    fn hear(&mut self, messages: u64) -> Vec<f64> {
        let Self { nodes, owner, friend } = self;
        let hear = |number: u64| {
            let body = format!("message {number} of a friend in the middle of a flood of strangers");
            friend.command(nodes, Command::Send { to: owner.account, body });
            friend.poll(nodes);
            let spent = owner.spend(|owner| {
                owner.command(nodes, Command::Start);
                owner.pass(nodes, HEARD_MS);
            });
            let events = owner.take_events(nodes);
            assert!(events.iter().any(|event| matches!(event, Event::MessageReceived { .. })), "{events:?}");
            friend.poll(nodes);
            milliseconds(spent)
        };
        (0..messages).map(hear).collect()
    }

    /// The requests arrive evenly over an hour; some pauses in it, in which only the friend writes.
    fn hour(&mut self, numbers: &[usize]) -> Hour {
        let mut hour = Hour { spent: std::time::Duration::ZERO, disk_mb: 0.0, events: 0, friend: Vec::new() };
        let polls = (HOUR_MS / POLL_MS) as usize;
        let mut arrived = 0;
        for poll in 1..=polls {
            let by_now = numbers.len() * poll / polls;
            for number in &numbers[arrived..by_now] {
                self.nodes.mail_of(self.owner.account).arrive(*number);
            }
            arrived = by_now;
            let Self { nodes, owner, .. } = self;
            hour.spent += owner.spend(|owner| {
                owner.command(nodes, Command::Start);
                owner.pass(nodes, POLL_MS);
            });
            hour.events += owner.take_events(nodes).len();
            hour.disk_mb = hour.disk_mb.max(owner.disk_mb());
            if poll % (polls / PAUSES as usize) == 0 {
                // All members of the swarm are read up to here first.
                owner.pass(nodes, 20 * POLL_MS);
                hour.events += owner.take_events(nodes).len();
                hour.friend.extend(self.hear(MESSAGES / PAUSES));
            }
        }
        hour
    }
}
