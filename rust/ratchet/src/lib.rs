//! Olm sessions (extensions section 4): triple Diffie-Hellman and the Double Ratchet, from vodozemac.
//!
//! This crate is the only one that knows the library. It narrows it to what the specification allows: one
//! one-time key per account and no fallback key, session config `version_2` (full MAC) and no other, one encoding
//! per message, decryption on a copy, pickles without the library's own encryption.
//!
//! | step | owner of the bundle | acceptor |
//! |---|---|---|
//! | bundle | [`Prekeys::generate`]; `identity` and `one_time_key` are signed into it | |
//! | accept | | [`Session::initiate`] with the bundle's two keys |
//! | first frames | | [`Session::encrypt`] gives prekey messages until something was decrypted |
//! | answer | [`Prekeys::answer`] with any one of them: session and plaintext | |
//! | later prekey frames of that session id | [`Session::decrypt`] | |
//! | from then on | [`Session::encrypt`], [`Session::decrypt`] | the same |
//!
//! # Before decrypting: how many keys a message skips
//!
//! A receiving chain keeps the keys of at most [`MAX_SKIPPED`] skipped messages *in total* and drops the oldest beyond
//! them; a session keeps [`MAX_CHAINS`] receiving chains; nothing expires either. So whoever decrypts decides first.
//! A chain is named by [`OlmMessage::ratchet_key`], its first index is 0. For every (session, ratchet key) the caller
//! tracks `next`, at first 0 and after each decrypted message `max(next, index + 1)`, and `holes`, the number of
//! indexes below `next` that have not come. A message then skips [`OlmMessage::index`] minus `next` keys
//! (none if the index is below `next`), and is parked when that and the holes make more than 32.
//!
//! # What an error means
//!
//! | the message's ratchet key | its index | error | meaning |
//! |---|---|---|---|
//! | of a live chain | below `next` | [`UsedKey`](RatchetError::UsedKey) | decrypted before, or its key was dropped |
//! | of a live chain | above `next` + [`MAX_GAP`] | [`TooFarAhead`](RatchetError::TooFarAhead) | nothing is tried |
//! | of a live chain | else | [`BadMac`](RatchetError::BadMac) | forged |
//! | of an evicted chain | up to [`MAX_GAP`] | [`BadMac`](RatchetError::BadMac) | five newer chains were received since |
//! | of an evicted chain | above | [`TooFarAhead`](RatchetError::TooFarAhead) | the same |
//! | never received | up to [`MAX_GAP`] | [`BadMac`](RatchetError::BadMac) | forged, or the two ends hold different sessions |
//! | never received | above | [`TooFarAhead`](RatchetError::TooFarAhead) | the same |
//!
//! The library takes an evicted chain for a new one, so only the caller's list of ratchet keys received tells an
//! eviction (which a nack mends) from a loss (which a re-key mends).
//!
//! # Randomness
//!
//! The library draws its own from the operating system; nothing here can be replayed from a seed.
//!
//! # Never ship a build for fuzzing
//!
//! Under `cfg(fuzzing)` the library accepts *any* MAC. Builds made that way test parsing, nothing else.

mod error;
mod message;
mod pickle;
mod prekeys;
mod session;

pub use error::RatchetError;
pub use message::{Kind, MAX_MESSAGE_BYTES, OlmMessage, PrekeyHeader, UnknownKind, largest_message};
pub use pickle::{MAX_PICKLE_BYTES, PickleError};
pub use prekeys::Prekeys;
pub use session::{MAX_CHAINS, MAX_GAP, MAX_SKIPPED, Plaintext, Sealed, Session};
