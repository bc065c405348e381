//! What a member does about a command for its swarm, whoever of the members received it, and the
//! receipts it signs (network-protocol section 4.6).

use starling_protocol::hash::message_hash;
use starling_protocol::rpc::reply::{MemberDeletion, MemberExpiry, MemberReceipt};
use starling_protocol::rpc::{Delete, Expire, ExpireMode, MAX_TTL_PRIVATE_MS};
use starling_protocol::{AccountId, NodeKey};

use crate::mailbox::Kept;
use crate::peer::{Answer, Command, Kind};
use crate::{Lie, Node, PeerMessage, PeerReply};

impl Node {
    /// Takes a message from another node. `None` for one that wants no answer, and from a node that
    /// has no business here: its sender then sees silence.
    pub fn receive(&mut self, from: NodeKey, message: &PeerMessage, now_ms: u64) -> Option<PeerReply> {
        self.expire(now_ms);
        let now = self.local(now_ms);
        match &message.0 {
            Kind::Dump(messages) => {
                let known = self.view.node(&from).is_some();
                for kept in messages.iter().filter(|kept| known && kept.expiry > now) {
                    self.mailboxes.put(kept);
                }
                None
            }
            Kind::Commands(commands) => {
                let peer = self.peers().any(|key| key == from);
                if !peer || self.policy.refuse {
                    return None;
                }
                Some(PeerReply(
                    commands.iter().map(|command| self.execute_for_peer(command, now_ms)).collect(),
                ))
            }
        }
    }

    /// The sender checked the request, but a member believes no one about whose message it deletes.
    fn execute_for_peer(&mut self, command: &Command, now_ms: u64) -> Answer {
        let verify =
            |account: &AccountId, auth, message: Vec<u8>| self.signatures.verify(account, auth, &message);
        let allowed = match command {
            Command::Store(kept) => self.is_ours(&kept.message.account) && kept.expiry > self.local(now_ms),
            Command::Delete(delete) => {
                self.is_ours(&delete.account) && verify(&delete.account, &delete.auth, delete.signed_bytes())
            }
            Command::Expire(expire) => {
                self.is_ours(&expire.account) && verify(&expire.account, &expire.auth, expire.signed_bytes())
            }
        };
        if allowed { self.execute(command, now_ms) } else { command.failed(self.key, false) }
    }

    /// Carries out a checked command.
    pub(crate) fn execute(&mut self, command: &Command, now_ms: u64) -> Answer {
        if self.policy.broken {
            return command.failed(self.key, false);
        }
        match command {
            Command::Store(kept) => Answer::Stored(self.store(kept)),
            Command::Delete(delete) => Answer::Deleted(self.delete(delete)),
            Command::Expire(expire) => Answer::Expired(self.set_expiry(expire, now_ms)),
        }
    }

    fn store(&mut self, kept: &Kept) -> MemberReceipt {
        let true_hash = kept.message.hash.clone();
        let (hash, stored) = match self.policy.lie {
            None => (true_hash, self.mailboxes.put(kept)),
            Some(Lie::Discard | Lie::ForgeReceipts) => (true_hash, (false, kept.expiry)),
            Some(Lie::WrongHash) => (other_hash(kept), (false, kept.expiry)),
        };
        let (already, expiry) = stored;
        MemberReceipt {
            node: self.key,
            signature: Some(self.sign(&hash)),
            hash: Some(hash),
            failed: false,
            timeout: false,
            already,
            expiry: Some(expiry),
        }
    }

    fn delete(&mut self, delete: &Delete) -> MemberDeletion {
        let deleted = self.mailboxes.delete(delete.account, &delete.messages);
        let signed = format!("{}{}{}", delete.account, delete.messages.concat(), deleted.concat());
        let signature = Some(self.sign(&signed));
        MemberDeletion { node: self.key, deleted, signature, failed: false }
    }

    fn set_expiry(&mut self, expire: &Expire, now_ms: u64) -> MemberExpiry {
        let expiry = expire.expiry.min(self.local(now_ms).saturating_add(MAX_TTL_PRIVATE_MS));
        let (updated, unchanged) =
            self.mailboxes.set_expiry(expire.account, &expire.messages, expiry, expire.mode);
        let mut signed =
            format!("{}{expiry}{}{}", expire.account, expire.messages.concat(), updated.concat());
        if expire.mode != ExpireMode::Set {
            signed.extend(unchanged.iter().map(|(hash, expiry)| format!("{hash}{expiry}")));
        }
        let signature = Some(self.sign(&signed));
        MemberExpiry { node: self.key, updated, unchanged, expiry: Some(expiry), signature, failed: false }
    }

    fn sign(&self, message: &str) -> [u8; 64] {
        self.signatures.sign(&self.identity, message.as_bytes())
    }

    /// Receipts of all peers, invented.
    pub(crate) fn forged(&self, command: &Command) -> Vec<Answer> {
        let Command::Store(kept) = command else { return Vec::new() };
        let forge = |node| {
            Answer::Stored(MemberReceipt {
                node,
                hash: Some(kept.message.hash.clone()),
                signature: Some([7; 64]),
                failed: false,
                timeout: false,
                already: false,
                expiry: Some(kept.expiry),
            })
        };
        self.peers().map(forge).collect()
    }
}

/// A well-formed hash that is not this message's.
fn other_hash(kept: &Kept) -> String {
    message_hash(&kept.message.account, kept.message.namespace, kept.message.hash.as_bytes())
}
