//! The real network: onion requests over HTTPS (network-protocol sections 4.1 and 6).

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use once_cell::sync::Lazy;
use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use reqwest::Client;
use starling_core::{Outcome, Request, Route};
use starling_protocol::onion::{self, Cipher, Hop};
use starling_protocol::{ServiceNode, rpc};

use crate::clock::BoxFuture;
use crate::error::{EngineError, Hindrance};
use crate::network::{Answered, Network};

/// The largest HTTP body that is read (network-protocol section 6.3).
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// Storage servers close idle connections after ten seconds; ours are given up before.
const POOL_IDLE: Duration = Duration::from_secs(7);
/// A guard that does not even accept a connection is known to be down long before a request
/// through it would time out.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of a hop's error text is kept: enough for its sentence and a node key.
const ERROR_TEXT_LIMIT: usize = 300;

/// rustls takes its cryptography from one provider per process. An application that has chosen
/// one already keeps it.
static CRYPTO_PROVIDER: Lazy<()> = Lazy::new(|| {
    let _ = rustls::crypto::ring::default_provider().install_default();
});

/// Onion requests to service nodes, direct ones to guards, and JSON-RPC to seed nodes.
///
/// Certificates are not verified: service nodes have self-signed ones, and what proves that a node
/// is the one we mean is the onion layer, whose keys come from the node directory. A seed node's
/// answer has no such layer: it is believed only until a quorum of nodes has been asked
/// (extensions section 2).
#[derive(Debug)]
pub struct OnionHttp {
    client: RwLock<Client>,
}

impl OnionHttp {
    /// A client without connections.
    ///
    /// # Errors
    /// [`EngineError::RetryLater`] if the system gives us no client.
    pub fn new() -> Result<Self, EngineError> {
        let client = new_client().map_err(|_| EngineError::RetryLater(Hindrance::System))?;
        Ok(Self { client: RwLock::new(client) })
    }
}

fn new_client() -> reqwest::Result<Client> {
    Lazy::force(&CRYPTO_PROVIDER);
    Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE)
        .build()
}

impl Network for OnionHttp {
    fn request(&self, request: Request) -> BoxFuture<Answered> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            match &request.route {
                Route::Seed(url) => {
                    let url = format!("{}/json_rpc", url.trim_end_matches('/'));
                    plain(&client, url, rpc::seed_node_list_request()).await
                }
                Route::Direct(node) => {
                    plain(&client, url(node, "storage_rpc/v1"), request.body.to_json()).await
                }
                Route::Onion { relays, destination } => {
                    layered(&client, relays, destination, &request.body.to_json()).await
                }
            }
        })
    }

    fn network_changed(&self) {
        // The pool goes with the client. If there is no new one, stale connections fail once each.
        if let Ok(client) = new_client() {
            *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
        }
    }
}

fn url(node: &ServiceNode, path: &str) -> String {
    format!("https://{}:{}/{path}", node.ip, node.port)
}

/// A request whose answer is the HTTP answer itself.
async fn plain(client: &Client, url: String, body: Vec<u8>) -> Answered {
    let exchange = post(client, url, body).await;
    let outcome = match exchange.answer {
        Ok(HttpAnswer { status, body }) => Outcome::Reply { status, body },
        Err(outcome) => outcome,
    };
    Answered { outcome, bytes: exchange.bytes }
}

/// A request in onion layers: only HTTP 200 comes from the destination (section 6.4).
async fn layered(
    client: &Client,
    relays: &[ServiceNode],
    destination: &ServiceNode,
    body: &[u8],
) -> Answered {
    let garbled = Answered { outcome: Outcome::Garbled, bytes: 0 };
    let Some(guard) = relays.first() else { return garbled };
    let hops: Vec<Hop> = relays.iter().map(hop).collect();
    let mut rng = UnwrapErr(SysRng);
    // Fails for keys no honest node has; then there is nothing to send.
    let Ok(request) = onion::build(&hops, &hop(destination), body, Cipher::XChaCha20, &mut rng) else {
        return garbled;
    };
    let exchange = post(client, url(guard, "onion_req/v2"), request.body).await;
    let outcome = match exchange.answer {
        Ok(HttpAnswer { status: 200, body }) => match request.reply.open(&body) {
            Ok(reply) => Outcome::Reply { status: reply.status, body: reply.body },
            Err(_) => Outcome::Garbled,
        },
        Ok(HttpAnswer { status, body }) => Outcome::PathError { status, text: error_text(&body) },
        Err(outcome) => outcome,
    };
    Answered { outcome, bytes: exchange.bytes }
}

fn hop(node: &ServiceNode) -> Hop {
    Hop { key: node.key, x25519: node.x25519 }
}

fn error_text(body: &[u8]) -> String {
    String::from_utf8_lossy(body.get(..ERROR_TEXT_LIMIT).unwrap_or(body)).into_owned()
}

/// One HTTP request and what became of it.
struct Exchange {
    answer: Result<HttpAnswer, Outcome>,
    /// Sizes of both bodies.
    bytes: u64,
}

struct HttpAnswer {
    status: u16,
    body: Vec<u8>,
}

async fn post(client: &Client, url: String, body: Vec<u8>) -> Exchange {
    let mut bytes = body.len() as u64;
    let answer = match client.post(url).body(body).send().await {
        Ok(response) => read(response, &mut bytes).await,
        Err(error) => Err(failed(&error)),
    };
    Exchange { answer, bytes }
}

/// Reads a body piece by piece, because the length a server announces is only its word.
async fn read(mut response: reqwest::Response, bytes: &mut u64) -> Result<HttpAnswer, Outcome> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| failed(&error))? {
        *bytes += piece.len() as u64;
        if body.len() + piece.len() > BODY_LIMIT {
            return Err(Outcome::Garbled);
        }
        body.extend_from_slice(&piece);
    }
    Ok(HttpAnswer { status, body })
}

/// A connection that breaks in the middle counts like one that could not be made: either way it is
/// the first hop that failed us, and the request may be repeated.
fn failed(error: &reqwest::Error) -> Outcome {
    if error.is_timeout() && !error.is_connect() { Outcome::TimedOut } else { Outcome::Unreachable }
}
