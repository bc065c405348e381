//! Two processes talk over HTTPS and are killed again and again, at random moments of sending and
//! receiving. Nothing that was accepted may be lost, doubled or reordered.
//!
//! `STARLING_KILLS` says how many kills must have hit (20), `STARLING_KILLS_SEED` which random
//! moments are tried (1). The moments are the seed's; what they hit is the scheduler's.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod evidence;
mod life;

use std::collections::BTreeSet;
use std::sync::Mutex;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use starling_simnet::Policy;
use starling_simnet::devnet::{Config, Devnet};

use evidence::{Testimony, check};
use life::{Line, Moment, Party, Task};

/// What is known of both parties while they live.
#[derive(Default)]
struct Story {
    /// Messages of each that the swarm holds.
    stored: [BTreeSet<String>; 2],
    /// Messages that each was shown.
    shown: [BTreeSet<String>; 2],
    /// Kills that hit a party at work, by what it was about: each counts once in `hits`.
    hits: [u64; 2],
    sending: u64,
    receiving: u64,
    /// Kills that came before the store was open, or when nothing was left to do.
    early: u64,
    idle: u64,
}

impl Story {
    /// Enough kills of both parties, and of both kinds.
    fn is_complete(&self, kills: u64) -> bool {
        let each = self.hits.iter().all(|hits| *hits >= kills.div_ceil(2));
        each && self.sending >= kills / 4 && self.receiving >= kills / 4
    }

    /// Takes in a life that was ended by force.
    fn take_in(&mut self, side: usize, lines: &[Line]) {
        for line in lines {
            match line {
                Line::Stored { label, .. } | Line::Delivered(label) => {
                    self.stored[side].insert(label.clone());
                }
                Line::Shown { label, .. } => drop(self.shown[side].insert(label.clone())),
                _ => {}
            }
        }
        let sending = !lines.contains(&Line::Done);
        let receiving = !self.stored[1 - side].is_subset(&self.shown[side]);
        if !lines.contains(&Line::Opened) {
            self.early += 1;
        } else if sending || receiving {
            self.hits[side] += 1;
            self.sending += u64::from(sending);
            self.receiving += u64::from(receiving);
        } else {
            self.idle += 1;
        }
    }
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

fn below(random: &mut ChaCha20Rng, bound: u64) -> u64 {
    random.next_u64() % bound
}

/// Lives and dies until the story is complete. Everything it said.
fn torment(
    party: &Party,
    side: usize,
    story: &Mutex<Story>,
    kills: u64,
    random: &mut ChaCha20Rng,
) -> Vec<Line> {
    let mut said = Vec::new();
    let mut lives = 0;
    while !story.lock().unwrap().is_complete(kills) {
        lives += 1;
        assert!(lives <= 20 * kills, "the kills do not hit");
        let task = Task::Work { texts: 1 + below(random, 5), pause_ms: below(random, 20) };
        let lines = usize::try_from(below(random, 20)).unwrap();
        // Most often at once, sometimes in the middle of what follows.
        let longest = [1_000, 10_000, 100_000][usize::try_from(below(random, 3)).unwrap()];
        let moment = Moment { lines, microseconds: below(random, longest) };
        let lines = party.live_until(task, moment);
        story.lock().unwrap().take_in(side, &lines);
        said.extend(lines);
    }
    said
}

/// Both at once, by name of their side.
fn together<T: Send>(parties: &[Party; 2], each: impl Fn(usize, &Party) -> T + Sync) -> [T; 2] {
    std::thread::scope(|scope| {
        let other = scope.spawn(|| each(1, &parties[1]));
        [each(0, &parties[0]), other.join().unwrap()]
    })
}

#[test]
fn kills_lose_double_and_reorder_nothing() {
    let kills = from_environment("STARLING_KILLS", 20);
    let seed = from_environment("STARLING_KILLS_SEED", 1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let policy = Policy { difficulty: Some(1), ..Policy::default() };
    let devnet = runtime.block_on(Devnet::start(Config { policy, ..Config::default() })).unwrap();
    let place = tempfile::tempdir().unwrap();
    let party = |account, peer| Party {
        account,
        peer,
        directory: place.path().join(account.to_string()),
        seed_node: devnet.seed_url(),
    };
    let parties = [party(1, 2), party(2, 1)];
    let story = Mutex::new(Story::default());

    let mut said = together(&parties, |side, party| {
        let mut random = ChaCha20Rng::seed_from_u64(2 * seed + u64::try_from(side).unwrap());
        torment(party, side, &story, kills, &mut random)
    });
    // Undisturbed lives: what is in the outboxes goes out, then what is in the swarms comes in, then the
    // acknowledgements of that.
    for task in [Task::Work { texts: 0, pause_ms: 0 }, Task::Drain, Task::Drain] {
        let last = together(&parties, |_, party| party.live_out(task));
        said.iter_mut().zip(last).for_each(|(said, last)| said.extend(last));
    }

    let [first, second] = said;
    let gaps = first.iter().chain(&second).filter(|line| matches!(line, Line::Gap { .. })).count();
    let first = Testimony::of(&parties[0], first);
    let second = Testimony::of(&parties[1], second);
    let messages = check(&first, &second, &devnet) + check(&second, &first, &devnet);
    let story = story.into_inner().unwrap();
    println!(
        "seed {seed}: {} kills hit, {} while sending, {} while receiving; {} more before the store was open, \
         {} with nothing to do; {messages} messages, {gaps} gaps, 0 lost, 0 doubled, 0 out of order",
        story.hits.iter().sum::<u64>(),
        story.sending,
        story.receiving,
        story.early,
        story.idle,
    );
    assert!(story.hits.iter().sum::<u64>() >= kills);
    runtime.block_on(devnet.shutdown());
}
