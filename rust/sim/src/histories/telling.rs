//! A world that lives through a story, with two users who answer what they are shown.

use starling_core::Config;
use starling_core::friends::Command;
use starling_store::OpenError;

use super::both::Both;
use super::story::{Decision, Reply, Story};
use super::tally::{Tally, Told};
use crate::acquaintance::Acquaintance;
use crate::checker::{Ending, Shown};
use crate::clock::{HOUR_MS, MINUTE_MS};
use crate::faults::Change;
use crate::host::{Act, Manners};
use crate::relations::Consent;
use crate::trace::Printer;
use crate::world::World;

/// How often users look whether something was shown to them.
const GLANCE_MS: u64 = 20_000;
/// Time that friends get, with everything repaired, until all is delivered.
const SETTLE_MS: u64 = 8 * HOUR_MS;

/// A story under way.
struct Telling {
    story: Story,
    world: World,
    /// Per device, how many of the events shown its user has thought about.
    considered: Both<usize>,
    /// Per device, how many requests its user has answered.
    replied: Both<usize>,
}

/// Lives through a story.
pub(super) fn tell(story: Story, printer: Option<Printer>) -> Result<Told, OpenError> {
    let plan = &story.plan;
    let config = Config { text_ttl_ms: story.text_ttl_ms, ..Config::default() };
    let mut setup = World::setup(plan.seed)
        .nodes(plan.nodes)
        .swarm_size(plan.swarm_size)
        .acquaintance(Acquaintance::Strangers)
        .config(config)
        .wrong_clocks();
    if let Some(difficulty) = plan.difficulty {
        setup = setup.difficulty(difficulty);
    }
    if let Some(printer) = printer {
        setup = setup.printer(printer);
    }
    let mut world = setup.build()?;
    for (device, manners) in plan.manners.iter().enumerate() {
        world.manners(device, *manners);
    }
    for (at, device, act) in &plan.acts {
        world.plan(*at, *device, act.clone());
    }
    for (at, change) in &plan.changes {
        world.plan_change(*at, change.clone());
    }
    let mut telling = Telling { story, world, considered: Both::default(), replied: Both::default() };
    telling.live();
    telling.settle();
    Ok(telling.judge())
}

impl Telling {
    fn live(&mut self) {
        // Faults that outlast the story are repaired by then.
        let end = self.story.span_ms + 13 * HOUR_MS;
        while self.world.now_ms() < end {
            let quick = self.world.now_ms() < self.story.span_ms;
            self.world.run_for(if quick { GLANCE_MS } else { MINUTE_MS });
            self.glance();
        }
    }

    /// Each user looks at what is new and decides about requests.
    fn glance(&mut self) {
        for device in 0..2 {
            let seen = *self.considered.of(device);
            let events = self.world.events(device);
            let prompts =
                events.iter().skip(seen).filter(|event| matches!(event.what, Shown::Request { .. }));
            let prompts = prompts.count();
            *self.considered.of_mut(device) = events.len();
            for _ in 0..prompts {
                let reply = self.story.replies.of(device).get(*self.replied.of(device)).copied();
                *self.replied.of_mut(device) += 1;
                self.answer(device, reply.unwrap_or(Reply { after_ms: 1_000, decision: Decision::Accept }));
            }
        }
    }

    fn answer(&mut self, device: usize, reply: Reply) {
        let decision = match reply.decision {
            Decision::Accept => Command::Accept,
            Decision::Decline => Command::Decline,
            Decision::Ignore => return,
        };
        let act = Act::Decide { peer: 1 - device, decision };
        self.world.plan(self.world.now_ms() + reply.after_ms, device, act);
    }

    /// Everything is repaired, and both have the app open. Friends write one last text each, and must then
    /// have all of them delivered.
    fn settle(&mut self) {
        self.world.change(Change::Peace);
        for device in 0..2 {
            self.world.spare(device);
            self.world.manners(device, Manners::default());
            self.world.act(device, Act::Foreground);
            self.world.act(device, Act::Online);
        }
        if !self.story.stays {
            return self.world.run_for(HOUR_MS);
        }
        for device in 0..2 {
            if self.world.relations.standing(device, 1 - device).blocked {
                self.world.act(device, Act::Decide { peer: 1 - device, decision: Command::Unblock });
            }
        }
        self.world.run_for(MINUTE_MS);
        self.glance();
        let end = self.world.now_ms() + SETTLE_MS;
        let mut nudge_at = 0;
        while self.world.now_ms() < end {
            if self.world.now_ms() >= nudge_at {
                self.nudge(nudge_at == 0);
                nudge_at = self.world.now_ms() + HOUR_MS;
            }
            self.world.run_for(MINUTE_MS);
            self.glance();
            if self.is_over() {
                self.world.run_for(10 * MINUTE_MS);
                return;
            }
        }
        self.complain();
    }

    /// A user who waits in vain writes.
    fn nudge(&mut self, first: bool) {
        for device in 0..2 {
            let consent = self.world.relations.standing(device, 1 - device).consent;
            if first || matches!(consent, Consent::None | Consent::Lapsed) {
                let body = self.story.text(device, 10);
                self.world.act(device, Act::Send { to: 1 - device, body });
            }
        }
    }

    fn is_over(&mut self) -> bool {
        let friends =
            |device: usize| self.world.relations.standing(device, 1 - device).consent == Consent::Given;
        if !(0..2).all(friends) {
            return false;
        }
        let history = self.world.history();
        history.undelivered().is_empty() && history.missing().is_empty()
    }

    fn complain(&mut self) {
        let history = self.world.history();
        for sent in history.undelivered() {
            let (text, from, ending) = (name(&sent.body), sent.from, sent.ending);
            self.world.violation(format!("{text:?} of device {from} is {ending:?} in the end"));
        }
        for device in 0..2 {
            let consent = self.world.relations.standing(device, 1 - device).consent;
            if consent != Consent::Given {
                let what = format!("device {device} has no friend in the end: {consent:?}");
                self.world.violation(what);
            }
        }
    }

    fn judge(mut self) -> Told {
        self.world.compare_orders();
        let history = self.world.history();
        let verdict = history.judge(self.world.now_ms());
        let expired: Vec<_> = history.sent.iter().filter(|sent| sent.ending == Ending::Expired).collect();
        for sent in expired.iter().filter(|sent| !self.story.may_expire.of(sent.from)) {
            let what = format!("{:?} of device {} expired for no reason", name(&sent.body), sent.from);
            self.world.violation(what);
        }
        let dealings = self.world.relations.dealings;
        let mut violations = self.world.violations().to_vec();
        violations.extend(verdict.violations);
        let tally = Tally {
            histories: 1,
            messages: verdict.messages,
            requests: dealings.requests,
            accepts: dealings.accepts,
            restores: (0..2).map(|device| u64::from(self.world.restores(device))).sum(),
            rekeys: dealings.rekeys,
            renewals: dealings.renewals,
            kills: (0..2).map(|device| self.world.kills(device)).sum(),
            restored_messages: self.world.witness.restored.len() as u64,
            expiries: expired.len() as u64,
            gaps: verdict.gaps,
            lost: verdict.lost,
            duplicates: verdict.duplicates,
            out_of_order: verdict.out_of_order,
            failing: Vec::new(),
        };
        let trace_digest = self.world.trace_digest();
        Told { seed: self.story.plan.seed, tally, violations, trace_digest }
    }
}

/// The beginning of a text: its number and its author.
fn name(body: &str) -> String {
    body.chars().take(20).collect()
}
