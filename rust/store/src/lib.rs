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
//! | `account`, `conversations`, `messages`, `states`, `pages`, `search` | what the host sees |
//! | `contacts`, `blocks`, `pending`, `invites`, `vouched` | what peers are to us, what strangers sent, whom we let in |
//! | `prekeys`, `sessions`, `chains` | bundles, ratchets and their secrets |
//! | `outbox`, `lanes`, `wishes`, `resend`, `sealed`, `receipts`, `visits` | messages on their way out |
//! | `inbox`, `gaps`, `acks`, `frames`, `parking`, `nacks`, `quarantine` | messages on their way in |
//! | `directory`, `settings`, `events` | nodes and guards, single numbers, the host's event queue |

mod account;
mod acks;
mod blocks;
mod chains;
mod columns;
mod connection;
mod contacts;
mod conversations;
mod directory;
mod error;
mod events;
mod frames;
mod gaps;
mod inbox;
mod invites;
mod key;
mod lanes;
mod lock;
mod messages;
mod nacks;
mod outbox;
mod pages;
mod parking;
mod pending;
#[cfg(test)]
mod plans;
mod prekeys;
mod quarantine;
mod reader;
mod receipts;
mod resend;
mod schema;
mod sealed;
mod search;
mod sessions;
mod settings;
mod sidecar;
mod states;
mod store;
mod transaction;
mod visits;
mod vouched;
mod wishes;

pub use acks::AckState;
pub use chains::ReceivedChain;
pub use contacts::{Contact, ContactList, PendingRequests, Relation};
pub use conversations::{Conversation, ConversationId, Security};
pub use error::{OpenError, StoreError};
pub use events::{Event, EventSeq};
pub use frames::FrameMark;
pub use inbox::Received;
pub use key::{KeyError, StoreKey};
pub use lanes::Lane;
pub use messages::{Direction, Message, MessageKind, MessageRow, NewOutgoing};
pub use outbox::{OutboxItem, Stage};
pub use pages::{Page, PageCursor, PageDirection};
pub use parking::Parked;
pub use prekeys::{Prekey, PrekeyRow, PrekeySecrets};
pub use quarantine::{QuarantineRow, Quarantined};
pub use reader::Reader;
pub use sealed::{SealNote, Unacknowledged};
pub use search::SearchHit;
pub use sessions::{Handshake, NewSession, Session, SessionRow, SessionSecrets, SessionStep};
pub use settings::Setting;
pub use sidecar::{Identity, KnownPeer};
pub use states::{FailureReason, Held, MessageState};
pub use store::{Options, Store};
pub use transaction::{Tx, View};
pub use visits::{Explanation, Verdict, Visit};
