//! Tag keys agreed before: the agreement costs more than all else about a tag.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::FrameKey;
use crate::account::AccountId;

/// Peers whose keys are kept, those of the latest use.
const MOST: usize = 64;

/// The keys of the peers heard of last. Each erases itself when it is dropped.
#[derive(Clone, Default)]
pub(crate) struct KeptFrameKeys {
    keys: Arc<Mutex<VecDeque<FrameKey>>>,
}

impl KeptFrameKeys {
    /// The key of a peer, if it is kept; it becomes the latest.
    pub(super) fn get(&self, peer: &AccountId) -> Option<FrameKey> {
        // Whoever panicked with the lock held left at worst a key out: agreeing anew is always right.
        let mut keys = self.keys.lock().ok()?;
        let at = keys.iter().position(|key| key.peer() == peer)?;
        let key = keys.remove(at)?;
        keys.push_front(key.clone());
        Some(key)
    }

    /// Keeps a key that was just agreed.
    pub(super) fn put(&self, key: &FrameKey) {
        if let Ok(mut keys) = self.keys.lock() {
            keys.retain(|kept| kept.peer() != key.peer());
            keys.push_front(key.clone());
            keys.truncate(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::account::{AccountKeys, Seed};

    #[test]
    fn keys_are_kept_for_the_latest_peers_only() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut keys = || AccountKeys::from_seed(&Seed::generate(&mut rng));
        let own = keys();
        let peers: Vec<AccountId> = (0..=MOST).map(|_| keys().account_id()).collect();
        let first = own.frame_key(&peers[0]).unwrap();
        for peer in &peers {
            own.frame_key(peer).unwrap();
        }
        assert!(own.kept.get(&peers[0]).is_none(), "the first made room for the last");
        assert!(own.clone().kept.get(&peers[MOST]).is_some(), "clones share what is kept");
        assert_eq!(own.frame_key(&peers[0]).unwrap().tag(b"frame"), first.tag(b"frame"));
    }
}
