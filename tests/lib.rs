//! Tests that look at the workspace as a whole, and what several of them need.
//!
//! - `layering.rs`: the arrows between our crates, and who may use the runtime, the network and
//!   the database.
//! - `kills`: two processes are killed at random moments of sending and receiving, over HTTPS.
//! - `wakes.rs`: wakes over HTTPS while nodes hang.
//! - `end_to_end`: the `starling` binary, driven as a newcomer would. It belongs to the package
//!   `starling-cli`, because cargo tells only a binary's own package where the binary is.

use std::error::Error;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starling_protocol::content::Content;
use starling_protocol::sealed::{self, Opened};
use starling_protocol::{AccountId, AccountKeys, Seed, envelope};
use starling_store::{Contact, Options, Relation, Security, Store, StoreError, StoreKey};

/// Makes a data directory whose account has friends already, from before there was a ratchet: for tests
/// of something else than friendship.
///
/// # Errors
/// What the store says.
pub fn inhabit(
    directory: &Path,
    key: StoreKey,
    seed: &Seed,
    friends: &[AccountId],
) -> Result<(), Box<dyn Error>> {
    let mut store = Store::open(Options { directory: directory.to_path_buf(), key })?;
    store.transact(|tx| {
        tx.create_account(seed.as_bytes(), &AccountKeys::from_seed(seed).account_id())?;
        friends.iter().try_for_each(|friend| {
            let conversation = tx.open_conversation(friend, Security::Basic, 0)?.id;
            let contact = tx.contact(conversation)?.ok_or(StoreError::NotFound)?;
            tx.put_contact(&Contact { relation: Relation::Friend, open: true, ..contact })
        })
    })?;
    Ok(())
}

/// What lies on a node, as far as its recipient can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A message of the Session protocol with this id.
    Basic([u8; 16]),
    /// A ratchet frame that its recipient has opened.
    Frame {
        /// The id of its message.
        id: [u8; 16],
        /// The session it was sealed on.
        session: [u8; 32],
    },
    /// A ratchet frame that its recipient has not read.
    Unread,
}

/// Which message the `data` on a node is, by its recipient's keys and closed database: a ratchet frame opens
/// once, and then only the database knows. `None` if it is for somebody else or no message.
pub fn name(data: &str, recipient: &AccountKeys, store: &Store) -> Option<Named> {
    let data = STANDARD.decode(data).ok()?;
    let envelope = envelope::unwrap(&data).ok()?;
    match sealed::open(&envelope.content, recipient, |peer| recipient.frame_key(peer)).ok()? {
        Opened::Session(opened) => {
            let content = Content::decode_basic(&opened.content).ok()??;
            Some(Named::Basic(content.placement?.message_id))
        }
        Opened::Frame(frame) => {
            let mark = store.read(|view| view.frame(&frame.hash())).ok()?;
            let (id, session) = (mark.and_then(|mark| mark.message_id), *frame.session_id());
            Some(id.map_or(Named::Unread, |id| Named::Frame { id, session }))
        }
    }
}
