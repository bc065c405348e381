//! What lies in the swarm for one account: more than fits the memory that is measured, so most of it is on disk.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use starling_protocol::rpc::decode_data;
use starling_protocol::rpc::reply::{Retrieved, StoredMessage};
use starling_protocol::{AccountId, message_hash};

/// Every member of the swarm holds the same, in the same order.
pub(crate) struct Mail {
    owner: AccountId,
    file: File,
    /// Where each message begins in the file, and where the last one ends.
    ends: Vec<u64>,
    hashes: Vec<String>,
    places: HashMap<String, usize>,
    /// Those that have arrived, in the order of arrival, and the place of each in it.
    arrived: Vec<usize>,
    order: HashMap<usize, usize>,
}

impl Mail {
    pub(crate) fn new(owner: AccountId) -> Self {
        Self {
            owner,
            file: tempfile::tempfile().unwrap(),
            ends: vec![0],
            hashes: Vec::new(),
            places: HashMap::new(),
            arrived: Vec::new(),
            order: HashMap::new(),
        }
    }

    /// Keeps a message that has not arrived yet; returns its number.
    pub(crate) fn keep(&mut self, data: &str) -> usize {
        self.file.write_all(data.as_bytes()).unwrap();
        let number = self.hashes.len();
        self.ends.push(self.ends[number] + data.len() as u64);
        let hash = message_hash(&self.owner, 0, &decode_data(data).unwrap());
        self.places.insert(hash.clone(), number);
        self.hashes.push(hash);
        number
    }

    pub(crate) fn holds(&self, hash: &str) -> bool {
        self.places.contains_key(hash)
    }

    /// From now on a kept message is handed out.
    pub(crate) fn arrive(&mut self, number: usize) {
        self.order.insert(number, self.arrived.len());
        self.arrived.push(number);
    }

    /// Room for what is to come, so that it is not counted later.
    pub(crate) fn reserve(&mut self, messages: usize) {
        self.arrived.reserve(messages);
        self.order.reserve(messages);
    }

    /// The page after a message, with at most so many characters of data.
    pub(crate) fn page(&self, after: Option<&str>, most: u64) -> Retrieved {
        let after = after.and_then(|hash| self.order.get(self.places.get(hash)?));
        let rest = &self.arrived[after.map_or(0, |at| at + 1)..];
        let (mut messages, mut size) = (Vec::new(), 0);
        for number in rest {
            let length = self.ends[number + 1] - self.ends[*number];
            if !messages.is_empty() && size + length > most {
                break;
            }
            size += length;
            messages.push(self.message(*number, length));
        }
        let more = messages.len() < rest.len();
        Retrieved { messages, more, t: None }
    }

    fn message(&self, number: usize, length: u64) -> StoredMessage {
        let mut data = vec![0; length as usize];
        self.file.read_exact_at(&mut data, self.ends[number]).unwrap();
        let data = String::from_utf8(data).unwrap();
        StoredMessage { hash: self.hashes[number].clone(), timestamp: 1, expiration: u64::MAX >> 8, data }
    }
}
