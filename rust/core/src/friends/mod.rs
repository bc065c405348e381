//! Friend requests and the sessions that follow: the relation of two accounts as a pure function
//! (extensions sections 4 and 5, message-routing "Friend requests").
//!
//! [`step`] takes what one side knows of a peer, one thing that happened, and the network time in
//! seconds; it answers with what the side knows then and with the [`Effect`]s to carry out, in
//! order, in the same store transaction. It has no store, no cryptography and no clock, so that
//! `tests/friends` can explore this very function with two ends and a hostile network between them.
//!
//! | relation | input | next | effects |
//! |---|---|---|---|
//! | Stranger | Request | Requested | Offer(Request) |
//! | Stranger | Bundle that counts | Asked(Bundle) | Tell(RequestReceived) |
//! | Stranger | BasicMessage, floor None | Asked(Basic) | Tell(RequestReceived) |
//! | Stranger | Stray | Asked(Empty) | Tell(RequestReceived) |
//! | Requested | Bundle that counts (crossing: no prompt) | Accepting | Take, ReleaseQueue |
//! | Requested | BasicMessage, floor None (a Session client answered) | Friend | ReleaseQueue, Tell(FriendAdded) |
//! | Requested an hour ago or more | Stray, none for an hour | Requested | Offer(Request) |
//! | Requested | Withdraw | Stranger | EraseOffers, FailQueue |
//! | Requested | Tick at expiry (prekeys live on) | Stranger | ExpireQueue, Tell(RequestExpired) |
//! | Asked(Bundle) | Accept, Request | Accepting | Take, ShowPending, ReleaseQueue |
//! | Asked(Basic) | Accept, Request | Friend | ShowPending, ReleaseQueue, Tell(FriendAdded) |
//! | Asked(Empty) | Accept, Request | Requested | ShowPending, Offer(Request) |
//! | Asked | Decline | Stranger, epoch settled | EraseOffers, DropPending |
//! | Asked(Bundle) | Bundle that counts, higher epoch | Asked(Bundle) | Tell(RequestReplaced) |
//! | Asked(Basic), Asked(Empty) | Bundle that counts | Asked(Bundle) | Tell(RequestReplaced) |
//! | Asked(Bundle) | Tick at expiry | Stranger | DropPending, Tell(RequestExpired) |
//! | Accepting | Opened | Friend, floor Ratchet | Tell(FriendAdded) |
//! | Accepting | Bundle that counts and outranks | Accepting | Take, ResealUnacknowledged |
//! | Accepting | Stray, none for an hour | Accepting | Offer(Request) |
//! | Accepting | Tick 14 days after the bundle's expiry | Stranger | EraseSession (each), FailQueue, Tell(RequestExpired) |
//! | Friend | Opened | Friend, floor Ratchet | |
//! | Friend | Bundle that counts and outranks | Friend | Take; and for a request or a re-key: ResealUnacknowledged, Tell(SessionRenewed) |
//! | Friend | Stray, none for an hour | Friend | Offer(Rekey) |
//! | Friend | RenewalDue, none but a request on its way | Friend | Offer(Renewal), or Offer(Upgrade) without a session |
//! | any but Friend | Answered in time | Friend, floor Ratchet | EraseOffer, ResealUnacknowledged if Accepting and it answers a request, ShowPending if Asked, ReleaseQueue, Tell(FriendAdded) |
//! | Friend | Answered in time | Friend, floor Ratchet | EraseOffer; and for a request or a re-key: ResealUnacknowledged; for a re-key: Tell(SessionRenewed) |
//! | any | Answered late, or for an offer that is gone | as for Stray | as for Stray |
//! | any | Taken | session added | |
//! | Stranger | Block | Stranger, blocked | EraseOffers |
//! | Requested | Block | Stranger, blocked | EraseOffers, FailQueue |
//! | Asked | Block | Stranger, blocked, epoch settled | EraseOffers, DropPending |
//! | Accepting, Friend | Block | kept, blocked | EraseOffers |
//! | blocked | Unblock | not blocked | |
//! | blocked | anything from the network, RenewalDue | same | nothing at all |
//! | any | Tick | | EraseOffer 15 days after its expiry, EraseSession 15 days after it was replaced |
//!
//! A command that has no row is a typed [`Refusal`]; any other input that has none changes nothing
//! and causes nothing. A bundle **counts** if its epoch exceeds every settled one of this peer and
//! is at most an hour above both the clock and every epoch seen, and if its expiry lies ahead, by
//! at most 14 days and the same hour. It **outranks** if its session would be ranked above the
//! preferred one.

mod effect;
mod input;
mod pair;
mod rank;
mod table;
mod turn;

pub use effect::{Effect, Notice, Refusal};
pub use input::{Command, Input};
pub use pair::{Asked, Carrier, Floor, Offer, Pair, Relation, Session, SessionKey, Side};
pub use table::step;

/// Seconds for which a request or any other bundle of ours may be taken: 14 days, the longest that
/// extensions section 5 allows and the TTL of its message.
pub const REQUEST_LIFE: u64 = 14 * DAY;
/// Seconds for which prekeys outlive their bundle's expiry (extensions section 5), so that an
/// accept sent in time is honoured when it comes late.
pub const PREKEY_REST: u64 = 15 * DAY;
/// Seconds after its bundle's expiry for which an accept is sent again (extensions section 5).
pub const ACCEPT_REST: u64 = 14 * DAY;
/// Seconds for which a replaced session still receives (extensions section 4, "Renewal").
pub const SESSION_REST: u64 = 15 * DAY;
/// Replaced sessions kept per peer (extensions section 4, "Renewal").
pub const OLD_SESSIONS: usize = 4;
/// Bundles of ours whose prekeys are kept per peer; the oldest makes room. A peer that took an
/// erased one is healed by a re-key.
pub const OFFERS: usize = 4;
/// Seconds between two re-keys to one peer (extensions section 4, "Re-key").
pub const REKEY_PAUSE: u64 = 3_600;
/// Seconds by which a bundle may be ahead of us (extensions section 4, "Pair epoch").
pub const EPOCH_LEAD: u64 = 3_600;

const DAY: u64 = 86_400;
