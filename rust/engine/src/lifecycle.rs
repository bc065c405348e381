//! Phases of the engine and the steps between them (DESIGN section 5).
//!
//! | phase | start | suspend | resume | wake | shutdown |
//! |---|---|---|---|---|---|
//! | open | works in the foreground | finishes, closes the store | nothing to do | one round | finishes, ends |
//! | suspended | error `Suspended` | nothing to do | opens the store, works on | opens, one round, closes | ends |
//! | ended | error `ShutDown` | error | error | error | nothing to do |
//!
//! Steps are carried out one after the other: what arrives during one waits for its end. A wake in
//! the open phase is no step: a suspend does not wait for it but cuts it short.

use starling_core::{Answer, Command};

use crate::error::EngineError;
use crate::order::{Reply, Step};
use crate::writer::{Waiter, Writer};

/// Whether the store may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The store is open.
    Open,
    /// No lock is held and nothing is written.
    Suspended,
    /// The thread is about to end.
    Ended,
}

impl Writer {
    pub(crate) fn step(&mut self, step: Step, reply: Reply) {
        self.steps.push_back((step, reply));
    }

    /// Begins the steps that wait, until one has to wait for the core.
    pub(crate) fn next_steps(&mut self) {
        while self.phase != Phase::Ended
            && !self.step_under_way
            && let Some((step, reply)) = self.steps.pop_front()
        {
            self.begin(step, reply);
        }
        if self.phase == Phase::Ended {
            let left = self.steps.drain(..).filter(|(step, _)| *step == Step::Shutdown);
            self.farewells.extend(left.map(|(_, reply)| reply));
        }
    }

    fn begin(&mut self, step: Step, reply: Reply) {
        match (self.phase, step) {
            (Phase::Open, Step::Resume) | (Phase::Suspended, Step::Suspend { .. }) => {
                let _ = reply.send(Ok(Answer::Done));
            }
            (Phase::Open, Step::Wake { .. }) => self.ask(command(step), Waiter::Host(reply)),
            (Phase::Open, _) => self.ask_core(step, reply),
            (Phase::Suspended, Step::Start) => drop(reply.send(Err(EngineError::Suspended))),
            (Phase::Suspended, Step::Resume | Step::Wake { .. }) => match self.reopen() {
                Ok(()) => {
                    self.ask_core(step, reply);
                    for input in std::mem::take(&mut self.late) {
                        self.input(input);
                    }
                }
                Err(error) => drop(reply.send(Err(error))),
            },
            (Phase::Suspended, Step::Shutdown) | (Phase::Ended, _) => {
                self.finish(Step::Shutdown, Ok(Answer::Done), reply);
            }
        }
    }

    fn ask_core(&mut self, step: Step, reply: Reply) {
        self.step_under_way = true;
        self.ask(command(step), Waiter::Step(step, reply));
    }

    /// The core has answered a step. If the store has failed meanwhile, closing it is still what was
    /// asked for, and a failed resume can be repeated.
    pub(crate) fn finish(&mut self, step: Step, result: Result<Answer, EngineError>, reply: Reply) {
        self.step_under_way = false;
        match step {
            Step::Start => drop(reply.send(result)),
            Step::Resume => {
                if result.is_err() {
                    self.close();
                }
                let _ = reply.send(result);
            }
            Step::Suspend { .. } => {
                self.close();
                let _ = reply.send(Ok(Answer::Done));
            }
            Step::Wake { .. } => {
                self.close();
                let _ = reply.send(result);
            }
            Step::Shutdown => {
                self.phase = Phase::Ended;
                self.farewells.push(reply);
            }
        }
    }

    /// Lets go of the files: what runs on goes on in memory and is taken in after [`Self::reopen`].
    fn close(&mut self) {
        self.hands.proofs().cancel_all();
        self.hands.set_alarm(None);
        self.store.suspend();
        self.phase = Phase::Suspended;
    }

    fn reopen(&mut self) -> Result<(), EngineError> {
        let moved = self.store.resume()?;
        if moved {
            // Another process has written meanwhile: what the core remembers is outdated.
            if let Err(error) = self.machine.reload(&mut self.store, self.hands.clock().now()) {
                self.store.suspend();
                return Err(error.into());
            }
            self.publisher.events_ready();
        }
        self.phase = Phase::Open;
        Ok(())
    }
}

fn command(step: Step) -> Command {
    match step {
        Step::Start => Command::Start,
        Step::Suspend { grace_ms } => Command::Suspend { grace_ms },
        Step::Resume => Command::Resume,
        Step::Wake { deadline_boot_ms } => Command::Wake { deadline_boot_ms },
        Step::Shutdown => Command::Shutdown,
    }
}
