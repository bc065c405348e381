//! Ed25519 results, remembered: the three replicas of one poll see the same signature, and a member of a
//! swarm signs the same hash for every entry node. One of the simulator's short cuts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use starling_protocol::rpc::Auth;
use starling_protocol::{AccountId, NodeKey, verify_ed25519};
use starling_simnet::{Identity, Signatures};

/// Results kept of each kind; a full memo starts anew.
const CAPACITY: usize = 4_096;

/// Shared by all servers of a world.
#[derive(Default)]
pub(crate) struct Memo {
    owned: Mutex<BTreeMap<(AccountId, [u8; 32]), bool>>,
    verified: Mutex<BTreeMap<Verified, bool>>,
    signed: Mutex<BTreeMap<Signed, [u8; 64]>>,
}

type Signed = (NodeKey, Vec<u8>);
type Verified = ([u8; 32], [u8; 64], Vec<u8>);

impl Signatures for Memo {
    fn verify(&self, account: &AccountId, auth: &Auth, message: &[u8]) -> bool {
        let owns = || AccountId::from_ed25519(&auth.ed25519).is_ok_and(|id| id == *account);
        let key = (auth.ed25519, auth.signature, message.to_vec());
        remember(&self.owned, (*account, auth.ed25519), owns)
            && remember(&self.verified, key, || verify_ed25519(&auth.ed25519, message, &auth.signature))
    }

    fn sign(&self, identity: &Identity, message: &[u8]) -> [u8; 64] {
        remember(&self.signed, (identity.key(), message.to_vec()), || identity.sign(message))
    }
}

fn remember<K: Ord, V: Copy>(memo: &Mutex<BTreeMap<K, V>>, key: K, compute: impl FnOnce() -> V) -> V {
    let mut memo = memo.lock().unwrap_or_else(PoisonError::into_inner);
    if memo.len() >= CAPACITY {
        memo.clear();
    }
    *memo.entry(key).or_insert_with(compute)
}
