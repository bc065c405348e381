//! Full-text search over all conversations.

use crate::messages::{MESSAGE_COLUMNS, message};
use crate::{Message, MessageRow, StoreError, View};

/// Words of a query that count.
const MAX_WORDS: usize = 32;
/// Hits per call at most, whatever is asked for.
const MAX_HITS: usize = 500;

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchHit {
    /// The message.
    pub message: Message,
    /// The part of its text around the first match, with an ellipsis where it was cut.
    pub snippet: String,
}

impl View<'_> {
    /// Messages that contain every word of `query`, the last one also as the beginning of a word; case and
    /// accents do not matter. The newest rows come first; `before` continues after the last hit of the
    /// previous call. Held messages are not found. The query is words, never an expression.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn search(
        &self,
        query: &str,
        before: Option<MessageRow>,
        limit: usize,
    ) -> Result<Vec<SearchHit>, StoreError> {
        let Some(expression) = match_expression(query) else {
            return Ok(Vec::new());
        };
        let before = before.map_or(i64::MAX, |row| row.0);
        let limit = i64::try_from(limit.min(MAX_HITS)).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT {MESSAGE_COLUMNS}, snippet(message_search, 0, '', '', '…', 16) \
             FROM message_search s JOIN messages m ON m.id = s.rowid JOIN conversations c ON c.id = m.conversation \
             WHERE message_search MATCH ?1 AND s.rowid < ?2 AND m.held = 0 ORDER BY s.rowid DESC LIMIT ?3"
        );
        self.all(&sql, (expression, before, limit), |row| {
            Ok(SearchHit { message: message(row)?, snippet: row.get(18)? })
        })
    }
}

/// The words as quoted strings, in which nothing but the quotation mark means anything to FTS5.
fn match_expression(query: &str) -> Option<String> {
    let has_letter = |word: &&str| word.chars().any(char::is_alphanumeric);
    let words: Vec<&str> =
        query.split(|c: char| c.is_whitespace() || c == '\0').filter(has_letter).take(MAX_WORDS).collect();
    if words.is_empty() {
        return None;
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
    Some(format!("{}*", quoted.join(" ")))
}
