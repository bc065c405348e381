//! Nodes, guards and settings.

use std::net::Ipv4Addr;

use starling_protocol::node::ServiceNode;
use starling_store::*;

use crate::fixture::*;

fn service_node(number: u8, swarm_id: u64) -> ServiceNode {
    ServiceNode {
        key: node(number),
        x25519: [number ^ 1; 32],
        ip: Ipv4Addr::new(250, 1, 2, number),
        port: 65_535,
        swarm_id,
    }
}

#[test]
fn the_directory_is_replaced_as_a_whole() {
    let mut store = in_memory();
    assert_eq!(store.read(|view| view.directory()).unwrap(), []);
    let nodes = [service_node(1, 0), service_node(2, u64::MAX), service_node(3, u64::MAX / 2 + 1)];
    store.transact(|tx| tx.replace_directory(&nodes)).unwrap();
    assert_eq!(store.read(|view| view.directory()).unwrap(), nodes);
    store.transact(|tx| tx.replace_directory(&[service_node(9, 7), service_node(9, 8)])).unwrap();
    assert_eq!(store.read(|view| view.directory()).unwrap(), [service_node(9, 8)]);
}

#[test]
fn guards_keep_their_order() {
    let mut store = in_memory();
    store.transact(|tx| tx.set_guards(&[node(9), node(1)])).unwrap();
    assert_eq!(store.read(|view| view.guards()).unwrap(), [node(9), node(1)]);
    store.transact(|tx| tx.set_guards(&[node(4)])).unwrap();
    assert_eq!(store.read(|view| view.guards()).unwrap(), [node(4)]);
    let twice = store.transact(|tx| tx.set_guards(&[node(1), node(1)]));
    assert!(matches!(twice, Err(StoreError::Conflict { .. })));
    assert_eq!(store.read(|view| view.guards()).unwrap(), [node(4)]);
}

#[test]
fn settings_are_kept_apart() {
    let mut store = in_memory();
    let settings = [Setting::ClockOffsetMs, Setting::Difficulty, Setting::DirectoryAgreedMs];
    for (value, setting) in (-1..).zip(settings) {
        assert_eq!(store.read(|view| view.number(setting)), Ok(None));
        store.transact(|tx| tx.set_number(setting, 100)).unwrap();
        store.transact(|tx| tx.set_number(setting, value)).unwrap();
    }
    for (value, setting) in (-1..).zip(settings) {
        assert_eq!(store.read(|view| view.number(setting)), Ok(Some(value)));
    }
}
