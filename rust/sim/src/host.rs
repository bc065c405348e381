//! The app around the engine and the system around the app: it sends, comes to the foreground, is woken,
//! fetches events late, and dies between fetching and acknowledging.

use rand_chacha::ChaCha20Rng;
use starling_core::friends;
use starling_core::{Answer, Command, CommandError, CommandId, WakeReport};
use starling_store::{MessageRow, MessageState};

use crate::chance::between;
use crate::checker::{Accepted, Displayed};
use crate::world::{Happening, World};

/// Virtual time by which an answer may be late because clocks count whole milliseconds.
const ROUNDING_MS: u64 = 2;

/// One thing a user or an operating system does with a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Writes to another device.
    Send {
        /// The recipient.
        to: usize,
        /// The text; to be told apart, all texts of a world must differ.
        body: String,
    },
    /// Gives up the newest message that is still on its way, if there is one.
    GiveUp,
    /// Tries the newest message that failed or waits again.
    Retry,
    /// Opens the app.
    Foreground,
    /// Leaves it: the engine is suspended.
    Background {
        /// Time the system gives.
        grace_ms: u64,
    },
    /// The system runs the background job. Nothing happens while the app is in the foreground.
    Wake {
        /// Time until the deadline.
        within_ms: u64,
    },
    /// The system says that the network is another one now.
    NetworkChanged,
    /// The process is killed.
    Kill,
    /// The process will be killed at a step.
    Die {
        /// Steps from now on; 0 is the next one.
        after_steps: u64,
        /// Effects of that step that still get out.
        released: usize,
    },
    /// The device restarts.
    Reboot,
    /// The wall clock is set.
    ClockJump {
        /// Milliseconds; may be negative.
        by_ms: i64,
    },
    /// Nothing gets through any more.
    Offline,
    /// The network is back; the system says so.
    Online,
    /// The user asks another device for friendship.
    Request {
        /// Which.
        to: usize,
        /// What the request says.
        introduction: String,
    },
    /// The user decides about another device.
    Decide {
        /// Which.
        peer: usize,
        /// What.
        decision: friends::Command,
    },
    /// The store is destroyed, and the account restored from the phrase.
    Restore,
}

/// What a command was given for, until it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Account,
    Send { to: usize, body: String },
    Request { to: usize, introduction: String },
    Decide { peer: usize, decision: friends::Command },
    Acknowledge,
    Reconsider,
    Work,
    Suspend,
    Wake,
    Notice,
}

/// What the host believes the engine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Stopped,
    Running,
    Suspending,
    Suspended,
}

/// How fast a host fetches and acknowledges, in milliseconds from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// From hearing of events to fetching them.
    pub fetch_ms: (u64, u64),
    /// From fetching them to acknowledging them.
    pub acknowledge_ms: (u64, u64),
    /// How many of 1,000 times it is killed in between.
    pub dies_reading: u32,
}

impl Default for Manners {
    fn default() -> Self {
        Self { fetch_ms: (0, 20), acknowledge_ms: (1, 20), dies_reading: 0 }
    }
}

/// The app on one device.
pub(crate) struct Host {
    pub(crate) rng: ChaCha20Rng,
    pub(crate) manners: Manners,
    /// The user looks at the app.
    pub(crate) foreground: bool,
    pub(crate) mode: Mode,
    pub(crate) waking: bool,
    /// When wakes were answered, and what with.
    pub(crate) wakes: Vec<(u64, WakeReport)>,
    pub(crate) displayed: Vec<Displayed>,
    pub(crate) last_displayed: i64,
    pub(crate) acknowledged: i64,
    pub(crate) reading: bool,
}

impl Host {
    pub(crate) fn new(rng: ChaCha20Rng) -> Self {
        Self {
            rng,
            manners: Manners::default(),
            foreground: false,
            mode: Mode::Stopped,
            waking: false,
            wakes: Vec::new(),
            displayed: Vec::new(),
            last_displayed: 0,
            acknowledged: 0,
            reading: false,
        }
    }

    /// Whether the engine was asked to work.
    pub(crate) fn may_work(&self) -> bool {
        self.waking || matches!(self.mode, Mode::Running | Mode::Suspending)
    }

    /// The events of a new store are counted from the beginning.
    pub(crate) fn forget_store(&mut self) {
        self.forget_process();
        (self.last_displayed, self.acknowledged) = (0, 0);
    }

    pub(crate) fn forget_process(&mut self) {
        self.mode = Mode::Stopped;
        self.waking = false;
        self.reading = false;
    }
}

impl World {
    /// Does one thing with one device.
    pub fn act(&mut self, index: usize, act: Act) {
        if self.trace.is_printed() {
            self.trace.remark(self.now, format_args!("device {index}: {act:?}"));
        }
        match act {
            Act::Send { to, body } => self.send(index, to, body),
            Act::GiveUp => self.reconsider(index, Command::GiveUp),
            Act::Retry => self.reconsider(index, Command::Retry),
            Act::Foreground => self.foreground(index),
            Act::Background { grace_ms } => self.background(index, grace_ms),
            Act::Wake { within_ms } => self.wake(index, within_ms),
            Act::NetworkChanged => {
                self.command(index, Asked::Notice, Command::NetworkChanged);
            }
            Act::Kill => {
                self.kill(index);
                self.relaunch_later(index);
            }
            Act::Die { after_steps, released } => self.die(index, after_steps, released),
            Act::Reboot => self.reboot(index),
            Act::ClockJump { by_ms } => {
                if let Some(device) = self.devices.get_mut(index) {
                    device.clock.jump(by_ms);
                }
            }
            Act::Request { to, introduction } => self.request(index, to, introduction),
            Act::Decide { peer, decision } => self.decide(index, peer, decision),
            Act::Restore => self.restore(index),
            Act::Offline => self.network.links.cut_off(index),
            Act::Online => {
                self.network.links.connect(index);
                self.command(index, Asked::Notice, Command::NetworkChanged);
            }
        }
    }

    fn send(&mut self, index: usize, to: usize, body: String) {
        let Some(account) = self.devices.get(to).map(|device| device.account) else { return };
        self.launch(index);
        let command = Command::Send { to: account, body: body.clone() };
        self.command(index, Asked::Send { to, body }, command);
    }

    fn request(&mut self, index: usize, to: usize, introduction: String) {
        let Some(account) = self.devices.get(to).map(|device| device.account) else { return };
        self.launch(index);
        let command = Command::Request { to: account, introduction: introduction.clone(), invite: None };
        self.command(index, Asked::Request { to, introduction }, command);
    }

    fn decide(&mut self, index: usize, peer: usize, decision: friends::Command) {
        let Some(account) = self.devices.get(peer).map(|device| device.account) else { return };
        self.launch(index);
        let command = Command::Decide { peer: account, decision };
        self.command(index, Asked::Decide { peer, decision }, command);
    }

    /// The user taps on the newest message that has not reached the swarm.
    fn reconsider(&mut self, index: usize, command: fn(MessageRow) -> Command) {
        self.launch(index);
        let Some(device) = self.devices.get(index) else { return };
        let messages = device.store.read(|view| view.dump()).unwrap_or_default();
        let unsent =
            |state| matches!(state, MessageState::Queued | MessageState::Working | MessageState::Failed(_));
        if let Some(message) = messages.iter().rev().find(|message| unsent(message.state)) {
            self.witness.reconsidered.insert(message.message_id);
            self.command(index, Asked::Reconsider, command(message.row));
        }
    }

    fn foreground(&mut self, index: usize) {
        self.launch(index);
        let Some(device) = self.devices.get_mut(index) else { return };
        device.host.foreground = true;
        let command = match device.host.mode {
            Mode::Stopped => Command::Start,
            Mode::Suspended => Command::Resume,
            // Suspending: the host resumes when it is told that the engine is suspended.
            Mode::Running | Mode::Suspending => return,
        };
        device.host.mode = Mode::Running;
        self.command(index, Asked::Work, command);
    }

    fn background(&mut self, index: usize, grace_ms: u64) {
        let Some(device) = self.devices.get_mut(index) else { return };
        device.host.foreground = false;
        if device.process.is_none() || device.host.mode != Mode::Running {
            return;
        }
        device.host.mode = Mode::Suspending;
        let due = device.clock.when(device.clock.now(self.now).boot_ms + grace_ms, self.now);
        let incarnation = device.incarnation;
        let command = self.command(index, Asked::Suspend, Command::Suspend { grace_ms });
        self.expect_answer(due, index, incarnation, command);
    }

    fn wake(&mut self, index: usize, within_ms: u64) {
        let Some(device) = self.devices.get_mut(index) else { return };
        if device.host.foreground || device.host.waking || device.host.mode == Mode::Suspending {
            return;
        }
        self.launch(index);
        let Some(device) = self.devices.get_mut(index) else { return };
        let deadline_boot_ms = device.clock.now(self.now).boot_ms + within_ms;
        let due = device.clock.when(deadline_boot_ms, self.now);
        device.host.waking = true;
        let incarnation = device.incarnation;
        let command = self.command(index, Asked::Wake, Command::Wake { deadline_boot_ms });
        self.expect_answer(due, index, incarnation, command);
    }

    fn die(&mut self, index: usize, after_steps: u64, released: usize) {
        if let Some(device) = self.devices.get_mut(index) {
            device.dies_at = Some(crate::Death { step: device.steps + after_steps, released });
        }
    }

    /// Takes back a death that is planned and has not come.
    pub(crate) fn spare(&mut self, index: usize) {
        if let Some(device) = self.devices.get_mut(index) {
            device.dies_at = None;
        }
    }

    fn reboot(&mut self, index: usize) {
        self.kill(index);
        if let Some(device) = self.devices.get_mut(index) {
            device.clock.reboot(self.now);
        }
        self.relaunch_later(index);
    }

    /// A user who looks at the app opens it again.
    pub(crate) fn relaunch_later(&mut self, index: usize) {
        let Some(device) = self.devices.get_mut(index) else { return };
        if device.host.foreground {
            let after = between(&mut device.host.rng, 200, 30_000);
            self.queue.put(self.now + after, Happening::Relaunch { device: index });
        }
    }

    pub(crate) fn relaunch(&mut self, index: usize) {
        let stopped = |device: &crate::device::Device| device.host.mode == Mode::Stopped;
        if self.devices.get(index).is_some_and(|device| device.host.foreground && stopped(device)) {
            self.foreground(index);
        }
    }

    fn expect_answer(&mut self, due: u64, device: usize, incarnation: u32, command: Option<CommandId>) {
        if let Some(command) = command {
            self.queue.put(due + ROUNDING_MS, Happening::Overdue { device, incarnation, command });
        }
    }

    /// A deadline of a command is over: its answer must be there.
    pub(crate) fn overdue(&mut self, index: usize, incarnation: u32, command: CommandId) {
        let Some(process) = self.process_of(index, incarnation) else { return };
        if let Some(asked) = process.commands.get(&command) {
            let what = format!("device {index}: {asked:?} is not answered in time");
            self.violation(what);
        }
    }

    /// The engine answered a command. Runs in the middle of a step's effects: it may plan, not command.
    pub(crate) fn answered(&mut self, index: usize, asked: Asked, result: Result<Answer, CommandError>) {
        let at = self.now;
        let Some(device) = self.devices.get_mut(index) else { return };
        match (asked, result) {
            (
                Asked::Send { to, body } | Asked::Request { to, introduction: body },
                Ok(Answer::Queued { message, .. }),
            ) if !body.is_empty() => match device.read(|tx| tx.message(message)) {
                Ok(Some(row)) => {
                    let id = row.message_id;
                    self.accepted.push(Accepted { at, from: index, to, id, body });
                }
                _ => self.violation(format!("device {index}: {body:?} was accepted but is not there")),
            },
            (Asked::Acknowledge, Ok(_)) => self.expect_reading(index),
            (Asked::Suspend, Ok(_)) => {
                device.host.mode = Mode::Suspended;
                if device.host.foreground {
                    self.queue.put(at, Happening::Resume { device: index });
                }
            }
            (Asked::Wake, Ok(Answer::Woke(report))) => {
                device.host.waking = false;
                device.host.wakes.push((at, report.clone()));
                self.trace.remark(at, format_args!("device {index}: {report:?}"));
            }
            (Asked::Reconsider, Ok(_) | Err(CommandError::NoSuchMessage)) => {}
            // Whether a decision fits is the engine's to say; the witness looks at texts that are refused.
            (Asked::Request { .. } | Asked::Decide { .. }, _) => {}
            (
                Asked::Send { .. },
                Err(
                    CommandError::NeedsFriendRequest { .. }
                    | CommandError::Blocked
                    | CommandError::RequestExpired,
                ),
            ) => {}
            (Asked::Account | Asked::Work | Asked::Notice, Ok(_)) => {}
            // Leaving the app ends a wake that began before it was opened.
            (Asked::Wake, Err(CommandError::WrongState(_))) if device.host.mode == Mode::Suspending => {
                device.host.waking = false;
            }
            (asked, Err(CommandError::Interrupted)) => {
                self.trace.remark(at, format_args!("device {index}: {asked:?} interrupted"));
            }
            (asked, result) => self.violation(format!("device {index}: {asked:?} answered {result:?}")),
        }
    }

    pub(crate) fn resume(&mut self, index: usize) {
        let wanted = self.devices.get(index).is_some_and(|device| device.host.foreground);
        if wanted {
            self.foreground(index);
        }
    }
}
