//! What every fuzz target does with its bytes.
//!
//! A body is a function of any bytes. It hands them to one decoder (or to the core), asserts what must hold
//! whatever they are, and says whether they were accepted, so that a seed which has lost its meaning is
//! noticed. A body that returns has passed; a panic is a find. The fuzz targets and `tests/mutations.rs`
//! run the same functions.
//!
//! | module | what is decoded |
//! |---|---|
//! | [`account`] | account ids, recovery phrases, seeds and keys as text |
//! | [`message`] | stored data down to the content: envelope, sealed box, padding, content |
//! | [`ratchet`] | bundles, ratchet frames, plaintexts, Olm messages, pickles |
//! | [`onion`] | frames, layers, requests as nodes peel them, answers as clients open them |
//! | [`rpc`] | requests as nodes read them, every answer as clients read it |
//! | [`proof`] | nonces, times to live, puzzles |
//! | [`machine`] | nothing: the bytes are what happens to the core |
// This crate is a test: its assertions are its purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod account;
pub mod cast;
pub mod machine;
pub mod message;
pub mod onion;
pub mod proof;
pub mod ratchet;
pub mod rpc;

/// One body: a target of the same name feeds it, from seeds in the directory of the same name.
#[derive(Debug)]
pub struct Body {
    /// Name of the target.
    pub name: &'static str,
    /// Whether the bytes were accepted; panics if a promise is broken.
    pub run: fn(&[u8]) -> bool,
    /// Mutations of the seeds that the ordinary tests run: few where one run is expensive.
    pub mutations: usize,
}

const fn body(name: &'static str, run: fn(&[u8]) -> bool, mutations: usize) -> Body {
    Body { name, run, mutations }
}

/// Every body.
pub const BODIES: &[Body] = &[
    body("account_id", account::account_id, 10_000),
    body("phrase", account::phrase, 10_000),
    body("keys", account::keys, 10_000),
    body("envelope", message::envelope, 10_000),
    body("session_open", message::session_open, 2_000),
    body("sealed_open", message::sealed_open, 2_000),
    body("content", message::content, 10_000),
    body("padding", message::padding, 10_000),
    body("unseal", message::unseal, 2_000),
    body("bundle", ratchet::bundle, 1_000),
    body("ratchet_frame", ratchet::ratchet_frame, 2_000),
    body("plaintext", ratchet::plaintext, 10_000),
    body("olm_message", ratchet::olm_message, 2_000),
    body("pickle", ratchet::pickle, 5_000),
    body("frame", onion::frame, 10_000),
    body("layer_key", onion::layer_key, 3_000),
    body("onion_peel", onion::onion_peel, 3_000),
    body("onion_reply", onion::onion_reply, 8_000),
    body("rpc_request", rpc::rpc_request, 8_000),
    body("reply_info", rpc::reply_info, 10_000),
    body("reply_swarm", rpc::reply_swarm, 8_000),
    body("reply_stored", rpc::reply_stored, 8_000),
    body("reply_retrieved", rpc::reply_retrieved, 8_000),
    body("reply_node_list", rpc::reply_node_list, 8_000),
    body("reply_batch", rpc::reply_batch, 8_000),
    body("reply_difficulty", rpc::reply_difficulty, 10_000),
    body("reply_deleted", rpc::reply_deleted, 8_000),
    body("reply_expired", rpc::reply_expired, 8_000),
    body("reply_expiries", rpc::reply_expiries, 10_000),
    body("proof", proof::proof, 10_000),
    body("machine", machine::machine, 1_000),
];
