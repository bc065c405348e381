//! Invite codes: those we gave away, which let a stranger's request skip the limits, and those we were
//! given, on their way with a request of ours (extensions section 5).

use crate::{StoreError, Tx, View};

impl View<'_> {
    /// Whether we gave this code away and it was not used yet.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn invited(&self, code: &[u8; 16]) -> Result<bool, StoreError> {
        self.exists("SELECT 1 FROM invites WHERE code = ?1", [code])
    }

    /// The code that a request of ours carries.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn invite_of(&self, message_id: &[u8; 16]) -> Result<Option<[u8; 16]>, StoreError> {
        self.first("SELECT code FROM request_invites WHERE message_id = ?1", [message_id], |row| row.get(0))
    }
}

impl Tx<'_> {
    /// Gives a code away.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a known code, and any other [`StoreError`] of writing.
    pub fn add_invite(&mut self, code: &[u8; 16], now_ms: i64) -> Result<(), StoreError> {
        self.change("INSERT INTO invites (code, created_ms) VALUES (?1, ?2)", (code, now_ms))?;
        Ok(())
    }

    /// A code counts once.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn use_invite(&mut self, code: &[u8; 16]) -> Result<(), StoreError> {
        self.change("DELETE FROM invites WHERE code = ?1", [code])?;
        Ok(())
    }

    /// Sends a code along with a request of ours.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the request has one, and any other [`StoreError`] of writing.
    pub fn attach_invite(&mut self, message_id: &[u8; 16], code: &[u8; 16]) -> Result<(), StoreError> {
        self.change("INSERT INTO request_invites (message_id, code) VALUES (?1, ?2)", (message_id, code))?;
        Ok(())
    }
}
