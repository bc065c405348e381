//! The core among hostile nodes, careless hosts and kills: the bytes say what happens to it.
//!
//! | module | what it knows |
//! |---|---|
//! | [`script`] | bytes as a sequence of happenings |
//! | `nodes` | service nodes that answer at once, and what can go wrong with them |
//! | `device` | store, clocks, what is under way |
//! | `promises` | what holds after every step |

mod device;
mod nodes;
mod promises;
pub mod script;

use starling_core::friends::Command as Decision;
use starling_core::unseal::{Unsealable, unseal};
use starling_core::{Command, EffectId, Input, largest_text};
use starling_protocol::AccountId;
use starling_protocol::pow::Nonce;
use starling_store::{EventSeq, MessageRow};

use self::device::Device;
use self::nodes::{Nodes, babble, failure};
use self::script::{Happening, Script};
use crate::cast;

/// Plays a script. Whatever happens, no step fails, every command is answered once, no timer spins, the
/// core is never stuck, and the store fits together. Accepted if the host could send something.
pub fn machine(data: &[u8]) -> bool {
    let mut play = Play { script: Script::new(data), device: Device::new(), nodes: Nodes::new() };
    while let Some(happening) = play.script.next() {
        play.happen(happening);
    }
    play.device.finish();
    !play.device.queued.is_empty()
}

struct Play<'a> {
    script: Script<'a>,
    device: Device,
    nodes: Nodes,
}

impl Play<'_> {
    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Answer => self.answer(),
            Happening::Settle => self.settle(),
            Happening::Fail | Happening::Spoil | Happening::Babble | Happening::Repeat => {
                self.misanswer(happening)
            }
            Happening::Stray => {
                let id = EffectId(u64::from(self.script.byte()));
                self.device.reply(id, self.nodes.repeat());
            }
            Happening::Timer => self.device.timer(),
            Happening::Pass => {
                let ms = self.script.magnitude(40);
                self.device.pass(ms);
                self.device.apply(Input::Tick);
            }
            Happening::Jump => {
                let back = self.script.byte() & 1 == 1;
                let ms = self.script.magnitude(63) as i64;
                self.device.jump(if back { -ms } else { ms });
            }
            Happening::Prove => self.prove(),
            Happening::Unseal => self.unseal(),
            Happening::Send => self.send(),
            Happening::Command => {
                let command = self.any_command();
                self.device.command(command);
            }
            Happening::Write => self.nodes.write(self.device.network_ms(), &mut self.script),
            Happening::Rule => self.nodes.rule(&mut self.script),
            Happening::Kill => self.device.kill(self.script.byte() & 1 == 1),
            Happening::Close => self.device.tick_closed(self.script.byte() & 1 == 1),
        }
    }

    fn any_request(&mut self) -> Option<EffectId> {
        let ids: Vec<EffectId> = self.device.under_way.requests.keys().copied().collect();
        self.script.one_of(&ids)
    }

    fn answer(&mut self) {
        if let Some(id) = self.any_request() {
            let request = self.device.under_way.requests[&id].clone();
            self.device.reply(id, self.nodes.answer(&request, self.device.network_ms()));
        }
    }

    fn misanswer(&mut self, happening: Happening) {
        let Some(id) = self.any_request() else { return };
        let request = self.device.under_way.requests[&id].clone();
        let (script, now_ms) = (&mut self.script, self.device.network_ms());
        let outcome = match happening {
            Happening::Fail => failure(&request, script),
            Happening::Spoil => self.nodes.spoil(&request, now_ms, script),
            Happening::Babble => babble(script),
            _ => self.nodes.repeat(),
        };
        self.device.reply(id, outcome);
    }

    fn settle(&mut self) {
        for _ in 0..3 {
            for (id, request) in self.device.under_way.requests.clone() {
                // An earlier answer may have made it void.
                if self.device.under_way.requests.contains_key(&id) {
                    self.device.reply(id, self.nodes.answer(&request, self.device.network_ms()));
                }
            }
            while let Some((id, puzzle)) = self.device.under_way.proofs.pop_first() {
                self.device.apply(Input::Proved { id, nonce: Some(Nonce(puzzle.difficulty())) });
            }
            while let Some((id, (keys, sealed))) = self.device.under_way.jobs.pop_first() {
                let results = sealed.iter().map(|data| unseal(&keys, data)).collect();
                self.device.apply(Input::Unsealed { id, results });
            }
            self.device.pass(10);
        }
    }

    fn prove(&mut self) {
        let kind = self.script.byte();
        let Some((id, puzzle)) = self.device.under_way.proofs.pop_first() else {
            let id = EffectId(u64::from(kind));
            return self.device.apply(Input::Proved { id, nonce: Some(Nonce(1)) });
        };
        let nonce = match kind % 3 {
            0 => Some(Nonce(puzzle.difficulty())),
            1 => Some(Nonce(0)),
            _ => None,
        };
        self.device.apply(Input::Proved { id, nonce });
    }

    fn unseal(&mut self) {
        let kind = self.script.byte();
        let Some((id, (keys, sealed))) = self.device.under_way.jobs.pop_first() else {
            let id = EffectId(u64::from(kind));
            return self.device.apply(Input::Unsealed { id, results: vec![Err(Unsealable::BadSeal)] });
        };
        let mut results: Vec<_> = sealed.iter().map(|data| unseal(&keys, data)).collect();
        match kind % 4 {
            0 | 1 => {}
            2 => results.iter_mut().for_each(|result| *result = Err(Unsealable::BadSeal)),
            // A driver that lost some: whatever it brings is taken for the first ones.
            _ => results.truncate(usize::from(kind / 4)),
        }
        self.device.apply(Input::Unsealed { id, results });
    }

    fn send(&mut self) {
        let to = self.anybody();
        let length = match self.script.byte() {
            255 => largest_text(),
            254 => largest_text() + 1,
            length => usize::from(length),
        };
        self.device.command(Command::Send { to, body: "x".repeat(length) });
    }

    fn any_command(&mut self) -> Command {
        let kind = self.script.byte();
        match kind % 17 {
            0 => Command::CreateAccount(cast::seed(1)),
            1 => Command::Start,
            2 => Command::Resume,
            3 => Command::Suspend { grace_ms: self.script.magnitude(18) },
            4 => Command::Wake { deadline_boot_ms: self.device.boot_ms() + self.script.magnitude(18) },
            5 => Command::NetworkChanged,
            6 => Command::Retry(self.any_row()),
            7 => Command::GiveUp(self.any_row()),
            8 => Command::AckEvents(EventSeq(self.script.magnitude(64) as i64)),
            9 => Command::AckEvents(EventSeq(-(self.script.magnitude(63) as i64))),
            // Once shut down nothing more happens, so that is rare.
            10 if self.script.byte() == 255 => Command::Shutdown,
            11 => {
                let (to, length) = (self.anybody(), usize::from(self.script.byte()) * 4);
                let invite = (length % 8 == 4).then_some([7; 16]);
                Command::Request { to, introduction: "x".repeat(length), invite }
            }
            12 => Command::Decide { peer: self.anybody(), decision: self.decision() },
            13 => Command::Invite,
            14 => Command::SetName("x".repeat(usize::from(self.script.byte()) / 2)),
            15 => Command::SetKnownContactsOnly(self.script.byte() & 1 == 1),
            16 => Command::LowerFloor(self.anybody()),
            _ => Command::Start,
        }
    }

    fn decision(&mut self) -> Decision {
        let all = [
            Decision::Accept,
            Decision::Decline,
            Decision::Request,
            Decision::Withdraw,
            Decision::Block,
            Decision::Unblock,
        ];
        all[usize::from(self.script.byte()) % all.len()]
    }

    /// An account of the cast, ourselves included.
    fn anybody(&mut self) -> AccountId {
        cast::account(1 + self.script.byte() % 4).account_id()
    }

    fn any_row(&mut self) -> MessageRow {
        let rows: Vec<MessageRow> = self.device.queued.keys().copied().collect();
        self.script.one_of(&rows).unwrap_or(MessageRow(-1))
    }
}
