//! Ratchet sessions with one peer: how a frame leaves and how one comes in (extensions sections 3
//! and 4).
//!
//! | module | what it knows |
//! |---|---|
//! | `take` | a session from the peer's bundle: we are the acceptor |
//! | `answer` | a session from our bundle: the peer's first frame names it |
//! | `seal` | sealing: which chain a frame is on, what must be sealed anew before a chain is evicted |
//! | `open` | a batch of frames: known ones, order within a session, parking |
//! | `failure` | what a frame that does not open means: nack, re-key, quarantine |
//!
//! Which session is used, and whether there may be one at all, is the table of [`crate::friends`].

mod answer;
mod failure;
mod open;
mod seal;
mod take;
#[cfg(test)]
mod tests;

use starling_protocol::AccountId;
use starling_protocol::hybrid::BoxKey;
use starling_protocol::plaintext::Plaintext;
use starling_ratchet::Session as Ratchet;
use starling_store::{SessionSecrets, StoreError};

pub(crate) use self::failure::Failure;
pub(crate) use self::open::{receive, unpark};
pub(crate) use self::seal::{Letter, Sealed, crowded, seal};
pub(crate) use self::take::take;

/// A frame that opened: who says what.
pub(crate) struct Received {
    pub(crate) sender: AccountId,
    pub(crate) plaintext: Plaintext,
}

/// A live session with its secrets, between load and save.
struct Live {
    ratchet: Ratchet,
    secrets: SessionSecrets,
}

impl Live {
    fn load(secrets: SessionSecrets) -> Result<Self, StoreError> {
        let ratchet = Ratchet::unpickle(&secrets.pickle).map_err(|_| StoreError::Damaged { code: 0 })?;
        Ok(Self { ratchet, secrets })
    }

    fn receive_key(&self) -> BoxKey {
        BoxKey::from_bytes(*self.secrets.receive_key)
    }

    fn send_key(&self) -> BoxKey {
        BoxKey::from_bytes(*self.secrets.send_key)
    }
}
