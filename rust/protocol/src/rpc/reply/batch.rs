//! The answer to `batch` and `sequence` (network-protocol section 14).

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{ReplyError, read, with_clock};
use crate::rpc::MAX_BATCH;

/// The answer to `batch` and `sequence`: one reply per request, in their order; of a sequence none
/// after the first that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// At most 20.
    pub results: Vec<SubReply>,
}

/// One request's status and body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubReply {
    /// Its status, as if it had been sent alone.
    pub status: u16,
    /// Its body: JSON, or plain text for errors.
    pub body: Vec<u8>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    results: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    code: u16,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

impl Batch {
    /// Reads a 200 body.
    ///
    /// # Errors
    /// [`ReplyError`] where there are no results or too many.
    pub fn parse(body: &[u8]) -> Result<Batch, ReplyError> {
        let body: Body<'_> = read(body)?;
        if body.results.len() > MAX_BATCH {
            return Err(ReplyError::TooMany("results"));
        }
        let reply = |entry: Entry<'_>| {
            let raw = entry.body.map_or("", RawValue::get);
            let body = match serde_json::from_str::<String>(raw) {
                Ok(text) => text.into_bytes(),
                Err(_) => raw.as_bytes().to_vec(),
            };
            SubReply { status: entry.code, body }
        };
        Ok(Batch { results: body.results.into_iter().map(reply).collect() })
    }

    /// Writes the body; a sub-body that is no JSON object is written as a string.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let results: Vec<Value> = self.results.iter().map(SubReply::value).collect();
        with_clock(Map::from_iter([("results".to_owned(), results.into())]), None)
    }
}

impl SubReply {
    fn value(&self) -> Value {
        let body = serde_json::from_slice::<Map<String, Value>>(&self.body)
            .map_or_else(|_| String::from_utf8_lossy(&self.body).into_owned().into(), Value::Object);
        Value::Object(Map::from_iter([("code".to_owned(), self.status.into()), ("body".to_owned(), body)]))
    }
}
