#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::account::{AccountKeys, Seed};
use crate::bundle::{LIFE_S, Offer};
use crate::envelope::{MAX_DATA_BYTES, wrap};
use crate::hybrid::KemSeed;
use crate::{padding, session};

const SENT_MS: u64 = 1_700_000_000_123;

fn accounts() -> [AccountKeys; 2] {
    [1, 2].map(|byte| AccountKeys::from_seed(&Seed::from_bytes(&[byte; 16]).unwrap()))
}

fn text(body: &str) -> Content {
    let placement = Placement { message_id: [7; 16], stream: 1_700_000_000, seq: 9, clock: 12, base: 3 };
    Content {
        body: Some(body.to_owned()).filter(|body| !body.is_empty()),
        sent_ms: SENT_MS,
        placement: Some(placement),
        ..Content::default()
    }
}

fn bundle() -> Bundle {
    let [alice, bob] = accounts();
    let offer = Offer {
        recipient: bob.account_id(),
        request_id: [3; 16],
        epoch: u64::MAX,
        created_s: 1_700_000_000,
        expiry_s: 1_700_000_000 + LIFE_S,
        ratchet_identity: [9; 32],
        one_time_key: [9; 32],
        kem_key: KemSeed::from_bytes([5; 64]).public_key(),
    };
    Bundle::sign(offer, &alice)
}

fn request(introduction: &str, name: &str) -> Content {
    let bundle = bundle();
    let request = FriendRequest {
        request_id: bundle.offer.request_id,
        created_s: bundle.offer.created_s,
        expiry_s: bundle.offer.expiry_s,
        ed25519: bundle.owner_ed25519,
        invite: None,
    };
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    Content { request: Some(request), bundle: Some(bundle), name, ..text(introduction) }
}

fn everything() -> Content {
    let ack = Ack { stream: 5, through: 8, above: vec![[1; 16], [2; 16]], read_through: Some(3) };
    Content {
        rekey: true,
        ack: Some(ack),
        nacks: vec![[4; 32]; MAX_NACKS],
        unprotected: vec![[6; 16]; MAX_UNPROTECTED],
        ..request("introduction", "Alice")
    }
}

/// The content as protobuf, changed.
fn changed(content: &Content, change: impl FnOnce(&mut proto::Content)) -> Vec<u8> {
    let mut content = content.to_proto();
    change(&mut content);
    content.encode_to_vec()
}

fn stored_len(content: &[u8], sent_ms: u64) -> usize {
    let [alice, bob] = accounts();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let sealed = session::seal(content, &alice, &bob.account_id(), &mut rng).unwrap();
    STANDARD.decode(wrap(sealed, sent_ms)).unwrap().len()
}

#[test]
fn the_largest_body_fits_the_session_protocol() {
    let numbers =
        Placement { message_id: [0; 16], stream: u64::MAX, seq: u64::MAX, clock: u64::MAX, base: u64::MAX };
    let body = "x".repeat(largest_body());
    let content = Content { sent_ms: u64::MAX, placement: Some(numbers), ..text(&body) };
    assert!(stored_len(&content.encode().unwrap(), u64::MAX) <= MAX_DATA_BYTES);
}

#[test]
fn a_friend_request_has_one_length_whatever_it_says() {
    for introduction in 0..=MAX_INTRODUCTION_BYTES {
        for name in 0..=MAX_NAME_BYTES {
            let mut content = request(&"x".repeat(introduction), &"y".repeat(name));
            if name % 2 == 0 {
                content.placement = None;
            }
            assert_eq!(padding::pad(&content.encode().unwrap()).len(), 2_879, "{introduction} {name}");
        }
    }
}

#[test]
fn the_data_of_a_friend_request_has_4092_characters() {
    let [alice, bob] = accounts();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for (introduction, name) in [("", ""), ("hello", "Alice"), (&*"x".repeat(512), &*"y".repeat(64))] {
        let content = request(introduction, name).encode().unwrap();
        // From 1971 on, and as far as the numbers go.
        for sent_ms in [1 << 35, SENT_MS, (1 << 42) - 1, 1 << 42, (1 << 56) - 1] {
            let sealed = session::seal(&content, &alice, &bob.account_id(), &mut rng).unwrap();
            assert_eq!(wrap(sealed, sent_ms).len(), 4_092);
        }
    }
}

#[test]
fn a_rekey_looks_like_a_friend_request() {
    let rekey = Content { rekey: true, request: None, ..request("", "") };
    assert_eq!(padding::pad(&rekey.encode().unwrap()).len(), 2_879);
    let upgrade = Content { rekey: false, ..rekey };
    assert!(upgrade.encode().unwrap().len() < 2_000);
}

#[test]
fn decode_undoes_encode_of_everything() {
    let content = everything();
    assert_eq!(Content::decode(&content.encode().unwrap()), Ok(content.clone()));
    assert_eq!(Content::decode_basic(&content.encode().unwrap()), Ok(Some(content)));
}

#[test]
fn a_session_client_has_no_placement() {
    let text = Content { placement: None, ..text("hello") };
    assert_eq!(Content::decode_basic(&text.encode().unwrap()), Ok(Some(text)));
}

#[test]
fn what_only_session_clients_say_is_nothing_for_us() {
    // Fields 3, 5, 6, 8, 9 and 10 of a Content: calls, receipts, typing, data extraction, unsend requests, answers
    // to message requests; each with a time.
    for field in [3, 5, 6, 8, 9, 10] {
        let notice = [&[field << 3 | 2, 2, 8, 1][..], &[15 << 3, 1]].concat();
        assert_eq!(Content::decode_basic(&notice), Ok(None));
        assert_eq!(Content::decode_basic(&notice[..4]), Ok(None));
    }
    assert_eq!(Content::decode_basic(&[]), Ok(None));
    let named = Content { name: Some("Alice".to_owned()), placement: None, ..text("") };
    assert_eq!(Content::decode_basic(&named.encode().unwrap()), Ok(None));
    let copy = changed(&text("hello"), |content| {
        content.data_message.as_mut().unwrap().sync_target = Some("05".to_owned());
    });
    assert_eq!(Content::decode_basic(&copy), Ok(None));
}

#[test]
fn an_empty_content_is_an_accept_in_a_ratchet_frame() {
    let empty = Content { sent_ms: SENT_MS, ..Content::default() };
    let decoded = Content::decode(&empty.encode().unwrap()).unwrap();
    assert_eq!(decoded, empty);
    assert!(decoded.is_empty());
    assert!(!everything().is_empty());
    assert_eq!(Content::decode(&[]), Err(ContentError::NoTime));
}

#[test]
fn time_comes_from_either_field_or_is_missed() {
    let hello = text("hello");
    let old = changed(&hello, |content| content.sig_timestamp = None);
    assert_eq!(Content::decode_basic(&old), Ok(Some(hello.clone())));
    let timeless = changed(&hello, |content| {
        content.sig_timestamp = None;
        content.data_message.as_mut().unwrap().timestamp = None;
    });
    assert_eq!(Content::decode_basic(&timeless), Err(ContentError::NoTime));
}

#[test]
fn bad_placements_are_refused() {
    let change = |change: fn(&mut proto::StarlingInfo)| {
        Content::decode(&changed(&text("hello"), |content| change(content.starling.as_mut().unwrap())))
    };
    assert_eq!(change(|_| ()), Ok(text("hello")));
    let bad: [fn(&mut proto::StarlingInfo); 5] = [
        |info| info.message_id = Some(vec![1; 15]),
        |info| info.message_id = None,
        |info| info.base = Some(10),
        |info| info.base = Some(0),
        |info| info.clock = None,
    ];
    for bad in bad {
        assert_eq!(change(bad), Err(ContentError::BadPlacement));
    }
}

#[test]
fn a_request_agrees_with_its_bundle() {
    let change = |change: fn(&mut Content)| {
        let mut content = request("hello", "Alice");
        change(&mut content);
        let sent = content.encode();
        let received = Content::decode(&content.to_proto().encode_to_vec());
        assert_eq!(sent.err(), received.clone().err());
        received
    };
    assert!(change(|_| ()).is_ok());
    let bad: [fn(&mut Content); 5] = [
        |content| content.bundle = None,
        |content| content.request.as_mut().unwrap().request_id[0] ^= 1,
        |content| content.request.as_mut().unwrap().created_s += 1,
        |content| content.request.as_mut().unwrap().expiry_s += 1,
        |content| content.request.as_mut().unwrap().ed25519[0] ^= 1,
    ];
    for bad in bad {
        assert_eq!(change(bad), Err(ContentError::BadRequest));
    }
    let torn = changed(&request("", ""), |content| {
        content.friend_request.as_mut().unwrap().ed25519 = Some(vec![1; 31]);
    });
    assert_eq!(Content::decode(&torn), Err(ContentError::BadRequest));
}

#[test]
fn limits_hold_in_both_directions() {
    let refused = |content: &Content| {
        let received = Content::decode(&content.to_proto().encode_to_vec()).err();
        assert_eq!(content.encode().err(), received);
        received
    };
    assert_eq!(refused(&request(&"x".repeat(512), "")), None);
    assert_eq!(refused(&request(&"x".repeat(513), "")), Some(ContentError::IntroductionTooLong));
    let nacks = |count| Content { nacks: vec![[1; 32]; count], ..text("") };
    assert_eq!(refused(&nacks(64)), None);
    assert_eq!(refused(&nacks(65)), Some(ContentError::BadNacks));
    let unprotected = |count| Content { unprotected: vec![[1; 16]; count], ..text("") };
    assert_eq!(refused(&unprotected(1_000)), None);
    assert_eq!(refused(&unprotected(1_001)), Some(ContentError::BadUnprotected));
    let ack =
        |count| Content { ack: Some(Ack { above: vec![[1; 16]; count], ..Ack::default() }), ..text("") };
    assert_eq!(refused(&ack(256)), None);
    assert_eq!(refused(&ack(257)), Some(ContentError::BadAck));
}

#[test]
fn torn_lists_are_refused() {
    let decode = |change: fn(&mut proto::Content)| Content::decode(&changed(&everything(), change)).err();
    let torn = decode(|content| content.nack.as_mut().unwrap().frames = Some(vec![1; 33]));
    assert_eq!(torn, Some(ContentError::BadNacks));
    let torn = decode(|content| content.unprotected.as_mut().unwrap().ids = Some(vec![1; 17]));
    assert_eq!(torn, Some(ContentError::BadUnprotected));
    let torn = decode(|content| content.ack.as_mut().unwrap().above = Some(vec![1; 15]));
    assert_eq!(torn, Some(ContentError::BadAck));
    let torn = decode(|content| content.ack.as_mut().unwrap().stream = None);
    assert_eq!(torn, Some(ContentError::BadAck));
    let torn = decode(|content| content.bundle.as_mut().unwrap().kem_key = None);
    assert_eq!(torn, Some(ContentError::Bundle(BundleError::Incomplete)));
}

#[test]
fn long_names_of_session_clients_are_cut_between_characters() {
    let name = format!("{}é", "x".repeat(MAX_NAME_BYTES - 1));
    let long = Content { name: Some(name), ..text("hello") };
    assert_eq!(long.encode(), Err(ContentError::NameTooLong));
    let cut = Content::decode(&long.to_proto().encode_to_vec()).unwrap().name;
    assert_eq!(cut, Some("x".repeat(MAX_NAME_BYTES - 1)));
}

#[test]
fn foreign_ids_depend_on_everything() {
    let sender = |byte| AccountId::from_bytes(&[&[5], &[byte; 32][..]].concat()).unwrap();
    let id = foreign_message_id(&sender(1), 5, b"text");
    assert_eq!(id, foreign_message_id(&sender(1), 5, b"text"));
    assert_ne!(id, foreign_message_id(&sender(2), 5, b"text"));
    assert_ne!(id, foreign_message_id(&sender(1), 6, b"text"));
    assert_ne!(id, foreign_message_id(&sender(1), 5, b"test"));
}

#[test]
fn debug_shows_no_text() {
    let shown = format!("{:?}", request("a secret", "a name"));
    assert!(!shown.contains("secret") && !shown.contains("name"), "{shown}");
}

proptest! {
    #[test]
    fn decode_undoes_encode(
        body in ".+", sent_ms: u64, stream: u64, clock: u64, seq in 1..u64::MAX,
        through: u64, above in prop::collection::vec(any::<[u8; 16]>(), 0..9),
        nacks in prop::collection::vec(any::<[u8; 32]>(), 0..9),
    ) {
        let placement = Placement { message_id: [9; 16], stream, seq, clock, base: seq };
        let ack = Ack { stream, through, above, read_through: None };
        let content = Content {
            body: Some(body), sent_ms, placement: Some(placement), ack: Some(ack), nacks, ..Content::default()
        };
        prop_assert_eq!(Content::decode(&content.encode().unwrap()), Ok(content));
    }

    #[test]
    fn hostile_content_is_harmless(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        place in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let _ = Content::decode(&noise);
        let _ = Content::decode_basic(&noise);
        let mut content = everything().encode().unwrap();
        let place = place.index(content.len());
        let _ = Content::decode_basic(&content[..place]);
        content[place] ^= 1u8 << bit;
        let _ = Content::decode_basic(&content);
    }
}
