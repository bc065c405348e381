use starling_protocol::rpc::reply::{Deleted, Expired, Expiries};
use starling_protocol::rpc::{Delete, Expire, ExpireMode, GetExpiries, Request, Store};
use starling_protocol::verify_ed25519;

use crate::net::{DAY, NOW, Net, keys, message};

const UNKNOWN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn a_deleted_message_is_gone_everywhere() {
    let mut net = Net::new(&[(7, 3)]);
    let owner = keys(1);
    let account = owner.account_id();
    let members = net.members(&account);
    let hash = net.store(members[0], &message(account, "hello")).hash.unwrap();
    let private = net.store(members[0], &Store::signed(&owner, 3, NOW, DAY, "aGk=".into())).hash.unwrap();
    let requested = vec![private.clone(), UNKNOWN.to_owned(), hash.clone()];
    let reply = net.ask(members[1], Request::Delete(Delete::signed(&owner, requested.clone(), true)));
    assert_eq!(reply.status, 200);
    let mut found = vec![hash, private];
    found.sort();
    let deleted = Deleted::parse(&reply.body).unwrap();
    assert_eq!((deleted.members.len(), deleted.t), (3, Some(NOW)));
    for member in deleted.members {
        assert_eq!(member.deleted, found);
        let signed = format!("{account}{}{}", requested.concat(), found.concat());
        assert!(verify_ed25519(&member.node.0, signed.as_bytes(), &member.signature.unwrap()));
    }
    assert!(net.nodes.values().all(|node| node.message_count() == 0));

    for (required, status) in [(true, 404), (false, 200)] {
        let again = Delete::signed(&owner, requested.clone(), required);
        assert_eq!(net.ask(members[1], Request::Delete(again)).status, status);
    }
    let thief = Delete { account, ..Delete::signed(&keys(2), requested, false) };
    let refused = net.ask(members[0], Request::Delete(thief));
    assert_eq!((refused.status, &*refused.body_text()), (401, "delete_msgs signature verification failed"));
}

#[test]
fn expiries_move_as_the_mode_allows() {
    let owner = keys(1);
    let account = owner.account_id();
    let month = 30 * DAY;
    for (mode, asked, expected) in [
        (ExpireMode::Set, NOW + DAY / 2, NOW + DAY / 2),
        (ExpireMode::Set, NOW + 2 * DAY, NOW + 2 * DAY),
        (ExpireMode::Set, NOW + 99 * DAY, NOW + month),
        (ExpireMode::Shorten, NOW + DAY / 2, NOW + DAY / 2),
        (ExpireMode::Shorten, NOW + 2 * DAY, NOW + DAY),
        (ExpireMode::Extend, NOW + DAY / 2, NOW + DAY),
        (ExpireMode::Extend, NOW + 2 * DAY, NOW + 2 * DAY),
    ] {
        let mut net = Net::new(&[(7, 2)]);
        let members = net.members(&account);
        let hash = net.store(members[0], &message(account, "hello")).hash.unwrap();
        let expire = Expire::signed(&owner, vec![hash.clone(), UNKNOWN.into()], asked, mode);
        let reply = net.ask(members[0], Request::Expire(expire));
        assert_eq!(reply.status, 200);
        let moved = expected != NOW + DAY;
        for member in Expired::parse(&reply.body).unwrap().members {
            assert_eq!(member.updated, if moved { vec![hash.clone()] } else { vec![] });
            assert_eq!(member.unchanged.get(&hash).copied(), (!moved).then_some(NOW + DAY));
            let applied = asked.min(NOW + month);
            assert_eq!(member.expiry, Some(applied));
            let tail = if moved { hash.clone() } else { format!("{hash}{}", NOW + DAY) };
            let signed = format!("{account}{applied}{hash}{UNKNOWN}{tail}");
            assert!(verify_ed25519(&member.node.0, signed.as_bytes(), &member.signature.unwrap()));
        }
        for member in &members {
            let get = GetExpiries::signed(&owner, vec![hash.clone(), UNKNOWN.into()], NOW);
            let reply = net.ask(*member, Request::GetExpiries(get));
            let expiries = Expiries::parse(&reply.body).unwrap().expiries;
            assert_eq!(expiries.into_iter().collect::<Vec<_>>(), [(hash.clone(), expected)]);
            net.node(*member).expire(expected - 1);
            assert_eq!(net.node(*member).message_count(), 1);
            net.node(*member).expire(expected);
            assert_eq!(net.node(*member).message_count(), 0);
        }
    }
}

#[test]
fn refusals() {
    let mut net = Net::new(&[(7, 1)]);
    let owner = keys(1);
    let node = net.members(&owner.account_id())[0];
    let hashes = || vec![UNKNOWN.to_owned()];
    let account = owner.account_id();
    let cases = [
        (
            Request::Expire(Expire::signed(&owner, hashes(), NOW - 60_001, ExpireMode::Set)),
            (401, "expire: timestamp should be >= current time"),
        ),
        (
            Request::Expire(Expire { account, ..Expire::signed(&keys(2), hashes(), NOW, ExpireMode::Set) }),
            (401, "expire: signature verification failed"),
        ),
        (
            Request::GetExpiries(GetExpiries::signed(&owner, hashes(), NOW + 60_001)),
            (406, "get_expiries timestamp too far from current time"),
        ),
        (
            Request::GetExpiries(GetExpiries { account, ..GetExpiries::signed(&keys(2), hashes(), NOW) }),
            (401, "get_expiries signature verification failed"),
        ),
    ];
    for (request, expected) in cases {
        let reply = net.ask(node, request);
        assert_eq!((reply.status, &*reply.body_text()), expected);
    }
}
