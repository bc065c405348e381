//! Single requests of the engine's HTTP client to the nodes.

use std::net::Ipv4Addr;

use starling_engine::{EffectId, Network, OnionHttp, Outcome, Purpose, Request, Route};
use starling_protocol::{ServiceNode, rpc};
use starling_simnet::devnet::{Config, Devnet, Fault, RateLimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::person::HANG;
use crate::{SOON, network};

async fn ask(client: &OnionHttp, route: Route) -> Outcome {
    let (id, purpose, body) = (EffectId(1), Purpose::Probe, rpc::Request::Info);
    let request = Request { id, purpose, route, body, timeout_ms: 1_000 };
    tokio::time::timeout(HANG, client.request(request)).await.unwrap().outcome
}

fn path(nodes: &[ServiceNode]) -> Route {
    Route::Onion { relays: nodes[..3].to_vec(), destination: nodes[3].clone() }
}

#[tokio::test]
async fn path_errors_arrive_in_the_nodes_words() {
    let net = network().await;
    let (client, nodes) = (OnionHttp::new().unwrap(), net.nodes());
    assert!(matches!(ask(&client, path(nodes)).await, Outcome::Reply { status: 200, .. }));

    let mut unknown = nodes.to_vec();
    unknown[2].key = starling_protocol::NodeKey([9; 32]);
    let mut mistaken = nodes.to_vec();
    mistaken[1].key = starling_protocol::NodeKey(nodes[1].x25519);
    let mut undecipherable = nodes.to_vec();
    undecipherable[1].x25519 = nodes[2].x25519;
    for (hops, status, text) in [
        (&unknown, 502, format!("Next node not found: {}", unknown[2].key)),
        (&mistaken, 502, format!("Next node not found: {}", mistaken[1].key)),
        (&undecipherable, 400, "Invalid ciphertext".to_owned()),
    ] {
        assert_eq!(ask(&client, path(hops)).await, Outcome::PathError { status, text });
    }
    net.inject(&nodes[2].key, Fault::Refuse).unwrap();
    let text = format!("Snode not ready: {}", nodes[2].key);
    assert_eq!(ask(&client, path(nodes)).await, Outcome::PathError { status: 503, text });

    let net = Devnet::start(Config { hop_timeout: SOON, ..Config::storage_server() }).await.unwrap();
    net.inject(&net.nodes()[2].key, Fault::Drop).unwrap();
    let text = "Request time out".to_owned();
    assert_eq!(ask(&client, path(net.nodes())).await, Outcome::PathError { status: 504, text });
}

/// Whoever answers is alive: that is all a direct request is for.
#[tokio::test]
async fn a_node_that_rations_direct_requests_still_answers_and_relays() {
    let rate_limit = Some(RateLimit { burst: 0, per_second: 0 });
    let net = Devnet::start(Config { rate_limit, ..Config::storage_server() }).await.unwrap();
    let client = OnionHttp::new().unwrap();
    let direct = ask(&client, Route::Direct(net.nodes()[0].clone())).await;
    assert!(matches!(direct, Outcome::Reply { status: 429, .. }), "{direct:?}");
    assert!(matches!(ask(&client, path(net.nodes())).await, Outcome::Reply { status: 200, .. }));
}

#[tokio::test]
async fn the_onion_alone_tells_who_answers() {
    // All nodes have the same certificate; only the layer's key tells one from the other.
    let net = network().await;
    let mut swapped = net.nodes().to_vec();
    (swapped[3].ip, swapped[3].port) = (net.nodes()[4].ip, net.nodes()[4].port);
    let client = OnionHttp::new().unwrap();
    // Relays look addresses up themselves, so a wrong one beyond the guard does no harm …
    assert!(matches!(ask(&client, path(&swapped)).await, Outcome::Reply { status: 200, .. }));
    // … and the wrong guard cannot read its layer.
    swapped[0].port = net.nodes()[1].port;
    swapped[0].ip = net.nodes()[1].ip;
    let text = "Invalid ciphertext".to_owned();
    assert_eq!(ask(&client, path(&swapped)).await, Outcome::PathError { status: 400, text });
}

/// Reads one request with a body of known length.
async fn heard(stream: &mut TcpStream) {
    let body = rpc::seed_node_list_request();
    let mut seen = Vec::new();
    while !seen.ends_with(&body) {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "closed");
    }
}

/// Storage servers drop pipelined requests without an answer.
#[tokio::test]
async fn a_second_request_does_not_follow_the_first_into_its_connection() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let seed = Route::Seed(format!("http://{}", listener.local_addr().unwrap()));
    let client = OnionHttp::new().unwrap();
    let server = async {
        let (mut first, _) = listener.accept().await.unwrap();
        heard(&mut first).await;
        let (mut second, _) = listener.accept().await.unwrap();
        heard(&mut second).await;
        for stream in [&mut second, &mut first] {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        }
        let mut more = [0; 1];
        tokio::select! {
            read = first.read(&mut more) => panic!("more on the first connection: {read:?}"),
            () = tokio::task::yield_now() => {}
        }
    };
    let (one, other, ()) = tokio::time::timeout(HANG, async {
        tokio::join!(ask(&client, seed.clone()), ask(&client, seed.clone()), server)
    })
    .await
    .unwrap();
    let good = Outcome::Reply { status: 200, body: b"{}".to_vec() };
    assert_eq!((one, other), (good.clone(), good));
}
