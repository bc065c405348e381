//! Ratchet sessions with a peer and their secrets (extensions section 4).
//!
//! | a session is | it can | what is kept |
//! |---|---|---|
//! | live | receive; send, if the caller ranks it highest | everything; the handshake until the first reply |
//! | retired | receive | the same |
//! | erased | nothing | its id, so that a late frame is known for what it is |

use std::fmt;

use rusqlite::Row;
use zeroize::Zeroizing;

use crate::columns::bound;
use crate::{ConversationId, StoreError, Tx, View};

/// A session's id in this store; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionRow(pub i64);

/// What is known of a session without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id here.
    pub row: SessionRow,
    /// The conversation with its other end.
    pub conversation: ConversationId,
    /// Its id on both sides.
    pub session_id: [u8; 32],
    /// The pair epoch of the bundle it was opened with.
    pub epoch: i64,
    /// Whether that bundle was ours.
    pub owned: bool,
    /// Whether something was received on it.
    pub received: bool,
    /// The ratchet key it sends under; `None` before the first sending.
    pub sending_key: Option<[u8; 32]>,
    /// The ordinal of the sending chain.
    pub sending_chain: i64,
    /// Messages sealed on it.
    pub sent_count: i64,
    /// When it was created, in seconds of network time.
    pub created_s: i64,
    /// Since when it only receives, in seconds of network time.
    pub retired_s: Option<i64>,
    /// Whether only its id is left.
    pub erased: bool,
}

/// What every prekey frame of ours repeats, until the first reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The ML-KEM ciphertext.
    pub kem_ciphertext: Vec<u8>,
    /// The accept signature.
    pub accept_signature: [u8; 64],
    /// The ratchet identity of our account of this session.
    pub ratchet_identity: [u8; 32],
    /// SHA-256 of the bundle that was accepted.
    pub bundle_hash: [u8; 32],
}

/// The secrets of a session. Erased when dropped; never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecrets {
    /// The pickle of the ratchet.
    pub pickle: Zeroizing<Vec<u8>>,
    /// The post-quantum key of our direction.
    pub send_key: Zeroizing<[u8; 32]>,
    /// The post-quantum key of the peer's direction.
    pub receive_key: Zeroizing<[u8; 32]>,
    /// Public, but only of use with the rest.
    pub handshake: Option<Handshake>,
}

impl fmt::Debug for SessionSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecrets(redacted)")
    }
}

/// A session to keep.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    /// The conversation with its other end.
    pub conversation: ConversationId,
    /// Its id on both sides.
    pub session_id: [u8; 32],
    /// The pair epoch of the bundle it was opened with.
    pub epoch: i64,
    /// Whether that bundle was ours.
    pub owned: bool,
    /// Whether something was received on it.
    pub received: bool,
    /// When it was created, in seconds of network time.
    pub created_s: i64,
    /// Its secrets.
    pub secrets: &'a SessionSecrets,
}

/// What a step of the ratchet changes.
#[derive(Clone)]
pub struct SessionStep<'a> {
    /// The new pickle.
    pub pickle: &'a [u8],
    /// Whether something was received on the session; ends the handshake.
    pub received: bool,
    /// The ratchet key it sends under.
    pub sending_key: Option<[u8; 32]>,
    /// The ordinal of the sending chain.
    pub sending_chain: i64,
    /// Messages sealed on it.
    pub sent_count: i64,
}

impl fmt::Debug for SessionStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionStep(redacted)")
    }
}

const SESSION: &str = "SELECT id, conversation, session_id, epoch, owned, received, sending_key, sending_chain, \
     sent_count, created_s, retired_s, erased FROM sessions";

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        row: SessionRow(row.get(0)?),
        conversation: ConversationId(row.get(1)?),
        session_id: row.get(2)?,
        epoch: row.get(3)?,
        owned: row.get(4)?,
        received: row.get(5)?,
        sending_key: row.get(6)?,
        sending_chain: row.get(7)?,
        sent_count: row.get(8)?,
        created_s: row.get(9)?,
        retired_s: row.get(10)?,
        erased: row.get(11)?,
    })
}

fn secrets(row: &Row<'_>) -> rusqlite::Result<SessionSecrets> {
    let kem_ciphertext: Option<Vec<u8>> = row.get(3)?;
    let handshake = match kem_ciphertext {
        Some(kem_ciphertext) => Some(Handshake {
            kem_ciphertext,
            accept_signature: row.get(4)?,
            ratchet_identity: row.get(5)?,
            bundle_hash: row.get(6)?,
        }),
        None => None,
    };
    Ok(SessionSecrets {
        pickle: Zeroizing::new(row.get(0)?),
        send_key: Zeroizing::new(row.get(1)?),
        receive_key: Zeroizing::new(row.get(2)?),
        handshake,
    })
}

impl View<'_> {
    /// The live sessions with a peer, retired ones included, by pair epoch.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn sessions(&self, conversation: ConversationId) -> Result<Vec<Session>, StoreError> {
        self.all(
            &format!("{SESSION} WHERE conversation = ?1 AND erased = 0 ORDER BY epoch, id"),
            [conversation.0],
            session,
        )
    }

    /// A session, erased or not.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn session(&self, row: SessionRow) -> Result<Option<Session>, StoreError> {
        self.first(&format!("{SESSION} WHERE id = ?1"), [row.0], session)
    }

    /// The session with this id, erased or not; `None` if there never was one.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn session_by_id(&self, session_id: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        self.first(&format!("{SESSION} WHERE session_id = ?1"), [session_id], session)
    }

    /// The secrets of a session; `None` once they are erased.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn session_secrets(&self, row: SessionRow) -> Result<Option<SessionSecrets>, StoreError> {
        self.first(
            "SELECT pickle, send_key, receive_key, kem_ciphertext, accept_signature, ratchet_identity, \
             bundle_hash FROM sessions WHERE id = ?1 AND erased = 0",
            [row.0],
            secrets,
        )
    }

    /// At most `limit` conversations with a session that was retired by `retired_by_s` (network time) and
    /// still has its keys.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn sessions_due(&self, retired_by_s: i64, limit: usize) -> Result<Vec<ConversationId>, StoreError> {
        self.all(
            "SELECT DISTINCT conversation FROM sessions INDEXED BY sessions_retired \
             WHERE erased = 0 AND retired_s <= ?1 LIMIT ?2",
            [retired_by_s, bound(limit)],
            |row| row.get(0).map(ConversationId),
        )
    }

    /// When the session that is retired for longest was retired, in seconds of network time.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn next_session_retired(&self) -> Result<Option<i64>, StoreError> {
        self.first(
            "SELECT min(retired_s) FROM sessions WHERE erased = 0 AND retired_s IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .map(Option::flatten)
    }
}

impl Tx<'_> {
    /// Keeps a session.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a known session id, be it an erased one's, and without the conversation;
    /// any other [`StoreError`] of writing.
    pub fn insert_session(&mut self, new: &NewSession<'_>) -> Result<SessionRow, StoreError> {
        let handshake = new.secrets.handshake.as_ref();
        self.insert(
            "INSERT INTO sessions (conversation, session_id, epoch, owned, received, created_s, send_key, \
             receive_key, ratchet_identity, bundle_hash, accept_signature, kem_ciphertext, pickle) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            (
                new.conversation.0,
                new.session_id,
                new.epoch,
                new.owned,
                new.received,
                new.created_s,
                new.secrets.send_key.as_slice(),
                new.secrets.receive_key.as_slice(),
                handshake.map(|handshake| handshake.ratchet_identity),
                handshake.map(|handshake| handshake.bundle_hash),
                handshake.map(|handshake| handshake.accept_signature),
                handshake.map(|handshake| handshake.kem_ciphertext.as_slice()),
                new.secrets.pickle.as_slice(),
            ),
        )
        .map(SessionRow)
    }

    /// Commits a step of the ratchet. With the first reply the handshake goes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an erased session, and any other [`StoreError`] of writing.
    pub fn save_session(&mut self, row: SessionRow, step: &SessionStep<'_>) -> Result<(), StoreError> {
        self.change_existing(
            "UPDATE sessions SET pickle = ?2, received = received OR ?3, sending_key = ?4, sending_chain = ?5, \
             sent_count = ?6 WHERE id = ?1 AND erased = 0",
            (row.0, step.pickle, step.received, step.sending_key, step.sending_chain, step.sent_count),
        )?;
        if step.received {
            self.change(
                "UPDATE sessions SET kem_ciphertext = NULL, accept_signature = NULL, ratchet_identity = NULL, \
                 bundle_hash = NULL WHERE id = ?1 AND kem_ciphertext IS NOT NULL",
                [row.0],
            )?;
        }
        Ok(())
    }

    /// Lets a session only receive from `at_s` (network time) on; the first time counts.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn retire_session(&mut self, row: SessionRow, at_s: i64) -> Result<(), StoreError> {
        self.change(
            "UPDATE sessions SET retired_s = ?2 WHERE id = ?1 AND retired_s IS NULL AND erased = 0",
            [row.0, at_s],
        )?;
        Ok(())
    }

    /// Erases all of a session but its id.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn erase_session(&mut self, row: SessionRow) -> Result<(), StoreError> {
        self.change("DELETE FROM received_chains WHERE session = ?1", [row.0])?;
        self.change(
            "UPDATE sessions SET erased = 1, pickle = NULL, send_key = NULL, receive_key = NULL, \
             kem_ciphertext = NULL, accept_signature = NULL, ratchet_identity = NULL, bundle_hash = NULL, \
             sending_key = NULL WHERE id = ?1",
            [row.0],
        )?;
        Ok(())
    }

    /// Erases every session with a peer.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn erase_sessions(&mut self, conversation: ConversationId) -> Result<(), StoreError> {
        for session in self.sessions(conversation)? {
            self.erase_session(session.row)?;
        }
        Ok(())
    }
}
