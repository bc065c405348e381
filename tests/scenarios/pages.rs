//! Replicas that play tricks with pages, and messages that are poison.

use std::sync::{Arc, Mutex};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use starling_core::Config;
use starling_protocol::rpc::Request;
use starling_protocol::rpc::reply::{Retrieved, StoredMessage};
use starling_protocol::text::{Placement, Text};
use starling_protocol::{AccountId, AccountKeys, Seed, envelope, rpc, session};
use starling_sim::{Act, HOUR_MS, MINUTE_MS, World};
use starling_simnet::Reply;

use crate::stage::*;

/// Pages of a few messages, so that there are pages to play tricks with.
fn small_pages(seed: u64) -> World {
    settled(sevens(seed).config(Config { page_bytes: 6_000, ..Config::default() }))
}

/// Two members of device 1's swarm alter every page they hand out, while it reads a full mailbox and
/// goes on talking.
fn assert_harmless(
    seed: u64,
    what: &str,
    trick: impl FnMut(&mut Retrieved) -> bool + Send + Clone + 'static,
) {
    let mut world = small_pages(seed);
    world.act(1, Act::Background { grace_ms: 1_000 });
    world.run_for(MINUTE_MS);
    for number in 0..40 {
        send(&mut world, 0, &format!("waiting {number}"));
        world.run_for(1_000);
    }
    world.run_for(10 * MINUTE_MS);
    let liars: Vec<usize> = world.swarm_of(1).into_iter().take(2).collect();
    let played = Count::default();
    for liar in &liars {
        let (mut trick, played) = (trick.clone(), played.clone());
        world.meddle(*liar, move |request, reply| {
            let (Request::Retrieve(_), Ok(mut page)) = (request, Retrieved::parse(&reply.body)) else {
                return reply;
            };
            if reply.status == 200 && trick(&mut page) {
                played.add();
                return Reply { status: 200, body: page.to_json() };
            }
            reply
        });
    }
    let before = world.now_ms();
    world.act(1, Act::Foreground);
    world.run_for(10 * MINUTE_MS);
    talk(&mut world, 10);
    assert_delivered(&mut world, 50, what);
    assert!(played.get() > 0, "{what}: the trick was played");
    let asked = requests(&world, 1, before, is_retrieve);
    let liar_asked = asked.iter().filter(|ask| liars.contains(&way(&world, ask).1)).count();
    let minutes = (world.now_ms() - before) / MINUTE_MS;
    assert!((liar_asked as u64) < 40 * minutes, "{what}: {liar_asked} pages asked of liars in {minutes} min");
}

#[test]
fn a_page_that_promises_more_for_ever_is_harmless() {
    assert_harmless(1_600, "the same page with more to come", |page| {
        page.more = true;
        !page.messages.is_empty()
    });
    assert_harmless(1_601, "empty pages with more to come", |page| {
        page.messages.clear();
        page.more = true;
        true
    });
}

#[test]
fn a_page_that_never_moves_on_is_harmless() {
    let first: Arc<Mutex<Option<Vec<StoredMessage>>>> = Arc::default();
    assert_harmless(1_605, "the first page again and again", move |page| {
        let mut first = first.lock().unwrap();
        if first.is_none() && !page.messages.is_empty() {
            *first = Some(page.messages.clone());
        }
        page.messages = first.clone().unwrap_or_default();
        page.more = true;
        first.is_some()
    });
}

#[test]
fn a_page_that_says_there_is_no_more_hides_nothing() {
    assert_harmless(1_610, "pages cut short", |page| {
        page.messages.truncate(1);
        page.more = false;
        true
    });
    assert_harmless(1_611, "every second message kept back", |page| {
        let mut keep = false;
        page.messages.retain(|_| {
            keep = !keep;
            keep
        });
        true
    });
}

#[test]
fn a_page_out_of_order_shows_messages_in_order() {
    assert_harmless(1_615, "reversed", |page| {
        page.messages.reverse();
        page.messages.len() > 1
    });
}

#[test]
fn a_page_with_hashes_of_other_messages_moves_no_cursor() {
    assert_harmless(1_620, "hashes shifted by one", |page| {
        let hashes: Vec<String> = page.messages.iter().map(|message| message.hash.clone()).collect();
        for (message, hash) in page.messages.iter_mut().zip(hashes.into_iter().cycle().skip(1)) {
            message.hash = hash;
        }
        page.messages.len() > 1
    });
    assert_harmless(1_621, "one message under many hashes", |page| {
        let Some(first) = page.messages.first().cloned() else { return false };
        page.messages =
            (0..50).map(|number| StoredMessage { hash: format!("{number:043}"), ..first.clone() }).collect();
        true
    });
}

#[test]
fn a_page_with_altered_data_is_harmless() {
    assert_harmless(1_625, "data cut, data that is no base64", |page| {
        for (number, message) in page.messages.iter_mut().enumerate() {
            match number % 3 {
                0 => message.data.truncate(message.data.len() / 2),
                1 => message.data = "no base64 at all!".into(),
                _ => message.data.clear(),
            }
        }
        !page.messages.is_empty()
    });
}

/// Whoever writes poison.
fn stranger() -> AccountKeys {
    AccountKeys::from_seed(&Seed::from_bytes(&[99; 16]).unwrap())
}

fn text(seq: u64, base: u64, clock: u64) -> Vec<u8> {
    let placement = Placement { message_id: [seq as u8; 16], stream: 7, seq, clock, base };
    let sent_ms = 1_700_000_000_000;
    Text { body: format!("poison {seq}"), sent_ms, placement: Some(placement) }.encode()
}

/// Data of stored messages that no honest sender makes.
fn poisons(recipient: &AccountId) -> Vec<String> {
    let rng = &mut ChaCha20Rng::seed_from_u64(1_650);
    let keys = stranger();
    let mut sealed = |content: &[u8], to: &AccountId| {
        envelope::wrap(session::seal(content, &keys, to, rng).unwrap(), 1_700_000_000_000)
    };
    let elsewhere = stranger().account_id();
    vec![
        "AAAA".into(),
        "/".repeat(4_000),
        "A".repeat(102_400),
        envelope::wrap(Vec::new(), 0),
        envelope::wrap(vec![255; 500], u64::MAX),
        sealed(&text(1, 1, 1), &elsewhere),
        sealed(&[254; 300], recipient),
        sealed(&text(0, 0, 0), recipient),
        sealed(&text(1, 2, 1), recipient),
        sealed(&text(u64::MAX, 1, 1), recipient),
        sealed(&text(1, 1, u64::MAX), recipient),
        sealed(&text(1 << 60, 1 << 60, 1 << 60), recipient),
    ]
}

/// What begins like a ratchet frame and has no tag of anybody's.
fn untagged(recipient: &AccountId) -> String {
    let rng = &mut ChaCha20Rng::seed_from_u64(1_651);
    let sealed = session::seal(&[255; 300], &stranger(), recipient, rng).unwrap();
    envelope::wrap(sealed, 1_700_000_000_000)
}

#[test]
fn poison_is_set_aside_and_holds_nothing_up() {
    let mut world = small_pages(1_650);
    let recipient = world.account(1).unwrap();
    let swarm = world.swarm_of(1);
    talk(&mut world, 4);
    let poisons = poisons(&recipient);
    let timestamp = starling_sim::EPOCH_MS.unsigned_abs() + world.now_ms();
    for poison in poisons.iter().chain([&untagged(&recipient)]) {
        let store = rpc::Store::public(recipient, timestamp, HOUR_MS * 48, poison.as_str().into());
        let taken: Vec<bool> = swarm.iter().map(|server| world.deposit(*server, store.clone())).collect();
        assert_eq!(taken, [true; 7], "the swarm takes {}", &poison[..4]);
    }
    talk(&mut world, 20);
    world.run_for(10 * MINUTE_MS);
    let (rows, bytes) = world.read(1, |view| view.quarantine_size()).unwrap().unwrap();
    assert_eq!(rows as usize, poisons.len(), "each but the frame is set aside, once; {bytes} bytes");
    world.act(1, Act::Kill);
    assert_delivered(&mut world, 24, "poison");
    let again = world.read(1, |view| view.quarantine_size()).unwrap().unwrap();
    assert_eq!(again, (rows, bytes), "and never read again");
    let kept = world.read(1, |view| view.dump()).unwrap().unwrap();
    assert!(kept.iter().all(|message| !message.body.contains("poison")));
}

#[test]
fn a_flood_of_poison_stays_within_its_bounds() {
    let mut world = small_pages(1_660);
    let recipient = world.account(1).unwrap();
    let swarm = world.swarm_of(1);
    let timestamp = starling_sim::EPOCH_MS.unsigned_abs() + world.now_ms();
    for number in 0..1_200 {
        let data = format!("{number:04}{}", "A".repeat(400));
        let store = rpc::Store::public(recipient, timestamp, HOUR_MS * 48, data.as_str().into());
        for server in &swarm {
            assert!(world.deposit(*server, store.clone()));
        }
    }
    talk(&mut world, 10);
    assert_delivered(&mut world, 10, "flood");
    let (rows, _) = world.read(1, |view| view.quarantine_size()).unwrap().unwrap();
    assert_eq!(rows, 1_000, "the oldest give way");
}
