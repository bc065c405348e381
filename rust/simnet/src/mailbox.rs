//! A node's store: mailboxes in order of arrival, messages once per hash, expiry to the millisecond.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use starling_protocol::AccountId;
use starling_protocol::rpc::ExpireMode;

/// A message and when it expires. The message is shared by all members of a swarm that run in one
/// process; the expiry is each member's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Kept {
    pub(crate) message: Arc<Message>,
    pub(crate) expiry: u64,
}

/// What never changes of a stored message.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Message {
    pub(crate) account: AccountId,
    pub(crate) namespace: i16,
    pub(crate) hash: String,
    pub(crate) timestamp: u64,
    pub(crate) nonce: Option<String>,
    pub(crate) data: Arc<str>,
}

/// One message of [`Node::dump`](crate::Node::dump).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DumpedMessage {
    /// Recipient.
    pub account: AccountId,
    /// Namespace it lies in.
    pub namespace: i16,
    /// Its hash, 43 characters.
    pub hash: String,
    /// When it was sent, by its sender's word, ms.
    pub timestamp: u64,
    /// When this node deletes it, ms.
    pub expiry: u64,
    /// Proof of work it came with; not kept by other members.
    pub nonce: Option<String>,
    /// Base64.
    pub data: String,
}

/// One mailbox, or one page of it.
type Key = (AccountId, i16);

#[derive(Default)]
struct Mailbox {
    /// In order of arrival at this node; the row number is the cursor's meaning.
    rows: BTreeMap<u64, Kept>,
    by_hash: BTreeMap<String, u64>,
}

/// All mailboxes of one node.
#[derive(Default)]
pub(crate) struct Mailboxes {
    boxes: BTreeMap<Key, Mailbox>,
    due: BTreeSet<(u64, u64, AccountId, i16)>,
    next_row: u64,
}

/// Which page of a mailbox.
pub(crate) struct Page<'a> {
    pub(crate) last_hash: Option<&'a str>,
    pub(crate) max_count: usize,
    pub(crate) max_bytes: u64,
}

impl Mailboxes {
    /// Keeps a message. One that is already there only has its expiry extended; returns whether it
    /// was, and its expiry now.
    pub(crate) fn put(&mut self, kept: &Kept) -> (bool, u64) {
        let message = &kept.message;
        let key = (message.account, message.namespace);
        let mailbox = self.boxes.entry(key).or_default();
        if let Some(row) = mailbox.by_hash.get(&message.hash).copied() {
            let old = mailbox.rows.get(&row).map_or(0, |kept| kept.expiry);
            let expiry = old.max(kept.expiry);
            self.move_expiry(key, row, expiry);
            return (true, expiry);
        }
        let row = self.next_row;
        self.next_row += 1;
        mailbox.by_hash.insert(message.hash.clone(), row);
        mailbox.rows.insert(row, kept.clone());
        self.due.insert((kept.expiry, row, key.0, key.1));
        (false, kept.expiry)
    }

    /// A page in order of arrival, and whether more follow. At least one message if there is any
    /// (network-protocol section 4.7).
    pub(crate) fn page(&self, account: AccountId, namespace: i16, page: &Page<'_>) -> (Vec<&Kept>, bool) {
        let Some(mailbox) = self.boxes.get(&(account, namespace)) else { return (Vec::new(), false) };
        let after = page.last_hash.and_then(|hash| mailbox.by_hash.get(hash));
        let mut rows = mailbox.rows.range(after.map_or(0, |row| row + 1)..).map(|(_, kept)| kept);
        let (mut messages, mut bytes) = (Vec::new(), 0_u64);
        for kept in rows.by_ref() {
            bytes = bytes.saturating_add(kept.message.data.len() as u64);
            let full = messages.len() >= page.max_count || bytes > page.max_bytes;
            if full && !messages.is_empty() {
                return (messages, true);
            }
            messages.push(kept);
        }
        (messages, false)
    }

    /// Deletes an account's messages, whatever their namespace; returns the hashes found, sorted.
    pub(crate) fn delete(&mut self, account: AccountId, hashes: &[String]) -> Vec<String> {
        let found = self.find(account, hashes);
        for (key, row, _) in found.values() {
            self.remove(*key, *row);
        }
        found.into_keys().collect()
    }

    /// Moves expiries as `mode` allows; returns the hashes changed, and those left with their expiry.
    pub(crate) fn set_expiry(
        &mut self,
        account: AccountId,
        hashes: &[String],
        expiry: u64,
        mode: ExpireMode,
    ) -> (Vec<String>, BTreeMap<String, u64>) {
        let (mut updated, mut unchanged) = (Vec::new(), BTreeMap::new());
        for (hash, (key, row, old)) in self.find(account, hashes) {
            let moves = match mode {
                ExpireMode::Set => true,
                ExpireMode::Shorten => expiry < old,
                ExpireMode::Extend => expiry > old,
            };
            if moves {
                self.move_expiry(key, row, expiry);
                updated.push(hash);
            } else {
                unchanged.insert(hash, old);
            }
        }
        (updated, unchanged)
    }

    /// Expiries of those messages that are here.
    pub(crate) fn expiries(&self, account: AccountId, hashes: &[String]) -> BTreeMap<String, u64> {
        self.find(account, hashes).into_iter().map(|(hash, (_, _, expiry))| (hash, expiry)).collect()
    }

    /// Deletes what has expired: a message lives while `now < expiry`.
    pub(crate) fn expire(&mut self, now: u64) {
        while let Some((expiry, row, account, namespace)) = self.due.first().copied() {
            if expiry > now {
                return;
            }
            self.remove((account, namespace), row);
        }
    }

    /// All messages, mailbox by mailbox, in order of arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.boxes.values().flat_map(|mailbox| mailbox.rows.values())
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    fn find(&self, account: AccountId, hashes: &[String]) -> BTreeMap<String, (Key, u64, u64)> {
        let mut found = BTreeMap::new();
        for (key, mailbox) in self.boxes.range((account, i16::MIN)..=(account, i16::MAX)) {
            for hash in hashes {
                let Some(row) = mailbox.by_hash.get(hash) else { continue };
                let expiry = mailbox.rows.get(row).map_or(0, |kept| kept.expiry);
                found.insert(hash.clone(), (*key, *row, expiry));
            }
        }
        found
    }

    fn move_expiry(&mut self, key: Key, row: u64, expiry: u64) {
        let kept = self.boxes.get_mut(&key).and_then(|mailbox| mailbox.rows.get_mut(&row));
        if let Some(kept) = kept {
            self.due.remove(&(kept.expiry, row, key.0, key.1));
            self.due.insert((expiry, row, key.0, key.1));
            kept.expiry = expiry;
        }
    }

    fn remove(&mut self, key: Key, row: u64) {
        let Some(mailbox) = self.boxes.get_mut(&key) else { return };
        if let Some(kept) = mailbox.rows.remove(&row) {
            mailbox.by_hash.remove(&kept.message.hash);
            self.due.remove(&(kept.expiry, row, key.0, key.1));
        }
        if mailbox.rows.is_empty() {
            self.boxes.remove(&key);
        }
    }
}

impl Kept {
    pub(crate) fn dumped(&self) -> DumpedMessage {
        let message = &self.message;
        DumpedMessage {
            account: message.account,
            namespace: message.namespace,
            hash: message.hash.clone(),
            timestamp: message.timestamp,
            expiry: self.expiry,
            nonce: message.nonce.clone(),
            data: message.data.to_string(),
        }
    }
}
