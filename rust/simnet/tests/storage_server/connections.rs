//! TLS, HTTP, sockets.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use starling_protocol::ServiceNode;
use starling_simnet::devnet::{Config, Fault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{HANG, swarm};

/// Takes any certificate and checks only that the server has its key.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Connects, offering HTTP/2 first.
async fn connect(node: &ServiceNode, version: &'static SupportedProtocolVersion) -> TlsStream<TcpStream> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect((node.ip, node.port)).await.unwrap();
    let name = ServerName::IpAddress(node.ip.into());
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

fn occurrences(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).filter(|window| *window == part).count()
}

#[tokio::test]
async fn tls_is_1_2_or_1_3_without_alpn_and_the_certificate_names_nobody() {
    let net = swarm(2).await;
    let mut certificates = BTreeSet::new();
    for node in net.nodes() {
        for version in [&TLS12, &TLS13] {
            let stream = connect(node, version).await;
            let session = stream.get_ref().1;
            assert_eq!(session.protocol_version(), Some(version.version));
            assert_eq!(session.alpn_protocol(), None);
            certificates.insert(session.peer_certificates().unwrap()[0].to_vec());
        }
    }
    let certificate = certificates.pop_first().unwrap();
    // DER: version 3 and serial number 1 stand at the start of the signed part.
    assert_eq!(&certificate[8..16], [0xa0, 3, 2, 1, 2, 2, 1, 1]);
    let (rsa_encryption, modulus_of_2048_bits) =
        ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], [0x02, 0x82, 0x01, 0x01, 0x00]);
    assert_eq!(occurrences(&certificate, &rsa_encryption), 1);
    assert_eq!(occurrences(&certificate, &modulus_of_2048_bits), 1);
    let common_name = [&[0x55, 4, 3, 0x0c, 9][..], b"localhost"].concat();
    assert_eq!(occurrences(&certificate, &common_name), 2, "subject and issuer");
    let subject_alternative_name = [0x55, 0x1d, 0x11];
    assert_eq!(occurrences(&certificate, &subject_alternative_name), 0);
}

#[tokio::test]
async fn nodes_speak_http_1_1_at_addresses_of_their_own() {
    let net = swarm(3).await;
    let addresses: BTreeSet<_> = net.nodes().iter().map(|node| node.ip).collect();
    assert_eq!(addresses.len(), 3);
    assert!(addresses.iter().all(|ip| ip.is_loopback()));
    let mut stream = connect(&net.nodes()[0], &TLS13).await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // Whether the connection ends cleanly after the refusal is not the point.
    let _ = tokio::time::timeout(HANG, stream.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn chunked_bodies_and_expect_continue_work() {
    let net = swarm(1).await;
    let node = &net.nodes()[0];
    let body = r#"{"method":"info","params":{}}"#;
    let head = format!("POST /storage_rpc/v1 HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", node.ip);
    let (start, end) = body.split_at(10);
    let chunked = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{start}\r\n{:x}\r\n{end}\r\n0\r\n\r\n",
        start.len(),
        end.len()
    );
    let mut stream = connect(node, &TLS12).await;
    stream.write_all(chunked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = tokio::time::timeout(HANG, stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let mut stream = connect(node, &TLS13).await;
    let expecting = format!("{head}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(expecting.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    tokio::time::timeout(HANG, stream.read_exact(&mut go_on)).await.unwrap().unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = tokio::time::timeout(HANG, stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Whatever the connection says until it ends.
async fn last_words(stream: &mut TlsStream<TcpStream>) -> String {
    let mut answer = Vec::new();
    // A cut connection may end without TLS's own farewell.
    let _ = tokio::time::timeout(HANG, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn pipelined_requests_are_dropped_without_an_answer() {
    let net = swarm(1).await;
    let node = &net.nodes()[0];
    let body = r#"{"method":"info","params":{}}"#;
    let head = format!("POST /storage_rpc/v1 HTTP/1.1\r\nHost: {}\r\n", node.ip);
    let plain = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());

    // One after the other they are answered, by the same connection.
    let mut stream = connect(node, &TLS13).await;
    for request in [&plain, &chunked, &plain] {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let read = tokio::time::timeout(HANG, stream.read_buf(&mut answer)).await.unwrap().unwrap();
            assert_ne!(read, 0, "closed");
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }

    // Two at once, the second whole or not, are not.
    for (first, second) in [(&plain, &*plain), (&chunked, &*plain), (&plain, &*head), (&plain, "P")] {
        for version in [&TLS12, &TLS13] {
            let mut stream = connect(node, version).await;
            stream.write_all(format!("{first}{second}").as_bytes()).await.unwrap();
            assert_eq!(last_words(&mut stream).await, "", "{first}{second}");
        }
    }

    // Nor is one that comes while the node is at work.
    net.inject(&node.key, Fault::Drop).unwrap();
    let mut stream = connect(node, &TLS13).await;
    stream.write_all(plain.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    stream.write_all(plain.as_bytes()).await.unwrap();
    assert_eq!(last_words(&mut stream).await, "");
}

#[test]
fn idle_connections_close_after_about_ten_seconds() {
    // That they do close: `http_is_bounded` in the tests of the devnet.
    assert!((8..=12).contains(&Config::storage_server().idle_timeout.as_secs()));
}
