//! What breaks, and the rule that keeps it survivable: in every swarm enough honest members work that a
//! lost message is the engine's fault.

use std::collections::BTreeSet;

use starling_protocol::NodeKey;
use starling_simnet::Lie;

use crate::network::Weather;
use crate::topology::{Health, Server};
use crate::world::World;

/// What is wrong with one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Refuses connections.
    Down,
    /// Takes connections and never answers.
    Hung,
    /// Answers 503 as a node that is starting does.
    NotReady,
    /// Adds this many milliseconds to everything.
    Slow(u64),
    /// Answers every retrieve with an empty page.
    Withhold,
    /// Signs receipts for what it throws away.
    Discard,
    /// Signs another hash than the message's.
    WrongHash,
    /// Like [`Fault::Discard`], and invents receipts of its peers.
    ForgeReceipts,
    /// Asks for this much proof of work.
    Demand(u64),
    /// Its clock is off by this many milliseconds.
    WrongClock(i64),
    /// Does not replicate.
    KeepsToItself,
    /// Answers every request 503 itself.
    Refuse,
}

/// A change of the world around the devices. Servers are numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A server gets a fault, on top of those it has.
    Break(usize, Fault),
    /// It loses all of them.
    Repair(usize),
    /// A server restarts without its messages.
    Wipe(usize),
    /// A new server joins the swarm of this one.
    Join(usize),
    /// A server stops being a service node.
    Leave(usize),
    /// A server moves to the swarm of another one.
    Move(usize, usize),
    /// A server is taken out of its swarm, by the network.
    Decommission(usize),
    /// It comes back.
    Recommission(usize),
    /// A device cannot reach these servers.
    Partition(usize, Vec<usize>),
    /// A device reaches all servers again.
    Mend(usize),
    /// The state of the air.
    Weather(Weather),
    /// Whether seed nodes answer.
    Seeds(bool),
    /// Proof of work that all servers ask for from now on.
    Difficulty(Option<u64>),
    /// Everything works again; the weather is fine.
    Peace,
}

/// Which faults the servers have.
#[derive(Default)]
pub(crate) struct Faults {
    of: BTreeSet<(usize, Fault)>,
    away: BTreeSet<usize>,
}

impl Faults {
    fn has(&self, number: usize) -> bool {
        self.away.contains(&number) || self.of.iter().any(|(of, _)| *of == number)
    }
}

impl World {
    /// Gives a server a fault, unconditionally.
    pub fn fault(&mut self, number: usize, fault: Fault) {
        self.change(Change::Break(number, fault));
    }

    /// Changes the world, unconditionally.
    pub fn change(&mut self, change: Change) {
        self.trace.note(self.now, &format!("{change:?}"));
        match change {
            Change::Break(number, fault) => {
                self.faults.of.insert((number, fault));
                self.set_faults(number);
            }
            Change::Repair(number) => {
                self.faults.of.retain(|(of, _)| *of != number);
                self.set_faults(number);
            }
            Change::Wipe(number) => self.wipe(number),
            Change::Join(beside) => self.join(beside),
            Change::Leave(number) => self.leave(number),
            Change::Move(number, to) => {
                let swarm = self.network.topology.servers.get(to).map(|server| server.listed.swarm_id);
                if let Some(swarm) = swarm {
                    self.network.topology.move_to(number, swarm);
                    self.publish();
                }
            }
            Change::Decommission(number) => {
                self.faults.away.insert(number);
                self.network.topology.decommission(number);
                self.publish();
            }
            Change::Recommission(number) => {
                self.faults.away.remove(&number);
                self.network.topology.recommission(number);
                self.publish();
            }
            Change::Partition(device, servers) => {
                servers.into_iter().for_each(|server| self.network.links.cut(device, server));
            }
            Change::Mend(device) => self.network.links.mend(device),
            Change::Weather(weather) => self.network.weather = weather,
            Change::Seeds(up) => self.network.seeds_up = up,
            Change::Difficulty(difficulty) => {
                self.difficulty = difficulty;
                (0..self.network.topology.servers.len()).for_each(|number| self.set_faults(number));
            }
            Change::Peace => self.make_peace(),
        }
    }

    /// Changes the world unless that could cost a message that the engine handled well: at most a third
    /// of a swarm is faulty at a time, and nothing is thrown away that no other member holds.
    pub fn change_safely(&mut self, change: Change) {
        let survivable = match &change {
            Change::Break(number, Fault::Slow(_) | Fault::KeepsToItself) => self.works(*number),
            Change::Break(number, _) => self.may_fail(*number),
            Change::Wipe(number) => self.may_fail(*number) && self.is_spare(*number),
            Change::Leave(number) | Change::Decommission(number) => {
                self.may_fail(*number) && self.is_spare(*number) && self.swarm_mates(*number).len() >= 5
            }
            Change::Move(number, to) => {
                let mates = self.swarm_mates(*number);
                self.works(*number) && self.is_spare(*number) && mates.len() >= 5 && !mates.contains(to)
            }
            Change::Recommission(number) => self.faults.away.contains(number),
            Change::Join(beside) => self.works(*beside) && self.swarm_mates(*beside).len() < 9,
            _ => true,
        };
        if survivable {
            self.change(change);
        }
    }

    /// The other members of a server's swarm.
    fn swarm_mates(&self, number: usize) -> Vec<usize> {
        let servers = &self.network.topology.servers;
        let Some(swarm) = servers.get(number).map(|server| server.listed.swarm_id) else { return Vec::new() };
        let mate = |(other, server): (usize, &Server)| {
            let listed = server.health != Health::Gone && server.listed.swarm_id == swarm;
            (other != number && listed).then_some(other)
        };
        servers.iter().enumerate().filter_map(mate).collect()
    }

    fn works(&self, number: usize) -> bool {
        let server = self.network.topology.servers.get(number);
        server.is_some_and(|server| server.health == Health::Up) && !self.faults.has(number)
    }

    fn may_fail(&self, number: usize) -> bool {
        let mates = self.swarm_mates(number);
        let faulty = mates.iter().filter(|mate| !self.works(**mate)).count();
        self.works(number) && faulty < mates.len() / 3
    }

    /// Whether every message this server holds is also held by a working mate.
    fn is_spare(&self, number: usize) -> bool {
        let servers = &self.network.topology.servers;
        let Some(server) = servers.get(number) else { return false };
        let mates = self.swarm_mates(number);
        let mates = mates.iter().filter(|mate| self.works(**mate)).filter_map(|mate| servers.get(*mate));
        let safe: BTreeSet<String> =
            mates.flat_map(|mate| mate.node.dump()).map(|message| message.hash).collect();
        server.node.dump().iter().all(|message| safe.contains(&message.hash))
    }

    /// Brings a server into the state its faults make.
    fn set_faults(&mut self, number: usize) {
        let faults: Vec<Fault> =
            self.faults.of.iter().filter(|(of, _)| *of == number).map(|(_, fault)| *fault).collect();
        let difficulty = self.difficulty;
        let Some(server) = self.network.topology.servers.get_mut(number) else { return };
        if server.health == Health::Gone {
            return;
        }
        let was_up = server.health == Health::Up;
        server.health = Health::Up;
        server.slow_ms = 0;
        let policy = server.node.policy_mut();
        (policy.lie, policy.withhold, policy.refuse, policy.replication) = (None, false, false, true);
        policy.difficulty = difficulty;
        policy.clock_offset_ms %= 1_000;
        for fault in faults {
            match fault {
                Fault::Down => server.health = Health::Down,
                Fault::Hung => server.health = Health::Hung,
                Fault::NotReady => server.health = Health::NotReady,
                Fault::Slow(ms) => server.slow_ms = ms,
                Fault::Withhold => policy.withhold = true,
                Fault::Discard => policy.lie = Some(Lie::Discard),
                Fault::WrongHash => policy.lie = Some(Lie::WrongHash),
                Fault::ForgeReceipts => policy.lie = Some(Lie::ForgeReceipts),
                Fault::Demand(difficulty) => policy.difficulty = Some(difficulty),
                Fault::WrongClock(ms) => policy.clock_offset_ms += ms,
                Fault::KeepsToItself => policy.replication = false,
                Fault::Refuse => policy.refuse = true,
            }
        }
        if matches!(policy.lie, Some(Lie::Discard | Lie::ForgeReceipts)) {
            self.witness.discards(server.listed.key);
        }
        if was_up && server.health == Health::Down {
            server.node.crash(false);
            self.forget_gatherings(number);
        }
    }

    fn wipe(&mut self, number: usize) {
        let Some(server) = self.network.topology.servers.get_mut(number) else { return };
        let held = server.node.dump().into_iter().map(|message| message.hash);
        self.witness.lost_data(server.listed.key, held);
        server.node.crash(true);
        self.forget_gatherings(number);
    }

    fn join(&mut self, beside: usize) {
        let Some(swarm) = self.network.topology.servers.get(beside).map(|server| server.listed.swarm_id)
        else {
            return;
        };
        let number = self.network.topology.add(&mut self.topology_rng, swarm);
        self.name_server(number);
        self.set_faults(number);
        self.publish();
    }

    fn leave(&mut self, number: usize) {
        self.wipe(number);
        if let Some(server) = self.network.topology.servers.get_mut(number) {
            server.health = Health::Gone;
        }
        self.publish();
    }

    fn make_peace(&mut self) {
        self.faults.of.clear();
        for number in std::mem::take(&mut self.faults.away) {
            self.network.topology.recommission(number);
        }
        (0..self.network.topology.servers.len()).for_each(|number| self.set_faults(number));
        self.network.weather = Weather::default();
        self.network.seeds_up = true;
        self.network.links.heal();
        self.publish();
    }

    pub(crate) fn name_server(&mut self, number: usize) {
        let key: Option<NodeKey> = self.network.topology.servers.get(number).map(|s| s.listed.key);
        if let Some(key) = key {
            self.trace.name_node(key, number);
        }
    }
}
