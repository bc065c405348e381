//! What one replica answered: checked, and put into the batch.

use std::collections::BTreeSet;

use starling_protocol::hash::message_hash;
use starling_protocol::rpc::decode_data;
use starling_protocol::rpc::reply::{Retrieved, StoredMessage};
use starling_protocol::{AccountId, NodeKey};

use super::Batch;
use crate::outbox::seal::NAMESPACE;

/// What an answer says about the node that gave it.
pub(super) struct Page {
    /// Hashes handed out.
    pub(super) hashes: BTreeSet<String>,
    /// There is more behind it.
    pub(super) more: bool,
    /// A hash that is not its message's, data that is no message, or a page that leads nowhere.
    pub(super) lying: bool,
}

/// Takes one page into the batch. Genuine messages count even from a liar, because they prove
/// themselves; its word on where to go on does not.
pub(super) fn take_page(
    batch: &mut Batch,
    own: &AccountId,
    node: NodeKey,
    cursor: Option<&str>,
    page: Retrieved,
) -> Page {
    let mut taken = Page { hashes: BTreeSet::new(), more: page.more, lying: false };
    let last = page.messages.last().map(|message| message.hash.clone());
    for StoredMessage { hash, data, .. } in page.messages {
        match decode_data(&data) {
            Some(bytes) => {
                let computed = message_hash(own, NAMESPACE, &bytes);
                taken.lying |= computed != hash;
                taken.hashes.insert(computed.clone());
                batch.add(computed, data);
            }
            None => taken.lying = true,
        }
    }
    // More to come, but no step forward: a page that would be asked for for ever.
    taken.lying |= page.more && (last.is_none() || last.as_deref() == cursor);
    match last {
        Some(last) if !taken.lying => {
            batch.cursors.insert(node, last);
        }
        _ => taken.more = false,
    }
    batch.replicas.insert(node);
    taken
}
