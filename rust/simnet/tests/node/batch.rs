use starling_protocol::rpc::reply::{Batch, Stored};
use starling_protocol::rpc::{Request, Retrieve, Store};
use starling_simnet::{Handled, Reply};

use crate::net::{NOW, Net, keys, message};

fn statuses(reply: &Reply) -> Vec<u16> {
    assert_eq!(reply.status, 200, "{}", reply.body_text());
    Batch::parse(&reply.body).unwrap().results.iter().map(|result| result.status).collect()
}

/// Store, a refusal, store, retrieve.
fn requests(account: starling_protocol::AccountId) -> Vec<Request> {
    vec![
        Request::Store(message(account, "one")),
        Request::Store(Store { ttl_ms: 1, ..message(account, "short") }),
        Request::Store(message(account, "two")),
        Request::Retrieve(Retrieve::signed(&keys(1), 0, None, None, None, NOW)),
    ]
}

#[test]
fn a_batch_does_everything() {
    let mut net = Net::new(&[(7, 3)]);
    let account = keys(1).account_id();
    let node = net.members(&account)[0];
    let reply = net.ask(node, Request::Batch(requests(account)));
    assert_eq!(statuses(&reply), [200, 403, 200, 200]);
    let results = Batch::parse(&reply.body).unwrap().results;
    assert_eq!(results[1].body, b"Provided expiry/TTL is not valid.");
    assert_eq!(Stored::parse(&results[2].body).unwrap().members.len(), 3);
    assert!(net.nodes.values().all(|node| node.message_count() == 2));
    let single = Net::new(&[(7, 1)]).ask(net.members(&account)[0], Request::Batch(vec![Request::Info]));
    assert_eq!(statuses(&single), [200]);
}

#[test]
fn a_sequence_ends_with_the_first_failure() {
    let mut net = Net::new(&[(7, 3)]);
    let account = keys(1).account_id();
    let node = net.members(&account)[0];
    let reply = net.ask(node, Request::Sequence(requests(account)));
    assert_eq!(statuses(&reply), [200, 403]);
    assert!(net.nodes.values().all(|node| node.message_count() == 1));
    let mut good = requests(account);
    good.remove(1);
    let reply = net.ask(node, Request::Sequence(good));
    assert_eq!(statuses(&reply), [200, 200, 200]);
}

#[test]
fn json_in_json_out() {
    let mut net = Net::new(&[(7, 1)]);
    let account = keys(1).account_id();
    let node = net.members(&account)[0];
    let mut ask = |body: &[u8]| match net.node(node).handle_json(body, NOW) {
        Handled::Reply(reply) => reply,
        Handled::Gather { .. } => panic!("a lone node asks nobody"),
    };
    assert_eq!(ask(&Request::Store(message(account, "one")).to_json()).status, 200);
    assert_eq!(statuses(&ask(&Request::Batch(vec![Request::Info; 20]).to_json())).len(), 20);
    for (body, text) in [
        (&b"nonsense"[..], "invalid json"),
        (b"{\"method\":\"monitor\",\"params\":{}}", "no method monitor"),
        (b"{\"params\":{}}", "invalid json: no `method` field"),
    ] {
        let reply = ask(body);
        assert_eq!((reply.status, &*reply.body_text()), (400, text));
    }
}
