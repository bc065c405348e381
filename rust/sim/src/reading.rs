//! How a host learns what happened: it fetches events when it has time, shows them, and acknowledges them
//! afterwards, unless it dies in between and sees them again.

use starling_core::Command;
use starling_store::{Event, EventSeq, Message, StoreError, Tx};

use crate::chance::{between, chance};
use crate::checker::{Displayed, Shown, ShownMessage};
use crate::host::{Act, Asked};
use crate::world::{Happening, World};

/// Events a host fetches at a time.
const BATCH: usize = 50;

impl World {
    /// The host heard of events; it fetches them when it has time.
    pub(crate) fn expect_reading(&mut self, index: usize) {
        let Some(device) = self.devices.get_mut(index) else { return };
        if device.host.reading {
            return;
        }
        device.host.reading = true;
        let (from, to) = device.host.manners.fetch_ms;
        let after = between(&mut device.host.rng, from, to);
        let incarnation = device.incarnation;
        self.queue.put(self.now + after, Happening::Fetch { device: index, incarnation });
    }

    pub(crate) fn fetch(&mut self, index: usize, incarnation: u32) {
        if self.process_of(index, incarnation).is_none() {
            return;
        }
        let at = self.now;
        let peers = self.peers();
        let Some(device) = self.devices.get_mut(index) else { return };
        device.host.reading = false;
        let store = device.restores;
        let (displayed, acknowledged) = (device.host.last_displayed, device.host.acknowledged);
        let events = device.read(|tx| {
            let events = tx.events(BATCH)?;
            let last = events.last().map(|(seq, _)| seq.0);
            let again = events.first().map(|(seq, _)| seq.0).filter(|first| *first <= acknowledged);
            let mut shown = Vec::new();
            for (seq, event) in events.into_iter().filter(|(seq, _)| seq.0 > displayed) {
                if let Some(what) = show(tx, &event, &peers)? {
                    shown.push(Displayed { at, store, event: seq.0, what });
                }
            }
            Ok((last, again, shown))
        });
        let (last, again, shown) = match events {
            Ok(events) => events,
            Err(error) => return self.violation(format!("device {index} cannot read its events: {error}")),
        };
        if let Some(again) = again {
            self.violation(format!("device {index}: event {again} comes again after it was acknowledged"));
        }
        if let Some(last) = last {
            self.take_in(index, incarnation, last, shown);
        }
    }

    /// Shows a batch, and acknowledges it later unless the app dies first.
    fn take_in(&mut self, index: usize, incarnation: u32, last: i64, shown: Vec<Displayed>) {
        let Some(device) = self.devices.get_mut(index) else { return };
        let host = &mut device.host;
        host.displayed.extend(shown);
        host.last_displayed = last.max(host.last_displayed);
        let (from, to) = host.manners.acknowledge_ms;
        let after = between(&mut host.rng, from, to);
        if chance(&mut host.rng, host.manners.dies_reading) {
            return self.act(index, Act::Kill);
        }
        self.queue
            .put(self.now + after, Happening::Acknowledge { device: index, incarnation, through: last });
    }

    pub(crate) fn acknowledge(&mut self, index: usize, incarnation: u32, through: i64) {
        if self.process_of(index, incarnation).is_none() {
            return;
        }
        if let Some(device) = self.devices.get_mut(index) {
            device.host.acknowledged = through;
        }
        self.command(index, Asked::Acknowledge, Command::AckEvents(EventSeq(through)));
    }
}

/// What an event puts before the user's eyes; states are looked at where they change.
fn show(tx: &mut Tx<'_>, event: &Event, peers: &crate::world::Peers) -> Result<Option<Shown>, StoreError> {
    let nobody = usize::MAX;
    let named = |message: Message| ShownMessage {
        from: peers.get(&message.peer).copied().unwrap_or(nobody),
        id: message.message_id,
        place: message.stream.zip(message.seq).map(|(stream, seq)| (stream as u64, seq as u64)),
    };
    let about = |tx: &mut Tx<'_>, conversation| {
        let peer = tx.conversation(conversation)?.map(|conversation| conversation.peer);
        Ok::<_, StoreError>(peer.and_then(|peer| peers.get(&peer).copied()))
    };
    Ok(match event {
        Event::MessageReceived { message, .. } => tx.message(*message)?.map(named).map(Shown::Message),
        Event::MessageInserted { message, .. } => tx.message(*message)?.map(named).map(Shown::Inserted),
        Event::Gap { conversation, from_seq, to_seq } => {
            let peer = tx.conversation(*conversation)?.map(|conversation| conversation.peer);
            let from = peer.and_then(|peer| peers.get(&peer).copied()).unwrap_or(nobody);
            Some(Shown::Gap { from, first: *from_seq as u64, last: *to_seq as u64 })
        }
        Event::RequestReceived { conversation } => {
            about(tx, *conversation)?.map(|from| Shown::Request { from })
        }
        Event::RequestReplaced { conversation } => {
            about(tx, *conversation)?.map(|from| Shown::Replaced { from })
        }
        Event::FriendAdded { conversation } => about(tx, *conversation)?.map(|from| Shown::Friend { from }),
        Event::SessionRenewed { conversation } => {
            about(tx, *conversation)?.map(|from| Shown::Renewed { from })
        }
        Event::MessageStateChanged { .. }
        | Event::RequestExpired { .. }
        | Event::SecurityUpgraded { .. }
        | Event::RequestsDigest
        | Event::Resync => None,
    })
}
