//! The state machine: one input, one transaction, effects.

use std::sync::Arc;

use rand_core::CryptoRng;
use starling_protocol::{AccountId, AccountKeys, Seed};
use starling_store::{Setting, Store, StoreError, Tx};

use crate::acks::Acks;
use crate::config::Config;
use crate::contacts::{Admission, Clock, Lapses};
use crate::effect::{Answer, Connection, Effect, Purpose, Status, WakeReport};
use crate::error::CommandError;
use crate::inbox::{self, Gaps, Poller};
use crate::input::{Command, CommandId, Input, Now};
use crate::lifecycle::{Mode, Tally, Wake};
use crate::network::{Delivery, Network};
use crate::outbox::{self, Outbox};
use crate::step::Step;

/// What came of one input. The commit has happened, or, if there is a failure, nothing has.
#[derive(Debug)]
pub struct Applied {
    /// To be performed in order.
    pub effects: Vec<Effect>,
    /// Why the input could not be applied; it was rolled back and may be given again.
    pub failure: Option<StoreError>,
}

/// The engine's mind. All that must survive is in the store; what is here can be thrown away and
/// derived again at any moment, which is what happens after a failed step.
pub struct Machine {
    pub(crate) config: Config,
    pub(crate) keys: Option<Arc<AccountKeys>>,
    pub(crate) mode: Mode,
    wake: Option<Wake>,
    pub(crate) network: Network,
    pub(crate) outbox: Outbox,
    pub(crate) poller: Poller,
    pub(crate) gaps: Gaps,
    acks: Acks,
    lapses: Lapses,
    admission: Admission,
    /// The moment of the last step, for questions between steps.
    now: Now,
}

impl Machine {
    /// Loads a store's account and unfinished work. The machine is stopped until
    /// [`Command::Start`] or [`Command::Wake`].
    ///
    /// # Errors
    /// Whatever the store reports.
    pub fn open(store: &mut Store, config: Config, now: Now) -> Result<Self, StoreError> {
        store.transact(|tx| {
            outbox::mend_dates(tx, now, config.backoff_cap_ms)?;
            Ok(Self {
                keys: load_keys(tx)?,
                mode: Mode::Stopped,
                wake: None,
                network: Network::load(tx, config.clone(), 0)?,
                outbox: Outbox::new(),
                poller: Poller::default(),
                gaps: Gaps::load(tx, now)?,
                acks: Acks::new(),
                lapses: Lapses::new(),
                admission: Admission::default(),
                config,
                now,
            })
        })
    }

    /// Applies one input in one transaction. The effects may be performed: the commit has happened.
    /// If the store fails, the input is rolled back, volatile state is rebuilt from the store, and
    /// the effects answer the commands that were waiting.
    pub fn apply(&mut self, store: &mut Store, input: Input, now: Now, rng: &mut dyn CryptoRng) -> Applied {
        let set_back = now.is_set_back(self.now);
        self.now = now;
        let mut admission = self.admission.clone();
        let stepped = store.transact(|tx| {
            let mut step = Step {
                tx,
                now,
                rng,
                effects: Vec::new(),
                admission: &mut admission,
                queue_changed: false,
                acks_changed: false,
            };
            if set_back {
                outbox::mend_dates(step.tx, now, self.config.backoff_cap_ms)?;
                (step.queue_changed, step.acks_changed) = (true, true);
            }
            self.step(&mut step, input)?;
            Ok::<_, StoreError>(step.effects)
        });
        match stepped {
            Ok(effects) => {
                self.admission = admission;
                Applied { effects, failure: None }
            }
            Err(failure) => Applied { effects: self.rebuild(store), failure: Some(failure) },
        }
    }

    /// Loads the volatile state anew, for a store that another process may have written to.
    ///
    /// # Errors
    /// Whatever the store reports; the machine then works on what it had.
    pub fn reload(&mut self, store: &mut Store, now: Now) -> Result<(), StoreError> {
        self.now = now;
        store.transact(|tx| self.load(tx))
    }

    /// Boot time in milliseconds at which [`Input::Tick`] is wanted; it changes with every step.
    pub fn next_timer(&self) -> Option<u64> {
        if let Mode::Suspending { until_boot_ms, .. } = self.mode {
            return Some(until_boot_ms);
        }
        if !self.active() {
            return None;
        }
        // In an outage, or before the time is known, only routing's own timer counts, or the rest would spin.
        let work = self.network.settled(self.now);
        let timers = [
            self.network.next_timer(self.now),
            self.outbox.next_timer(self.now).filter(|_| work),
            self.poller.next_timer(work),
            self.gaps.next_timer(),
            self.acks.next_timer(&self.network, self.now).filter(|_| work),
            self.lapses.next_timer(&self.network, self.now).filter(|_| work),
            self.wake.as_ref().map(|wake| wake.next_timer(self.now)),
        ];
        timers.into_iter().flatten().min()
    }

    /// How things stand, for the host's status line.
    pub fn status(&self) -> Status {
        let status = self.network.status(self.now);
        if self.active() { status } else { Status { connection: Connection::Idle, ..status } }
    }

    /// The account of this store, once there is one.
    pub fn account_id(&self) -> Option<AccountId> {
        self.keys.as_ref().map(|keys| keys.account_id())
    }

    fn active(&self) -> bool {
        self.keys.is_some() && (self.mode == Mode::Foreground || self.wake.is_some())
    }

    fn load(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.keys = load_keys(tx)?;
        self.network = Network::load(tx, self.config.clone(), self.network.next_id())?;
        self.outbox = Outbox::new();
        self.poller = Poller::default();
        self.gaps = Gaps::load(tx, self.now)?;
        self.acks = Acks::new();
        self.lapses = Lapses::new();
        Ok(())
    }

    /// After a rollback nothing volatile is believed. If even reading fails, old state stays, without
    /// anything under way: requests are derived from the store at the next step that works.
    fn rebuild(&mut self, store: &mut Store) -> Vec<Effect> {
        if store.transact(|tx| self.load(tx)).is_err() {
            self.network.forget_flights();
            self.outbox = Outbox::new();
            self.poller.stop();
        }
        self.network.back_off(self.now);
        let mut waiting: Vec<CommandId> = self.wake.take().map(|wake| wake.answer).into_iter().collect();
        if let Mode::Suspending { answer, for_good, .. } = self.mode {
            waiting.push(answer);
            self.mode = if for_good { Mode::ShutDown } else { Mode::Stopped };
        }
        let interrupted = |id| Effect::Answer { id, result: Err(CommandError::Interrupted) };
        waiting.into_iter().map(interrupted).collect()
    }

    fn step(&mut self, step: &mut Step<'_, '_>, input: Input) -> Result<(), StoreError> {
        match input {
            Input::Command { id, command } => self.command(step, id, command)?,
            Input::Reply { id, outcome, bytes } => {
                if let Some(delivery) = self.network.landed(step, id, outcome, bytes)? {
                    self.deliver(step, delivery)?;
                }
            }
            Input::Proved { id, nonce } => self.outbox.proved(step, &mut self.network, id, nonce)?,
            Input::Unsealed { id, results } => {
                if let Some(keys) = &self.keys {
                    let (network, gaps) = (&mut self.network, &mut self.gaps);
                    self.poller.unsealed(step, network, gaps, keys, id, results)?;
                }
            }
            Input::Tick => {}
        }
        self.pump(step)
    }

    fn deliver(&mut self, step: &mut Step<'_, '_>, delivery: Delivery) -> Result<(), StoreError> {
        let Some(keys) = &self.keys else { return Ok(()) };
        match delivery.purpose {
            Purpose::Store(_) => self.outbox.store_answered(step, &mut self.network, delivery),
            Purpose::SwarmCheck(_) => self.outbox.swarm_answered(step, &mut self.network, &delivery),
            Purpose::Retrieve(_) => self.poller.retrieved(step, &mut self.network, keys, delivery),
            Purpose::Bootstrap | Purpose::Directory | Purpose::Clock | Purpose::Probe => Ok(()),
        }
    }

    /// Everything that follows from the state and the time rather than from one input.
    fn pump(&mut self, step: &mut Step<'_, '_>) -> Result<(), StoreError> {
        // What a command changed while the engine rests is looked at when it works again.
        self.heed(step);
        if let (true, Some(keys)) = (self.active(), self.keys.clone()) {
            if self.wake.as_ref().is_some_and(|wake| wake.hurried(step.now)) {
                self.poller.hurry(step.now);
            }
            self.network.pump(step)?;
            self.poller.pump(step, &mut self.network, &mut self.gaps, &keys)?;
            self.lapses.pump(step, &self.network, &keys)?;
            if let Some(network_ms) = self.network.time_ms(step.now) {
                let clock = Clock { network_ms };
                inbox::retry::after_upgrade(step, &keys, &mut self.gaps, clock, &self.config)?;
            }
            self.heed(step);
            // A wake does not wait for company: what it read it also acknowledges.
            let hurry = self.wake.is_some() && !self.poller.busy();
            self.acks.pump(step, &self.network, hurry)?;
            self.heed(step);
            self.outbox.pump(step, &mut self.network, &keys)?;
            // What sealing brought about: a renewal, messages to seal again.
            if self.heed(step) {
                self.outbox.pump(step, &mut self.network, &keys)?;
                self.heed(step);
            }
            let replicas = self.config.replicas.min(self.network.swarm_of(&keys.account_id()).len()).max(1);
            let shown = self.gaps.release(step, replicas, false)?;
            self.poller.count_shown(shown);
            self.end_wake_if_done(step)?;
        }
        self.end_suspend_if_done(step);
        Ok(())
    }

    /// Passes on what the step changed for those who ask the store only when something changed.
    fn heed(&mut self, step: &mut Step<'_, '_>) -> bool {
        let changed = std::mem::take(&mut step.queue_changed);
        if changed {
            self.outbox.look_again();
            self.lapses.look_again();
        }
        if std::mem::take(&mut step.acks_changed) || changed {
            self.acks.look_again();
        }
        changed
    }

    fn command(
        &mut self,
        step: &mut Step<'_, '_>,
        id: CommandId,
        command: Command,
    ) -> Result<(), StoreError> {
        let result = match command {
            Command::CreateAccount(seed) => self.create_account(step, &seed)?,
            Command::Send { to, body } => self.send(step, &to, body)?,
            Command::Request { to, introduction, invite } => self.request(step, &to, introduction, invite)?,
            Command::Invite => self.invite(step)?,
            Command::LowerFloor(peer) => self.lower_floor(step, &peer)?,
            Command::Decide { peer, decision } => self.decide(step, &peer, decision)?,
            Command::SetName(name) => self.set_name(step, &name)?,
            Command::SetKnownContactsOnly(only) => {
                step.tx.set_number(Setting::KnownContactsOnly, i64::from(only))?;
                Ok(Answer::Done)
            }
            Command::Retry(row) => found(self.outbox.retry(step, row, self.text_ttl_ms())?),
            Command::GiveUp(row) => found(self.outbox.give_up(step, row)?),
            Command::AckEvents(through) => {
                step.tx.ack_events(through)?;
                Ok(Answer::Done)
            }
            Command::Start | Command::Resume => self.mode.start().map(|mode| {
                self.mode = mode;
                self.poller.hasten();
                self.network.close(false);
                self.network.break_silence();
                Answer::Done
            }),
            Command::NetworkChanged => return self.network_changed(step, id),
            Command::Suspend { grace_ms } => return self.stop(step, id, grace_ms, false),
            Command::Shutdown => return self.stop(step, id, 0, true),
            Command::Wake { deadline_boot_ms } => return self.start_wake(step, id, deadline_boot_ms),
        };
        step.effects.push(Effect::Answer { id, result });
        Ok(())
    }

    fn create_account(
        &mut self,
        step: &mut Step<'_, '_>,
        seed: &Seed,
    ) -> Result<Result<Answer, CommandError>, StoreError> {
        if self.keys.is_some() {
            return Ok(Err(CommandError::AccountExists));
        }
        let keys = AccountKeys::from_seed(seed);
        let account_id = keys.account_id();
        step.tx.create_account(seed.as_bytes(), &account_id)?;
        self.keys = Some(Arc::new(keys));
        Ok(Ok(Answer::Account(account_id)))
    }

    fn network_changed(&mut self, step: &mut Step<'_, '_>, id: CommandId) -> Result<(), StoreError> {
        for lost in self.network.network_changed() {
            self.deliver(step, lost)?;
        }
        step.tx.hasten_outbox(step.now.wall_ms)?;
        self.outbox.look_again();
        self.poller.hasten();
        step.effects.push(Effect::Answer { id, result: Ok(Answer::Done) });
        Ok(())
    }

    fn start_wake(
        &mut self,
        step: &mut Step<'_, '_>,
        id: CommandId,
        deadline_boot_ms: u64,
    ) -> Result<(), StoreError> {
        let refusal = match (self.mode.open_for_work(), &self.keys, &self.wake) {
            (Err(refusal), _, _) => Some(refusal),
            (_, None, _) => Some(CommandError::NoAccount),
            (_, _, Some(_)) => Some(CommandError::WrongState("another wake is under way")),
            _ => None,
        };
        if let Some(refusal) = refusal {
            step.effects.push(Effect::Answer { id, result: Err(refusal) });
            return Ok(());
        }
        self.network.close(false);
        self.network.break_silence();
        self.poller.hasten();
        self.outbox.look_again();
        // A wake is rare: what an earlier one could not do is tried now, whatever its back-off says.
        step.tx.hasten_outbox(step.now.wall_ms)?;
        self.network.pace(Some(deadline_boot_ms));
        self.wake = Some(Wake::new(id, deadline_boot_ms, self.tally()));
        Ok(())
    }

    fn tally(&self) -> Tally {
        let traffic = self.network.traffic();
        Tally {
            shown: self.poller.shown(),
            replicas_read: self.poller.replicas_read(),
            requests: traffic.requests,
            bytes: traffic.bytes,
            stored: self.outbox.stored(),
            polls: self.poller.polls(),
        }
    }

    /// A wake ends when the replicas were read and the outbox rests, when nothing can be reached before
    /// its deadline, or when its time is up.
    fn end_wake_if_done(&mut self, step: &mut Step<'_, '_>) -> Result<(), StoreError> {
        let Some(wake) = &self.wake else { return Ok(()) };
        let idle = !self.poller.busy() && !self.outbox.busy() && self.network.in_flight() == 0;
        let polled = self.poller.polls() > wake.before.polls && !self.poller.wants_another(step.now);
        let rested = polled && !self.outbox.due(step.now) && !self.acks.waiting();
        let hopeless =
            self.network.silenced_until(wake.deadline_boot_ms(), step.now) || self.network.too_small();
        let done = idle && (rested || hopeless);
        let over = wake.over(step.now);
        if !done && !over {
            return Ok(());
        }
        let shown = self.gaps.release(step, 0, true)?;
        self.poller.count_shown(shown);
        let Some(wake) = self.wake.take() else { return Ok(()) };
        self.network.pace(None);
        let (before, after) = (wake.before, self.tally());
        let outbox_left = u64::try_from(step.tx.outbox_len()?).unwrap_or(0);
        let report = WakeReport {
            new_messages: after.shown - before.shown,
            replicas_read: after.replicas_read - before.replicas_read,
            requests: after.requests - before.requests,
            bytes: after.bytes - before.bytes,
            messages_stored: after.stored - before.stored,
            outbox_left,
            cut_short: !(idle && rested) || outbox_left > 0,
        };
        if !self.active() {
            self.halt(step);
        }
        let result = match self.network.too_small() {
            true => Err(CommandError::TooFewNodes),
            false => Ok(Answer::Woke(report)),
        };
        step.effects.push(Effect::Answer { id: wake.answer, result });
        Ok(())
    }

    fn stop(
        &mut self,
        step: &mut Step<'_, '_>,
        id: CommandId,
        grace_ms: u64,
        for_good: bool,
    ) -> Result<(), StoreError> {
        match self.mode.stop(id, step.now.boot_ms.saturating_add(grace_ms), for_good) {
            Ok(Mode::ShutDown) => step.effects.push(Effect::Answer { id, result: Ok(Answer::Done) }),
            Ok(mode) => {
                self.mode = mode;
                self.network.close(true);
                self.outbox.stop_proving(step);
                if let Some(wake) = self.wake.take() {
                    self.network.pace(None);
                    let result = Err(CommandError::WrongState("suspending"));
                    step.effects.push(Effect::Answer { id: wake.answer, result });
                }
            }
            Err(refusal) => step.effects.push(Effect::Answer { id, result: Err(refusal) }),
        }
        Ok(())
    }

    fn end_suspend_if_done(&mut self, step: &mut Step<'_, '_>) {
        let Mode::Suspending { answer, until_boot_ms, for_good } = self.mode else { return };
        if self.network.in_flight() > 0 && step.now.boot_ms < until_boot_ms {
            return;
        }
        self.halt(step);
        self.mode = if for_good { Mode::ShutDown } else { Mode::Stopped };
        step.effects.push(Effect::Answer { id: answer, result: Ok(Answer::Done) });
    }

    /// Nothing goes on after this; whatever was under way is found again in the store.
    fn halt(&mut self, step: &mut Step<'_, '_>) {
        self.network.forget_flights();
        self.outbox.stop(step);
        self.poller.stop();
    }
}

fn load_keys(tx: &mut Tx<'_>) -> Result<Option<Arc<AccountKeys>>, StoreError> {
    let Some(seed) = tx.account()? else { return Ok(None) };
    let seed = Seed::from_bytes(&seed).map_err(|_| StoreError::Damaged { code: 0 })?;
    Ok(Some(Arc::new(AccountKeys::from_seed(&seed))))
}

fn found(found: bool) -> Result<Answer, CommandError> {
    if found { Ok(Answer::Done) } else { Err(CommandError::NoSuchMessage) }
}
