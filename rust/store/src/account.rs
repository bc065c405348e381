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

    /// The display name of the account; `None` if it has none.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn own_name(&self) -> Result<Option<String>, StoreError> {
        self.first("SELECT name FROM account", [], |row| row.get(0)).map(Option::flatten)
    }
}

impl Tx<'_> {
    /// Sets the display name of the account; an empty one is none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without an account, and any other [`StoreError`] of writing.
    pub fn set_own_name(&mut self, name: &str) -> Result<(), StoreError> {
        self.change_existing("UPDATE account SET name = ?1", [Some(name).filter(|name| !name.is_empty())])
    }

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
