//! Random interleavings of two ends against a model that knows indexes and nothing of cryptography.
//!
//! The model is what a caller keeps to decide before decrypting; that it foretells every result is what makes it fit
//! for that.

use std::collections::VecDeque;

use proptest::prelude::*;
use starling_ratchet::{MAX_CHAINS, MAX_GAP, MAX_SKIPPED, OlmMessage, Prekeys, RatchetError, Session};

use crate::pair::{accepted, parsed};

/// A receiving chain as its table in the crate's documentation has it.
#[derive(Clone)]
struct Chain {
    ratchet_key: [u8; 32],
    next: u64,
    skipped: VecDeque<u64>,
}

impl Chain {
    fn new(ratchet_key: [u8; 32]) -> Self {
        Self { ratchet_key, next: 0, skipped: VecDeque::new() }
    }

    fn receive(&mut self, index: u64) -> Result<(), RatchetError> {
        if index > self.next + MAX_GAP {
            return Err(RatchetError::TooFarAhead);
        }
        if index < self.next {
            let place = self.skipped.iter().position(|skipped| *skipped == index);
            self.skipped.remove(place.ok_or(RatchetError::UsedKey)?);
            return Ok(());
        }
        self.skipped.extend(self.next..index);
        while self.skipped.len() as u64 > MAX_SKIPPED {
            self.skipped.pop_front();
        }
        self.next = index + 1;
        Ok(())
    }
}

/// What one end has received.
#[derive(Default)]
struct Received {
    live: VecDeque<Chain>,
    evicted: Vec<[u8; 32]>,
}

impl Received {
    fn receive(&mut self, ratchet_key: [u8; 32], index: u64) -> Result<(), RatchetError> {
        if self.evicted.contains(&ratchet_key) {
            return Err(if index > MAX_GAP { RatchetError::TooFarAhead } else { RatchetError::BadMac });
        }
        if let Some(chain) = self.live.iter_mut().find(|chain| chain.ratchet_key == ratchet_key) {
            return chain.receive(index);
        }
        let mut chain = Chain::new(ratchet_key);
        chain.receive(index)?;
        self.live.push_back(chain);
        if self.live.len() > MAX_CHAINS {
            self.evicted.extend(self.live.pop_front().map(|chain| chain.ratchet_key));
        }
        Ok(())
    }
}

struct Sent {
    message: OlmMessage,
    plaintext: Vec<u8>,
}

/// One end: its session, what the model says it has received, and all it ever sent.
struct End {
    session: Option<Session>,
    received: Received,
    sent: Vec<Sent>,
    prekeys: Option<Prekeys>,
}

impl End {
    fn send(&mut self, number: usize) {
        let Some(session) = &mut self.session else { return };
        let plaintext = format!("message {number}").into_bytes();
        let message = parsed(&session.encrypt(&plaintext).unwrap());
        self.sent.push(Sent { message, plaintext });
    }

    fn deliver(&mut self, sent: &Sent) {
        let message = &sent.message;
        let opened = match (&self.session, self.prekeys.take()) {
            (Some(session), _) => session.decrypt(message),
            (None, prekeys) => prekeys.expect("a session or prekeys").answer(message),
        };
        let foretold = self.received.receive(message.ratchet_key(), message.index());
        match opened {
            Ok((session, plaintext)) => {
                assert_eq!(foretold, Ok(()));
                assert_eq!(plaintext.as_slice(), sent.plaintext);
                self.session = Some(Session::unpickle(&session.pickle().unwrap()).unwrap());
            }
            Err(error) => assert_eq!(foretold, Err(error)),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send {
        by_owner: bool,
        count: usize,
    },
    /// Any message ever sent to that end: late, early or again.
    Deliver {
        to_owner: bool,
        which: prop::sample::Index,
    },
    /// The newest message to that end: this is what turns the ratchet.
    Newest {
        to_owner: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (any::<bool>(), 1..4_usize).prop_map(|(by_owner, count)| Step::Send { by_owner, count }),
        1 => any::<bool>().prop_map(|by_owner| Step::Send { by_owner, count: 45 }),
        8 => (any::<bool>(), any::<prop::sample::Index>())
            .prop_map(|(to_owner, which)| Step::Deliver { to_owner, which }),
        4 => any::<bool>().prop_map(|to_owner| Step::Newest { to_owner }),
    ]
}

fn run(steps: &[Step]) -> [Received; 2] {
    let (prekeys, session) = accepted();
    let mut owner =
        End { session: None, received: Received::default(), sent: vec![], prekeys: Some(prekeys) };
    let mut acceptor =
        End { session: Some(session), received: Received::default(), sent: vec![], prekeys: None };
    for (number, step) in steps.iter().enumerate() {
        let (to_owner, place): (bool, &dyn Fn(usize) -> usize) = match step {
            Step::Send { by_owner, count } => {
                let sender = if *by_owner { &mut owner } else { &mut acceptor };
                (0..*count).for_each(|_| sender.send(number));
                continue;
            }
            Step::Deliver { to_owner, which } => (*to_owner, &|len| which.index(len)),
            Step::Newest { to_owner } => (*to_owner, &|len| len - 1),
        };
        let (from, to) = if to_owner { (&acceptor, &mut owner) } else { (&owner, &mut acceptor) };
        if !from.sent.is_empty() {
            to.deliver(&from.sent[place(from.sent.len())]);
        }
    }
    [owner.received, acceptor.received]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_model_foretells_every_result(steps in prop::collection::vec(step(), 1..150)) {
        run(&steps);
    }
}

/// The property above would be worth little if its histories stayed in shallow water.
#[test]
fn long_histories_evict_chains_and_keys() {
    let exchange = [
        Step::Send { by_owner: false, count: 45 },
        Step::Newest { to_owner: true },
        Step::Send { by_owner: true, count: 45 },
        Step::Newest { to_owner: false },
    ];
    for received in run(&[&exchange[..]; 7].concat()) {
        assert_eq!(received.live.len(), MAX_CHAINS);
        assert_eq!(received.evicted.len(), 2);
        assert!(received.live.iter().all(|chain| chain.skipped.len() as u64 == MAX_SKIPPED));
    }
}
