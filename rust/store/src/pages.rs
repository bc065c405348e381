//! Paging through a conversation in display order: (clock, sender, row), never a timestamp.

use rusqlite::Row;

use crate::columns::bound;
use crate::messages::{FOR_HOST, MESSAGE_COLUMNS, MESSAGE_TABLES, message};
use crate::{ConversationId, Message, StoreError, View};

/// Messages per page at most, whatever is asked for.
const MAX_PAGE: usize = 500;

/// A place between two messages of a conversation. It stays valid while messages come and go around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageCursor {
    clock: i64,
    sender_rank: i64,
    row: i64,
}

/// Which way to page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageDirection {
    /// Towards the beginning; without a cursor from the newest message on.
    Older,
    /// Towards the end; without a cursor from the oldest message on.
    Newer,
}

/// Some messages in display order, oldest first whichever way they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The messages.
    pub messages: Vec<Message>,
    /// Continues with [`PageDirection::Older`]; `None` if nothing is older now.
    pub older: Option<PageCursor>,
    /// Continues with [`PageDirection::Newer`]; also when nothing is newer yet, as long as the page is not
    /// empty, so that a host can ask again later.
    pub newer: Option<PageCursor>,
}

impl View<'_> {
    /// A page of at most `limit` (and never more than 500) messages of a conversation that are
    /// the host's to see now.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn messages(
        &self,
        conversation: ConversationId,
        cursor: Option<PageCursor>,
        direction: PageDirection,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let (compare, order, edge) = match direction {
            PageDirection::Older => ("<", "DESC", i64::MAX),
            PageDirection::Newer => (">", "ASC", i64::MIN),
        };
        let from = cursor.unwrap_or(PageCursor { clock: edge, sender_rank: edge, row: edge });
        let sql = format!(
            "SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE m.held = 0 AND {FOR_HOST} AND m.conversation = ?1 \
             AND (m.clock, m.sender_rank, m.id) {compare} (?2, ?3, ?4) \
             ORDER BY m.clock {order}, m.sender_rank {order}, m.id {order} LIMIT ?5"
        );
        // One more than asked for tells whether anything is left.
        let params = (conversation.0, from.clock, from.sender_rank, from.row, bound(limit + 1));
        let mut found = self.all(&sql, params, |row| Ok((place(row)?, message(row)?)))?;
        let more = found.len() > limit;
        found.truncate(limit);
        if direction == PageDirection::Older {
            found.reverse();
        }
        let first = found.first().map(|(place, _)| *place);
        let newer = found.last().map(|(place, _)| *place).or(cursor);
        let older = match direction {
            PageDirection::Older => first.filter(|_| more),
            // Whoever pages forward from a cursor has seen something older.
            PageDirection::Newer => cursor.map(|cursor| first.unwrap_or(cursor)),
        };
        Ok(Page { messages: found.into_iter().map(|(_, message)| message).collect(), older, newer })
    }
}

fn place(row: &Row<'_>) -> rusqlite::Result<PageCursor> {
    Ok(PageCursor { clock: row.get(7)?, sender_rank: row.get(16)?, row: row.get(0)? })
}
