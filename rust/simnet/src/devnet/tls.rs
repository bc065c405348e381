//! One certificate for all nodes, made like those of the network (network-protocol section 14).

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::StartError;

/// RSA-2048, X.509 v3, `CN=localhost`, serial 1, self-signed, no subject alternative name.
const CERTIFICATE: &[u8] = include_bytes!("../../certificate/node.pem");

/// Public, and good for loopback alone.
const PUBLIC_TEST_KEY: &[u8] = include_bytes!("../../certificate/public-test-key.pem");

/// TLS 1.2 and 1.3, no ALPN.
pub(super) fn acceptor() -> Result<TlsAcceptor, StartError> {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE)?;
    let key = PrivateKeyDer::from_pem_slice(PUBLIC_TEST_KEY)?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
