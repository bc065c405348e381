//! Convergence: what becomes of two ends when the users do nothing more and messages arrive.

use starling_core::friends::{Command, Input, Relation};

use crate::world::{End, Step, Who};

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
/// Exchanges after which an unfinished one counts as endless.
const ROUNDS: usize = 12;

/// Two ends without a wire: all that was under way is delivered or lost.
struct Settling {
    ends: [End; 2],
    step: Step,
    first: Who,
    now: u64,
}

/// Whether two ends come to agree, whichever of them speaks first.
pub(crate) fn converges(step: Step, ends: &[End; 2], now: u64) -> bool {
    Who::BOTH.into_iter().all(|first| Settling { ends: ends.clone(), step, first, now }.agrees())
}

impl Settling {
    fn agrees(mut self) -> bool {
        // Two hours suffice for a re-key of either side.
        if !(self.exchange() && self.wait(HOUR) && self.wait(HOUR)) || self.torn() {
            return false;
        }
        if self.friends() {
            return true;
        }
        if !(self.wait(15 * DAY) && self.wait(30 * DAY) && self.wait(45 * DAY)) || self.torn() {
            return false;
        }
        self.at_rest()
    }

    /// Time passes, and both talk.
    fn wait(&mut self, seconds: u64) -> bool {
        self.now += seconds;
        for end in &mut self.ends {
            let _ = end.apply(self.step, Input::Tick, None, self.now);
        }
        self.exchange()
    }

    /// Both send what they have until nothing changes any more.
    fn exchange(&mut self) -> bool {
        for _ in 0..ROUNDS {
            let before = self.ends.clone();
            for who in [self.first, self.first.other()] {
                if self.ends[who as usize].pair.preferred().is_none() {
                    let _ = self.ends[who as usize].apply(self.step, Input::RenewalDue, None, self.now);
                }
                for message in self.ends[who as usize].sending(self.now) {
                    self.ends[who.other() as usize].receive(self.step, message, self.now);
                }
            }
            self.ends.iter_mut().for_each(|end| end.out.clear());
            if before == self.ends {
                return true;
            }
        }
        false
    }

    fn blocked(&self) -> bool {
        self.ends.iter().any(|end| end.pair.blocked)
    }

    /// Friends who send on the same session, which both hold.
    fn friends(&self) -> bool {
        let [a, b] = self.ends.each_ref().map(|end| end.pair.preferred().map(|session| session.id));
        self.ends.iter().all(|end| end.pair.relation == Relation::Friend) && a.is_some() && a == b
    }

    /// Both think they may talk, and do not hear each other.
    fn torn(&self) -> bool {
        !self.blocked() && self.ends.iter().all(|end| end.pair.open()) && !self.friends()
    }

    /// Nothing is pending for ever; and where one side still is a friend, the other side's user
    /// is asked, and one yes heals.
    fn at_rest(mut self) -> bool {
        let relations = self.ends.each_ref().map(|end| end.pair.relation);
        let pending = |relation| matches!(relation, Relation::Requested { .. } | Relation::Accepting { .. });
        if relations.into_iter().any(pending) {
            return false;
        }
        let friend = relations.contains(&Relation::Friend);
        if !friend || self.blocked() || self.friends() {
            return true;
        }
        for end in &mut self.ends {
            if matches!(end.pair.relation, Relation::Asked(_)) {
                let _ = end.apply(self.step, Input::Command(Command::Accept), None, self.now);
            }
        }
        self.exchange() && self.wait(HOUR) && self.wait(HOUR) && self.friends()
    }
}
