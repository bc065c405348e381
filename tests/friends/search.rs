//! The exploration: every state that users, networks, clocks and losses of a store can bring about.

use std::collections::{BTreeSet, HashSet, hash_map::DefaultHasher};
use std::hash::{Hash, Hasher};
use std::sync::Mutex;

use starling_core::friends::{Asked, Command, Input, Relation};
use stateright::{Model, Property};

use crate::canon::canonical;
use crate::properties::*;
use crate::settling;
use crate::world::{Bundle, End, Message, Step, Who};

const START: u64 = 1_000_000_000;
/// Above every epoch that is ever offered.
const FAR: u64 = 1 << 40;

/// What must be reached, else the exploration would show little.
pub(crate) const FRIENDS: &str = "two become friends";
pub(crate) const CROSSING: &str = "requests cross and become a friendship";
pub(crate) const HEALED: &str = "a lost store is healed";
pub(crate) const RENEWED: &str = "a session is renewed";

/// What the exploration is bounded by. Messages in flight, duplicates, losses, kills, and
/// commands other than those named are not bounded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Seconds since the start at which something may happen.
    pub(crate) instants: &'static [u64],
    /// Bundles made by both sides together, whatever caused them.
    pub(crate) bundles: u8,
    /// Requests made by each side, those that follow an empty request included.
    pub(crate) requests: u8,
    /// Renewals due on each side.
    pub(crate) renewals: u8,
    /// Stores lost, of either side.
    pub(crate) restores: u8,
    /// Whether Session clients of either account write, too.
    pub(crate) session_clients: bool,
}

/// One state of the world.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) ends: [End; 2],
    /// Everything ever sent, with its recipient.
    pub(crate) wire: BTreeSet<(Who, Message)>,
    instant: usize,
    bundles: u8,
    requests: [u8; 2],
    renewals: [u8; 2],
    restores: u8,
    broken: Option<&'static str>,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Deliver(Who, Message),
    Command(Who, Command),
    RenewalDue(Who),
    Tick(Who),
    /// Long enough for the clock to pass every epoch.
    SecondsPass,
    TimePasses,
    /// The store is lost; a new installation has the account and nothing else, some time later.
    StoreLost(Who),
}

/// The model: a step function under bounds.
pub(crate) struct Search {
    pub(crate) step: Step,
    pub(crate) bounds: Bounds,
    /// Hashes of pairs of ends that were seen to converge: it does not depend on the wire.
    settled: Mutex<HashSet<u64>>,
}

impl Search {
    pub(crate) fn new(step: Step, bounds: Bounds) -> Self {
        Self { step, bounds, settled: Mutex::default() }
    }

    fn now(&self, world: &World) -> u64 {
        START + self.bounds.instants[world.instant]
    }

    fn converges(&self, world: &World) -> bool {
        let now = self.now(world);
        let mut hasher = DefaultHasher::new();
        for end in &world.ends {
            (&end.pair, end.install, &end.keys, &end.erased, end.lying).hash(&mut hasher);
        }
        now.hash(&mut hasher);
        let key = hasher.finish();
        if self.settled.lock().unwrap().contains(&key) {
            return true;
        }
        let fine = settling::converges(self.step, &world.ends, now);
        if fine {
            self.settled.lock().unwrap().insert(key);
        }
        fine
    }

    fn command(&self, world: &mut World, who: Who, command: Command) -> Option<()> {
        let side = who as usize;
        let now = self.now(world);
        let end = &mut world.ends[side];
        let asks = match end.pair.relation {
            Relation::Stranger => command == Command::Request,
            Relation::Asked(Asked::Empty) => command == Command::Accept,
            _ => false,
        };
        if asks {
            world.requests[side] =
                world.requests[side].checked_add(1).filter(|count| *count <= self.bounds.requests)?;
        }
        world.broken = end.apply(self.step, Input::Command(command), None, now).ok()?;
        Some(())
    }

    fn act(&self, world: &mut World, action: Action) -> Option<()> {
        let now = self.now(world);
        match action {
            Action::Deliver(who, message) => {
                world.broken = world.ends[who as usize].receive(self.step, message, now);
            }
            Action::Command(who, command) => self.command(world, who, command)?,
            Action::RenewalDue(who) => {
                let side = who as usize;
                let before = world.ends[side].pair.offers.len();
                world.broken = world.ends[side].apply(self.step, Input::RenewalDue, None, now).ok()?;
                world.renewals[side] += u8::from(world.ends[side].pair.offers.len() != before);
            }
            Action::Tick(who) => {
                world.broken = world.ends[who as usize].apply(self.step, Input::Tick, None, now).ok()?;
            }
            Action::SecondsPass => {}
            Action::TimePasses => world.instant += 1,
            Action::StoreLost(who) => {
                world.instant += 1;
                world.restores += 1;
                let install = world.ends[who as usize].install + 1;
                world.ends[who as usize] = End::new(who, install);
            }
        }
        Some(())
    }

    /// What either side may have sent is on the wire from now on.
    fn send(world: &mut World) {
        for who in Who::BOTH {
            let sent = std::mem::take(&mut world.ends[who as usize].out);
            world.bundles += sent.iter().filter(|message| message.bundle().is_some()).count() as u8;
            world.wire.extend(sent.into_iter().map(|message| (who.other(), message)));
        }
    }
}

impl Model for Search {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        // A bundle from the far future is always there to be taken.
        let far = Bundle { install: 9, epoch: START + 2 * FAR, expiry: START + (1 << 19), request: true };
        let mut wire = BTreeSet::new();
        for who in Who::BOTH {
            wire.insert((who, Message::Bundle { bundle: far, upgrade: false }));
            if self.bounds.session_clients {
                wire.insert((who, Message::Basic));
            }
        }
        vec![World {
            ends: Who::BOTH.map(|who| End::new(who, 0)),
            wire,
            instant: 0,
            bundles: 0,
            requests: [0; 2],
            renewals: [0; 2],
            restores: 0,
            broken: None,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.broken.is_some() {
            return;
        }
        actions.push(Action::SecondsPass);
        actions.extend(world.wire.iter().map(|(who, message)| Action::Deliver(*who, *message)));
        let later = world.instant + 1 < self.bounds.instants.len();
        for who in Who::BOTH {
            actions.extend(
                [Command::Request, Command::Accept, Command::Decline]
                    .into_iter()
                    .chain([Command::Withdraw, Command::Block, Command::Unblock])
                    .map(|command| Action::Command(who, command)),
            );
            actions.push(Action::Tick(who));
            if world.renewals[who as usize] < self.bounds.renewals {
                actions.push(Action::RenewalDue(who));
            }
            if later && world.restores < self.bounds.restores {
                actions.push(Action::StoreLost(who));
            }
        }
        if later {
            actions.push(Action::TimePasses);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        let second = matches!(action, Action::SecondsPass | Action::StoreLost(_));
        self.act(&mut world, action)?;
        if world == *last && !second {
            return None;
        }
        Self::send(&mut world);
        if world.bundles > self.bounds.bundles {
            return None;
        }
        let now = self.now(&world);
        let recent = world.ends.each_ref().map(|end| end.pair.seen_epoch);
        if world.broken.is_none() && recent.into_iter().any(|epoch| epoch > now) {
            return None;
        }
        let second = second || recent.into_iter().all(|epoch| epoch == now);
        let clock = if second { now + FAR } else { now };
        let restores = world.restores < self.bounds.restores;
        canonical(&mut world, now, clock, restores);
        if world == *last {
            return None;
        }
        if world.broken.is_none() && !self.converges(&world) {
            world.broken = Some(CONVERGE);
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn friends(world: &World) -> bool {
            world.ends.iter().all(|end| end.pair.relation == Relation::Friend)
        }
        vec![
            Property::always(CONSENT, |_, world: &World| world.broken != Some(CONSENT)),
            Property::always(SILENT, |_, world: &World| world.broken != Some(SILENT)),
            Property::always(BLOCKED, |_, world: &World| world.broken != Some(BLOCKED)),
            Property::always(ONCE, |_, world: &World| world.broken != Some(ONCE)),
            Property::always(STORE, |_, world: &World| world.broken != Some(STORE)),
            Property::always(RANK, |_, world: &World| world.broken != Some(RANK)),
            Property::always(FLOOR, |_, world: &World| world.broken != Some(FLOOR)),
            Property::always(HOURLY, |_, world: &World| world.broken != Some(HOURLY)),
            Property::always(BUNDLES, |_, world: &World| world.broken != Some(BUNDLES)),
            Property::always(LATE, |_, world: &World| world.broken != Some(LATE)),
            Property::always(LIMITS, |_, world: &World| world.broken != Some(LIMITS)),
            Property::always(CONVERGE, |_, world: &World| world.broken != Some(CONVERGE)),
            Property::sometimes(FRIENDS, |_, world: &World| friends(world)),
            Property::sometimes(CROSSING, |_, world: &World| {
                friends(world) && world.ends.iter().all(|end| end.pair.sessions.len() == 2)
            }),
            Property::sometimes(HEALED, |_, world: &World| friends(world) && world.restores == 1),
            Property::sometimes(RENEWED, |_, world: &World| friends(world) && world.renewals != [0; 2]),
        ]
    }
}
