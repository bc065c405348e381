//! Order, gaps, duplicates and poison, against a store in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use starling_protocol::content::Content;
use starling_protocol::content::Placement;
use starling_protocol::sealed::Opened;
use starling_protocol::session;
use starling_protocol::{AccountKeys, NodeKey, Seed};
use starling_store::{Event, Relation, Security, Store, StoreError};

use super::{Batch, Gaps, Parking, commit};
use crate::config::Config;
use crate::contacts::Admission;
use crate::effect::Effect;
use crate::input::Now;
use crate::network::Network;
use crate::step::Step;
use crate::unseal::Unsealable;

struct Bench {
    store: Store,
    network: Network,
    gaps: Gaps,
    parking: Parking,
    own: AccountKeys,
    peer: AccountKeys,
    rng: ChaCha20Rng,
    boot_ms: u64,
    hashes: u64,
}

/// An account and its friend who has no ratchet.
fn befriended(
    tx: &mut starling_store::Tx<'_>,
    seed: &Seed,
    own: &AccountKeys,
    peer: &AccountKeys,
) -> Result<(), StoreError> {
    tx.create_account(seed.as_bytes(), &own.account_id())?;
    let conversation = tx.open_conversation(&peer.account_id(), Security::Basic, 0)?.id;
    let mut contact = tx.contact(conversation)?.unwrap();
    (contact.relation, contact.open) = (Relation::Friend, true);
    tx.put_contact(&contact)
}

impl Bench {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let seed = Seed::generate(&mut rng);
        let own = AccountKeys::from_seed(&seed);
        let peer = AccountKeys::from_seed(&Seed::generate(&mut rng));
        let mut store = Store::in_memory().unwrap();
        store.transact(|tx| befriended(tx, &seed, &own, &peer)).unwrap();
        let network = store.transact(|tx| Network::load(tx, Config::default(), 0)).unwrap();
        Self {
            store,
            network,
            gaps: Gaps::default(),
            parking: Parking::default(),
            own,
            peer,
            rng,
            boot_ms: 0,
            hashes: 0,
        }
    }

    fn step<T>(
        &mut self,
        act: impl FnOnce(&mut Step<'_, '_>, &Network, &mut Gaps) -> Result<T, StoreError>,
    ) -> T {
        let now = Now { boot_ms: self.boot_ms, wall_ms: 1_000_000 };
        let (network, gaps, rng) = (&self.network, &mut self.gaps, &mut self.rng);
        let stepped = self.store.transact(|tx| {
            let mut admission = Admission::default();
            let mut step = Step {
                tx,
                now,
                rng,
                effects: Vec::<Effect>::new(),
                admission: &mut admission,
                queue_changed: false,
                acks_changed: false,
            };
            act(&mut step, network, gaps)
        });
        stepped.unwrap()
    }

    fn take(&mut self, replica: u8, results: Vec<Result<Opened, Unsealable>>) {
        let opened: Vec<_> = results
            .into_iter()
            .map(|result| {
                self.hashes += 1;
                (format!("hash {}", self.hashes), result)
            })
            .collect();
        let batch = Batch { replicas: BTreeSet::from([NodeKey([replica; 32])]), ..Batch::default() };
        let own = self.own.clone();
        let mut parking = std::mem::take(&mut self.parking);
        self.step(|step, network, gaps| {
            gaps.replicas_read(&batch.replicas);
            commit(step, network, gaps, &mut parking, &own, &batch, opened).map(|_| ())
        });
        self.parking = parking;
    }

    /// A text of the peer's at `seq` of stream 100.
    fn text(&self, seq: u64, base: u64) -> Result<Opened, Unsealable> {
        let placement = Placement { message_id: [seq as u8; 16], stream: 100, seq, clock: seq, base };
        let body = Some(format!("text {seq}"));
        Ok(self.opened(&Content { body, sent_ms: seq, placement: Some(placement), ..Content::default() }))
    }

    fn opened(&self, content: &Content) -> Opened {
        Opened::Session(session::Opened {
            sender: self.peer.account_id(),
            sender_ed25519: self.peer.ed25519_public(),
            content: content.encode().unwrap(),
        })
    }

    fn receive(&mut self, replica: u8, seqs: &[u64]) {
        let results = seqs.iter().map(|seq| self.text(*seq, 1)).collect();
        self.take(replica, results);
    }

    fn release(&mut self, at_once: bool) {
        self.step(|step, _, gaps| gaps.release(step, 3, at_once).map(|_| ()));
    }

    /// The events so far, as the host would read them.
    fn events(&mut self) -> Vec<String> {
        self.store
            .read(|view| {
                let mut lines = Vec::new();
                for (_, event) in view.events(100)? {
                    lines.push(match event {
                        Event::MessageReceived { message, .. } => view.message(message)?.unwrap().body,
                        Event::MessageInserted { message, .. } => {
                            format!("inserted {}", view.message(message)?.unwrap().body)
                        }
                        Event::Gap { from_seq, to_seq, .. } => format!("gap {from_seq}-{to_seq}"),
                        other => format!("{other:?}"),
                    });
                }
                Ok::<_, StoreError>(lines)
            })
            .unwrap()
    }
}

#[test]
fn reordered_messages_are_shown_in_order_without_a_gap() {
    let mut bench = Bench::new();
    bench.receive(1, &[3, 2]);
    assert!(bench.events().is_empty(), "nothing is shown before what comes first");
    bench.receive(2, &[1]);
    assert_eq!(bench.events(), ["text 1", "text 2", "text 3"]);
}

#[test]
fn copies_are_shown_once() {
    let mut bench = Bench::new();
    for replica in 1..=3 {
        bench.receive(replica, &[1, 2, 2]);
    }
    assert_eq!(bench.events(), ["text 1", "text 2"]);
}

#[test]
fn a_gap_is_named_after_three_further_replicas_and_its_filler_is_inserted() {
    let mut bench = Bench::new();
    bench.receive(1, &[1, 4]);
    for replica in 2..=3 {
        bench.receive(replica, &[]);
        bench.release(false);
        assert_eq!(bench.events(), ["text 1"], "replica {replica}");
    }
    bench.receive(4, &[]);
    bench.release(false);
    assert_eq!(bench.events(), ["text 1", "gap 2-3", "text 4"]);
    bench.receive(4, &[3, 5]);
    assert_eq!(bench.events()[3..], ["inserted text 3", "text 5"]);
}

#[test]
fn the_same_replica_three_times_is_not_three_replicas() {
    let mut bench = Bench::new();
    bench.receive(1, &[2]);
    for _ in 0..5 {
        bench.receive(2, &[]);
        bench.release(false);
    }
    assert!(bench.events().is_empty());
}

#[test]
fn a_gap_is_named_after_thirty_seconds_or_at_the_end_of_a_wake() {
    for at_once in [false, true] {
        let mut bench = Bench::new();
        bench.receive(1, &[2, 5]);
        bench.boot_ms = 29_999;
        bench.release(false);
        assert!(bench.events().is_empty());
        bench.boot_ms += u64::from(!at_once);
        bench.release(at_once);
        assert_eq!(bench.events(), ["gap 1-1", "text 2", "gap 3-4", "text 5"]);
    }
}

#[test]
fn a_stream_begins_at_its_base() {
    let mut bench = Bench::new();
    let results = vec![bench.text(8, 7), bench.text(7, 7)];
    bench.take(1, results);
    assert_eq!(bench.events(), ["text 7", "text 8"]);
}

#[test]
fn a_known_message_at_a_new_place_fills_it_silently() {
    let mut bench = Bench::new();
    bench.receive(1, &[1]);
    let again = |seq| Placement { message_id: [1; 16], stream: 100, seq, clock: seq, base: 1 };
    let copy = |bench: &Bench, seq| {
        let placement = Some(again(seq));
        let text = Content { body: Some("text 1".into()), sent_ms: 1, placement, ..Content::default() };
        Ok(bench.opened(&text))
    };
    let results = vec![bench.text(4, 1), copy(&bench, 3)];
    bench.take(1, results);
    assert_eq!(bench.events(), ["text 1"], "place 2 is still missing");
    bench.receive(2, &[2]);
    assert_eq!(bench.events(), ["text 1", "text 2", "text 4"]);
    let next = vec![copy(&bench, 5), bench.text(6, 1)];
    bench.take(2, next);
    assert_eq!(bench.events()[3..], ["text 6"]);
}

#[test]
fn waiting_messages_survive_the_process() {
    let mut bench = Bench::new();
    bench.receive(1, &[1, 3]);
    let now = Now { boot_ms: 5, wall_ms: 0 };
    bench.gaps = bench.store.transact(|tx| Gaps::load(tx, now)).unwrap();
    bench.receive(1, &[2]);
    assert_eq!(bench.events(), ["text 1", "text 2", "text 3"]);
}

#[test]
fn session_clients_have_no_places_and_are_told_apart_by_content() {
    let mut bench = Bench::new();
    let plain = |body: &str, sent_ms| Content { body: Some(body.into()), sent_ms, ..Content::default() };
    let results =
        [plain("hi", 1), plain("hi", 1), plain("hi", 2)].iter().map(|text| Ok(bench.opened(text))).collect();
    bench.take(1, results);
    assert_eq!(bench.events(), ["hi", "hi"], "the same words at another time are another message");
}

#[test]
fn poison_is_kept_apart_and_stops_nothing() {
    let mut bench = Bench::new();
    let Opened::Session(genuine) = bench.text(9, 1).unwrap() else { panic!("no frame") };
    let garbage = Opened::Session(session::Opened { content: vec![0xFF; 40], ..genuine });
    let results = vec![Err(Unsealable::BadSeal), Ok(garbage), bench.text(1, 1)];
    bench.take(1, results);
    assert_eq!(bench.events(), ["text 1"]);
    let (rows, _) = bench.store.read(|view| view.quarantine_size()).unwrap();
    assert_eq!(rows, 2);
}

#[test]
fn absurd_numbers_do_not_reach_the_store() {
    let mut bench = Bench::new();
    let mut placement = Placement { message_id: [1; 16], stream: 1, seq: 1, clock: 1, base: 1 };
    for field in 0..3 {
        let huge = u64::MAX - 1;
        placement = match field {
            0 => Placement { stream: huge, ..placement },
            1 => Placement { stream: 1, seq: huge, ..placement },
            _ => Placement { seq: 1, clock: huge, ..placement },
        };
        let placement = Some(placement);
        let text = Content { body: Some("x".into()), sent_ms: 1, placement, ..Content::default() };
        let result = Ok(bench.opened(&text));
        bench.take(1, vec![result]);
    }
    assert!(bench.events().is_empty());
    assert_eq!(bench.store.read(|view| view.quarantine_size()).unwrap().0, 3);
}
