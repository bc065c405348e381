//! How one message looks, as JSON and as a line.

use serde::Serialize;
use starling_store::{Direction, FailureReason, Message, MessageKind, MessageState};

use crate::failure::Failure;
use crate::output::{Output, printable};

/// A message as `poll`, `messages` and `search` print it.
#[derive(Serialize)]
pub(crate) struct ShownMessage {
    message_id: String,
    /// `text`, or `introduction` of a friend request.
    kind: &'static str,
    /// The other side of the conversation.
    conversation: String,
    /// Who wrote it.
    from: String,
    text: String,
    /// Lamport clock: the order of display.
    clock: i64,
    /// Milliseconds since 1970, by the sender's network clock.
    sent_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_ms: Option<i64>,
    state: String,
}

impl ShownMessage {
    /// `own` is the account of the data directory.
    pub(crate) fn new(message: &Message, own: &str) -> Self {
        let peer = message.peer.to_string();
        let from = match message.direction {
            Direction::Outgoing => own.to_owned(),
            Direction::Incoming => peer.clone(),
        };
        Self {
            message_id: hex::encode(message.message_id),
            kind: kind(message.kind),
            conversation: peer,
            from,
            text: message.body.clone(),
            clock: message.clock,
            sent_ms: message.sent_ms,
            received_ms: message.received_ms,
            state: state(message.state),
        }
    }

    /// For people: short sender, text, and what became of our own.
    pub(crate) fn line(&self) -> String {
        let text = printable(&self.text);
        let peer: String = self.conversation.chars().take(10).collect();
        if self.from == self.conversation {
            format!("{peer}…: {text}")
        } else {
            format!("me to {peer}…: {text}  ({})", self.state)
        }
    }
}

/// Prints messages in the order given.
pub(crate) fn print(messages: &[Message], own: &str, output: Output) -> Result<(), Failure> {
    let shown: Vec<ShownMessage> = messages.iter().map(|message| ShownMessage::new(message, own)).collect();
    if output.is_json() {
        return output.json(&shown);
    }
    shown.iter().try_for_each(|message| output.line(&message.line()))
}

/// What a message carries, in one word.
pub(crate) fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Request => "introduction",
        // The others are never shown.
        MessageKind::Text | MessageKind::Handshake | MessageKind::Bundle | MessageKind::Signal => "text",
    }
}

/// The state of a message in words.
pub(crate) fn state(state: MessageState) -> String {
    match state {
        MessageState::Queued => "queued".to_owned(),
        MessageState::Working => "working".to_owned(),
        MessageState::Stored { k, n } => format!("stored {k} of {n}"),
        MessageState::Sent => "sent".to_owned(),
        MessageState::Delivered => "delivered".to_owned(),
        MessageState::Read => "read".to_owned(),
        MessageState::Failed(reason) => format!("failed: {}", failure(reason)),
        MessageState::Expired => "expired".to_owned(),
        MessageState::Received => "received".to_owned(),
    }
}

/// Why a message will never be sent, in words.
pub(crate) fn failure(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::TooHard => "the network asks for more proof of work than is allowed",
        FailureReason::Rejected => "the recipient's swarm refused it",
        FailureReason::GivenUp => "given up",
        FailureReason::Withdrawn => "the friend request it waited for was withdrawn",
        FailureReason::Blocked => "the recipient is blocked",
    }
}
