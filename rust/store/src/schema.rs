//! Tables and migrations: one numbered SQL file each, applied in a transaction of its own.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::error::{StoreError, classify};

const STEPS: &[M<'static>] = &[M::up(include_str!("schema/0001_first.sql"))];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The format this version writes, and the newest it reads: the number of migrations.
pub(crate) const SUPPORTED: i64 = STEPS.len() as i64;

/// The format of the database: SQLite's `user_version`, 0 for an empty one.
///
/// The schema is read before it: of a page that fails its authentication SQLCipher first hands out zeros and
/// only then refuses, so that the number alone would look like that of an empty database.
pub(crate) fn found(connection: &Connection) -> Result<i64, StoreError> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(classify)?;
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(classify)
}

/// Brings the database to [`SUPPORTED`].
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    use rusqlite_migration::Error;
    MIGRATIONS.to_latest(connection).map_err(|error| match error {
        Error::RusqliteError { err, .. } => classify(err),
        _ => StoreError::Unexpected { code: 0 },
    })
}
