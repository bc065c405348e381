//! The answer to `info`, and the demand for work of a 432.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ReplyError, read, with_clock};

/// The answer to `info`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Info {
    /// The node's clock, ms.
    pub timestamp: u64,
    /// Version of its software, major first.
    #[serde(default)]
    pub version: Vec<u16>,
}

impl Info {
    /// Reads a 200 body.
    ///
    /// # Errors
    /// [`ReplyError`] where there is no timestamp.
    pub fn parse(body: &[u8]) -> Result<Info, ReplyError> {
        read(body)
    }

    /// Writes a 200 body.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut body = Map::new();
        body.insert("timestamp".into(), self.timestamp.into());
        body.insert("version".into(), self.version.clone().into());
        with_clock(body, Some(self.timestamp))
    }
}

/// The body of a 432: how much work the node wants (extensions section 1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct Difficulty {
    /// Factor of network-protocol section 5.
    pub difficulty: u64,
}

impl Difficulty {
    /// Reads a 432 body.
    ///
    /// # Errors
    /// [`ReplyError`] where it names no difficulty.
    pub fn parse(body: &[u8]) -> Result<Difficulty, ReplyError> {
        read(body)
    }

    /// Writes a 432 body.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        Value::from(Map::from_iter([("difficulty".to_owned(), self.difficulty.into())]))
            .to_string()
            .into_bytes()
    }
}
