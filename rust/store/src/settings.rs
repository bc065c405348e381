//! Single numbers that must survive.

use crate::{StoreError, Tx, View};

/// A number the engine remembers. The codes are part of the format: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setting {
    /// Network time minus device wall-clock time, in milliseconds (extensions section 8).
    ClockOffsetMs,
    /// The proof-of-work difficulty the network asked for last; absent or 0 means none.
    Difficulty,
    /// When a quorum agreed on the node directory, in milliseconds of network time.
    DirectoryAgreedMs,
    /// Not 0: requests of strangers are dropped unseen.
    KnownContactsOnly,
    /// Which messages the engine could read that looked at the quarantine last.
    Reads,
}

impl Setting {
    fn code(self) -> i64 {
        match self {
            Setting::ClockOffsetMs => 1,
            Setting::Difficulty => 2,
            Setting::DirectoryAgreedMs => 3,
            Setting::KnownContactsOnly => 4,
            Setting::Reads => 5,
        }
    }
}

impl View<'_> {
    /// The value of a setting; `None` if it was never set.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn number(&self, setting: Setting) -> Result<Option<i64>, StoreError> {
        self.first("SELECT value FROM settings WHERE id = ?1", [setting.code()], |row| row.get(0))
    }
}

impl Tx<'_> {
    /// Sets a setting.
    ///
    /// # Errors
    /// Any [`StoreError`] of writing.
    pub fn set_number(&mut self, setting: Setting, value: i64) -> Result<(), StoreError> {
        self.change(
            "INSERT INTO settings (id, value) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET value = ?2",
            [setting.code(), value],
        )?;
        Ok(())
    }
}
