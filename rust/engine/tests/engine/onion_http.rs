//! The real network against a node of the test's own: HTTPS on loopback, a certificate nobody
//! vouches for, and the node side of the onion layer.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use starling_engine::{Answered, EffectId, Network, OnionHttp, Outcome, Purpose, Request, Route};
use starling_protocol::onion::{Peeled, peel};
use starling_protocol::{NodeKey, ServiceNode, rpc};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto::ring};
use x25519_dalek::{PublicKey, StaticSecret};

/// What the node's HTTP server says.
#[derive(Clone)]
enum Says {
    /// As destination of the onion request, or for itself.
    Answer(u16, &'static str),
    /// In the place of the destination: HTTP status and body.
    Raw(u16, Vec<u8>),
}

struct TestNode {
    says: Mutex<Says>,
    /// Path and body (of the destination, where there is one) of each request.
    heard: Mutex<Vec<(String, String)>>,
    connections: AtomicUsize,
    port: u16,
}

fn secret() -> StaticSecret {
    StaticSecret::from([7; 32])
}

impl TestNode {
    async fn start(says: Says) -> Arc<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let node = Arc::new(Self {
            says: Mutex::new(says),
            heard: Mutex::default(),
            connections: AtomicUsize::new(0),
            port: listener.local_addr().unwrap().port(),
        });
        tokio::spawn(Arc::clone(&node).serve(listener, acceptor()));
        node
    }

    async fn serve(self: Arc<Self>, listener: TcpListener, acceptor: TlsAcceptor) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            self.connections.fetch_add(1, Ordering::SeqCst);
            let (node, acceptor) = (Arc::clone(&self), acceptor.clone());
            tokio::spawn(async move {
                let stream = TokioIo::new(acceptor.accept(stream).await.unwrap());
                let service = service_fn(move |request| Arc::clone(&node).respond(request));
                // A client that hangs up is no concern of the test.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
            });
        }
    }

    async fn respond(
        self: Arc<Self>,
        request: hyper::Request<Incoming>,
    ) -> hyper::Result<hyper::Response<Full<Bytes>>> {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        let (status, body) =
            if path == "/onion_req/v2" { self.unwrap(&body) } else { self.plain(&path, &body) };
        Ok(hyper::Response::builder().status(status).body(Full::from(body)).unwrap())
    }

    fn plain(&self, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        self.hear(path, body);
        match self.says.lock().unwrap().clone() {
            Says::Answer(status, body) => (status, body.into()),
            Says::Raw(status, body) => (status, body),
        }
    }

    /// Plays all hops, which share a key.
    fn unwrap(&self, body: &[u8]) -> (u16, Vec<u8>) {
        let mut body = body.to_vec();
        let mut hops = 0;
        loop {
            match peel(&secret(), &body).unwrap() {
                Peeled::Relay { body: inner, .. } => (body, hops) = (inner, hops + 1),
                Peeled::Final { body, reply } => {
                    self.hear(&format!("onion {hops}"), &body);
                    return match self.says.lock().unwrap().clone() {
                        Says::Answer(status, body) => (200, reply.seal(status, body, &mut UnwrapErr(SysRng))),
                        Says::Raw(status, body) => (status, body),
                    };
                }
                Peeled::Server(_) => panic!("not for a server"),
            }
        }
    }

    fn hear(&self, path: &str, body: &[u8]) {
        self.heard.lock().unwrap().push((path.into(), String::from_utf8(body.to_vec()).unwrap()));
    }

    fn hop(&self) -> ServiceNode {
        ServiceNode {
            key: NodeKey([1; 32]),
            x25519: PublicKey::from(&secret()).to_bytes(),
            ip: Ipv4Addr::LOCALHOST,
            port: self.port,
            swarm_id: 0,
        }
    }

    fn onion(&self) -> Route {
        Route::Onion { relays: vec![self.hop(); 3], destination: self.hop() }
    }
}

fn acceptor() -> TlsAcceptor {
    let issued = rcgen::generate_simple_self_signed(vec!["node".into()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key.into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn ask(network: &OnionHttp, route: Route) -> Answered {
    let (id, purpose, body) = (EffectId(1), Purpose::Clock, rpc::Request::Info);
    network.request(Request { id, purpose, route, body, timeout_ms: 1_000 }).await
}

#[tokio::test]
async fn the_destination_answers_through_the_onion() {
    let node = TestNode::start(Says::Answer(421, r#"{"snodes":[]}"#)).await;
    let network = OnionHttp::new().unwrap();
    let answered = ask(&network, node.onion()).await;
    let body = br#"{"snodes":[]}"#.to_vec();
    assert_eq!(answered.outcome, Outcome::Reply { status: 421, body });
    assert!(answered.bytes > 500, "{} bytes for four layers", answered.bytes);
    let request = String::from_utf8(rpc::Request::Info.to_json()).unwrap();
    assert_eq!(*node.heard.lock().unwrap(), [("onion 3".to_owned(), request)]);
}

#[tokio::test]
async fn direct_and_seed_requests_are_plain() {
    let node = TestNode::start(Says::Answer(406, "clock")).await;
    let network = OnionHttp::new().unwrap();
    let reply = Outcome::Reply { status: 406, body: b"clock".to_vec() };
    assert_eq!(ask(&network, Route::Direct(node.hop())).await.outcome, reply);
    let seed = format!("https://127.0.0.1:{}/", node.port);
    assert_eq!(ask(&network, Route::Seed(seed)).await.outcome, reply);
    let heard = node.heard.lock().unwrap();
    assert_eq!(heard[0].0, "/storage_rpc/v1");
    let list = String::from_utf8(rpc::seed_node_list_request()).unwrap();
    assert_eq!(heard[1], ("/json_rpc".to_owned(), list));
}

#[tokio::test]
async fn failures_of_the_path_are_told_apart() {
    let node = TestNode::start(Says::Raw(502, vec![b'x'; 1_000])).await;
    let network = OnionHttp::new().unwrap();
    let expected = Outcome::PathError { status: 502, text: "x".repeat(300) };
    assert_eq!(ask(&network, node.onion()).await.outcome, expected);
    *node.says.lock().unwrap() = Says::Raw(200, b"Zm9yZ2Vk".to_vec());
    assert_eq!(ask(&network, node.onion()).await.outcome, Outcome::Garbled);
    *node.says.lock().unwrap() = Says::Raw(200, vec![b'A'; 10 * 1024 * 1024 + 1]);
    let too_long = ask(&network, Route::Direct(node.hop())).await;
    assert_eq!(too_long.outcome, Outcome::Garbled);

    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let gone = ServiceNode { port: closed.local_addr().unwrap().port(), ..node.hop() };
    drop(closed);
    let route = Route::Onion { relays: vec![gone], destination: node.hop() };
    assert_eq!(ask(&network, route).await.outcome, Outcome::Unreachable);
}

#[tokio::test]
async fn routes_that_cannot_be_built_send_nothing() {
    let node = TestNode::start(Says::Answer(200, "")).await;
    let network = OnionHttp::new().unwrap();
    let weak = ServiceNode { x25519: [0; 32], ..node.hop() };
    let none = Answered { outcome: Outcome::Garbled, bytes: 0 };
    let route = Route::Onion { relays: vec![node.hop()], destination: weak };
    assert_eq!(ask(&network, route).await, none);
    let route = Route::Onion { relays: Vec::new(), destination: node.hop() };
    assert_eq!(ask(&network, route).await, none);
    assert_eq!(node.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn connections_are_kept_until_the_network_changes() {
    let node = TestNode::start(Says::Answer(200, "{}")).await;
    let network = OnionHttp::new().unwrap();
    for _ in 0..3 {
        ask(&network, node.onion()).await;
    }
    assert_eq!(node.connections.load(Ordering::SeqCst), 1);
    network.network_changed();
    ask(&network, node.onion()).await;
    assert_eq!(node.connections.load(Ordering::SeqCst), 2);
}
