//! The devnet as today's network: every observation on storage servers 2.8.0 (network-protocol
//! section 14) that concerns what a node answers, read as raw HTTP and JSON.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod connections;
mod replication;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Value, json};
use starling_protocol::{AccountKeys, Seed, ServiceNode};
use starling_simnet::devnet::{Config, Devnet};

/// Far longer than anything here takes: only a test that hangs meets it.
const HANG: Duration = Duration::from_secs(60);

const DAY: u64 = 86_400_000;

/// One swarm of today's network.
async fn swarm(swarm_size: usize) -> Devnet {
    Devnet::start(Config { swarms: 1, swarm_size, ..Config::storage_server() }).await.unwrap()
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn keys() -> AccountKeys {
    AccountKeys::from_seed(&Seed::from_bytes(&[1; 16]).unwrap())
}

struct Answer {
    status: u16,
    content_type: String,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        assert_eq!(self.content_type, "application/json", "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    /// The JSON of a success.
    fn good(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// The status of an error in plain text.
    fn refusal(&self) -> u16 {
        assert_eq!(self.content_type, "text/plain", "{}", self.text);
        assert!(serde_json::from_str::<Value>(&self.text).is_err(), "{}", self.text);
        self.status
    }
}

async fn post(url: String, body: String) -> Answer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client =
        Client::builder().danger_accept_invalid_certs(true).no_proxy().timeout(HANG).build().unwrap();
    let response = client.post(url).body(body).send().await.unwrap();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    Answer { status: response.status().as_u16(), content_type, text: response.text().await.unwrap() }
}

/// Asks a node directly.
async fn ask(node: &ServiceNode, method: &str, params: Value) -> Answer {
    let url = format!("https://{}:{}/storage_rpc/v1", node.ip, node.port);
    post(url, json!({"method": method, "params": params}).to_string()).await
}

/// A text for the inbox of [`keys`].
fn store(text: &str) -> Value {
    let pubkey = keys().account_id().to_string();
    json!({"pubkey": pubkey, "timestamp": now(), "ttl": DAY, "data": STANDARD.encode(text)})
}

/// Params signed by [`keys`]: `signed` comes before the timestamp in the signed string.
fn signed(signed: &str, mut params: Value) -> Value {
    let (keys, timestamp) = (keys(), now());
    let signature = keys.sign(format!("{signed}{timestamp}").as_bytes());
    params["pubkey"] = keys.account_id().to_string().into();
    params["pubkey_ed25519"] = hex(&keys.ed25519_public()).into();
    params["timestamp"] = timestamp.into();
    params["signature"] = STANDARD.encode(signature).into();
    params
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
