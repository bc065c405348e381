//! Conversations: one for each peer, with the counters that order its messages (extensions section 7).

use rusqlite::Row;
use starling_protocol::account::AccountId;

use crate::columns::{account_id, bound, coded};
use crate::{StoreError, Tx, View};

/// A conversation's id; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub i64);

/// How a conversation's messages are sealed. The codes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Security {
    /// The Session protocol (network-protocol section 8.4): no forward secrecy.
    Basic,
    /// The ratchet (extensions section 4).
    Ratchet,
}

impl Security {
    fn code(self) -> i64 {
        match self {
            Security::Basic => 1,
            Security::Ratchet => 2,
        }
    }

    fn from_code(code: i64) -> Option<Security> {
        match code {
            1 => Some(Security::Basic),
            2 => Some(Security::Ratchet),
            _ => None,
        }
    }
}

/// A conversation with one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The other account.
    pub peer: AccountId,
    /// How its messages are sealed.
    pub security: Security,
    /// When it was created, in milliseconds of device wall-clock time.
    pub created_ms: i64,
    /// Our outgoing stream, once the network clock was known; see [`Tx::set_stream`].
    pub stream: Option<i64>,
    /// The sequence number the next message of ours takes; the first is 1.
    pub next_seq: i64,
    /// Lamport clock: the highest value seen or used.
    pub clock: i64,
    /// When the peer's swarm was last asked for, in milliseconds; `None` demands a check before sending.
    pub swarm_checked_ms: Option<i64>,
}

const CONVERSATION: &str =
    "SELECT id, peer, security, created_ms, stream, next_seq, clock, swarm_checked_ms FROM conversations";

fn conversation(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    Ok(Conversation {
        id: ConversationId(row.get(0)?),
        peer: account_id(row, 1)?,
        security: coded(row, 2, Security::from_code)?,
        created_ms: row.get(3)?,
        stream: row.get(4)?,
        next_seq: row.get(5)?,
        clock: row.get(6)?,
        swarm_checked_ms: row.get(7)?,
    })
}

impl View<'_> {
    /// A conversation by its id.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        self.first(&format!("{CONVERSATION} WHERE id = ?1"), [id.0], conversation)
    }

    /// The conversation with a peer.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn conversation_with(&self, peer: &AccountId) -> Result<Option<Conversation>, StoreError> {
        self.first(&format!("{CONVERSATION} WHERE peer = ?1"), [peer.as_bytes()], conversation)
    }

    /// At most `limit` conversations in the order of their creation, those after `after`.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn conversations(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Conversation>, StoreError> {
        let after = after.map_or(0, |id| id.0);
        self.all(
            &format!("{CONVERSATION} WHERE id > ?1 ORDER BY id LIMIT ?2"),
            [after, bound(limit)],
            conversation,
        )
    }
}

impl Tx<'_> {
    /// The conversation with a peer, created if there is none: then the peer is a stranger and the contact
    /// closed ([`Tx::put_contact`]). An existing one keeps its security.
    ///
    /// # Errors
    /// [`StoreError::NoAccount`], and any other [`StoreError`] of writing.
    pub fn open_conversation(
        &mut self,
        peer: &AccountId,
        security: Security,
        now_ms: i64,
    ) -> Result<Conversation, StoreError> {
        if let Some(known) = self.conversation_with(peer)? {
            return Ok(known);
        }
        let own = self.own_account_id()?.ok_or(StoreError::NoAccount)?;
        let id = self.insert(
            "INSERT INTO conversations (peer, security, created_ms, own_first) VALUES (?1, ?2, ?3, ?4)",
            (peer.as_bytes(), security.code(), now_ms, own < *peer),
        )?;
        self.change("INSERT INTO contacts (conversation) VALUES (?1)", [id])?;
        self.conversation(ConversationId(id))?.ok_or(StoreError::NotFound)
    }

    /// Sets how a conversation's messages are sealed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn set_security(&mut self, id: ConversationId, security: Security) -> Result<(), StoreError> {
        self.change_existing("UPDATE conversations SET security = ?2 WHERE id = ?1", [id.0, security.code()])
    }

    /// Sets our outgoing stream: network seconds at which this installation first wrote to the peer.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn set_stream(&mut self, id: ConversationId, stream: i64) -> Result<(), StoreError> {
        self.change_existing("UPDATE conversations SET stream = ?2 WHERE id = ?1", [id.0, stream])
    }

    /// Notes when the peer's swarm was asked for, or with `None` that it must be asked again (after a 421).
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and any other [`StoreError`] of writing.
    pub fn set_swarm_checked(&mut self, id: ConversationId, at_ms: Option<i64>) -> Result<(), StoreError> {
        self.change_existing("UPDATE conversations SET swarm_checked_ms = ?2 WHERE id = ?1", (id.0, at_ms))
    }
}
