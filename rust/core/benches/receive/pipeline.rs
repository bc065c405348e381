//! The core on a fresh store, driven until everything has arrived.

use std::collections::VecDeque;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use starling_core::unseal::unseal;
use starling_core::{Command, CommandId, Config, Effect, Input, Machine, Now, SeedNode};
use starling_protocol::rpc::AddressKind;
use starling_store::{Contact, Options, Relation, Security, Store, StoreError, StoreKey};

use super::mailbox::{EPOCH_MS, Mailbox, owner_seed};
use super::{MESSAGES, cpu};

/// What one run took.
pub(crate) struct Run {
    /// Without what the nodes did.
    pub(crate) spent: Duration,
    /// Transactions that brought messages.
    pub(crate) commits: u64,
}

pub(crate) fn run(mailbox: &mut Mailbox) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let key = StoreKey::from_bytes([7; 32]);
    let mut store = Store::open(Options { directory: directory.path().to_owned(), key }).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let seed = SeedNode { url: "https://seed.invalid".into(), address_kind: AddressKind::Public };
    let config = Config { seeds: vec![seed], ..Config::default() };
    let mut boot_ms = 10_000;
    let now = |boot_ms: u64| Now { boot_ms, wall_ms: (EPOCH_MS + boot_ms) as i64 };
    let mut machine = Machine::open(&mut store, config, now(boot_ms)).unwrap();
    let command = |id, command| Input::Command { id: CommandId(id), command };
    let create = command(0, Command::CreateAccount(owner_seed()));
    assert_eq!(machine.apply(&mut store, create, now(boot_ms), &mut rng).failure, None);
    befriend(&mut store, mailbox);
    let mut inputs = VecDeque::from([command(1, Command::Start)]);
    let (begun, mut theirs, mut commits) = (cpu(), Duration::ZERO, 0);
    loop {
        let input = inputs.pop_front().unwrap_or_else(|| {
            boot_ms = boot_ms.max(machine.next_timer().unwrap());
            Input::Tick
        });
        let brings = matches!(input, Input::Unsealed { .. });
        let applied = machine.apply(&mut store, input, now(boot_ms), &mut rng);
        assert_eq!(applied.failure, None);
        commits += u64::from(brings);
        for effect in applied.effects {
            match effect {
                Effect::Request(request) => {
                    let asked = cpu();
                    let outcome = mailbox.answer(&request, boot_ms);
                    theirs += cpu() - asked;
                    inputs.push_back(Input::Reply { id: request.id, outcome, bytes: 0 });
                }
                Effect::Unseal { id, keys, sealed } => {
                    let results = sealed.iter().map(|data| unseal(&keys, data)).collect();
                    inputs.push_back(Input::Unsealed { id, results });
                }
                Effect::Prove { .. }
                | Effect::CancelProof(_)
                | Effect::Answer { .. }
                | Effect::EventsReady => {}
            }
        }
        if brings && received(&store) >= MESSAGES {
            break;
        }
    }
    let spent = cpu() - begun - theirs;
    assert_eq!(store.read(|view| view.dump()).unwrap().len() as u64, MESSAGES);
    Run { spent, commits }
}

/// The sender is a friend of today's Session network: of a stranger only a few messages would be kept.
fn befriend(store: &mut Store, mailbox: &Mailbox) {
    let befriended = store.transact(|tx| {
        let conversation = tx.open_conversation(&mailbox.sender.account_id(), Security::Basic, 0)?.id;
        let contact = tx.contact(conversation)?.ok_or(StoreError::NotFound)?;
        tx.put_contact(&Contact { relation: Relation::Friend, open: true, ..contact })
    });
    befriended.unwrap();
}

/// Messages in the store, by the clock of their conversation: the sender counts from 1.
fn received(store: &Store) -> u64 {
    let conversations = store.read(|view| view.conversations(None, 1)).unwrap();
    conversations.first().map_or(0, |conversation| conversation.clock as u64)
}
