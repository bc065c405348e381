//! Sealing and opening a ratchet frame, the whole way from content to stored `data` and back, against the
//! cryptography it cannot do without: vodozemac, XChaCha20-Poly1305, HMAC and a sealed box over the same number of bytes.
//!
//! Both sides run in turns on one thread; CPU time is compared, so that other processes do not count.
//! `cargo bench -p starling-ratchet [-- --json]`
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bare;
mod ours;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Messages in one direction before the other end answers, and how often they take turns within a round. Rounds are
/// short, so that both sides see the same neighbours on the machine.
const PATTERNS: [(&str, usize, usize); 2] = [("in one chain", 50, 1), ("turn by turn", 1, 50)];
const ROUNDS: usize = 200;
const TARGET: f64 = 1.3;

/// One end of a conversation, ours or bare.
trait End {
    /// A message as it is stored.
    fn seal(&mut self) -> Vec<u8>;
    /// Opens one of the other end's.
    fn open(&mut self, message: &[u8]);
}

/// CPU time for sealing and for opening.
#[derive(Clone, Copy, Default)]
struct Spent {
    seal: Duration,
    open: Duration,
}

type Part = fn(&Spent) -> Duration;

fn converse(ends: &mut [impl End; 2], volley: usize, turns: usize) -> Spent {
    let mut spent = Spent::default();
    for _ in 0..turns {
        let [sender, recipient] = ends;
        let start = cpu();
        let messages: Vec<Vec<u8>> = (0..volley).map(|_| sender.seal()).collect();
        let sealed = cpu();
        messages.iter().for_each(|message| recipient.open(message));
        spent.seal += sealed - start;
        spent.open += cpu() - sealed;
        ends.reverse();
    }
    spent
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    for (pattern, volley, turns) in PATTERNS {
        compare(json, pattern, volley, turns);
    }
}

fn compare(json: bool, pattern: &str, volley: usize, turns: usize) {
    let (mut ours, mut bare) = (ours::pair(), bare::pair());
    let (mut our_rounds, mut bare_rounds) = (Vec::new(), Vec::new());
    // The first round does not count.
    for round in 0..=ROUNDS {
        let rounds = (converse(&mut ours, volley, turns), converse(&mut bare, volley, turns));
        if round > 0 {
            our_rounds.push(rounds.0);
            bare_rounds.push(rounds.1);
        }
    }
    let parts: [(&str, Part); 3] = [
        ("seal", |spent| spent.seal),
        ("open", |spent| spent.open),
        ("both", |spent| spent.seal + spent.open),
    ];
    for (part, of) in parts {
        let messages = (volley * turns) as f64;
        let micros =
            |rounds: &[Spent]| median(rounds.iter().map(of).collect()).as_secs_f64() * 1e6 / messages;
        report(json, pattern, part, micros(&our_rounds), micros(&bare_rounds));
    }
}

fn report(json: bool, pattern: &str, part: &str, ours: f64, bare: f64) {
    let ratio = ours / bare;
    let met = ratio <= TARGET;
    if json {
        println!(
            "{{\"pattern\":\"{pattern}\",\"part\":\"{part}\",\"frame_us\":{ours:.1},\"bare_us\":{bare:.1},\
             \"ratio\":{ratio:.3},\"target\":{{\"at_most\":{TARGET}}},\"met\":{met}}}"
        );
        return;
    }
    let verdict = if met { "met" } else { "MISSED" };
    println!(
        "{pattern}, {part}  frame {ours:>7.1} us  bare {bare:>7.1} us  {ratio:>5.2} of the time  ≤ {TARGET}  {verdict}"
    );
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
