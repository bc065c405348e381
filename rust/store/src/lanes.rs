//! Who in the outbox is due when (extensions sections 5 and 7, research pain 15).
//!
//! | lane | what | order | while the contact is closed |
//! |---|---|---|---|
//! | `Ordered` | first sendings of texts | nothing overtakes the first, nor what is not sealed yet | waits |
//! | `Express` | requests, bundles, signals, whatever is sent again | by due time; holds nothing back | goes |

use crate::columns::{bound, coded};
use crate::{ConversationId, MessageRow, OutboxItem, Stage, StoreError, View};

/// How an outbox row stands to the others of its conversation. The codes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// In the order of the sequence numbers, and only while the contact is open.
    Ordered,
    /// As soon as it is due, past everything else.
    Express,
}

impl Lane {
    pub(crate) fn code(self) -> i64 {
        match self {
            Lane::Ordered => 0,
            Lane::Express => 1,
        }
    }

    pub(crate) fn from_code(code: i64) -> Option<Lane> {
        match code {
            0 => Some(Lane::Ordered),
            1 => Some(Lane::Express),
            _ => None,
        }
    }
}

/// When an item may be taken, its predecessors considered.
struct Place {
    message: MessageRow,
    due_ms: i64,
}

impl View<'_> {
    /// What is to be done now: of each conversation at most the first `per_conversation` messages of each
    /// lane, and of all of them at most `limit`, every conversation's first before any one's second, express
    /// before ordered. In the ordered lane an item comes after its predecessors, behind the first, and behind
    /// a `Queued` one, that is not due none comes, and of a closed contact none comes at all.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn due_outbox(
        &self,
        now_ms: i64,
        per_conversation: usize,
        limit: usize,
    ) -> Result<Vec<OutboxItem>, StoreError> {
        let mut due: Vec<(usize, MessageRow)> = Vec::new();
        for places in self.outbox_places(per_conversation)? {
            let ready = places.iter().enumerate().filter(|(_, place)| place.due_ms <= now_ms);
            due.extend(ready.map(|(position, place)| (position, place.message)));
        }
        // Stable: within a position, lanes and conversations keep their order.
        due.sort_by_key(|(position, _)| *position);
        let items = due.into_iter().take(limit).filter_map(|(_, row)| self.outbox_item(row).transpose());
        items.collect()
    }

    /// When [`View::due_outbox`] with the same `per_conversation` has something next, in milliseconds of
    /// device wall-clock time; in the past if it has now. `None` if it never will have.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn next_outbox_due(&self, per_conversation: usize) -> Result<Option<i64>, StoreError> {
        let places = self.outbox_places(per_conversation)?;
        Ok(places.iter().flatten().map(|place| place.due_ms).min())
    }

    /// The texts that wait for a conversation's order or for its contact to open, at most `limit` of them.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    pub fn queue(&self, conversation: ConversationId, limit: usize) -> Result<Vec<MessageRow>, StoreError> {
        self.all(
            "SELECT message FROM outbox WHERE lane = 0 AND conversation = ?1 ORDER BY seq LIMIT ?2",
            [conversation.0, bound(limit)],
            |row| row.get(0).map(MessageRow),
        )
    }

    /// The first messages of every conversation that may send, the express lanes first.
    fn outbox_places(&self, per_conversation: usize) -> Result<Vec<Vec<Place>>, StoreError> {
        let mut places = Vec::new();
        for conversation in self.outbox_conversations(Lane::Express)? {
            places.push(self.express_places(conversation, per_conversation)?);
        }
        for conversation in self.outbox_conversations(Lane::Ordered)? {
            places.push(self.ordered_places(conversation, per_conversation)?);
        }
        Ok(places)
    }

    /// The conversations with messages in a lane, closed ones left out of the ordered one: one index probe
    /// each, however many messages they have.
    fn outbox_conversations(&self, lane: Lane) -> Result<Vec<ConversationId>, StoreError> {
        self.all(
            "WITH RECURSIVE waiting (id) AS ( \
               SELECT min(conversation) FROM outbox WHERE lane = ?1 \
               UNION ALL \
               SELECT (SELECT min(conversation) FROM outbox WHERE lane = ?1 AND conversation > waiting.id) \
               FROM waiting WHERE waiting.id IS NOT NULL \
             ) SELECT id FROM waiting WHERE id IS NOT NULL \
             AND (?1 = 1 OR (SELECT open FROM contacts WHERE conversation = waiting.id))",
            [lane.code()],
            |row| row.get(0).map(ConversationId),
        )
    }

    /// The first messages of a conversation in sending order, each with the time its predecessors allow.
    fn ordered_places(&self, conversation: ConversationId, count: usize) -> Result<Vec<Place>, StoreError> {
        let mut blocked_until: Option<i64> = None;
        self.all(
            "SELECT message, stage, due_ms FROM outbox WHERE lane = 0 AND conversation = ?1 \
             ORDER BY seq LIMIT ?2",
            [conversation.0, bound(count)],
            |row| {
                let stage = coded(row, 1, Stage::from_code)?;
                let due_ms = row.get::<_, i64>(2)?.max(blocked_until.unwrap_or(i64::MIN));
                if stage == Stage::Queued || blocked_until.is_none() {
                    blocked_until = Some(due_ms);
                }
                Ok(Place { message: MessageRow(row.get(0)?), due_ms })
            },
        )
    }

    /// The messages of a conversation that wait for nothing but their time, the earliest first.
    fn express_places(&self, conversation: ConversationId, count: usize) -> Result<Vec<Place>, StoreError> {
        self.all(
            "SELECT message, due_ms FROM outbox WHERE lane = 1 AND conversation = ?1 \
             ORDER BY due_ms, seq, message LIMIT ?2",
            [conversation.0, bound(count)],
            |row| Ok(Place { message: MessageRow(row.get(0)?), due_ms: row.get(1)? }),
        )
    }
}
