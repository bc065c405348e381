//! What a node answers.

use std::borrow::Cow;

use starling_protocol::rpc::Refusal;

/// A status and a body: JSON for successes and 421, else plain text (network-protocol section 14).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// HTTP status, or the inner status of an onion answer.
    pub status: u16,
    /// UTF-8.
    pub body: Vec<u8>,
}

impl Reply {
    /// A plain-text answer.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Reply {
        Reply { status, body: body.into().into_bytes() }
    }

    pub(crate) fn json(status: u16, body: Vec<u8>) -> Reply {
        Reply { status, body }
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text.
    #[must_use]
    pub fn body_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Reply {
        Reply::text(refusal.status, refusal.message)
    }
}
