//! Contacts: what the peer of a conversation is to us (extensions sections 4 and 5).
//!
//! One row for each conversation, from its creation on. What the columns mean to each other is decided by
//! whoever writes them; here they are kept, listed and counted.

use rusqlite::{Row, params};
use starling_protocol::account::AccountId;

use crate::columns::{account_id, bound, coded};
use crate::{ConversationId, KnownPeer, StoreError, Tx, View};

/// What a peer is to us. The codes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Nobody yet, or nobody any more.
    Stranger,
    /// We asked, and wait for the answer.
    Requested,
    /// The peer asked, with a bundle.
    AskedBundle,
    /// A message of a Session client came, which is a request without a bundle.
    AskedBasic,
    /// A frame came that we have no session for: an empty request.
    AskedEmpty,
    /// We accepted; nothing of the peer's was decrypted yet.
    Accepting,
    /// Both want it.
    Friend,
}

impl Relation {
    pub(crate) fn code(self) -> u8 {
        match self {
            Relation::Stranger => 0,
            Relation::Requested => 1,
            Relation::AskedBundle => 2,
            Relation::AskedBasic => 3,
            Relation::AskedEmpty => 4,
            Relation::Accepting => 5,
            Relation::Friend => 6,
        }
    }

    pub(crate) fn from_code(code: i64) -> Option<Relation> {
        match code {
            0 => Some(Relation::Stranger),
            1 => Some(Relation::Requested),
            2 => Some(Relation::AskedBundle),
            3 => Some(Relation::AskedBasic),
            4 => Some(Relation::AskedEmpty),
            5 => Some(Relation::Accepting),
            6 => Some(Relation::Friend),
            _ => None,
        }
    }
}

/// The host's lists of contacts. A blocked one is in [`ContactList::Blocked`] alone, a stranger in none. The
/// codes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContactList {
    /// Friends, those included whom we accepted and have not heard of since.
    Friends,
    /// Who asked us.
    Incoming,
    /// Whom we asked.
    Outgoing,
    /// Whom we do not want to hear of.
    Blocked,
}

impl ContactList {
    fn code(self) -> i64 {
        match self {
            ContactList::Friends => 1,
            ContactList::Incoming => 2,
            ContactList::Outgoing => 3,
            ContactList::Blocked => 4,
        }
    }
}

/// A contact. Names of times end in their unit: seconds of network time, milliseconds of device time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its conversation.
    pub conversation: ConversationId,
    /// The account.
    pub peer: AccountId,
    /// What it is to us.
    pub relation: Relation,
    /// When the relation ends by itself.
    pub until_s: Option<i64>,
    /// The pair epoch of the bundle it asked with.
    pub asked_epoch: Option<i64>,
    /// That bundle.
    pub asked_bundle: Option<Vec<u8>>,
    /// Whether nothing of it is to be heard.
    pub blocked: bool,
    /// Whether it is never again sent content without a ratchet.
    pub ratchet_floor: bool,
    /// The highest pair epoch seen, either way.
    pub seen_epoch: i64,
    /// The highest pair epoch of a bundle of the peer's that was taken.
    pub accepted_epoch: i64,
    /// When a re-key was last sent.
    pub rekeyed_s: Option<i64>,
    /// Its pinned Ed25519 key.
    pub ed25519: Option<[u8; 32]>,
    /// The display name it gave itself.
    pub name: Option<String>,
    /// Whether texts go out; closed, they wait in the outbox.
    pub open: bool,
    /// When an upgrade was last offered.
    pub upgrade_offered_s: Option<i64>,
    /// When an acknowledgement is due; also set by [`Tx::set_ack_due`].
    pub ack_due_ms: Option<i64>,
    /// When a known frame was last acknowledged again.
    pub reacked_ms: Option<i64>,
    /// Whether the peer was told which of our messages went without a ratchet.
    pub session_listed: bool,
}

impl Contact {
    /// The code of the list it is in; 0 for none.
    fn list(&self) -> i64 {
        match self.relation {
            _ if self.blocked => ContactList::Blocked.code(),
            Relation::Stranger => 0,
            Relation::Requested => ContactList::Outgoing.code(),
            Relation::AskedBundle | Relation::AskedBasic | Relation::AskedEmpty => {
                ContactList::Incoming.code()
            }
            Relation::Accepting | Relation::Friend => ContactList::Friends.code(),
        }
    }

    /// What the sidecar repeats of it: whoever we chose to have to do with, or not to.
    fn known(&self) -> Option<KnownPeer> {
        let chosen = self.list() != 0 && self.list() != ContactList::Incoming.code();
        chosen.then_some(KnownPeer {
            id: self.peer,
            relation: self.relation,
            blocked: self.blocked,
            ed25519: self.ed25519,
        })
    }
}

/// How much unanswered requests take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PendingRequests {
    /// How many peers wait for an answer.
    pub count: i64,
    /// Bytes of their bundles and texts.
    pub bytes: i64,
}

const CONTACT: &str = "SELECT k.conversation, c.peer, k.relation, k.until_s, k.asked_epoch, k.asked_bundle, \
     k.blocked, k.ratchet_floor, k.seen_epoch, k.accepted_epoch, k.rekeyed_s, k.ed25519, k.name, k.open, \
     k.upgrade_offered_s, k.ack_due_ms, k.reacked_ms, k.session_listed \
     FROM contacts k JOIN conversations c ON c.id = k.conversation";

fn contact(row: &Row<'_>) -> rusqlite::Result<Contact> {
    Ok(Contact {
        conversation: ConversationId(row.get(0)?),
        peer: account_id(row, 1)?,
        relation: coded(row, 2, Relation::from_code)?,
        until_s: row.get(3)?,
        asked_epoch: row.get(4)?,
        asked_bundle: row.get(5)?,
        blocked: row.get(6)?,
        ratchet_floor: row.get(7)?,
        seen_epoch: row.get(8)?,
        accepted_epoch: row.get(9)?,
        rekeyed_s: row.get(10)?,
        ed25519: row.get(11)?,
        name: row.get(12)?,
        open: row.get(13)?,
        upgrade_offered_s: row.get(14)?,
        ack_due_ms: row.get(15)?,
        reacked_ms: row.get(16)?,
        session_listed: row.get(17)?,
    })
}

impl View<'_> {
    /// The contact of a conversation; `None` only without the conversation.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn contact(&self, conversation: ConversationId) -> Result<Option<Contact>, StoreError> {
        self.first(&format!("{CONTACT} WHERE k.conversation = ?1"), [conversation.0], contact)
    }

    /// The contact with an account; `None` if there is no conversation with it.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn contact_with(&self, peer: &AccountId) -> Result<Option<Contact>, StoreError> {
        self.first(&format!("{CONTACT} WHERE c.peer = ?1"), [peer.as_bytes()], contact)
    }

    /// At most `limit` contacts of a list in the order of their conversations, those after `after`.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn contacts(
        &self,
        list: ContactList,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Contact>, StoreError> {
        self.all(
            &format!(
                "{CONTACT} WHERE k.list = ?1 AND k.list <> 0 AND k.conversation > ?2 \
                 ORDER BY k.conversation LIMIT ?3"
            ),
            [list.code(), after.map_or(0, |id| id.0), bound(limit)],
            contact,
        )
    }

    /// How much the incoming requests take up, however many there are.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn pending_requests(&self) -> Result<PendingRequests, StoreError> {
        let found = self.first("SELECT requests, bytes FROM pending_requests", [], |row| {
            Ok(PendingRequests { count: row.get(0)?, bytes: row.get(1)? })
        })?;
        Ok(found.unwrap_or_default())
    }

    /// At most `limit` contacts whose relation ends by `now_s` (network time), the earliest first.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn contacts_due(&self, now_s: i64, limit: usize) -> Result<Vec<ConversationId>, StoreError> {
        self.all(
            "SELECT conversation FROM contacts WHERE until_s <= ?1 ORDER BY until_s LIMIT ?2",
            [now_s, bound(limit)],
            |row| row.get(0).map(ConversationId),
        )
    }

    /// When the next relation ends, in seconds of network time.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn next_contact_due(&self) -> Result<Option<i64>, StoreError> {
        self.first("SELECT min(until_s) FROM contacts WHERE until_s IS NOT NULL", [], |row| row.get(0))
            .map(Option::flatten)
    }

    /// What the sidecar repeats, in the order of the conversations.
    pub(crate) fn known_peers(&self) -> Result<Vec<KnownPeer>, StoreError> {
        self.all(
            "SELECT c.peer, k.relation, k.blocked, k.ed25519 FROM contacts k \
             JOIN conversations c ON c.id = k.conversation \
             WHERE k.list IN (1, 3, 4) AND k.list <> 0 ORDER BY +k.conversation",
            [],
            |row| {
                Ok(KnownPeer {
                    id: account_id(row, 0)?,
                    relation: coded(row, 1, Relation::from_code)?,
                    blocked: row.get(2)?,
                    ed25519: row.get(3)?,
                })
            },
        )
    }
}

impl Tx<'_> {
    /// Writes all of a contact but its account, which is the conversation's.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the conversation, and any other [`StoreError`] of writing.
    pub fn put_contact(&mut self, new: &Contact) -> Result<(), StoreError> {
        let before = self.contact(new.conversation)?.ok_or(StoreError::NotFound)?;
        if before.known() != new.known() {
            self.touch_identity();
        }
        self.change_existing(
            "UPDATE contacts SET relation = ?2, list = ?3, until_s = ?4, asked_epoch = ?5, asked_bundle = ?6, \
             blocked = ?7, ratchet_floor = ?8, seen_epoch = ?9, accepted_epoch = ?10, rekeyed_s = ?11, \
             ed25519 = ?12, name = ?13, open = ?14, upgrade_offered_s = ?15, ack_due_ms = ?16, \
             reacked_ms = ?17, session_listed = ?18 WHERE conversation = ?1",
            params![
                new.conversation.0,
                new.relation.code(),
                new.list(),
                new.until_s,
                new.asked_epoch,
                new.asked_bundle,
                new.blocked,
                new.ratchet_floor,
                new.seen_epoch,
                new.accepted_epoch,
                new.rekeyed_s,
                new.ed25519,
                new.name,
                new.open,
                new.upgrade_offered_s,
                new.ack_due_ms,
                new.reacked_ms,
                new.session_listed,
            ],
        )
    }
}
