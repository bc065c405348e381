//! What a seed means: a network, a conversation over some days, and everything that breaks meanwhile.

use std::ops::Range;

use rand_chacha::ChaCha20Rng;

use crate::chance::{Role, between, chance, one_of, shuffle};
use crate::clock::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::faults::{Change, Fault};
use crate::host::{Act, Manners};
use crate::network::Weather;

/// How much a seed does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Virtual days before everything is repaired and the devices are given time to finish.
    pub days: u64,
    /// Messages sent in these days, all devices together.
    pub messages: u64,
}

/// Everything that is decided before the first virtual millisecond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Virtual days.
    pub days: u64,
    /// Service nodes in the beginning.
    pub nodes: usize,
    /// About how many members a swarm has.
    pub swarm_size: usize,
    /// Devices.
    pub devices: usize,
    /// Proof of work that nodes ask for in the beginning.
    pub difficulty: Option<u64>,
    /// Whether requests travel as onion bytes.
    pub onion_bytes: bool,
    /// The weather when nothing special happens.
    pub weather: Weather,
    /// How each device's host treats events.
    pub manners: Vec<Manners>,
    /// What devices do: virtual time, device, act.
    pub acts: Vec<(u64, usize, Act)>,
    /// What happens to the world around them.
    pub changes: Vec<(u64, Change)>,
}

/// One stay in the foreground.
type Session = (u64, u64);

impl Plan {
    /// Draws the plan of a seed.
    pub fn draw(seed: u64, scale: &Scale) -> Self {
        let rng = &mut Role::Plan.rng(seed);
        let swarm_size = between(rng, 5, 7) as usize;
        let large = chance(rng, 50);
        let nodes = if large { between(rng, 30, 50) } else { between(rng, 10, 24) } as usize;
        let devices = if chance(rng, 100) { 3 } else { 2 };
        let mut plan = Self {
            seed,
            days: scale.days,
            nodes,
            swarm_size,
            devices,
            difficulty: chance(rng, 600).then(|| between(rng, 1, 20)),
            onion_bytes: seed % 100 == 7,
            weather: Weather::default(),
            manners: (0..devices).map(|_| any_manners(rng)).collect(),
            acts: Vec::new(),
            changes: Vec::new(),
        };
        let meetings: Vec<u64> = (0..scale.days).map(|_| between(rng, 0, DAY_MS - HOUR_MS)).collect();
        let sessions: Vec<Vec<Session>> =
            (0..devices).map(|device| plan.live(rng, device, &meetings)).collect();
        let mut written = 0;
        while written < scale.messages {
            let burst = if chance(rng, 250) { between(rng, 2, 12) } else { 1 };
            let last = (written + burst).min(scale.messages);
            plan.write(rng, written..last, &sessions);
            written = last;
        }
        let rng = &mut Role::Faults.rng(seed);
        plan.burden(rng);
        let trouble = between(rng, 0, 8);
        for day in 0..scale.days {
            for _ in 0..between(rng, 0, trouble) {
                let at = day * DAY_MS + between(rng, 0, DAY_MS - 1);
                plan.break_something(rng, at);
            }
            for _ in 0..between(rng, 0, trouble / 2) {
                let at = day * DAY_MS + between(rng, 0, DAY_MS - 1);
                plan.trouble_device(rng, at);
            }
        }
        plan
    }

    /// A device's days: some sessions, many at the same time as others', and background jobs as an
    /// operating system grants them, the last one of a day with time enough.
    fn live(&mut self, rng: &mut ChaCha20Rng, device: usize, meetings: &[u64]) -> Vec<Session> {
        let mut sessions = Vec::new();
        for (day, meeting) in (0..).zip(meetings) {
            let from = day * DAY_MS;
            for _ in 0..between(rng, 0, 2) {
                let together = chance(rng, 600);
                let alone = between(rng, 0, DAY_MS - HOUR_MS);
                let start = from + if together { meeting + between(rng, 0, 90_000) } else { alone };
                let end = start + between(rng, MINUTE_MS / 2, 20 * MINUTE_MS);
                let grace_ms = between(rng, 0, 5_000);
                self.acts.push((start, device, Act::Foreground));
                self.acts.push((end, device, Act::Background { grace_ms }));
                sessions.push((start, end));
            }
            let pause = match between(rng, 0, 99) {
                0..5 => 15 * MINUTE_MS,
                5..20 => HOUR_MS,
                20..60 => 3 * HOUR_MS,
                _ => 6 * HOUR_MS,
            };
            let mut at = from + between(rng, 0, pause);
            while at + pause < from + DAY_MS {
                let within_ms = if chance(rng, 300) { between(rng, 1_000, 6_000) } else { 30_000 };
                self.acts.push((at, device, Act::Wake { within_ms }));
                at += pause + between(rng, 0, 2 * MINUTE_MS);
            }
            self.acts.push((from + DAY_MS - 1, device, Act::Wake { within_ms: 30_000 }));
        }
        sessions
    }

    /// One message or a burst of them, mostly while the sender's app is open.
    fn write(&mut self, rng: &mut ChaCha20Rng, numbers: Range<u64>, sessions: &[Vec<Session>]) {
        let from = between(rng, 0, self.devices as u64 - 1) as usize;
        let to = (from + between(rng, 1, self.devices as u64 - 1) as usize) % self.devices;
        let session = sessions.get(from).and_then(|sessions| one_of(rng, sessions)).copied();
        let anywhere = between(rng, 0, self.days * DAY_MS - 1);
        let mut at = match session {
            Some((start, end)) if chance(rng, 750) => between(rng, start, end),
            _ => anywhere,
        };
        for number in numbers {
            let length = match between(rng, 0, 99) {
                0..80 => between(rng, 0, 200),
                80..98 => between(rng, 200, 3_000),
                _ => between(rng, 3_000, 30_000),
            };
            let body = format!("{number} {from}→{to} {}", "ß".repeat(length as usize / 2));
            self.acts.push((at, from, Act::Send { to, body }));
            at = (at + between(rng, 0, 6_000)).min(self.days * DAY_MS - 1);
        }
        if chance(rng, 60) {
            self.acts.push((at, from, Act::GiveUp));
            self.acts.push((at + between(rng, 0, HOUR_MS), from, Act::Retry));
        }
    }

    /// What is bad from the first to the last day: in some seeds the weather, in some as many lying
    /// members of every swarm as it can bear.
    fn burden(&mut self, rng: &mut ChaCha20Rng) {
        if chance(rng, 400) {
            self.weather = any_weather(rng);
            self.changes.push((0, Change::Weather(self.weather)));
        }
        if chance(rng, 400) {
            let lies = [Fault::Withhold, Fault::Discard, Fault::WrongHash, Fault::ForgeReceipts];
            for server in 0..self.nodes {
                let lie = *one_of(rng, &lies).unwrap_or(&Fault::Withhold);
                self.changes.push((0, Change::Break(server, lie)));
            }
        }
    }

    pub(crate) fn break_something(&mut self, rng: &mut ChaCha20Rng, at: u64) {
        let until = at + between(rng, 1, 12 * HOUR_MS);
        let server = between(rng, 0, self.nodes as u64 - 1) as usize;
        let other = between(rng, 0, self.nodes as u64 - 1) as usize;
        match between(rng, 0, 99) {
            0..45 => {
                self.changes.push((at, Change::Break(server, any_fault(rng))));
                self.changes.push((until, Change::Repair(server)));
            }
            45..53 => self.changes.push((at, Change::Wipe(server))),
            53..58 => self.changes.push((at, Change::Join(server))),
            58..62 => self.changes.push((at, Change::Leave(server))),
            62..66 => self.changes.push((at, Change::Move(server, other))),
            66..72 => {
                self.changes.push((at, Change::Decommission(server)));
                self.changes.push((until, Change::Recommission(server)));
            }
            72..90 => {
                self.changes.push((at, Change::Weather(any_weather(rng))));
                self.changes.push((until, Change::Weather(self.weather)));
            }
            90..96 => {
                self.changes.push((at, Change::Seeds(false)));
                self.changes.push((until, Change::Seeds(true)));
            }
            _ => {
                let difficulty = chance(rng, 700).then(|| between(rng, 1, 50));
                self.changes.push((at, Change::Difficulty(difficulty)));
            }
        }
    }

    pub(crate) fn trouble_device(&mut self, rng: &mut ChaCha20Rng, at: u64) {
        let device = between(rng, 0, self.devices as u64 - 1) as usize;
        let until = at + between(rng, 1, 6 * HOUR_MS);
        match between(rng, 0, 99) {
            0..15 => self.acts.push((at, device, Act::Kill)),
            15..50 => {
                let (after_steps, released) = (between(rng, 0, 60), between(rng, 0, 6) as usize);
                self.acts.push((at, device, Act::Die { after_steps, released }));
            }
            50..55 => self.acts.push((at, device, Act::Reboot)),
            55..70 => {
                let reach = *one_of(rng, &[60_000, HOUR_MS, 400 * DAY_MS]).unwrap_or(&0);
                let by_ms = between(rng, 0, 2 * reach) as i64 - reach as i64;
                self.acts.push((at, device, Act::ClockJump { by_ms }));
            }
            70..80 => self.acts.push((at, device, Act::NetworkChanged)),
            80..90 => {
                self.acts.push((at, device, Act::Offline));
                self.acts.push((until, device, Act::Online));
            }
            _ => {
                let mut servers: Vec<usize> = (0..self.nodes).collect();
                shuffle(rng, &mut servers);
                servers.truncate(between(rng, 1, self.nodes as u64 / 2) as usize);
                self.changes.push((at, Change::Partition(device, servers)));
                self.changes.push((until, Change::Mend(device)));
            }
        }
    }
}

pub(crate) fn any_manners(rng: &mut ChaCha20Rng) -> Manners {
    let lazy = *one_of(rng, &[20, 500, 5_000, 10 * MINUTE_MS]).unwrap_or(&20);
    Manners {
        fetch_ms: (0, lazy),
        acknowledge_ms: (0, lazy / 2),
        dies_reading: if chance(rng, 300) { 30 } else { 0 },
    }
}

fn any_fault(rng: &mut ChaCha20Rng) -> Fault {
    match between(rng, 0, 13) {
        0..=2 => Fault::Down,
        3 => Fault::Hung,
        4 => Fault::NotReady,
        5 => Fault::Slow(between(rng, 200, 8_000)),
        6 => Fault::Withhold,
        7 => Fault::Discard,
        8 => Fault::WrongHash,
        9 => Fault::ForgeReceipts,
        10 => Fault::Demand(*one_of(rng, &[0, 3, 200, 1_000_000]).unwrap_or(&0)),
        11 => Fault::WrongClock(between(rng, 0, 2 * HOUR_MS) as i64 - HOUR_MS as i64),
        12 => Fault::KeepsToItself,
        _ => Fault::Refuse,
    }
}

pub(crate) fn any_weather(rng: &mut ChaCha20Rng) -> Weather {
    let slow = between(rng, 20, 1_500);
    Weather {
        loss: between(rng, 0, 300) as u32,
        duplication: between(rng, 0, 100) as u32,
        peer_loss: between(rng, 0, 200) as u32,
        latency_ms: (10, slow),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SCALE: Scale = Scale { days: 30, messages: 200 };

    #[test]
    fn a_plan_depends_on_its_seed_alone() {
        assert_eq!(Plan::draw(5, &SCALE), Plan::draw(5, &SCALE));
        assert_ne!(Plan::draw(5, &SCALE).acts, Plan::draw(6, &SCALE).acts);
    }

    #[test]
    fn every_device_has_a_good_wake_every_day() {
        let plan = Plan::draw(11, &SCALE);
        for device in 0..plan.devices {
            for day in 0..plan.days {
                let good = |(at, of, act): &(u64, usize, Act)| {
                    *of == device && at / DAY_MS == day && *act == Act::Wake { within_ms: 30_000 }
                };
                assert!(plan.acts.iter().any(good), "device {device} day {day}");
            }
        }
    }

    #[test]
    fn all_messages_are_sent_within_the_days_and_differ() {
        let plan = Plan::draw(12, &SCALE);
        let mut bodies: Vec<&String> = Vec::new();
        for (at, from, act) in &plan.acts {
            if let Act::Send { to, body } = act {
                assert!(*at < plan.days * DAY_MS && from != to && *to < plan.devices);
                bodies.push(body);
            }
        }
        assert_eq!(bodies.len(), 200);
        bodies.sort();
        bodies.dedup();
        assert_eq!(bodies.len(), 200);
    }

    #[test]
    fn seeds_differ_in_what_breaks() {
        let kinds: std::collections::BTreeSet<String> = (0..40)
            .flat_map(|seed| Plan::draw(seed, &SCALE).changes)
            .map(|(_, change)| format!("{change:?}").split('(').next().unwrap().to_owned())
            .collect();
        assert_eq!(kinds.len(), 13, "{kinds:?}");
    }
}
