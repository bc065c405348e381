//! The encrypted store of one account: everything that must survive the process.
//!
//! One SQLCipher database in WAL mode, `synchronous=FULL`: "committed" means on disk. There is one writer,
//! the [`Store`]; it is used through [`Store::transact`], where a [`Tx`] offers *domain operations*
//! (`enqueue_message`, `due_outbox`, `mark_seen`, ...) that either all commit or none. Reads are on
//! [`View`], which a `Tx` is too; a [`Reader`] gives other threads a view of their own that never waits for
//! the writer. SQL does not leave this crate, and no other crate of the project knows the database library.
//!
//! | module | what it knows |
//! |---|---|
//! | [`Store`] (`store`), `transaction`, `reader` | who may read and write, and when |
//! | `connection`, `schema`, `key` | how the database is opened, its tables, its key |
//! | `lock`, `sidecar` | the two files beside the database |
//! | `account`, `conversations`, `messages`, `pages`, `search` | what the host sees |
//! | `outbox`, `receipts`, `visits` | messages on their way out |
//! | `inbox`, `gaps`, `quarantine` | messages on their way in |
//! | `directory`, `settings`, `events` | nodes and guards, single numbers, the host's event queue |

mod account;
mod columns;
mod connection;
mod conversations;
mod directory;
mod error;
mod events;
mod gaps;
mod inbox;
mod key;
mod lock;
mod messages;
mod outbox;
mod pages;
mod quarantine;
mod reader;
mod receipts;
mod schema;
mod search;
mod settings;
mod sidecar;
mod store;
mod transaction;
mod visits;

pub use conversations::{Conversation, ConversationId, Security};
pub use error::{OpenError, StoreError};
pub use events::{Event, EventSeq};
pub use inbox::Received;
pub use key::{KeyError, StoreKey};
pub use messages::{Direction, FailureReason, Message, MessageRow, MessageState, NewOutgoing};
pub use outbox::{OutboxItem, Stage};
pub use pages::{Page, PageCursor, PageDirection};
pub use quarantine::Quarantined;
pub use reader::Reader;
pub use search::SearchHit;
pub use settings::Setting;
pub use sidecar::Identity;
pub use store::{Options, Store};
pub use transaction::{Tx, View};
pub use visits::{Explanation, Verdict, Visit};
