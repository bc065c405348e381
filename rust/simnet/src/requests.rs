//! What a node does about each request of a client (network-protocol sections 4.3, 4.7, 5, 14).

use std::sync::Arc;

use starling_protocol::AccountId;
use starling_protocol::hash::message_hash;
use starling_protocol::pow::{Nonce, Puzzle};
use starling_protocol::rpc::reply::{Difficulty, Expiries, Info, Retrieved, StoredMessage};
use starling_protocol::rpc::{
    Auth, Delete, Expire, GetExpiries, MAX_TTL_MS, MAX_TTL_PRIVATE_MS, MIN_TTL_MS, RETRIEVE_MAX_BYTES,
    Request, Retrieve, SIGNATURE_TOLERANCE_MS, STORE_TOLERANCE_MS, Store, is_public_inbox,
};

use crate::gather::Plan;
use crate::mailbox::{Kept, Message, Page};
use crate::peer::Command;
use crate::seed::node_list;
use crate::{Handled, Node, Reply};

/// The storage server version our nodes report.
const VERSION: [u16; 3] = [2, 8, 0];

/// What comes of one request: an answer, or a command for the whole swarm.
pub(crate) enum Begun {
    Reply(Reply),
    Command(Command),
}

impl Node {
    /// Does what a client asks. `Handled::Gather` means that other members are asked first.
    pub fn handle(&mut self, request: Request, now_ms: u64) -> Handled {
        if self.policy.refuse || self.swarm.is_none() {
            return Handled::Reply(Reply::text(503, "Service node is not ready: not in any swarm"));
        }
        self.expire(now_ms);
        match request {
            Request::Batch(requests) => self.batch(requests, now_ms),
            Request::Sequence(requests) => self.sequence(Vec::new(), requests.into(), now_ms),
            request => match self.begin(request, now_ms) {
                Begun::Reply(reply) => Handled::Reply(reply),
                Begun::Command(command) => self.gather(Plan::Single, vec![command], now_ms),
            },
        }
    }

    /// Checks one request, answers it if this node can do so alone.
    pub(crate) fn begin(&mut self, request: Request, now_ms: u64) -> Begun {
        let now = self.local(now_ms);
        let reply = match request {
            Request::Info => Ok(Info { timestamp: now, version: VERSION.to_vec() }.to_json()),
            Request::GetSwarm { account } => Ok(self.view.listing(&account, now)),
            Request::OxendRequest(query) => Ok(node_list(&self.view, query).to_json(now)),
            Request::Retrieve(retrieve) => self.retrieve(&retrieve, now),
            Request::GetExpiries(get) => self.get_expiries(&get, now),
            Request::Store(store) => return begun(self.check_store(store, now).map(Command::Store)),
            Request::Delete(delete) => return begun(self.check_delete(delete, now).map(Command::Delete)),
            Request::Expire(expire) => return begun(self.check_expire(expire, now).map(Command::Expire)),
            // The parser allows no batch within a batch; a typed caller gets the same answer.
            Request::Batch(_) | Request::Sequence(_) => Err(Reply::text(400, "no method batch")),
        };
        Begun::Reply(reply.map_or_else(|refusal| refusal, |body| Reply::json(200, body)))
    }

    fn retrieve(&self, request: &Retrieve, now: u64) -> Result<Vec<u8>, Reply> {
        self.check_ours(&request.account, now)?;
        check_signed_time("retrieve", request.timestamp, now)?;
        self.check_signature("retrieve signature", &request.account, &request.auth, || {
            request.signed_bytes()
        })?;
        if self.policy.withhold {
            return Ok(Retrieved { t: Some(now), ..Retrieved::default() }.to_json());
        }
        let page = Page {
            last_hash: request.last_hash.as_deref(),
            max_count: page_count(request.max_count),
            max_bytes: page_bytes(request.max_count, request.max_size),
        };
        let (messages, more) = self.mailboxes.page(request.account, request.namespace, &page);
        let messages = messages.into_iter().map(stored_message).collect();
        Ok(Retrieved { messages, more, t: Some(now) }.to_json())
    }

    fn get_expiries(&self, request: &GetExpiries, now: u64) -> Result<Vec<u8>, Reply> {
        self.check_ours(&request.account, now)?;
        check_signed_time("get_expiries", request.timestamp, now)?;
        self.check_signature("get_expiries signature", &request.account, &request.auth, || {
            request.signed_bytes()
        })?;
        Ok(Expiries { expiries: self.mailboxes.expiries(request.account, &request.messages) }.to_json())
    }

    /// The network's order of checks: swarm 421, TTL 403, clock 406, owner 401, work 432.
    fn check_store(&self, store: Store, now: u64) -> Result<Kept, Reply> {
        let data = store.decoded()?;
        self.check_ours(&store.account, now)?;
        let public = is_public_inbox(store.namespace);
        let longest = if public { MAX_TTL_MS } else { MAX_TTL_PRIVATE_MS };
        if !(MIN_TTL_MS..=longest).contains(&store.ttl_ms) {
            return Err(Reply::text(403, "Provided expiry/TTL is not valid."));
        }
        let early = store.timestamp > now.saturating_add(STORE_TOLERANCE_MS);
        if early || store.expiry() < now.saturating_sub(STORE_TOLERANCE_MS) {
            return Err(Reply::text(406, "Timestamp error: check your clock"));
        }
        if !public {
            let why = || {
                Reply::text(
                    401,
                    format!("store: signature required to store to namespace {}", store.namespace),
                )
            };
            let auth = store.auth.as_ref().ok_or_else(why)?;
            check_signed_time("store signature", store.timestamp, now)?;
            self.check_signature("store signature", &store.account, auth, || store.signed_bytes())?;
        } else if let Some(difficulty) = self.policy.difficulty.filter(|wanted| !self.proves(&store, *wanted))
        {
            return Err(Reply::json(432, Difficulty { difficulty }.to_json()));
        }
        let expiry = store.expiry();
        let message = Message {
            account: store.account,
            namespace: store.namespace,
            hash: message_hash(&store.account, store.namespace, &data),
            timestamp: store.timestamp,
            nonce: store.nonce,
            data: store.data,
        };
        Ok(Kept { message: Arc::new(message), expiry })
    }

    /// Whether the nonce proves the wanted work, by computation or by oracle.
    fn proves(&self, store: &Store, difficulty: u64) -> bool {
        let Some(Ok(nonce)) = store.nonce.as_deref().map(Nonce::from_base64) else { return false };
        if !self.policy.verify_proofs {
            return nonce.0 >= difficulty;
        }
        let (timestamp, ttl) = (store.timestamp.to_string(), store.ttl_ms.to_string());
        Puzzle::new(&timestamp, &ttl, &store.account.to_string(), &store.data, difficulty)
            .is_ok_and(|puzzle| puzzle.check(nonce.0).is_some())
    }

    fn check_delete(&self, delete: Delete, now: u64) -> Result<Delete, Reply> {
        self.check_ours(&delete.account, now)?;
        self.check_signature("delete_msgs signature", &delete.account, &delete.auth, || {
            delete.signed_bytes()
        })?;
        Ok(delete)
    }

    fn check_expire(&self, expire: Expire, now: u64) -> Result<Expire, Reply> {
        self.check_ours(&expire.account, now)?;
        if expire.expiry < now.saturating_sub(SIGNATURE_TOLERANCE_MS) {
            return Err(Reply::text(401, "expire: timestamp should be >= current time"));
        }
        self.check_signature("expire: signature", &expire.account, &expire.auth, || expire.signed_bytes())?;
        Ok(expire)
    }

    fn check_ours(&self, account: &AccountId, now: u64) -> Result<(), Reply> {
        if self.is_ours(account) { Ok(()) } else { Err(Reply::json(421, self.view.listing(account, now))) }
    }

    fn check_signature(
        &self,
        what: &str,
        account: &AccountId,
        auth: &Auth,
        message: impl FnOnce() -> Vec<u8>,
    ) -> Result<(), Reply> {
        if self.signatures.verify(account, auth, &message()) {
            Ok(())
        } else {
            Err(Reply::text(401, format!("{what} verification failed")))
        }
    }
}

fn begun(command: Result<Command, Reply>) -> Begun {
    command.map_or_else(Begun::Reply, Begun::Command)
}

fn check_signed_time(what: &str, timestamp: u64, now: u64) -> Result<(), Reply> {
    if timestamp.abs_diff(now) <= SIGNATURE_TOLERANCE_MS {
        Ok(())
    } else {
        Err(Reply::text(406, format!("{what} timestamp too far from current time")))
    }
}

fn page_count(max_count: Option<u32>) -> usize {
    match max_count {
        None | Some(0) => usize::MAX,
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
    }
}

/// The bytes of a page: -k is a k-th of the cap; with neither limit given it is a fifth.
fn page_bytes(max_count: Option<u32>, max_size: Option<i64>) -> u64 {
    let given = max_size.filter(|size| *size != 0);
    let unlimited = max_count.is_none_or(|count| count == 0);
    let size = given.unwrap_or(if unlimited { -5 } else { -1 });
    if size < 0 {
        RETRIEVE_MAX_BYTES / size.unsigned_abs()
    } else {
        size.unsigned_abs().min(RETRIEVE_MAX_BYTES)
    }
}

fn stored_message(kept: &Kept) -> StoredMessage {
    StoredMessage {
        hash: kept.message.hash.clone(),
        timestamp: kept.message.timestamp,
        expiration: kept.expiry,
        data: kept.message.data.to_string(),
    }
}
