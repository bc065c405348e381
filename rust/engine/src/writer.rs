//! The writer's thread: the one place where the store is written and the core is stepped.
//!
//! Orders arrive through one channel and are carried out one after the other. An input becomes one
//! step of the core; its effects are performed after the step has returned, that is, after its
//! commit (DESIGN section 2). Phases of the engine are changed in [`crate::lifecycle`].

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;

use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use starling_core::{Answer, Command, CommandError, CommandId, Effect, Input, Machine};
use starling_store::{Store, StoreError};

use crate::error::{EngineError, Hindrance};
use crate::hands::Hands;
use crate::latest::{End, Publisher};
use crate::lifecycle::Phase;
use crate::order::{Order, Reply, Step};

/// Everything the thread owns.
pub(crate) struct Writer {
    pub(crate) store: Store,
    pub(crate) machine: Machine,
    pub(crate) hands: Hands,
    pub(crate) publisher: Publisher,
    pub(crate) phase: Phase,
    /// A step that waits for the core's answer; the steps behind it wait in `steps`.
    pub(crate) step_under_way: bool,
    pub(crate) steps: VecDeque<(Step, Reply)>,
    /// What ended while the store was suspended.
    pub(crate) late: Vec<Input>,
    /// Who wants to know that the engine is shut down.
    pub(crate) farewells: Vec<Reply>,
    waiting: BTreeMap<CommandId, Waiter>,
    last_command: u64,
}

/// Who gets the answer to a command.
pub(crate) enum Waiter {
    Host(Reply),
    Step(Step, Reply),
}

impl Writer {
    pub(crate) fn new(store: Store, machine: Machine, hands: Hands, publisher: Publisher) -> Self {
        hands.set_alarm(machine.next_timer());
        Self {
            store,
            machine,
            hands,
            publisher,
            phase: Phase::Open,
            step_under_way: false,
            steps: VecDeque::new(),
            late: Vec::new(),
            farewells: Vec::new(),
            waiting: BTreeMap::new(),
            last_command: 0,
        }
    }

    /// The thread's life. The end becomes visible before anybody is left without an answer, and
    /// whoever asked for it hears of it after the store is closed and its lock released.
    pub(crate) fn live(mut self, orders: Receiver<Order>) {
        let survived = catch_unwind(AssertUnwindSafe(|| self.run(&orders))).is_ok();
        if !survived {
            log::error!("the writer ended in a panic");
        }
        self.publisher.end(if survived { End::ShutDown } else { End::Crashed });
        let Self { store, hands, farewells, .. } = self;
        drop(hands);
        drop(store);
        for reply in farewells {
            let _ = reply.send(Ok(Answer::Done));
        }
    }

    fn run(&mut self, orders: &Receiver<Order>) {
        while self.phase != Phase::Ended {
            match orders.recv() {
                Ok(Order::Command(command, reply)) => self.command(command, reply),
                Ok(Order::Step(step, reply)) => self.step(step, reply),
                Ok(Order::Input(input)) => self.input(input),
                Ok(Order::Alarm) => self.alarm(),
                Ok(Order::Abandon) | Err(_) => return,
            }
            self.next_steps();
        }
    }

    fn command(&mut self, command: Command, reply: Reply) {
        if self.phase == Phase::Suspended {
            let _ = reply.send(Err(EngineError::Suspended));
            return;
        }
        if matches!(command, Command::NetworkChanged) {
            self.hands.network_changed();
        }
        self.ask(command, Waiter::Host(reply));
    }

    /// Gives the core a command; the answer may come at once or much later.
    pub(crate) fn ask(&mut self, command: Command, waiter: Waiter) {
        self.last_command += 1;
        let id = CommandId(self.last_command);
        self.waiting.insert(id, waiter);
        let failure = self.apply(Input::Command { id, command });
        // A command that was rolled back with its step got no answer from the core.
        if let Some(failure) = failure
            && self.waiting.contains_key(&id)
        {
            self.answer(id, Err(failure.into()));
        }
    }

    /// What ends while the store is suspended has to wait for it.
    pub(crate) fn input(&mut self, input: Input) {
        match self.phase {
            Phase::Open => drop(self.apply(input)),
            Phase::Suspended => self.late.push(input),
            Phase::Ended => {}
        }
    }

    fn alarm(&mut self) {
        if self.phase != Phase::Open {
            return;
        }
        let now = self.hands.clock().now();
        if self.machine.next_timer().is_some_and(|due| due <= now.boot_ms) {
            let _ = self.apply(Input::Tick);
        } else {
            self.hands.set_alarm(self.machine.next_timer());
        }
    }

    /// One step of the core, then its effects. Returns why it was rolled back, if it was.
    fn apply(&mut self, input: Input) -> Option<StoreError> {
        let now = self.hands.clock().now();
        let applied = self.machine.apply(&mut self.store, input, now, &mut UnwrapErr(SysRng));
        if let Some(failure) = applied.failure {
            log::warn!("a step was rolled back: {failure}");
        }
        self.publisher.publish(&self.machine);
        self.hands.set_alarm(self.machine.next_timer());
        for effect in applied.effects {
            self.perform(effect, applied.failure);
        }
        applied.failure
    }

    fn perform(&mut self, effect: Effect, failure: Option<StoreError>) {
        match effect {
            Effect::Request(request) => self.hands.request(request),
            Effect::Prove { id, message, puzzle } => self.hands.proofs().prove(id, message, puzzle),
            Effect::CancelProof(id) => self.hands.proofs().cancel(id),
            Effect::Unseal { id, keys, sealed } => self.hands.unseal(id, keys, sealed),
            Effect::EventsReady => self.publisher.events_ready(),
            Effect::Answer { id, result } => self.answer(id, result.map_err(|error| cause(error, failure))),
        }
    }

    fn answer(&mut self, id: CommandId, result: Result<Answer, EngineError>) {
        match self.waiting.remove(&id) {
            // The host may have stopped waiting; its command is carried out all the same.
            Some(Waiter::Host(reply)) => drop(reply.send(result)),
            Some(Waiter::Step(step, reply)) => self.finish(step, result, reply),
            None => log::error!("an answer to no command"),
        }
    }
}

/// The failure that interrupted a command says more than that it was interrupted.
fn cause(error: CommandError, failure: Option<StoreError>) -> EngineError {
    match (EngineError::from(error), failure) {
        (EngineError::RetryLater(Hindrance::Interrupted), Some(failure)) => failure.into(),
        (error, _) => error,
    }
}
