//! The answer to `retrieve`: one page of a mailbox (network-protocol section 4.7).

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ReplyError, read, with_clock};
use crate::rpc::MAX_STORE_CHARS;
use crate::rpc::encoding::{is_hash, lenient_flag, lenient_u64};

/// One page of a mailbox, in this node's own order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Retrieved {
    /// The messages; those without the form of a message are left out. An empty page ends the
    /// mailbox, whatever `more` says.
    pub messages: Vec<StoredMessage>,
    /// Whether there is another page after the last message.
    pub more: bool,
    /// The node's clock, ms.
    pub t: Option<u64>,
}

/// A message as a node keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredMessage {
    /// 43 characters. A claim: compute it from the data before believing it.
    pub hash: String,
    /// When the sender says it was sent, ms.
    pub timestamp: u64,
    /// When the node deletes it, ms.
    pub expiration: u64,
    /// Base64.
    pub data: String,
}

#[derive(Deserialize)]
struct Body {
    messages: Vec<Value>,
    #[serde(default, deserialize_with = "lenient_flag")]
    more: bool,
    #[serde(default, deserialize_with = "lenient_u64")]
    t: Option<u64>,
}

#[derive(Deserialize)]
struct Entry {
    hash: String,
    data: String,
    #[serde(default, deserialize_with = "lenient_u64")]
    timestamp: Option<u64>,
    #[serde(default, alias = "expiry", deserialize_with = "lenient_u64")]
    expiration: Option<u64>,
}

impl Entry {
    fn message(self) -> Option<StoredMessage> {
        (is_hash(&self.hash) && self.data.len() <= MAX_STORE_CHARS).then_some(StoredMessage {
            hash: self.hash,
            timestamp: self.timestamp.unwrap_or(0),
            expiration: self.expiration.unwrap_or(0),
            data: self.data,
        })
    }
}

impl Retrieved {
    /// Reads a 200 body.
    ///
    /// # Errors
    /// [`ReplyError`] where there is no list of messages.
    pub fn parse(body: &[u8]) -> Result<Retrieved, ReplyError> {
        let body: Body = read(body)?;
        let messages = body
            .messages
            .into_iter()
            .filter_map(|entry| serde_json::from_value::<Entry>(entry).ok()?.message())
            .collect();
        Ok(Retrieved { messages, more: body.more, t: body.t })
    }

    /// Writes the body.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let messages: Vec<Value> = self.messages.iter().map(StoredMessage::value).collect();
        let mut body = Map::new();
        body.insert("messages".into(), messages.into());
        body.insert("more".into(), self.more.into());
        with_clock(body, self.t)
    }
}

impl StoredMessage {
    fn value(&self) -> Value {
        Value::Object(Map::from_iter([
            ("hash".to_owned(), self.hash.clone().into()),
            ("timestamp".to_owned(), self.timestamp.into()),
            ("expiration".to_owned(), self.expiration.into()),
            ("data".to_owned(), self.data.clone().into()),
        ]))
    }
}
