//! An encrypted store with many messages, as somebody has after years.

use std::cell::OnceCell;
use std::path::PathBuf;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use starling_protocol::{AccountId, AccountKeys, Seed};
use starling_store::{
    Contact, ConversationId, Held, MessageKind, Options, Received, Relation, Security, Store, StoreError,
    StoreKey,
};

use super::clocks::{Spent, timed};
use crate::failure::Failure;

/// Messages of one transaction, as one commit of a long poll has them.
pub(super) const BATCH: u64 = 500;
const PEERS: u64 = 200;
const WORDS: u64 = 20_000;
const SYLLABLES: [&str; 32] = [
    "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "we",
    "xi", "yo", "zu", "bra", "cle", "dri", "fro", "gru", "pla", "ste", "tri", "sho", "chu", "wha", "thi",
];

/// Where it is; made when it is first asked for.
pub(super) struct Archive {
    directory: PathBuf,
    messages: u64,
    /// What it took to make it.
    made: OnceCell<Spent>,
}

impl Archive {
    pub(super) fn new(directory: PathBuf, messages: u64) -> Self {
        Self { directory, messages, made: OnceCell::new() }
    }

    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// What opens it, and what it took to fill it. The first call takes minutes.
    pub(super) fn ready(&self) -> Result<(Options, Spent), Failure> {
        if let Some(spent) = self.made.get() {
            return Ok((options(self.directory.clone()), *spent));
        }
        let options = options(self.directory.clone());
        let spent = fill(&options, self.messages)?;
        Ok((options, *self.made.get_or_init(|| spent)))
    }
}

/// A store of a directory, with a key that is no secret.
pub(super) fn options(directory: PathBuf) -> Options {
    Options { directory, key: StoreKey::from_bytes([7; 32]) }
}

/// The account of the store.
pub(super) fn owner() -> Result<(Seed, AccountKeys), Failure> {
    let seed = Seed::from_bytes(&[1; 16]).map_err(|error| Failure::other("making an account", error))?;
    let keys = AccountKeys::from_seed(&seed);
    Ok((seed, keys))
}

/// Makes an account a friend from before there was a ratchet.
pub(super) fn befriend(options: &Options, peer: &AccountId) -> Result<(), Failure> {
    let failed = |error: StoreError| Failure::other("making a friend", error);
    let opened = Store::open(options.clone());
    let mut store = opened.map_err(|error| Failure::other("opening a store", error))?;
    let befriended = store.transact(|tx| {
        let conversation = tx.open_conversation(peer, Security::Basic, 0)?.id;
        let contact = tx.contact(conversation)?.ok_or(StoreError::NotFound)?;
        tx.put_contact(&Contact { relation: Relation::Friend, open: true, ..contact })
    });
    befriended.map_err(failed)
}

fn fill(options: &Options, messages: u64) -> Result<Spent, Failure> {
    let failed = |error: StoreError| Failure::other("filling a store", error);
    let opened = Store::open(options.clone());
    let mut store = opened.map_err(|error| Failure::other("opening a store", error))?;
    let (seed, keys) = owner()?;
    store.transact(|tx| tx.create_account(seed.as_bytes(), &keys.account_id())).map_err(failed)?;
    let mut writing = Writing::new();
    let (spent, written) = timed(|| {
        (0..messages.div_ceil(BATCH)).try_for_each(|_| {
            store.transact(|tx| {
                (0..BATCH).try_for_each(|_| {
                    let new = writing.next(|peer| Ok(tx.open_conversation(&peer, Security::Basic, 0)?.id))?;
                    tx.insert_received(new).map(drop)
                })
            })
        })
    });
    written.map_err(failed)?;
    Ok(spent)
}

/// Made-up messages: words and conversations as uneven as real ones (by Zipf's law).
pub(super) struct Writing {
    rng: ChaCha20Rng,
    number: u64,
}

impl Writing {
    pub(super) fn new() -> Self {
        Self { rng: ChaCha20Rng::seed_from_u64(2), number: 0 }
    }

    /// As [`Writing::new`], with other texts and ids.
    pub(super) fn continued(from: u64) -> Self {
        Self { rng: ChaCha20Rng::seed_from_u64(from), number: from }
    }

    /// The next message, in the conversation that `conversation` knows for its peer.
    pub(super) fn next(
        &mut self,
        conversation: impl FnOnce(AccountId) -> Result<ConversationId, StoreError>,
    ) -> Result<Received, StoreError> {
        self.number += 1;
        let number = i64::try_from(self.number).unwrap_or(i64::MAX);
        let peer = peer(self.uneven(PEERS)).ok_or(StoreError::NotFound)?;
        Ok(Received {
            conversation: conversation(peer)?,
            message_id: u128::from(self.number).to_be_bytes(),
            kind: MessageKind::Text,
            stream: Some(1),
            seq: Some(number),
            clock: number,
            body: self.sentence(),
            sent_ms: number,
            received_ms: number,
            held: Held::No,
        })
    }

    fn sentence(&mut self) -> String {
        let length = 1 + self.uneven(40);
        let words: Vec<String> = (0..length).map(|_| self.word()).collect();
        words.join(" ")
    }

    /// A word, the common ones more often.
    pub(super) fn word(&mut self) -> String {
        let mut left = self.uneven(WORDS) + 33;
        let mut word = String::new();
        while left > 0 {
            let at = usize::try_from(left % 32).unwrap_or(0);
            word.push_str(SYLLABLES.get(at).copied().unwrap_or_default());
            left /= 32;
        }
        word
    }

    /// A number below `bound`, small ones more often.
    pub(super) fn uneven(&mut self, bound: u64) -> u64 {
        let even = self.rng.next_u64() as f64 / u64::MAX as f64;
        let value = (bound as f64).powf(even) - 1.0;
        (value as u64).min(bound - 1)
    }
}

fn peer(number: u64) -> Option<AccountId> {
    let mut bytes = [5; 33];
    *bytes.last_chunk_mut()? = number.to_be_bytes();
    AccountId::from_bytes(&bytes).ok()
}
