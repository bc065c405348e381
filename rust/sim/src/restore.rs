//! A device whose store is destroyed and whose account is restored from the phrase: an installation that
//! knows nothing of the old one.

use starling_store::Store;

use crate::checker::{Ending, History, Kept, Sent};
use crate::world::World;

/// What destroyed stores held when they were destroyed.
#[derive(Default)]
pub(crate) struct Buried {
    pub(crate) kept: Vec<Kept>,
    pub(crate) sent: Vec<Sent>,
}

impl World {
    /// Destroys a device's store and restores its account from the phrase alone.
    pub(crate) fn restore(&mut self, index: usize) {
        let mut last = History::default();
        self.note_device(&mut last, index);
        for sent in &mut last.sent {
            if sent.ending != Ending::Delivered {
                sent.ending = Ending::Destroyed;
            }
        }
        self.buried.kept.append(&mut last.kept);
        self.buried.sent.append(&mut last.sent);
        self.trace.note(self.now, &format!("device {index} is restored from the phrase"));
        let store = match Store::in_memory() {
            Ok(store) => store,
            Err(error) => return self.violation(format!("no store for device {index}: {error}")),
        };
        let Some(device) = self.devices.get_mut(index) else { return };
        device.process = None;
        device.store = store;
        device.dies_at = None;
        device.restores += 1;
        device.host.forget_store();
        let foreground = device.host.foreground;
        self.relations.forget(index);
        self.witness.forget_store(index);
        self.create_account(index);
        if foreground {
            self.relaunch(index);
        }
    }
}
