//! What holds after every step, whatever happened: the store fits together.

use std::collections::{BTreeMap, BTreeSet};

use starling_protocol::hash::message_hash;
use starling_protocol::rpc::decode_data;
use starling_store::{
    ConversationId, Direction, Event, Held, Message, MessageKind, MessageRow, MessageState, OutboxItem,
    Stage, Store, StoreError, View,
};

/// Reads everything and compares it. `queued` are the messages the host was told are safe.
pub(super) fn check(store: &Store, queued: &BTreeMap<MessageRow, ConversationId>) {
    let checked = store.read(|view| {
        let messages: BTreeMap<MessageRow, Message> =
            view.dump_all()?.into_iter().map(|message| (message.row, message)).collect();
        for (row, conversation) in queued {
            let message = messages.get(row).expect("a queued message is a row");
            assert_eq!((message.conversation, message.direction), (*conversation, Direction::Outgoing));
        }
        check_messages(view, &messages)?;
        check_places(view, &messages)?;
        check_events(view, &messages)
    });
    checked.expect("the store can be read");
}

fn check_messages(view: &View<'_>, messages: &BTreeMap<MessageRow, Message>) -> Result<(), StoreError> {
    let mut unfinished = 0;
    for message in messages.values() {
        let item = view.outbox_item(message.row)?;
        match message.state {
            MessageState::Queued | MessageState::Working => {
                assert!(item.is_some(), "unfinished, but nobody sends it: {message:?}");
            }
            MessageState::Stored { k, n } => assert!((1..=n).contains(&k), "stored {k} of {n}"),
            MessageState::Received => assert!(item.is_none()),
            _ => assert!(item.is_none(), "finished, but still sent: {message:?}"),
        }
        assert_eq!(message.state == MessageState::Received, message.direction == Direction::Incoming);
        if let Some(item) = item {
            unfinished += 1;
            check_item(view, message, &item)?;
        }
    }
    assert_eq!(view.outbox_len()?, unfinished);
    Ok(())
}

/// What the stage of an outbox row promises.
fn check_item(view: &View<'_>, message: &Message, item: &OutboxItem) -> Result<(), StoreError> {
    assert_eq!((item.conversation, item.peer), (message.conversation, message.peer));
    assert_eq!((item.kind, item.seq), (message.kind, message.seq.unwrap_or(0)));
    let sealed = item.stage != Stage::Queued;
    assert_eq!(sealed, item.data.is_some() && item.hash.is_some() && item.expires_ms.is_some());
    assert_eq!(item.stage == Stage::Proven, item.timestamp.is_some());
    if let (Some(data), Some(hash)) = (&item.data, &item.hash) {
        let bytes = decode_data(data).expect("sealed data is base64 that a node stores");
        assert_eq!(*hash, message_hash(&item.peer, 0, &bytes));
    }
    let holders = view.receipts(message.row)?.len();
    if let MessageState::Stored { k, .. } = message.state {
        // Whatever is unacknowledged may have been sealed again, and then has its receipts ahead.
        let again = view.unacknowledged_message(message.row)?.is_some();
        assert!(again || k as usize <= holders, "said to be on {k}, receipts of {holders}");
    }
    Ok(())
}

/// Our own messages of a conversation, signals excepted, have different places, all of them given out by it, and the lowest
/// place that the peer may still get is never passed over.
fn check_places(view: &View<'_>, messages: &BTreeMap<MessageRow, Message>) -> Result<(), StoreError> {
    let mut places: BTreeMap<ConversationId, BTreeSet<i64>> = BTreeMap::new();
    let mut lowest: BTreeMap<ConversationId, i64> = BTreeMap::new();
    for message in messages.values().filter(|message| message.direction == Direction::Outgoing) {
        assert_eq!(message.seq.is_none(), message.kind == MessageKind::Signal);
        let Some(seq) = message.seq else { continue };
        assert!(places.entry(message.conversation).or_default().insert(seq), "two messages at {seq}");
        if view.outbox_item(message.row)?.is_some() {
            let least = lowest.entry(message.conversation).or_insert(seq);
            *least = seq.min(*least);
        }
    }
    for (id, places) in places {
        let next = view.conversation(id)?.expect("messages have a conversation").next_seq;
        assert!(places.range(..1).chain(places.range(next..)).next().is_none(), "{places:?} before {next}");
        assert_eq!(view.lowest_live_seq(id, i64::MAX)?, lowest.get(&id).copied());
    }
    Ok(())
}

/// Every event is about something that is there, and nothing is shown twice.
fn check_events(view: &View<'_>, messages: &BTreeMap<MessageRow, Message>) -> Result<(), StoreError> {
    let mut shown = BTreeSet::new();
    for (_, event) in view.events(usize::MAX)? {
        match event {
            Event::MessageReceived { conversation, message }
            | Event::MessageInserted { conversation, message } => {
                let found = &messages[&message];
                assert_eq!((found.conversation, found.direction), (conversation, Direction::Incoming));
                assert_eq!(found.held, Held::No, "shown, but held back: {found:?}");
                assert!(matches!(found.kind, MessageKind::Text | MessageKind::Request), "shown: {found:?}");
                assert!(shown.insert(message), "shown twice: {found:?}");
            }
            Event::MessageStateChanged { conversation, message } => {
                let found = &messages[&message];
                assert_eq!((found.conversation, found.direction), (conversation, Direction::Outgoing));
            }
            Event::Gap { from_seq, to_seq, .. } => assert!(from_seq <= to_seq, "gap {from_seq} to {to_seq}"),
            Event::RequestReceived { conversation }
            | Event::RequestReplaced { conversation }
            | Event::RequestExpired { conversation }
            | Event::FriendAdded { conversation }
            | Event::SessionRenewed { conversation }
            | Event::SecurityUpgraded { conversation } => {
                assert!(view.conversation(conversation)?.is_some(), "told of nobody");
            }
            Event::Resync | Event::RequestsDigest => {}
        }
    }
    Ok(())
}
