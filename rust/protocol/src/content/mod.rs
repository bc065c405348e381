//! The content of a message: what is said once encryption is off (network-protocol section 7.3, extensions
//! sections 3 to 6).
//!
//! One model for the Session protocol and the ratchet. What Session clients say and we do not keep (typing,
//! receipts, calls, unsend requests, copies for linked devices) decodes to nothing.

mod limits;
#[cfg(test)]
mod tests;
mod wire;

use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest as _};
use prost::Message as _;
use thiserror::Error;

pub use self::limits::{
    MAX_ACK_IDS, MAX_INTRODUCTION_BYTES, MAX_NACKS, MAX_NAME_BYTES, MAX_UNPROTECTED, largest_body,
};
use crate::account::AccountId;
use crate::bundle::{Bundle, BundleError};
use crate::proto;

/// The place of a message in its conversation (extensions section 7), absent from messages of Session clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Names the message together with its sender.
    pub message_id: [u8; 16],
    /// Network seconds at which the sender's installation first wrote to us.
    pub stream: u64,
    /// Position in the stream, from 1. In a ratchet frame 0 is content without a position: a signal.
    pub seq: u64,
    /// Lamport clock of the conversation.
    pub clock: u64,
    /// Lowest position of the stream still unacknowledged: from 1 to `seq`, as this message is one.
    pub base: u64,
}

/// That a message asks for friendship. It comes with a [`Bundle`] that agrees with it in every field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FriendRequest {
    /// 16 random bytes.
    pub request_id: [u8; 16],
    /// Network seconds.
    pub created_s: u64,
    /// Network seconds; the one instant at which the request ends for both sides.
    pub expiry_s: u64,
    /// The sender's Ed25519 key.
    pub ed25519: [u8; 32],
    /// A code that the recipient gave away: a request with it skips the limits (extensions section 5).
    pub invite: Option<[u8; 16]>,
}

/// What of the peer's stream is durably here (extensions section 6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ack {
    /// The stream this speaks of.
    pub stream: u64,
    /// Every position up to this one is here; 0 if not even the first.
    pub through: u64,
    /// Ids of the messages above it that are here, at most [`MAX_ACK_IDS`].
    pub above: Vec<[u8; 16]>,
    /// Every position up to this one was shown to the user; absent if read receipts are off.
    pub read_through: Option<u64>,
}

/// All that one message can say, in any combination.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// What was written, never empty; in a friend request the introduction.
    pub body: Option<String>,
    /// Milliseconds; when, by the sender's word.
    pub sent_ms: u64,
    /// Where it belongs. Only in the Session protocol: ratchet frames say it in their own header.
    pub placement: Option<Placement>,
    /// That it asks for friendship.
    pub request: Option<FriendRequest>,
    /// How the sender calls itself, at most [`MAX_NAME_BYTES`] bytes.
    pub name: Option<String>,
    /// Fresh keys of the sender to start a session with. Not yet verified.
    pub bundle: Option<Bundle>,
    /// That the bundle mends lost sessions. Only in the Session protocol.
    pub rekey: bool,
    /// What of our stream the sender has.
    pub ack: Option<Ack>,
    /// Hashes of frames the sender could not decrypt, at most [`MAX_NACKS`].
    pub nacks: Vec<[u8; 32]>,
    /// Ids of the sender's recent messages in the Session protocol, at most [`MAX_UNPROTECTED`].
    pub unprotected: Vec<[u8; 16]>,
}

/// Why content cannot be sent, or is none of ours to take.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ContentError {
    /// Not a protobuf of the network.
    #[error("the content cannot be read: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// It does not say when it was sent.
    #[error("the content has no time")]
    NoTime,
    /// A placement that lacks a field, whose id has not 16 bytes, or whose base is not from 1 to its seq.
    #[error("the placement of the message is not valid")]
    BadPlacement,
    /// A request that lacks a field, or whose bundle is missing or speaks of another request.
    #[error("the friend request is incomplete or does not agree with its bundle")]
    BadRequest,
    /// An introduction of more than [`MAX_INTRODUCTION_BYTES`].
    #[error("the introduction is longer than 512 bytes")]
    IntroductionTooLong,
    /// A name of more than [`MAX_NAME_BYTES`]. Only when sending: longer names of Session clients are cut.
    #[error("the display name is longer than 64 bytes")]
    NameTooLong,
    /// An ack without stream or position, or with more than [`MAX_ACK_IDS`] ids.
    #[error("the acknowledgement is not valid")]
    BadAck,
    /// More than [`MAX_NACKS`] frame hashes, or a torn one.
    #[error("the list of unreadable frames is not valid")]
    BadNacks,
    /// More than [`MAX_UNPROTECTED`] ids, or a torn one.
    #[error("the list of unprotected messages is not valid")]
    BadUnprotected,
    /// A bundle that lacks a field.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl Content {
    /// The protobuf. A friend request and a re-key are filled to one length, so that it tells nothing: 2,879
    /// bytes with padding.
    ///
    /// # Errors
    /// [`ContentError`] if a limit is exceeded or a request has no bundle that agrees with it.
    pub fn encode(&self) -> Result<Vec<u8>, ContentError> {
        limits::check(self)?;
        Ok(self.to_proto().encode_to_vec())
    }

    /// Reads the content of a ratchet frame. It may say nothing but its time: an empty accept.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        Self::from_proto(proto::Content::decode(bytes)?)
    }

    /// Reads the content of the Session protocol, without padding. `None` if it has nothing for us.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn decode_basic(bytes: &[u8]) -> Result<Option<Self>, ContentError> {
        let content = proto::Content::decode(bytes)?;
        let is_copy = content.data_message.as_ref().is_some_and(|message| message.sync_target.is_some());
        if is_copy || wire::is_nothing(&content) {
            return Ok(None);
        }
        Self::from_proto(content).map(Some)
    }

    /// Whether it says nothing but a time and a name.
    pub fn is_empty(&self) -> bool {
        let Self { body, placement, request, bundle, rekey, ack, nacks, unprotected, .. } = self;
        let says = [body.is_some(), placement.is_some(), request.is_some(), bundle.is_some(), ack.is_some()];
        !says.contains(&true) && !rekey && nacks.is_empty() && unprotected.is_empty()
    }
}

impl core::fmt::Debug for Content {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { placement, request, bundle, rekey, ack, nacks, unprotected, .. } = self;
        f.debug_struct("Content")
            .field("placement", placement)
            .field("request", &request.is_some())
            .field("bundle", &bundle.is_some())
            .field("rekey", rekey)
            .field("ack", &ack.is_some())
            .field("nacks", &nacks.len())
            .field("unprotected", &unprotected.len())
            .finish_non_exhaustive()
    }
}

/// The id of a message whose sender has no ids, a Session client: BLAKE2b-128 over the sender's 33 bytes,
/// the time it was sent (8 bytes, big-endian) and the content without padding (extensions section 3).
pub fn foreign_message_id(sender: &AccountId, sig_timestamp: u64, plaintext: &[u8]) -> [u8; 16] {
    let hasher = Blake2b::<U16>::new().chain_update(sender.as_bytes());
    hasher.chain_update(sig_timestamp.to_be_bytes()).chain_update(plaintext).finalize().into()
}
