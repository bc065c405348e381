//! Reading and writing inside one transaction.
//!
//! [`View`] and [`Tx`] own no SQL of their own: every domain operation is an `impl View` or `impl Tx` in the
//! module of its subject, built from the few primitives below.

use std::ops::Deref;

use rusqlite::{CachedStatement, Connection, Params, Row};

use crate::error::{StoreError, classify};

/// Read access to the store: the reads of every subject.
#[derive(Clone, Copy)]
pub struct View<'c> {
    connection: &'c Connection,
}

impl<'c> View<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self { connection }
    }

    fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
        #[cfg(test)]
        crate::plans::note(sql);
        self.connection.prepare_cached(sql)
    }

    /// The first row, if there is one.
    pub(crate) fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.prepare(sql).map_err(classify)?;
        let mut rows = statement.query(params).map_err(classify)?;
        rows.next().and_then(|row| row.map(map).transpose()).map_err(classify)
    }

    /// Every row.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare(sql).map_err(classify)?;
        let rows = statement.query_map(params, map).map_err(classify)?;
        rows.collect::<Result<_, _>>().map_err(classify)
    }

    /// Whether the query has a row.
    pub(crate) fn exists(&self, sql: &str, params: impl Params) -> Result<bool, StoreError> {
        Ok(self.first(sql, params, |_| Ok(()))?.is_some())
    }

    /// How often anything was committed.
    pub(crate) fn counter(&self) -> Result<i64, StoreError> {
        self.value("SELECT counter FROM commits", [])
    }

    /// The single value of a query that always has a row.
    pub(crate) fn value(&self, sql: &str, params: impl Params) -> Result<i64, StoreError> {
        self.first(sql, params, |row| row.get(0))?.ok_or(StoreError::NotFound)
    }
}

/// One step's access to the store: all reads of [`View`], and the writes.
///
/// The database's transaction begins with the first write, so that a step that changes nothing commits
/// nothing. Reads before that need no transaction to be consistent with the write that follows: the only
/// writer is the one that makes this step.
pub struct Tx<'c> {
    view: View<'c>,
    progress: Progress,
    identity_changed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Nothing written yet.
    Reading,
    /// BEGIN IMMEDIATE was sent.
    Writing,
    /// A write failed: what was written may be half of an operation and must not be committed.
    Failed,
    /// COMMIT or ROLLBACK was sent.
    Over,
}

/// What a commit did.
pub(crate) struct Committed {
    /// The commit counter after it; `None` if nothing was written.
    pub(crate) counter: Option<i64>,
    /// Whether account or conversations changed, which the sidecar repeats.
    pub(crate) identity_changed: bool,
}

impl<'c> Deref for Tx<'c> {
    type Target = View<'c>;

    fn deref(&self) -> &View<'c> {
        &self.view
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self { view: View::new(connection), progress: Progress::Reading, identity_changed: false }
    }

    /// Executes one change and returns how many rows it touched.
    pub(crate) fn change(&mut self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.begin()?;
        self.run(sql, params)
    }

    /// Executes a change that must touch at least one row.
    pub(crate) fn change_existing(&mut self, sql: &str, params: impl Params) -> Result<(), StoreError> {
        match self.change(sql, params)? {
            0 => Err(self.fail(StoreError::NotFound)),
            _ => Ok(()),
        }
    }

    /// Executes an insertion and returns the id of the new row.
    pub(crate) fn insert(&mut self, sql: &str, params: impl Params) -> Result<i64, StoreError> {
        self.change(sql, params)?;
        Ok(self.view.connection.last_insert_rowid())
    }

    /// Remembers that account or conversations change.
    pub(crate) fn touch_identity(&mut self) {
        self.identity_changed = true;
    }

    /// Commits what was written, if anything was.
    pub(crate) fn commit(mut self) -> Result<Committed, StoreError> {
        match self.progress {
            Progress::Reading | Progress::Over => Ok(Committed { counter: None, identity_changed: false }),
            Progress::Failed => Err(StoreError::Aborted),
            Progress::Writing => {
                self.run("UPDATE commits SET counter = counter + 1", [])?;
                let counter = self.counter()?;
                self.run("COMMIT", [])?;
                self.progress = Progress::Over;
                Ok(Committed { counter: Some(counter), identity_changed: self.identity_changed })
            }
        }
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        match self.progress {
            Progress::Reading => {
                self.run("BEGIN IMMEDIATE", [])?;
                self.progress = Progress::Writing;
                Ok(())
            }
            // After some errors SQLite has rolled back by itself; a further write would commit at once.
            Progress::Writing if self.view.connection.is_autocommit() => Err(self.fail(StoreError::Aborted)),
            Progress::Writing => Ok(()),
            Progress::Failed | Progress::Over => Err(StoreError::Aborted),
        }
    }

    fn run(&mut self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        let result = self.view.prepare(sql).and_then(|mut statement| statement.execute(params));
        result.map_err(|error| self.fail(classify(error)))
    }

    fn fail(&mut self, error: StoreError) -> StoreError {
        self.progress = Progress::Failed;
        error
    }
}

impl Drop for Tx<'_> {
    /// Rolls back what was not committed: after an error, or when a panic unwinds through the step.
    fn drop(&mut self) {
        let connection = self.view.connection;
        if self.progress == Progress::Over || connection.is_autocommit() {
            return;
        }
        if let Err(error) = connection.execute_batch("ROLLBACK") {
            log::error!("rollback failed: {}", classify(error));
        }
    }
}
