//! The storage RPC: requests as nodes read them, answers as clients read them.
//!
//! Reading is lenient and writing is not, so what was read and written once is read and written the same
//! from then on. Where reading keeps everything that writing shows, that holds from the first time on.

use std::fmt::Debug;

use starling_protocol::AccountId;
use starling_protocol::rpc::reply::{
    Batch, Deleted, Difficulty, Expired, Expiries, Info, NodeList, Retrieved, Stored, Swarm,
};
use starling_protocol::rpc::{MAX_BATCH, MAX_NODES, MAX_SWARM, Request};

/// Requests: what is read is written and read as the same request.
pub fn rpc_request(data: &[u8]) -> bool {
    match Request::parse(data) {
        Ok(request) => {
            assert_eq!(Request::parse(&request.to_json()).as_ref(), Ok(&request));
            check_signatures(&request);
            true
        }
        Err(refusal) => {
            assert!(matches!(refusal.status, 400 | 401 | 403 | 413), "{refusal}");
            false
        }
    }
}

/// A signature that holds was made by the owner of the account. The fuzzer cannot sign, but its seeds are
/// signed.
fn check_signatures(request: &Request) {
    let (holds, account, auth) = match request {
        Request::Store(store) => (store.verify(), store.account, store.auth),
        Request::Retrieve(retrieve) => (retrieve.verify(), retrieve.account, Some(retrieve.auth)),
        Request::Delete(delete) => (delete.verify(), delete.account, Some(delete.auth)),
        Request::Expire(expire) => (expire.verify(), expire.account, Some(expire.auth)),
        Request::GetExpiries(get) => (get.verify(), get.account, Some(get.auth)),
        Request::Batch(requests) | Request::Sequence(requests) => {
            assert!((1..=MAX_BATCH).contains(&requests.len()));
            return requests.iter().for_each(check_signatures);
        }
        Request::Info | Request::GetSwarm { .. } | Request::OxendRequest(_) => return,
    };
    if holds {
        assert_eq!(auth.map(|auth| AccountId::from_ed25519(&auth.ed25519)), Some(Ok(account)));
    }
}

/// `info`.
pub fn reply_info(data: &[u8]) -> bool {
    read(Info::parse(data)).is_some_and(|info| exact(info, Info::parse, |info| info.to_json()))
}

/// The demand of a 432.
pub fn reply_difficulty(data: &[u8]) -> bool {
    read(Difficulty::parse(data))
        .is_some_and(|asked| exact(asked, Difficulty::parse, |asked| asked.to_json()))
}

/// `get_swarm` and the body of a 421.
pub fn reply_swarm(data: &[u8]) -> bool {
    let Some(swarm) = read(Swarm::parse(data)) else { return false };
    assert!(swarm.nodes.len() <= MAX_SWARM);
    assert!(swarm.nodes.iter().all(|node| node.port != 0));
    exact(swarm, Swarm::parse, |swarm| swarm.to_json())
}

/// `retrieve`.
pub fn reply_retrieved(data: &[u8]) -> bool {
    read(Retrieved::parse(data)).is_some_and(|page| exact(page, Retrieved::parse, |page| page.to_json()))
}

/// `get_service_nodes`, of a node and of a seed's JSON-RPC.
pub fn reply_node_list(data: &[u8]) -> bool {
    let Some(list) = read(NodeList::parse(data)) else { return false };
    assert!(list.nodes.len() <= MAX_NODES);
    assert!(list.nodes.iter().all(|node| node.port != 0 && node.address_kind().is_some()));
    assert_eq!(NodeList::parse(&list.to_json_rpc(&String::from_utf8_lossy(data))), Ok(list.clone()));
    exact(list, NodeList::parse, |list| list.to_json(1))
}

/// `get_expiries`.
pub fn reply_expiries(data: &[u8]) -> bool {
    read(Expiries::parse(data)).is_some_and(|told| exact(told, Expiries::parse, |told| told.to_json()))
}

/// `store`.
pub fn reply_stored(data: &[u8]) -> bool {
    let Some(stored) = read(Stored::parse(data)) else { return false };
    assert!(stored.members.len() <= MAX_SWARM);
    settled(&stored, Stored::parse, |stored| stored.to_json())
}

/// `delete`.
pub fn reply_deleted(data: &[u8]) -> bool {
    read(Deleted::parse(data)).is_some_and(|told| settled(&told, Deleted::parse, |told| told.to_json()))
}

/// `expire`.
pub fn reply_expired(data: &[u8]) -> bool {
    read(Expired::parse(data)).is_some_and(|told| settled(&told, Expired::parse, |told| told.to_json()))
}

/// `batch` and `sequence`. A body that is an object is written anew, so numbers beyond a double may change;
/// their place and status may not, nor any other body.
pub fn reply_batch(data: &[u8]) -> bool {
    let Some(batch) = read(Batch::parse(data)) else { return false };
    assert!(batch.results.len() <= MAX_BATCH);
    let again = Batch::parse(&batch.to_json()).unwrap();
    assert_eq!(again.results.len(), batch.results.len());
    for (first, second) in batch.results.iter().zip(&again.results) {
        assert_eq!(first.status, second.status);
        assert!(first.body == second.body || second.body.starts_with(b"{"));
    }
    true
}

/// A reply that can be read. Why another cannot never repeats what it says.
fn read<T, E: Debug + std::fmt::Display>(reply: Result<T, E>) -> Option<T> {
    reply.inspect_err(|error| assert!(error.to_string().is_ascii())).ok()
}

/// Written and read again it is the same.
fn exact<T: PartialEq + Debug, E: PartialEq + Debug>(
    reply: T,
    parse: fn(&[u8]) -> Result<T, E>,
    to_json: fn(&T) -> Vec<u8>,
) -> bool {
    assert_eq!(parse(&to_json(&reply)), Ok(reply));
    true
}

/// Written and read again it is the same from the second time on: members come in the order of their keys'
/// spelling, and a member that failed says nothing else.
fn settled<T: PartialEq + Debug, E: PartialEq + Debug>(
    reply: &T,
    parse: fn(&[u8]) -> Result<T, E>,
    to_json: fn(&T) -> Vec<u8>,
) -> bool {
    exact(parse(&to_json(reply)).unwrap(), parse, to_json)
}
