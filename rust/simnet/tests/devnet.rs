//! The devnet over real sockets: a client's requests through real relays, and its faults.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use reqwest::Client;
use starling_protocol::hash::message_hash;
use starling_protocol::onion::{Cipher, Hop, OnionRequest, Reply, build};
use starling_protocol::pow::{Nonce, Puzzle};
use starling_protocol::rpc::reply::{Difficulty, Info, NodeList, Retrieved, Stored};
use starling_protocol::rpc::{AddressKind, MAX_BODY_BYTES, Request, Retrieve, Store, seed_node_list_request};
use starling_protocol::{AccountKeys, Seed, ServiceNode, verify_ed25519};
use starling_simnet::devnet::{Config, Devnet, Fault, StartError, UnknownNode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Far longer than anything here takes: only a test that hangs meets it.
const HANG: Duration = Duration::from_secs(60);

/// Short enough to wait for where something must time out.
const SOON: Duration = Duration::from_millis(200);

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().danger_accept_invalid_certs(true).no_proxy().timeout(HANG).build().unwrap()
}

async fn post(url: String, body: Vec<u8>) -> (u16, Vec<u8>) {
    let response = client().post(url).body(body).send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

fn onion(hops: &[&ServiceNode], request: &Request) -> OnionRequest {
    let hops: Vec<Hop> = hops.iter().map(|node| Hop { key: node.key, x25519: node.x25519 }).collect();
    let (destination, relays) = hops.split_last().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(now());
    build(relays, destination, &request.to_json(), Cipher::XChaCha20, &mut rng).unwrap()
}

/// Posts to the first hop; HTTP status and body.
async fn send(hops: &[&ServiceNode], body: Vec<u8>) -> (u16, Vec<u8>) {
    post(format!("https://{}:{}/onion_req/v2", hops[0].ip, hops[0].port), body).await
}

/// A request through three relays to a node, and its inner answer.
async fn ask(hops: &[&ServiceNode], request: &Request) -> Reply {
    assert_eq!(hops.len(), 4);
    let onion = onion(hops, request);
    let (status, body) = send(hops, onion.body.clone()).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    onion.reply.open(&body).unwrap()
}

/// The inner answer is one of the path's, in plain text.
async fn path_error(hops: &[&ServiceNode]) -> (u16, String) {
    let (status, body) = send(hops, onion(hops, &Request::Info).body.clone()).await;
    (status, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn a_message_travels_through_relays_into_a_swarm_and_back() {
    let net = Devnet::start(Config::default()).await.unwrap();
    let (_, list) = post(format!("{}/json_rpc", net.seed_url()), seed_node_list_request()).await;
    let nodes = NodeList::parse(&list).unwrap().nodes;
    let (_, again) = post(format!("{}/json_rpc", net.seed_url_tls()), seed_node_list_request()).await;
    assert_eq!(list, again);
    assert_eq!(nodes, net.nodes());
    assert_eq!(nodes.len(), 10);
    assert!(nodes.iter().all(|node| node.address_kind() == Some(AddressKind::Loopback)));

    let keys = AccountKeys::from_seed(&Seed::from_bytes(&[1; 16]).unwrap());
    let swarm = net.view().swarm_of(&keys.account_id()).unwrap();
    let (ours, others): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| node.swarm_id == swarm);
    let to = |member: usize| [others[0], others[1], others[2], ours[member]];

    let wrong =
        ask(&[ours[0], ours[1], ours[2], others[0]], &Request::GetSwarm { account: keys.account_id() }).await;
    assert_eq!(wrong.status, 200);
    let store = Store::public(keys.account_id(), now(), 86_400_000, "aGVsbG8=".into());
    let refused = ask(&to(0), &Request::Store(store.clone())).await;
    assert_eq!(refused.status, 432);
    let difficulty = Difficulty::parse(&refused.body).unwrap().difficulty;
    let puzzle = Puzzle::new(
        &store.timestamp.to_string(),
        &store.ttl_ms.to_string(),
        &keys.account_id().to_string(),
        &store.data,
        difficulty,
    );
    let nonce = (0..).find(|nonce| puzzle.as_ref().unwrap().check(*nonce).is_some()).unwrap();
    let worked = Store { nonce: Some(Nonce(nonce).to_base64()), ..store };
    let stored = Stored::parse(&ask(&to(0), &Request::Store(worked)).await.body).unwrap();
    let hash = message_hash(&keys.account_id(), 0, b"hello");
    assert_eq!((stored.hash.as_ref(), stored.difficulty), (Some(&hash), Some(1)));
    let verified = stored
        .members
        .iter()
        .filter(|member| verify_ed25519(&member.node.0, hash.as_bytes(), &member.signature.unwrap()));
    assert_eq!(verified.count(), 5);

    for member in 0..5 {
        let retrieve = Request::Retrieve(Retrieve::signed(&keys, 0, None, None, None, now()));
        let page = Retrieved::parse(&ask(&to(member), &retrieve).await.body).unwrap();
        assert_eq!(page.messages.len(), 1);
        assert_eq!((&page.messages[0].hash, page.messages[0].data.as_str()), (&hash, "aGVsbG8="));
    }
    let holders =
        net.dump().into_iter().filter(|dump| dump.messages.iter().any(|message| message.hash == hash));
    assert_eq!(holders.count(), 5);
    net.shutdown().await;
}

#[tokio::test]
async fn faults_on_the_way_have_the_networks_words() {
    let net = Devnet::start(Config { swarms: 1, ..Config::default() }).await.unwrap();
    let nodes = net.nodes();
    let hops: Vec<&ServiceNode> = nodes[..4].iter().collect();
    for (at, fault, status, text) in [
        (2, Fault::Down, 502, format!("Next node is currently unreachable: {}", nodes[2].key)),
        (0, Fault::Unreachable, 502, format!("Next node is currently unreachable: {}", nodes[1].key)),
        (1, Fault::Refuse, 503, format!("Snode not ready: {}", nodes[1].key)),
        (3, Fault::Refuse, 503, format!("Snode not ready: {}", nodes[3].key)),
    ] {
        net.inject(&nodes[at].key, fault).unwrap();
        assert_eq!(path_error(&hops).await, (status, text));
        net.heal(&nodes[at].key).unwrap();
        // A node that is up again may still be binding its address.
        let up = async { while send(&hops, onion(&hops, &Request::Info).body.clone()).await.0 == 502 {} };
        tokio::time::timeout(HANG, up).await.unwrap();
        assert_eq!(ask(&hops, &Request::Info).await.status, 200);
    }
    net.inject(&nodes[3].key, Fault::Clock(3_600_000)).unwrap();
    let info = Info::parse(&ask(&hops, &Request::Info).await.body).unwrap();
    assert!(info.timestamp > now() + 3_000_000);
    net.inject(&nodes[3].key, Fault::Slow(Duration::from_millis(1))).unwrap();
    assert_eq!(ask(&hops, &Request::Info).await.status, 200);
    let stranger = starling_protocol::NodeKey([0; 32]);
    assert_eq!(net.inject(&stranger, Fault::Down), Err(UnknownNode(stranger)));
}

#[tokio::test]
async fn silence_ends_in_a_timeout_of_the_relay() {
    let net = Devnet::start(Config { swarms: 1, hop_timeout: SOON, ..Config::default() }).await.unwrap();
    let hops: Vec<&ServiceNode> = net.nodes()[..4].iter().collect();
    net.inject(&hops[3].key, Fault::Drop).unwrap();
    assert_eq!(path_error(&hops).await, (504, "Request time out".to_owned()));
}

#[tokio::test]
async fn a_silent_member_does_not_hold_up_its_swarm() {
    let config = Config { swarms: 1, swarm_size: 2, peer_timeout: SOON, ..Config::default() };
    let net = Devnet::start(Config { policy: Default::default(), ..config }).await.unwrap();
    let nodes = net.nodes();
    let account = AccountKeys::from_seed(&Seed::from_bytes(&[1; 16]).unwrap()).account_id();
    net.inject(&nodes[1].key, Fault::Down).unwrap();
    let store = Request::Store(Store::public(account, now(), 86_400_000, "aGVsbG8=".into()));
    let url = format!("https://{}:{}/storage_rpc/v1", nodes[0].ip, nodes[0].port);
    let (status, body) = post(url, store.to_json()).await;
    assert_eq!(status, 200);
    let members = Stored::parse(&body).unwrap().members;
    let outcomes: Vec<_> = nodes
        .iter()
        .map(|node| members.iter().find(|member| member.node == node.key).unwrap().timeout)
        .collect();
    assert_eq!(outcomes, [false, true]);
}

#[tokio::test]
async fn http_is_bounded() {
    let idle_timeout = SOON;
    let net =
        Devnet::start(Config { swarms: 1, swarm_size: 1, idle_timeout, ..Config::default() }).await.unwrap();
    let node = &net.nodes()[0];
    let url = |path: &str| format!("https://{}:{}{path}", node.ip, node.port);
    assert_eq!(post(url("/storage_rpc/v1"), Request::Info.to_json()).await.0, 200);
    assert_eq!(post(url("/storage_rpc/v2"), Request::Info.to_json()).await.0, 404);
    assert_eq!(post(url("/json_rpc"), seed_node_list_request()).await.0, 404);
    assert_eq!(client().get(url("/storage_rpc/v1")).send().await.unwrap().status(), 404);
    assert_eq!(post(url("/storage_rpc/v1"), vec![b' '; MAX_BODY_BYTES]).await.0, 400);
    assert_eq!(post(url("/onion_req/v2"), b"nonsense".to_vec()).await.0, 400);

    // A connection that has answered and then idles is closed.
    let seed = net.seed_url().strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(&seed).await.unwrap();
    let request = format!("POST /json_rpc HTTP/1.1\r\nHost: {seed}\r\nContent-Length: 2\r\n\r\n{{}}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(HANG, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));

    let mut stream = TcpStream::connect(&seed).await.unwrap();
    let request =
        format!("POST /json_rpc HTTP/1.1\r\nHost: {seed}\r\nContent-Length: {}\r\n\r\n", MAX_BODY_BYTES + 1);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    tokio::time::timeout(HANG, stream.read_exact(&mut start)).await.unwrap().unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[tokio::test]
async fn sizes_out_of_range_are_refused() {
    for (swarms, swarm_size) in [(0, 5), (2, 0), (251, 1), (1, 251)] {
        let started = Devnet::start(Config { swarms, swarm_size, ..Config::default() }).await;
        assert!(matches!(started, Err(StartError::Size)), "{swarms} {swarm_size}");
    }
}
