//! How the accounts of a world know each other in the beginning.

use starling_store::{Relation, Security, StoreError};

use crate::world::World;

/// What is between any two devices when a world begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acquaintance {
    /// Friends from before there was a ratchet: their first messages bring one.
    #[default]
    Basic,
    /// Nothing: it begins with a friend request.
    Strangers,
}

impl World {
    /// Writes into every database that all the other accounts are old friends.
    pub(crate) fn befriend_all(&mut self) -> Result<(), StoreError> {
        let accounts: Vec<_> = self.devices.iter().map(|device| device.account).collect();
        for device in &mut self.devices {
            let own = device.account;
            device.store.transact(|tx| {
                for peer in accounts.iter().filter(|peer| **peer != own) {
                    let conversation = tx.open_conversation(peer, Security::Basic, 0)?.id;
                    let Some(mut contact) = tx.contact(conversation)? else { continue };
                    (contact.relation, contact.open) = (Relation::Friend, true);
                    tx.put_contact(&contact)?;
                }
                Ok::<_, StoreError>(())
            })?;
        }
        for one in 0..accounts.len() {
            (0..accounts.len())
                .filter(|other| *other != one)
                .for_each(|other| self.relations.befriend(one, other));
        }
        Ok(())
    }
}
