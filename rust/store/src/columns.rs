//! How the types of the domain are written in columns.

use std::net::Ipv4Addr;

use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};
use starling_protocol::account::AccountId;
use starling_protocol::node::NodeKey;

/// A column whose value no version of this crate has written.
pub(crate) fn unknown_value(column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, Box::new(FromSqlError::InvalidType))
}

/// A bound on rows, as SQL takes it.
pub(crate) fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// An account id from its 33 bytes.
pub(crate) fn account_id(row: &Row<'_>, column: usize) -> rusqlite::Result<AccountId> {
    let bytes: [u8; 33] = row.get(column)?;
    AccountId::from_bytes(&bytes).map_err(|_| unknown_value(column))
}

/// A node's key from its 32 bytes.
pub(crate) fn node_key(row: &Row<'_>, column: usize) -> rusqlite::Result<NodeKey> {
    row.get(column).map(NodeKey)
}

/// An IPv4 address from its number.
pub(crate) fn ipv4(row: &Row<'_>, column: usize) -> rusqlite::Result<Ipv4Addr> {
    row.get::<_, u32>(column).map(Ipv4Addr::from_bits)
}

/// An enumeration from its stable code.
pub(crate) fn coded<T>(row: &Row<'_>, column: usize, decode: fn(i64) -> Option<T>) -> rusqlite::Result<T> {
    decode(row.get(column)?).ok_or_else(|| unknown_value(column))
}
