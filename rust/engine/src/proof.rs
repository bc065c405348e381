//! Proof of work on threads of its own (network-protocol section 5).
//!
//! All threads work on the oldest job together, so that the first message is ready first, and go
//! on to the next when it ends. A cancelled job lets them go within one chunk of hashes, far
//! below the 20 ms that are promised.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use starling_core::{EffectId, Input};
use starling_protocol::pow::{Puzzle, Search};
use starling_store::MessageRow;

use crate::activity::{Announcer, What};
use crate::clock::Clock;
use crate::order::Order;

/// How far the search for one message's proof has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofProgress {
    /// The message.
    pub message: MessageRow,
    /// The difficulty worked to.
    pub difficulty: u64,
    /// Nonces tried so far; 0 while the job waits for an older one.
    pub tries: u64,
    /// Nonces it takes on average. Luck may need several times as many.
    pub expected_tries: u64,
}

/// The jobs and the threads that work on them. Dropping it stops the threads without waiting.
pub(crate) struct Proofs {
    bench: Arc<Bench>,
}

/// What the threads share.
pub(crate) struct Bench {
    jobs: Mutex<Jobs>,
    /// Signalled when a job arrives and when the bench closes.
    changed: Condvar,
    clock: Arc<dyn Clock>,
    announcer: Announcer,
    orders: Sender<Order>,
}

#[derive(Default)]
struct Jobs {
    /// Oldest first; the first is the one being worked on.
    queue: VecDeque<Arc<Job>>,
    closed: bool,
}

struct Job {
    id: EffectId,
    message: MessageRow,
    search: Search,
    begun_ms: OnceLock<u64>,
}

impl Proofs {
    /// Starts `threads` threads, at least one.
    pub(crate) fn start(
        threads: usize,
        clock: Arc<dyn Clock>,
        announcer: Announcer,
        orders: Sender<Order>,
    ) -> std::io::Result<Self> {
        let (jobs, changed) = (Mutex::default(), Condvar::new());
        // Built first: if a thread fails to start, dropping it stops those that did.
        let proofs = Self { bench: Arc::new(Bench { jobs, changed, clock, announcer, orders }) };
        for number in 0..threads.max(1) {
            let bench = Arc::clone(&proofs.bench);
            let name = format!("starling-proof-{number}");
            std::thread::Builder::new().name(name).spawn(move || bench.work())?;
        }
        Ok(proofs)
    }

    /// Queues a job; it ends in [`Input::Proved`].
    pub(crate) fn prove(&self, id: EffectId, message: MessageRow, puzzle: Puzzle) {
        let job = Job { id, message, search: Search::new(puzzle), begun_ms: OnceLock::new() };
        self.bench.jobs().queue.push_back(Arc::new(job));
        self.bench.changed.notify_all();
    }

    /// Stops one job.
    pub(crate) fn cancel(&self, id: EffectId) {
        let mut jobs = self.bench.jobs();
        let Some(place) = jobs.queue.iter().position(|job| job.id == id) else { return };
        if let Some(job) = jobs.queue.get(place) {
            job.search.cancel();
        }
        if place > 0
            && let Some(job) = jobs.queue.remove(place)
        {
            drop(jobs);
            self.bench.report(&job);
        }
    }

    /// Stops every job.
    pub(crate) fn cancel_all(&self) {
        self.bench.jobs().queue.iter().for_each(|job| job.search.cancel());
    }

    /// For reading the progress from other threads, as long as there is any.
    pub(crate) fn bench(&self) -> Weak<Bench> {
        Arc::downgrade(&self.bench)
    }
}

impl Drop for Proofs {
    fn drop(&mut self) {
        self.bench.jobs().closed = true;
        self.cancel_all();
        self.bench.changed.notify_all();
    }
}

impl Bench {
    /// Every job, the one being worked on first.
    pub(crate) fn progress(&self) -> Vec<ProofProgress> {
        let jobs = self.jobs();
        jobs.queue.iter().map(|job| job.progress()).collect()
    }

    /// One thread's life.
    fn work(&self) {
        while let Some(job) = self.next() {
            if catch_unwind(AssertUnwindSafe(|| job.search.work())).is_err() {
                // Counts as cancelled: the core decides whether to try again.
                log::error!("a proof of work ended in a panic");
                job.search.cancel();
            }
            self.finish(&job);
        }
    }

    /// Waits for a job; `None` once the bench is closed.
    fn next(&self) -> Option<Arc<Job>> {
        let mut jobs = self.jobs();
        loop {
            if jobs.closed {
                return None;
            }
            if let Some(job) = jobs.queue.front().map(Arc::clone) {
                drop(jobs);
                self.begin(&job);
                return Some(job);
            }
            jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The first thread to take a job announces it.
    fn begin(&self, job: &Job) {
        let now = self.clock.now();
        if job.begun_ms.set(now.boot_ms).is_ok() {
            let ProofProgress { message, difficulty, expected_tries, .. } = job.progress();
            self.announcer.say(now, What::ProofStarted { message, difficulty, expected_tries });
        }
    }

    /// The first thread to come back from a job takes it off the queue and reports it.
    fn finish(&self, job: &Arc<Job>) {
        let mut jobs = self.jobs();
        if jobs.queue.front().is_some_and(|front| Arc::ptr_eq(front, job)) {
            jobs.queue.pop_front();
            drop(jobs);
            self.report(job);
        }
    }

    fn report(&self, job: &Job) {
        let (now, nonce) = (self.clock.now(), job.search.found());
        if let Some(begun_ms) = job.begun_ms.get() {
            let ms = now.boot_ms.saturating_sub(*begun_ms);
            let ProofProgress { message, difficulty, tries, .. } = job.progress();
            let found = nonce.is_some();
            self.announcer.say(now, What::ProofFinished { message, difficulty, tries, ms, found });
        }
        // A closed channel means that the engine has ended.
        let _ = self.orders.send(Order::Input(Input::Proved { id: job.id, nonce }));
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    fn progress(&self) -> ProofProgress {
        let puzzle = self.search.puzzle();
        ProofProgress {
            message: self.message,
            difficulty: puzzle.difficulty(),
            tries: self.search.tries(),
            expected_tries: puzzle.expected_tries(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use std::sync::mpsc::{Receiver, channel};

    use starling_protocol::pow::Nonce;

    use super::*;
    use crate::clock::SystemClock;

    fn puzzle(difficulty: u64) -> Puzzle {
        Puzzle::new("1700000000000", "86400000", &"05".repeat(33), "CAES", difficulty).unwrap()
    }

    fn proofs(threads: usize) -> (Proofs, Receiver<Order>, Announcer) {
        let (orders, received) = channel();
        let announcer = Announcer::new();
        let proofs = Proofs::start(threads, Arc::new(SystemClock), announcer.clone(), orders).unwrap();
        (proofs, received, announcer)
    }

    fn proved(received: &Receiver<Order>) -> (u64, Option<Nonce>) {
        match received.recv().unwrap() {
            Order::Input(Input::Proved { id, nonce }) => (id.0, nonce),
            _ => panic!("not a proof"),
        }
    }

    #[tokio::test]
    async fn jobs_end_in_order_with_valid_nonces() {
        let (proofs, received, announcer) = proofs(2);
        let mut feed = announcer.audience().feed();
        for id in 0..5 {
            proofs.prove(EffectId(id), MessageRow(7), puzzle(2));
        }
        for id in 0..5 {
            let (ended, nonce) = proved(&received);
            assert_eq!(ended, id);
            assert!(puzzle(2).check(nonce.unwrap().0).is_some());
        }
        assert!(proofs.bench.progress().is_empty());
        for _ in 0..5 {
            let started = feed.next().await.unwrap().what;
            assert!(matches!(started, What::ProofStarted { message: MessageRow(7), difficulty: 2, .. }));
            let finished = feed.next().await.unwrap().what;
            assert!(matches!(finished, What::ProofFinished { found: true, tries: 1.., .. }));
        }
    }

    #[test]
    fn running_and_waiting_jobs_can_be_cancelled() {
        let (proofs, received, _) = proofs(2);
        for id in 0..3 {
            proofs.prove(EffectId(id), MessageRow(id as i64), puzzle(1 << 40));
        }
        while proofs.bench.progress()[0].tries == 0 {
            std::thread::yield_now();
        }
        let progress = proofs.bench.progress();
        assert_eq!(progress.len(), 3);
        assert!(progress[0].expected_tries > 1 << 40 && progress[1].tries == 0);
        proofs.cancel(EffectId(1));
        assert_eq!(proved(&received), (1, None));
        proofs.cancel(EffectId(0));
        assert_eq!(proved(&received), (0, None));
        proofs.cancel_all();
        assert_eq!(proved(&received), (2, None));
        proofs.cancel(EffectId(99));
    }

    #[test]
    fn dropping_stops_the_threads() {
        let (proofs, received, _) = proofs(2);
        proofs.prove(EffectId(0), MessageRow(0), puzzle(1 << 40));
        drop(proofs);
        // The channel closes when the last thread has let go of its sender.
        while received.recv().is_ok() {}
    }
}
