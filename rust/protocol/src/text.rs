//! The content of a plain text message: a view of [`crate::content::Content`].

use thiserror::Error;

use crate::content::{Content, ContentError};

pub use crate::content::{Placement, foreign_message_id, largest_body};
pub use crate::envelope::MAX_DATA_BYTES;

/// A text message of the Session protocol, as it is before sealing and after opening.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// What was written.
    pub body: String,
    /// Milliseconds; when, by the sender's word.
    pub sent_ms: u64,
    /// Where it belongs; `None` if the sender is a Session client.
    pub placement: Option<Placement>,
}

/// Why content is not a text message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Something else: a receipt, a typing notice, an attachment alone, a copy from a linked device.
    #[error("the content is not a text message")]
    NotText,
    /// Not valid at all.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl Text {
    /// The content (protobuf) of this text.
    pub fn encode(&self) -> Vec<u8> {
        // Without request and lists there is no limit to exceed.
        Content::from(self.clone()).encode().unwrap_or_default()
    }

    /// Reads the content (protobuf, without padding) of a message.
    ///
    /// # Errors
    /// [`TextError::NotText`] for other kinds of content, otherwise what is wrong with the text.
    pub fn decode(content: &[u8]) -> Result<Self, TextError> {
        let content = Content::decode_basic(content)?.ok_or(TextError::NotText)?;
        let body = content.body.ok_or(TextError::NotText)?;
        Ok(Self { body, sent_ms: content.sent_ms, placement: content.placement })
    }
}

impl From<Text> for Content {
    fn from(Text { body, sent_ms, placement }: Text) -> Self {
        Self { body: Some(body).filter(|body| !body.is_empty()), sent_ms, placement, ..Self::default() }
    }
}

impl core::fmt::Debug for Text {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Text").field("placement", &self.placement).finish_non_exhaustive()
    }
}
