//! The engine's hands: the only product code that spawns, sleeps and opens sockets.
//!
//! What to do is decided in `starling_core`, a state machine without I/O; what must survive is in
//! `starling_store`. Here one thread owns both and feeds the core one input at a time; everything
//! the core wants done (requests, proofs of work, opening of messages, one timer) is done beside that
//! thread and comes back as another input.
//!
//! ```text
//!  host ── Engine ──order──▶ writer ──input──▶ core + store
//!    ▲        │ reads            │ effects, after the commit
//!    │        ▼                  ▼
//!    │     Reader             Hands ── requests ─▶ Network   (runtime)
//!    └── latest values           ├─── proofs ──── own threads
//!                                ├─── unsealing ─ blocking threads
//!                                └─── alarm ───── Clock
//! ```
//!
//! | module | what it knows |
//! |---|---|
//! | `engine`, `contacts`, `reads` | the host's calls |
//! | `writer`, `lifecycle`, `order` | the writer's thread, its phases, what it can be told |
//! | `hands`, `proof`, `unsealing` | performing effects |
//! | `network`, `onion_http`, `clock` | the outside world, and the traits that stand for it |
//! | `latest`, `activity` | what the host may look at |
//! | `error` | the one public error |
//!
//! Guarantees: a command is on disk before its future resolves; dropping a future or a handle never
//! blocks and never cancels; a panic anywhere surfaces as an error, not as a hang.

mod activity;
mod clock;
mod contacts;
mod engine;
mod error;
mod hands;
mod latest;
mod lifecycle;
mod network;
mod onion_http;
mod order;
mod proof;
mod reads;
mod unsealing;
mod writer;

pub use activity::{Activity, ActivityFeed, RequestEnd, What};
pub use clock::{BoxFuture, Clock, SystemClock};
pub use contacts::{Contact, FriendRequest, RequestKind};
pub use engine::{Engine, EngineConfig, Sent};
pub use error::{BadInput, Damage, EngineError, Hindrance};
pub use latest::LatestStatus;
pub use network::{Answered, Driver, Network};
pub use onion_http::OnionHttp;
pub use proof::ProofProgress;
pub use starling_core::{
    Config, Connection, EffectId, Now, Outcome, Purpose, Request, Route, SeedNode, Status, WakeReport,
};
