use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use starling_protocol::onion::{Cipher, Hop, OnionRequest, build};
use starling_protocol::rpc::Request;
use starling_protocol::rpc::reply::Info;
use starling_protocol::{NodeKey, ServiceNode};
use starling_simnet::{Handled, NetworkView, Onion, Policy};

use crate::net::{NOW, Net};

fn hop(node: &ServiceNode) -> Hop {
    Hop { key: node.key, x25519: node.x25519 }
}

fn request(hops: &[ServiceNode], cipher: Cipher) -> OnionRequest {
    let (destination, relays) = hops.split_last().unwrap();
    let relays: Vec<Hop> = relays.iter().map(hop).collect();
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    build(&relays, &hop(destination), &Request::Info.to_json(), cipher, &mut rng).unwrap()
}

#[test]
fn three_relays_carry_a_request_to_its_node() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    for cipher in [Cipher::AesGcm, Cipher::XChaCha20] {
        let mut net = Net::new(&[(7, 5)]);
        let hops = net.listed()[..4].to_vec();
        let onion = request(&hops, cipher);
        let (mut body, mut at) = (onion.body.clone(), hops[0].key);
        let mut way = vec![at];
        let answer = loop {
            match net.node(at).peel_onion(&body) {
                Onion::Forward { next, body: inner } => {
                    (at, body) = (next.key, inner);
                    way.push(at);
                }
                Onion::Handle { body, sealer } => {
                    let Handled::Reply(reply) = net.node(at).handle_json(&body, NOW) else { panic!("info") };
                    break sealer.seal(reply.status, &reply.body_text(), &mut rng);
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(way, hops.iter().map(|node| node.key).collect::<Vec<_>>());
        let reply = onion.reply.open(&answer).unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(Info::parse(&reply.body).unwrap().timestamp, NOW);
    }
}

fn refusal(onion: Onion) -> (u16, String) {
    match onion {
        Onion::Reply(reply) => (reply.status, reply.body_text().into_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn path_errors_have_the_networks_words() {
    let mut net = Net::new(&[(7, 3)]);
    let listed = net.listed();
    let (first, second) = (&listed[0], &listed[1]);
    let good = request(&listed, Cipher::XChaCha20).body;
    let stranger = ServiceNode { key: NodeKey([9; 32]), ..second.clone() };
    let to_stranger = request(&[first.clone(), stranger.clone()], Cipher::AesGcm).body;
    let node = net.node(first.key);
    let not_found = format!("Next node not found: {}", stranger.key);
    assert_eq!(refusal(node.peel_onion(&to_stranger)), (502, not_found));
    // The right node by the wrong one of its two keys.
    let by_x25519 = ServiceNode { key: NodeKey(second.x25519), ..second.clone() };
    let not_found = format!("Next node not found: {}", by_x25519.key);
    let to_x25519 = request(&[first.clone(), by_x25519], Cipher::AesGcm).body;
    assert_eq!(refusal(node.peel_onion(&to_x25519)), (502, not_found));
    let (status, text) = refusal(node.peel_onion(b"nonsense"));
    assert_eq!(status, 400);
    assert!(text.starts_with("Error parsing onion request: "), "{text}");
    let mut damaged = good.clone();
    damaged[40] ^= 1;
    assert_eq!(refusal(node.peel_onion(&damaged)), (400, "Invalid ciphertext".to_owned()));
    let not_mine = refusal(net.node(second.key).peel_onion(&good));
    assert_eq!(not_mine, (400, "Invalid ciphertext".to_owned()));

    let not_ready = (503, format!("Snode not ready: {}", first.key));
    let node = net.node(first.key);
    *node.policy_mut() = Policy { refuse: true, ..Policy::default() };
    assert_eq!(refusal(node.peel_onion(&good)), not_ready);
    *node.policy_mut() = Policy::default();
    node.set_view(NetworkView::default().into());
    assert_eq!(refusal(node.peel_onion(&good)), not_ready);
}
