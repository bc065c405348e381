//! The one account of a store.

use starling_protocol::account::AccountId;
use zeroize::Zeroizing;

use crate::columns::account_id;
use crate::{StoreError, Tx, View};

impl View<'_> {
    /// The seed of the account (16 or 32 bytes, network-protocol section 1.2); `None` before there is one.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn account(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.first("SELECT seed FROM account", [], |row| row.get(0).map(Zeroizing::new))
    }

    /// The public id of the account; `None` before there is one.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn own_account_id(&self) -> Result<Option<AccountId>, StoreError> {
        self.first("SELECT account_id FROM account", [], |row| account_id(row, 0))
    }
}

impl Tx<'_> {
    /// Gives the store its account.
    ///
    /// # Errors
    /// [`StoreError::AccountExists`], and any other [`StoreError`] of writing.
    pub fn create_account(&mut self, seed: &[u8], account_id: &AccountId) -> Result<(), StoreError> {
        if self.own_account_id()?.is_some() {
            return Err(StoreError::AccountExists);
        }
        self.change(
            "INSERT INTO account (id, seed, account_id) VALUES (1, ?1, ?2)",
            (seed, account_id.as_bytes()),
        )?;
        self.touch_identity();
        Ok(())
    }
}
