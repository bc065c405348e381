//! What lies in the two databases and on the nodes when the performance is over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starling_protocol::text::Text;
use starling_protocol::{AccountKeys, Seed, envelope, session};
use starling_simnet::DumpedMessage;
use starling_store::{Event, Options, Store, StoreError};

use crate::demo::checker::{Held, Ledger, Side};
use crate::demo::party::Party;
use crate::failure::Failure;

/// More events than the queue ever holds (extensions section 7).
const ALL: usize = 20_000;

/// One closed database, opened again: its contents and the account's keys.
pub(crate) fn database(party: &Party) -> Result<(Ledger, AccountKeys), Failure> {
    let options = Options { directory: party.directory.clone(), key: party.key.clone() };
    let doing = "opening a database to check it";
    let store = Store::open(options).map_err(|error| Failure::other(doing, error))?;
    store
        .read(|view| {
            let messages = view.dump()?;
            let events: Vec<Event> = view.events(ALL)?.into_iter().map(|(_, event)| event).collect();
            let account = view.account()?;
            Ok::<_, StoreError>((Ledger { messages, events }, account))
        })
        .map_err(|error| Failure::other(doing, error))
        .and_then(|(ledger, account)| {
            let seed = account.ok_or_else(|| Failure::Other("a database lost its account".to_owned()))?;
            let seed = Seed::from_bytes(&seed).map_err(|error| Failure::other(doing, error))?;
            Ok((ledger, AccountKeys::from_seed(&seed)))
        })
}

/// Opens what one node holds for `recipient`. What cannot be opened counts as not held.
pub(crate) fn held(node: usize, dump: &[DumpedMessage], recipient: Side, keys: &AccountKeys) -> Vec<Held> {
    dump.iter()
        .filter(|message| message.account == keys.account_id())
        .filter_map(|message| {
            let message_id = message_id(&message.data, keys)?;
            Some(Held { from: recipient.other(), message_id, node, proven: message.nonce.is_some() })
        })
        .collect()
}

fn message_id(data: &str, keys: &AccountKeys) -> Option<[u8; 16]> {
    let data = STANDARD.decode(data).ok()?;
    let envelope = envelope::unwrap(&data).ok()?;
    let opened = session::open(&envelope.content, keys).ok()?;
    Some(Text::decode(&opened.content).ok()?.placement?.message_id)
}
