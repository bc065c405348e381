//! The hop from a relay to the next node: a real HTTPS request.

use reqwest::Client;
use starling_protocol::ServiceNode;
use starling_protocol::rpc::MAX_BODY_BYTES;

use super::Config;
use super::host::Fabric;
use crate::{Reply, path_error};

/// The client all relays share. Certificates say nothing on this network: the onion layer proves
/// who answers (network-protocol section 4.1).
pub(super) fn client(config: &Config) -> Result<Client, reqwest::Error> {
    // Fails only if another provider was installed before, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .danger_accept_invalid_certs(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // Below the servers' idle time, or a request might meet a connection just closed.
        .pool_idle_timeout(config.idle_timeout / 2)
        .timeout(config.hop_timeout)
        .build()
}

impl Fabric {
    /// Posts an onion body to the next node and hands its answer back untouched.
    pub(super) async fn relay(&self, next: &ServiceNode, body: Vec<u8>) -> Reply {
        let url = format!("https://{}:{}/onion_req/v2", next.ip, next.port);
        let answer = async {
            let mut response = self.client.post(url).body(body).send().await?;
            let (status, mut body) = (response.status().as_u16(), Vec::new());
            while let Some(chunk) = response.chunk().await? {
                if body.len() + chunk.len() > MAX_BODY_BYTES {
                    return Ok(path_error::invalid_response());
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Reply { status, body })
        };
        answer.await.unwrap_or_else(|error: reqwest::Error| match error {
            error if error.is_timeout() => path_error::timed_out(),
            error if error.is_connect() => path_error::next_unreachable(&next.key),
            _ => path_error::invalid_response(),
        })
    }
}
