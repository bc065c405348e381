//! What the judge is shown: what hosts were promised, what databases hold, what was displayed.

use std::collections::BTreeMap;

use starling_store::{Direction, FailureReason, MessageState};

use crate::checker::{Deaf, Ending, History, Kept, Sent};
use crate::relations::Consent;
use crate::world::World;

impl World {
    /// State of a device's messages to others, by text.
    pub fn states(&self, index: usize) -> BTreeMap<String, MessageState> {
        let Some(device) = self.devices.get(index) else { return BTreeMap::new() };
        let messages = device.store.read(|view| view.dump()).unwrap_or_default();
        let outgoing = messages.into_iter().filter(|message| message.direction == Direction::Outgoing);
        outgoing.map(|message| (message.body, message.state)).collect()
    }

    /// What the judge looks at, as it is now.
    pub fn history(&mut self) -> History {
        let mut history = History {
            accepted: self.accepted.clone(),
            sent: self.buried.sent.clone(),
            kept: self.buried.kept.clone(),
            deaf: self.deaf(),
            ..History::default()
        };
        for index in 0..self.devices.len() {
            self.note_device(&mut history, index);
        }
        history
    }

    /// Messages accepted by the second's engine up to this time need not reach the first.
    fn deaf(&self) -> Deaf {
        let standings = self.relations.of.iter();
        let until = standings.filter_map(|(pair, standing)| {
            // What waits for somebody its sender blocked waits on.
            let blocked = standing.blocked || self.relations.standing(pair.1, pair.0).blocked;
            let unwilling = matches!(standing.consent, Consent::None | Consent::Lapsed);
            Some((*pair, if blocked || unwilling { u64::MAX } else { standing.deaf_until? }))
        });
        until.collect()
    }

    /// What a device shows and keeps.
    pub(crate) fn note_device(&mut self, history: &mut History, index: usize) {
        let Some(device) = self.devices.get(index) else { return };
        history.displayed.push(device.host.displayed.clone());
        history.stores.push(device.restores);
        match device.store.read(|view| view.dump()) {
            Ok(messages) => self.note_messages(history, index, messages),
            Err(error) => self.violation(format!("device {index}: database unreadable: {error}")),
        }
    }

    fn note_messages(&self, history: &mut History, index: usize, messages: Vec<starling_store::Message>) {
        let store = self.devices.get(index).map_or(0, |device| device.restores);
        for message in messages {
            let (id, body) = (message.message_id, message.body);
            if message.direction == Direction::Incoming {
                let from = self.peers().get(&message.peer).copied();
                history.kept.push(Kept { at_device: index, store, from, id, body });
                continue;
            }
            let ending = match message.state {
                MessageState::Queued | MessageState::Working => Ending::Waiting,
                MessageState::Failed(
                    FailureReason::GivenUp | FailureReason::Withdrawn | FailureReason::Blocked,
                ) => Ending::GivenUp,
                MessageState::Failed(_) => Ending::Failed,
                MessageState::Expired => Ending::Expired,
                MessageState::Delivered | MessageState::Read => Ending::Delivered,
                _ => Ending::Stored,
            };
            history.sent.push(Sent { from: index, id, body, ending });
        }
    }
}
