//! What service nodes send one another: replication that is answered, and dumps that are not.

use starling_protocol::NodeKey;
use starling_simnet::{Forward, GATHER_TIMEOUT_MS, PeerMessage, PeerReply, Ticket};

use crate::chance::chance;
use crate::topology::Health;
use crate::world::{Happening, World};

/// A dump to a server that does not work now is repeated after this.
const DUMP_RETRY_MS: u64 = 60_000;

/// A message between two servers.
#[derive(Clone)]
pub(crate) struct PeerPacket {
    from: NodeKey,
    to: NodeKey,
    message: PeerMessage,
    /// The gathering that waits for the answer; a dump has none.
    ticket: Option<(usize, Ticket)>,
}

/// An answer on its way to the entry node.
pub(crate) struct PeerAnswer {
    number: usize,
    ticket: Ticket,
    peer: NodeKey,
    answer: PeerReply,
}

impl World {
    /// An entry node forwards a request to its peers and waits at most five seconds.
    pub(crate) fn ask_peers(&mut self, number: usize, ticket: Ticket, forwards: Vec<Forward>) {
        let Some(from) = self.network.topology.servers.get(number).map(|server| server.listed.key) else {
            return;
        };
        self.queue.put(self.now + GATHER_TIMEOUT_MS, Happening::GatherTimeout { number, ticket });
        let loss = self.network.weather.peer_loss;
        for Forward { to, message } in forwards {
            let after = self.network.latency();
            if !chance(&mut self.network.rng, loss) {
                let packet = PeerPacket { from, to, message, ticket: Some((number, ticket)) };
                self.queue.put(self.now + after, Happening::Peer(Box::new(packet)));
            }
        }
    }

    /// Data moves because the list changed. Servers repeat that until it succeeded.
    pub(crate) fn publish(&mut self) {
        for (from, Forward { to, message }) in self.network.topology.publish() {
            let after = self.network.latency();
            let Some(from) = self.network.topology.servers.get(from).map(|server| server.listed.key) else {
                continue;
            };
            let packet = PeerPacket { from, to, message, ticket: None };
            self.queue.put(self.now + after, Happening::Peer(Box::new(packet)));
        }
    }

    pub(crate) fn peer_message(&mut self, packet: PeerPacket) {
        let at = self.node_time();
        let Some(server) = self.network.topology.server(&packet.to) else { return };
        match (server.health, packet.ticket) {
            (Health::Up, Some((number, ticket))) => {
                let Some(answer) = server.node.receive(packet.from, &packet.message, at) else { return };
                let loss = self.network.weather.peer_loss;
                let after = self.network.latency();
                if !chance(&mut self.network.rng, loss) {
                    let answer = PeerAnswer { number, ticket, peer: packet.to, answer };
                    self.queue.put(self.now + after, Happening::PeerAnswer(Box::new(answer)));
                }
            }
            (Health::Up, None) => {
                server.node.receive(packet.from, &packet.message, at);
            }
            (Health::Gone, _) | (_, Some(_)) => {}
            (_, None) => self.queue.put(self.now + DUMP_RETRY_MS, Happening::Peer(Box::new(packet))),
        }
    }

    pub(crate) fn peer_answer(&mut self, answer: PeerAnswer) {
        let PeerAnswer { number, ticket, peer, answer } = answer;
        let at = self.node_time();
        let Some(server) = self.network.topology.servers.get_mut(number) else { return };
        let handled = server.node.peer_answered(ticket, peer, Some(answer), at);
        self.gathered(number, ticket, handled);
    }

    pub(crate) fn gather_timeout(&mut self, number: usize, ticket: Ticket) {
        let at = self.node_time();
        let Some(server) = self.network.topology.servers.get_mut(number) else { return };
        let handled = server.node.gather_timeout(ticket, at);
        self.gathered(number, ticket, handled);
    }
}
