//! Members that are dead, and members that come back.

use std::time::{Duration, Instant};

use serde_json::json;
use starling_protocol::ServiceNode;
use starling_simnet::devnet::{Config, Devnet, Fault};
use tokio::net::TcpStream;

use crate::{HANG, ask, store};

/// Short enough to wait for where something must time out.
const SOON: Duration = Duration::from_millis(200);

/// One swarm that waits less than 5 s for a dead member, and keeps what it missed for so long.
async fn swarm(swarm_size: usize, redelivery: Duration) -> Devnet {
    let times = Config { peer_timeout: SOON, redelivery, ..Config::storage_server() };
    Devnet::start(Config { swarms: 1, swarm_size, ..times }).await.unwrap()
}

#[tokio::test]
async fn a_dead_member_costs_the_whole_wait() {
    assert_eq!(Config::storage_server().peer_timeout.as_secs(), 5);
    let net = swarm(3, HANG).await;
    let (node, dead) = (&net.nodes()[0], &net.nodes()[2]);
    net.inject(&dead.key, Fault::Down).unwrap();
    let started = Instant::now();
    let stored = ask(node, "store", store("hello")).await.good();
    assert!(started.elapsed() >= SOON, "answered before the wait was over");
    assert_eq!(stored["swarm"][dead.key.to_string()], json!({"failed": true, "timeout": true}));
    assert!(stored["hash"].is_string());
}

fn messages(net: &Devnet, node: &ServiceNode) -> usize {
    net.dump().into_iter().find(|dump| dump.node == node.key).unwrap().messages.len()
}

/// Stores while a member is down, and returns once it is up again.
async fn store_past(net: &Devnet, dead: &ServiceNode) {
    net.inject(&dead.key, Fault::Down).unwrap();
    ask(&net.nodes()[0], "store", store("hello")).await.good();
    assert_eq!(messages(net, dead), 0);
    net.heal(&dead.key).unwrap();
    let up = async { while TcpStream::connect((dead.ip, dead.port)).await.is_err() {} };
    tokio::time::timeout(HANG, up).await.unwrap();
}

#[tokio::test]
async fn a_member_that_is_back_soon_gets_the_message_late() {
    let net = swarm(2, HANG).await;
    let dead = net.nodes()[1].clone();
    store_past(&net, &dead).await;
    let late = async {
        while messages(&net, &dead) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HANG, late).await.unwrap();
}

#[tokio::test]
async fn a_member_that_is_back_late_lacks_the_message_for_good() {
    let net = swarm(2, Duration::ZERO).await;
    let dead = net.nodes()[1].clone();
    store_past(&net, &dead).await;
    // What comes afterwards reaches it, what it missed does not.
    ask(&net.nodes()[0], "store", store("later")).await.good();
    assert_eq!((messages(&net, &net.nodes()[0]), messages(&net, &dead)), (2, 1));
}
