//! What a seed means to a friendship: how it begins, what is written, who is away, what goes wrong.

use rand_chacha::ChaCha20Rng;
use starling_core::friends::Command;

use super::both::Both;
use crate::chance::{Role, between, chance, one_of};
use crate::clock::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::host::Act;
use crate::network::Weather;
use crate::plan::{Plan, any_manners, any_weather};

/// What a user does about a request that appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) after_ms: u64,
    pub(crate) decision: Decision,
}

/// See [`Reply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Accept,
    Decline,
    /// The request is left alone.
    Ignore,
}

/// Everything about a history that is decided before its first virtual millisecond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Story {
    /// The world, and what is done and breaks in it.
    pub(crate) plan: Plan,
    pub(crate) span_ms: u64,
    pub(crate) text_ttl_ms: u64,
    /// Per device, what its user does about the requests that appear, in their order; accepts the rest.
    pub(crate) replies: Both<Vec<Reply>>,
    /// Whether both want to be friends in the end.
    pub(crate) stays: bool,
    /// Whose messages may expire, because somebody is away or silent for too long.
    pub(crate) may_expire: Both<bool>,
    texts: u64,
}

/// The time in which a device is off.
type Absence = Option<(u64, u64)>;

impl Story {
    /// Draws the story of a seed.
    pub(crate) fn draw(seed: u64) -> Self {
        let rng = &mut Role::Plan.rng(seed);
        let span_ms = match between(rng, 0, 9) {
            0..4 => between(rng, 10 * MINUTE_MS, 2 * HOUR_MS),
            4..6 => between(rng, DAY_MS, 5 * DAY_MS),
            _ => between(rng, 8 * DAY_MS, 20 * DAY_MS),
        };
        let brief = (DAY_MS..6 * DAY_MS).contains(&span_ms) && chance(rng, 600);
        let mut story = Self {
            plan: empty_plan(rng, seed, span_ms),
            span_ms,
            text_ttl_ms: if brief { DAY_MS } else { 14 * DAY_MS },
            replies: Both::default(),
            stays: true,
            // Messages that live for a day only are missed by somebody who looks once a day.
            may_expire: Both::same(brief),
            texts: 0,
        };
        let absences = story.absences(rng);
        (0..2).for_each(|device| story.live(rng, device, *absences.of(device)));
        story.open(rng);
        story.write(rng);
        story.restore(rng);
        story.block(rng);
        story.trouble(&mut Role::Faults.rng(seed));
        story.plan.acts.sort_by_key(|(at, _, _)| *at);
        story
    }

    /// In some stories one device is off for most of a message's life, or longer than that.
    fn absences(&mut self, rng: &mut ChaCha20Rng) -> Both<Absence> {
        let mut absences = Both::default();
        let longest = self.span_ms.saturating_sub(self.span_ms / 4);
        if longest < self.text_ttl_ms * 9 / 10 || !chance(rng, 600) {
            return absences;
        }
        let wanted = between(rng, self.text_ttl_ms * 8 / 10, self.text_ttl_ms * 25 / 10).min(longest);
        let from = between(rng, self.span_ms / 5, self.span_ms - wanted);
        let absent = between(rng, 0, 1) as usize;
        *absences.of_mut(absent) = Some((from, from + wanted));
        // Who is away cannot store anything again at 80 % of its life.
        *self.may_expire.of_mut(absent) = true;
        // And what waits for its answer to a request expires with that request.
        let unanswered = from + wanted > 14 * DAY_MS;
        *self.may_expire.of_mut(1 - absent) |= unanswered || wanted > self.text_ttl_ms * 16 / 10;
        absences
    }

    /// Visits of some minutes, two a day or so, and a background job every twelve hours.
    fn live(&mut self, rng: &mut ChaCha20Rng, device: usize, away: Absence) {
        let present = |at: u64| away.is_none_or(|(from, until)| at < from || at > until);
        let mut at = 0;
        while at < self.span_ms {
            let stay = between(rng, MINUTE_MS, 6 * MINUTE_MS);
            if present(at) && present(at + stay) {
                let grace_ms = between(rng, 0, 5_000);
                self.plan.acts.push((at, device, Act::Foreground));
                self.plan.acts.push((at + stay, device, Act::Background { grace_ms }));
            }
            at += stay + between(rng, MINUTE_MS, (self.span_ms / 12).clamp(5 * MINUTE_MS, DAY_MS));
        }
        let mut at = between(rng, 0, 12 * HOUR_MS);
        while at < self.span_ms {
            if present(at) {
                self.plan.acts.push((at, device, Act::Wake { within_ms: 30_000 }));
            }
            at += 12 * HOUR_MS;
        }
    }

    fn any_delay(&self, rng: &mut ChaCha20Rng) -> u64 {
        let longest = if chance(rng, 500) { MINUTE_MS } else { self.span_ms / 10 };
        between(rng, 0, longest)
    }

    /// How they get to know each other.
    fn open(&mut self, rng: &mut ChaCha20Rng) {
        let at = between(rng, 0, self.span_ms / 10);
        let one = between(rng, 0, 1) as usize;
        let other = 1 - one;
        let accept = Reply { after_ms: self.any_delay(rng), decision: Decision::Accept };
        let again = at + self.span_ms / 8 + self.any_delay(rng);
        self.request(rng, at, one);
        match between(rng, 0, 99) {
            0..40 => self.replies.of_mut(other).push(accept),
            40..60 => {
                let crossing = at + self.any_delay(rng);
                self.request(rng, crossing, other);
            }
            60..75 => {
                let decline = Reply { decision: Decision::Decline, ..accept };
                self.replies.of_mut(other).extend([decline, accept]);
                self.may_expire = Both::same(true);
                self.take_back_and_ask_again(rng, again, one);
            }
            75..90 => {
                self.replies.of_mut(other).push(Reply { after_ms: self.span_ms / 8, ..accept });
                let regrets = at + self.any_delay(rng);
                self.take_back_and_ask_again(rng, regrets, one);
            }
            // Nobody answers; if the story is long enough, the request expires, and there is another.
            90..97 => {
                let ignore = Reply { decision: Decision::Ignore, ..accept };
                self.replies.of_mut(other).push(ignore);
                self.may_expire = Both::same(true);
                self.request(rng, self.span_ms - 1, one);
            }
            _ => {
                let decline = Reply { decision: Decision::Decline, ..accept };
                self.replies.of_mut(other).push(decline);
                (self.stays, self.may_expire) = (false, Both::same(true));
            }
        }
    }

    fn request(&mut self, rng: &mut ChaCha20Rng, at: u64, from: usize) {
        let to = 1 - from;
        let act = match between(rng, 0, 3) {
            0 => Act::Request { to, introduction: String::new() },
            1 => Act::Send { to, body: self.text(from, 40) },
            _ => Act::Request { to, introduction: self.text(from, 200) },
        };
        self.plan.acts.push((at, from, act));
    }

    fn take_back_and_ask_again(&mut self, rng: &mut ChaCha20Rng, at: u64, from: usize) {
        let withdraw = Act::Decide { peer: 1 - from, decision: Command::Withdraw };
        self.plan.acts.push((at, from, withdraw));
        let again = at + 1 + self.any_delay(rng);
        self.request(rng, again, from);
    }

    /// A text like no other.
    pub(crate) fn text(&mut self, from: usize, length: usize) -> String {
        self.texts += 1;
        format!("{} of {from} {}", self.texts, "ß".repeat(length / 2))
    }

    fn write(&mut self, rng: &mut ChaCha20Rng) {
        for _ in 0..between(rng, 2, 8) {
            let from = between(rng, 0, 1) as usize;
            let mut at = between(rng, 0, self.span_ms - 1);
            // Who declines does not write: that would be a request.
            if !self.stays && !self.replies.of(from).is_empty() {
                continue;
            }
            for _ in 0..between(rng, 1, 6) {
                let length = match between(rng, 0, 99) {
                    0..80 => between(rng, 0, 200),
                    80..97 => between(rng, 600, 3_000),
                    _ => between(rng, 3_000, 60_000),
                };
                let body = self.text(from, length as usize);
                self.plan.acts.push((at, from, Act::Send { to: 1 - from, body }));
                at += between(rng, 0, 6_000);
            }
        }
    }

    /// In half of the stories one side loses its store.
    fn restore(&mut self, rng: &mut ChaCha20Rng) {
        if self.stays && chance(rng, 500) {
            let at = between(rng, self.span_ms / 6, self.span_ms * 9 / 10);
            self.plan.acts.push((at, between(rng, 0, 1) as usize, Act::Restore));
        }
    }

    fn block(&mut self, rng: &mut ChaCha20Rng) {
        if !self.stays || !chance(rng, 150) {
            return;
        }
        let (from, blocker) = (between(rng, self.span_ms / 5, self.span_ms / 2), between(rng, 0, 1) as usize);
        let until = from + between(rng, 1, self.span_ms / 3);
        let decide = |decision| Act::Decide { peer: 1 - blocker, decision };
        self.plan.acts.push((from, blocker, decide(Command::Block)));
        self.may_expire = Both::same(true);
        if chance(rng, 750) {
            self.plan.acts.push((until, blocker, decide(Command::Unblock)));
        } else {
            self.stays = false;
        }
    }

    fn trouble(&mut self, rng: &mut ChaCha20Rng) {
        if chance(rng, 300) {
            self.plan.weather = any_weather(rng);
            let weather = self.plan.weather;
            self.plan.changes.push((0, crate::faults::Change::Weather(weather)));
        }
        for _ in 0..between(rng, 0, 3) {
            let at = between(rng, 0, self.span_ms - 1);
            self.plan.break_something(rng, at);
        }
        for _ in 0..between(rng, 0, 4) {
            let at = between(rng, 0, self.span_ms - 1);
            self.plan.trouble_device(rng, at);
        }
    }
}

fn empty_plan(rng: &mut ChaCha20Rng, seed: u64, span_ms: u64) -> Plan {
    Plan {
        seed,
        days: span_ms / DAY_MS,
        nodes: between(rng, 10, 16) as usize,
        swarm_size: between(rng, 5, 7) as usize,
        devices: 2,
        difficulty: chance(rng, 400).then(|| *one_of(rng, &[1, 5, 20]).unwrap_or(&1)),
        onion_bytes: false,
        weather: Weather::default(),
        manners: (0..2).map(|_| any_manners(rng)).collect(),
        acts: Vec::new(),
        changes: Vec::new(),
    }
}
