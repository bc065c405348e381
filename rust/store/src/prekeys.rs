//! Prekeys: our bundles whose secrets exist, one row for each (extensions section 4).
//!
//! A row goes with the commit that creates the session; its place in the file is overwritten.

use std::fmt;

use rusqlite::Row;
use zeroize::Zeroizing;

use crate::columns::bound;
use crate::{ConversationId, StoreError, Tx, View};

/// A prekey's id in this store; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrekeyRow(pub i64);

/// The public side of a bundle of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prekey {
    /// The conversation with the only peer who may use it.
    pub conversation: ConversationId,
    /// Its pair epoch.
    pub epoch: i64,
    /// The request it belongs to.
    pub request_id: [u8; 16],
    /// Its one-time key; used once.
    pub one_time_key: [u8; 32],
    /// SHA-256 of the bundle.
    pub bundle_hash: [u8; 32],
    /// When it expires, in seconds of network time. Its secrets live on for a while.
    pub expires_s: i64,
    /// How it travels: a stable code, chosen by the caller.
    pub carrier: i64,
    /// The bundle as it was signed.
    pub bundle: Vec<u8>,
}

/// The secret side. Erased when dropped; never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PrekeySecrets {
    /// The pickle of the account that owns the one-time key.
    pub account: Zeroizing<Vec<u8>>,
    /// The seed of the ML-KEM key.
    pub kem_seed: Zeroizing<[u8; 64]>,
}

impl fmt::Debug for PrekeySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrekeySecrets(redacted)")
    }
}

const PREKEY: &str = "SELECT id, conversation, epoch, request_id, one_time_key, bundle_hash, expires_s, carrier, \
     bundle FROM prekeys";

fn prekey(row: &Row<'_>) -> rusqlite::Result<(PrekeyRow, Prekey)> {
    let prekey = Prekey {
        conversation: ConversationId(row.get(1)?),
        epoch: row.get(2)?,
        request_id: row.get(3)?,
        one_time_key: row.get(4)?,
        bundle_hash: row.get(5)?,
        expires_s: row.get(6)?,
        carrier: row.get(7)?,
        bundle: row.get(8)?,
    };
    Ok((PrekeyRow(row.get(0)?), prekey))
}

impl View<'_> {
    /// The prekeys made for a peer, by pair epoch.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn prekeys(&self, conversation: ConversationId) -> Result<Vec<(PrekeyRow, Prekey)>, StoreError> {
        self.all(&format!("{PREKEY} WHERE conversation = ?1 ORDER BY epoch, id"), [conversation.0], prekey)
    }

    /// The prekey with this one-time key, whomever it was made for; `None` once it is used.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn prekey_of_key(&self, one_time_key: &[u8; 32]) -> Result<Option<(PrekeyRow, Prekey)>, StoreError> {
        self.first(&format!("{PREKEY} WHERE one_time_key = ?1"), [one_time_key], prekey)
    }

    /// The prekey of a request to a peer.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn prekey_of_request(
        &self,
        conversation: ConversationId,
        request_id: &[u8; 16],
    ) -> Result<Option<(PrekeyRow, Prekey)>, StoreError> {
        self.first(
            &format!("{PREKEY} WHERE conversation = ?1 AND request_id = ?2 ORDER BY epoch DESC, id DESC"),
            (conversation.0, request_id),
            prekey,
        )
    }

    /// The secrets of a prekey; `None` once they are erased.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn prekey_secrets(&self, row: PrekeyRow) -> Result<Option<PrekeySecrets>, StoreError> {
        self.first("SELECT account, kem_seed FROM prekeys WHERE id = ?1", [row.0], |row| {
            Ok(PrekeySecrets { account: Zeroizing::new(row.get(0)?), kem_seed: Zeroizing::new(row.get(1)?) })
        })
    }

    /// At most `limit` conversations with a prekey that expired by `expired_by_s` (network time).
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn prekeys_due(&self, expired_by_s: i64, limit: usize) -> Result<Vec<ConversationId>, StoreError> {
        self.all(
            "SELECT DISTINCT conversation FROM prekeys INDEXED BY prekeys_expiry WHERE expires_s <= ?1 LIMIT ?2",
            [expired_by_s, bound(limit)],
            |row| row.get(0).map(ConversationId),
        )
    }

    /// When the next prekey expires or the first one expired, in seconds of network time.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn next_prekey_expiry(&self) -> Result<Option<i64>, StoreError> {
        self.first("SELECT min(expires_s) FROM prekeys", [], |row| row.get(0)).map(Option::flatten)
    }
}

impl Tx<'_> {
    /// Keeps a prekey.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a known one-time key or without the conversation, and any other
    /// [`StoreError`] of writing.
    pub fn insert_prekey(
        &mut self,
        prekey: &Prekey,
        secrets: &PrekeySecrets,
    ) -> Result<PrekeyRow, StoreError> {
        self.insert(
            "INSERT INTO prekeys (conversation, epoch, request_id, one_time_key, bundle_hash, expires_s, carrier, \
             bundle, kem_seed, account) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            (
                prekey.conversation.0,
                prekey.epoch,
                prekey.request_id,
                prekey.one_time_key,
                prekey.bundle_hash,
                prekey.expires_s,
                prekey.carrier,
                &prekey.bundle,
                secrets.kem_seed.as_slice(),
                secrets.account.as_slice(),
            ),
        )
        .map(PrekeyRow)
    }

    /// Erases a prekey with its secrets.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn erase_prekey(&mut self, row: PrekeyRow) -> Result<(), StoreError> {
        self.change("DELETE FROM prekeys WHERE id = ?1", [row.0])?;
        Ok(())
    }

    /// Erases every prekey made for a peer.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn erase_prekeys(&mut self, conversation: ConversationId) -> Result<(), StoreError> {
        self.change("DELETE FROM prekeys WHERE conversation = ?1", [conversation.0])?;
        Ok(())
    }
}
