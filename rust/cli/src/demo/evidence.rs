//! What lies in the databases and on the nodes when the performance is over.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starling_protocol::content::Content;
use starling_protocol::sealed::{self, Opened};
use starling_protocol::{AccountId, AccountKeys, Seed, envelope};
use starling_simnet::DumpedMessage;
use starling_simnet::devnet::NodeDump;
use starling_store::{Options, Relation, Security, Store, StoreError, View};

use crate::demo::checker::{Held, Ledger, Side};
use crate::demo::party::Party;
use crate::failure::Failure;

/// More events than the queue ever holds (extensions section 7).
const ALL: usize = 20_000;

/// One closed database, opened again.
pub(crate) struct Database {
    side: Side,
    store: Store,
    keys: AccountKeys,
}

impl Database {
    pub(crate) fn open(party: &Party) -> Result<Self, Failure> {
        let options = Options { directory: party.directory.clone(), key: party.key.clone() };
        let store = Store::open(options).map_err(failed)?;
        let seed = store.read(|view| view.account()).map_err(|error: StoreError| failed(error))?;
        let seed = seed.ok_or_else(|| Failure::Other("a database lost its account".to_owned()))?;
        let keys = AccountKeys::from_seed(&Seed::from_bytes(&seed).map_err(failed)?);
        Ok(Self { side: party.side, store, keys })
    }

    /// Its contents; `peer` is with whom it talked, `dump` what lies on all nodes.
    pub(crate) fn ledger(&self, peer: &AccountId, dump: &[NodeDump]) -> Result<Ledger, Failure> {
        let ignored = self.ignored(dump).map_err(failed)?;
        let read = |view: &View<'_>| -> Result<Ledger, StoreError> {
            let contact = view.contact_with(peer)?;
            let conversation = view.conversation_with(peer)?;
            Ok(Ledger {
                messages: view.dump()?,
                events: view.events(ALL)?,
                relation: contact.map_or(Relation::Stranger, |contact| contact.relation),
                security: conversation.map_or(Security::Basic, |conversation| conversation.security),
                ignored,
            })
        };
        self.store.read(read).map_err(failed)
    }

    /// How many ratchet frames for this account were read and left no trace.
    fn ignored(&self, dump: &[NodeDump]) -> Result<usize, StoreError> {
        let messages = dump.iter().flat_map(|node| &node.messages);
        let own = messages.filter(|message| message.account == self.keys.account_id());
        let mut ignored = BTreeSet::new();
        for message in own {
            let Some(Opened::Frame(frame)) = self.opened(&message.data) else { continue };
            let untraced = |view: &View<'_>| -> Result<bool, StoreError> {
                Ok(view.hash_known(&message.hash)? && view.frame(&frame.hash())?.is_none())
            };
            if self.store.read(untraced)? {
                ignored.insert(&message.hash);
            }
        }
        Ok(ignored.len())
    }

    /// What one node holds for this account. What this account cannot name counts as not held: a ratchet
    /// frame opens once, and then the database alone knows which message it was.
    pub(crate) fn held(&self, node: usize, dump: &[DumpedMessage]) -> Vec<Held> {
        let own = dump.iter().filter(|message| message.account == self.keys.account_id());
        own.filter_map(|message| {
            let (message_id, ratchet) = self.named(&message.data)?;
            let (from, proven) = (self.side.other(), message.nonce.is_some());
            Some(Held { from, message_id, node, proven, ratchet })
        })
        .collect()
    }

    /// The id of a stored message, and whether it is a ratchet frame.
    fn named(&self, data: &str) -> Option<([u8; 16], bool)> {
        match self.opened(data)? {
            Opened::Session(opened) => {
                let content = Content::decode_basic(&opened.content).ok()??;
                Some((content.placement?.message_id, false))
            }
            Opened::Frame(frame) => {
                let mark = self.store.read(|view| view.frame(&frame.hash())).ok()??;
                Some((mark.message_id?, true))
            }
        }
    }

    /// A stored message without its outer layers.
    fn opened(&self, data: &str) -> Option<Opened> {
        let data = STANDARD.decode(data).ok()?;
        let envelope = envelope::unwrap(&data).ok()?;
        sealed::open(&envelope.content, &self.keys, |peer| self.keys.frame_key(peer)).ok()
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::other("opening a database to check it", error)
}
