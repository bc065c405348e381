//! Receiving 10,000 stored messages: the whole way from a node's answer to committed rows, against the
//! cryptography it cannot do without plus the same rows written with raw SQLite.
//!
//! Both sides use one thread and the same encrypted database on disk, and run in turns; CPU time is compared,
//! so that waiting for the disk and for other processes does not count.
//! `cargo bench -p starling-core [-- --json]`
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bare;
mod mailbox;
mod pipeline;

use std::time::Duration;

use mailbox::Mailbox;
use rustix::time::{ClockId, clock_gettime};

const MESSAGES: u64 = 10_000;
const ROUNDS: usize = 5;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let mut mailbox = Mailbox::filled(MESSAGES);
    let (mut ours, mut crypto, mut sqlite) = (Vec::new(), Vec::new(), Vec::new());
    let mut commits = 0;
    // The first round does not count.
    for round in 0..=ROUNDS {
        let run = pipeline::run(&mut mailbox);
        commits = run.commits;
        let opened = bare::open_all(&mailbox);
        let written = bare::write_all(&mailbox, commits);
        if round > 0 {
            ours.push(run.spent);
            crypto.push(opened);
            sqlite.push(written);
        }
    }
    let (ours, crypto, sqlite) = (median(ours), median(crypto), median(sqlite));
    let rate = |time: Duration| MESSAGES as f64 / time.as_secs_f64();
    let ratio = (crypto + sqlite).as_secs_f64() / ours.as_secs_f64();
    if json {
        println!(
            "{{\"messages\":{MESSAGES},\"commits\":{commits},\"pipeline_per_s\":{:.0},\"crypto_per_s\":{:.0},\
             \"sqlite_per_s\":{:.0},\"both_per_s\":{:.0},\"ratio\":{ratio:.3},\"target\":{{\"at_least\":0.5}},\
             \"met\":{}}}",
            rate(ours),
            rate(crypto),
            rate(sqlite),
            rate(crypto + sqlite),
            ratio >= 0.5
        );
        return;
    }
    println!("receive pipeline, {MESSAGES} messages in {commits} commits {:>10.0} per CPU-s", rate(ours));
    println!("crypto alone (session::open)                       {:>10.0} per CPU-s", rate(crypto));
    println!("raw SQLite alone, same rows and commits            {:>10.0} per CPU-s", rate(sqlite));
    println!("crypto, then raw SQLite                            {:>10.0} per CPU-s", rate(crypto + sqlite));
    let verdict = if ratio >= 0.5 { "met" } else { "MISSED" };
    println!(
        "pipeline / (crypto + raw SQLite)                   {ratio:>10.2} of the speed  ≥ 0.5  {verdict}"
    );
}

/// CPU time of this thread.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
