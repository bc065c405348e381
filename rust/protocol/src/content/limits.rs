//! How much one message can say.

use prost::Message as _;

use super::{Content, ContentError, FriendRequest, Placement};
use crate::bundle::Bundle;
use crate::envelope::{MAX_DATA_BYTES, wrapped_len};
use crate::padding::longest_content;
use crate::{plaintext, session};

/// The longest introduction of a friend request, bytes of UTF-8 (extensions section 5).
pub const MAX_INTRODUCTION_BYTES: usize = 512;
/// The longest display name, bytes of UTF-8 (extensions section 5).
pub const MAX_NAME_BYTES: usize = 64;
/// The most frames one message can complain about.
pub const MAX_NACKS: usize = 64;
/// The most messages above the contiguous position that one ack can name.
pub const MAX_ACK_IDS: usize = 256;
/// The most Session-protocol messages that a first frame can list (extensions section 4).
pub const MAX_UNPROTECTED: usize = 1_000;

/// Checks the limits and that a request agrees with its bundle.
pub(super) fn check(content: &Content) -> Result<(), ContentError> {
    let longer = |text: &Option<String>, most| text.as_ref().is_some_and(|text| text.len() > most);
    // A re-key asks nothing: it has room for a text no longer than an introduction either.
    let one_length = content.request.is_some() || content.rekey;
    if one_length && longer(&content.body, MAX_INTRODUCTION_BYTES) {
        return Err(ContentError::IntroductionTooLong);
    }
    if content.request.is_some_and(|request| !agrees(&request, content.bundle.as_ref())) {
        return Err(ContentError::BadRequest);
    }
    if longer(&content.name, MAX_NAME_BYTES) {
        return Err(ContentError::NameTooLong);
    }
    if content.ack.as_ref().is_some_and(|ack| ack.above.len() > MAX_ACK_IDS) {
        return Err(ContentError::BadAck);
    }
    if content.nacks.len() > MAX_NACKS {
        return Err(ContentError::BadNacks);
    }
    if content.unprotected.len() > MAX_UNPROTECTED {
        return Err(ContentError::BadUnprotected);
    }
    Ok(())
}

/// Today's clients read the request, ours the bundle: neither must be told something else.
fn agrees(request: &FriendRequest, bundle: Option<&Bundle>) -> bool {
    bundle.is_some_and(|Bundle { offer, owner_ed25519, .. }| {
        let of_bundle = FriendRequest {
            request_id: offer.request_id,
            created_s: offer.created_s,
            expiry_s: offer.expiry_s,
            ed25519: *owner_ed25519,
            invite: request.invite,
        };
        *request == of_bundle
    })
}

/// A name as we keep it: those of Session clients may be longer.
pub(super) fn cut_name(mut name: String) -> String {
    name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
    name
}

/// The most bytes of text that surely fit one stored message, whatever its time and placement, in the Session
/// protocol and in a prekey frame: what was accepted for a basic contact can be sent when it has become a friend.
pub fn largest_body() -> usize {
    let wrapping = wrapped_len(MAX_DATA_BYTES) - MAX_DATA_BYTES;
    let basic = longest_content(MAX_DATA_BYTES - wrapping - session::OVERHEAD);
    let numbers =
        Placement { message_id: [0; 16], stream: u64::MAX, seq: u64::MAX, clock: u64::MAX, base: u64::MAX };
    let ratchet = plaintext::largest_content(true);
    (basic - around_body(Some(numbers))).min(ratchet - around_body(None))
}

/// What a text adds to its body at most.
fn around_body(placement: Option<Placement>) -> usize {
    // Longer than any body, so that the length prefixes are as long as they get.
    let body = "x".repeat(MAX_DATA_BYTES);
    let text = Content { body: Some(body), sent_ms: u64::MAX, placement, ..Content::default() };
    text.to_proto().encoded_len() - MAX_DATA_BYTES
}
