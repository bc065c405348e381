//! What lies in the databases and on the nodes when all is done, and whether it is what the victims
//! were promised.

use std::collections::{BTreeMap, BTreeSet};

use starling_protocol::{AccountKeys, NodeKey, Seed};
use starling_simnet::devnet::Devnet;
use starling_store::{Direction, Held, Message, MessageState, Options, Relation, Store, StoreKey};
use starling_tests::{Named, name};

use crate::life::{Line, Party};

/// One party: its database, and all that it said in its lives.
pub(crate) struct Testimony {
    keys: AccountKeys,
    store: Store,
    messages: Vec<Message>,
    lines: Vec<Line>,
}

impl Testimony {
    pub(crate) fn of(party: &Party, lines: Vec<Line>) -> Self {
        let key = StoreKey::from_bytes([party.account; 32]);
        let store = Store::open(Options { directory: party.directory.clone(), key }).unwrap();
        let messages = store.read(|view| view.dump()).unwrap();
        let keys = AccountKeys::from_seed(&Seed::from_bytes(&[party.account; 16]).unwrap());
        Self { keys, store, messages, lines }
    }

    fn of_direction(&self, direction: Direction) -> Vec<&Message> {
        self.messages.iter().filter(|message| message.direction == direction).collect()
    }
}

fn label(message: &Message) -> &str {
    message.body.split(' ').next().unwrap()
}

/// One direction: everything from `sender` to `receiver`. Returns how many messages there are.
pub(crate) fn check(sender: &Testimony, receiver: &Testimony, devnet: &Devnet) -> usize {
    are_friends(sender, receiver);
    let sent = sender.of_direction(Direction::Outgoing);
    kept_promises(&sender.lines, &sent);
    arrived_once(&sent, &receiver.of_direction(Direction::Incoming));
    shown_once_in_order(&receiver.lines, &sent);
    lies_on_nodes(&sent, &sender.lines, receiver, devnet);
    sent.len()
}

/// However often they died: friends, with a ratchet.
fn are_friends(one: &Testimony, other: &Testimony) {
    let peer = other.keys.account_id();
    let contact = one.store.read(|view| view.contact_with(&peer)).unwrap().unwrap();
    assert_eq!((contact.relation, contact.ratchet_floor), (Relation::Friend, true));
}

/// What `send` accepted is in the sender's database, in its order, and its recipient said that it has it.
fn kept_promises(lines: &[Line], sent: &[&Message]) {
    let labels: Vec<&str> = sent.iter().map(|message| label(message)).collect();
    let distinct: BTreeSet<&str> = labels.iter().copied().collect();
    assert_eq!(labels.len(), distinct.len(), "a text was said twice: {labels:?}");
    let mut accepted = BTreeSet::new();
    for line in lines {
        let Line::Accepted(label) = line else { continue };
        assert!(accepted.insert(label), "{label} was accepted twice");
        assert!(distinct.contains(label.as_str()), "{label} was accepted and is gone");
    }
    // Handshakes and bundles have places of their own in between.
    assert!(sent.is_sorted_by(|one, next| one.seq < next.seq), "{labels:?}");
    for message in sent {
        assert_eq!(message.state, MessageState::Delivered, "{}", label(message));
    }
}

/// The receiver's database has every message once, at the sender's place, and no other.
fn arrived_once(sent: &[&Message], received: &[&Message]) {
    let count = |messages: &[&Message]| {
        let mut counts = BTreeMap::new();
        for message in messages {
            *counts.entry((message.seq, label(message).to_owned())).or_insert(0) += 1;
        }
        counts
    };
    assert_eq!(count(sent), count(received), "left: sent, right: received");
    for message in received {
        let original = sent.iter().find(|original| original.seq == message.seq).unwrap();
        let place = |message: &Message| (message.message_id, message.stream, message.seq, message.clock);
        assert_eq!(place(message), place(original), "{}", label(message));
        assert!(message.body == original.body && message.held == Held::No, "{}", label(message));
    }
}

/// The receiver was shown every message by one event. Until acknowledged an event comes again, the
/// same, and never afterwards; a lower place comes after a higher one only behind a gap.
fn shown_once_in_order(lines: &[Line], sent: &[&Message]) {
    let places: BTreeMap<&str, i64> =
        sent.iter().map(|message| (label(message), message.seq.unwrap())).collect();
    let texts: BTreeSet<i64> = places.values().copied().collect();
    let mut events: BTreeMap<i64, &Line> = BTreeMap::new();
    let (mut acknowledged, mut highest) = (0, 0);
    let (mut shown, mut missing) = (BTreeSet::new(), BTreeSet::new());
    for line in lines {
        let event = match line {
            Line::Acknowledged(event) => {
                acknowledged = acknowledged.max(*event);
                continue;
            }
            Line::Shown { event, .. } | Line::Gap { event, .. } => *event,
            _ => continue,
        };
        assert!(event > acknowledged, "{line:?} came after {acknowledged} was acknowledged");
        if let Some(before) = events.insert(event, line) {
            assert_eq!(before, line, "event {event} has changed");
            continue;
        }
        match line {
            Line::Gap { from, to, .. } => missing.extend(*from..=*to),
            Line::Shown { label, .. } => {
                let place = places[label.as_str()];
                assert!(shown.insert(place), "{label} was shown twice");
                let in_order = match place > highest {
                    // What no person sees is not skipped.
                    true => texts.range(highest + 1..place).all(|skipped| missing.contains(skipped)),
                    false => missing.contains(&place),
                };
                assert!(in_order, "{label} was shown after number {highest}");
                highest = highest.max(place);
            }
            _ => {}
        }
    }
    assert_eq!(shown, texts, "left: shown, right: sent");
}

/// A message's id and the session it was sealed on, if on one.
type Sealing = ([u8; 16], Option<[u8; 32]>);

/// Every message was sealed once, on every member that holds it, and again only on another session: when
/// requests cross, what may have met the wrong one is. It lies, once per node, on as many members of the
/// recipient's swarm as the sender was told at least.
fn lies_on_nodes(sent: &[&Message], lines: &[Line], recipient: &Testimony, devnet: &Devnet) {
    let account = recipient.keys.account_id();
    let swarm = devnet.view().swarm_of(&account).unwrap();
    let members: BTreeSet<NodeKey> = devnet.view().members(swarm).iter().copied().collect();
    // By message and session, which is none for a request.
    let mut hashes: BTreeMap<Sealing, BTreeSet<String>> = BTreeMap::new();
    let mut holders: BTreeMap<[u8; 16], BTreeSet<NodeKey>> = BTreeMap::new();
    for node in devnet.dump() {
        for message in node.messages.into_iter().filter(|message| message.account == account) {
            assert!(members.contains(&node.node), "a message outside its swarm");
            let (id, session) = match name(&message.data, &recipient.keys, &recipient.store).unwrap() {
                // The last acknowledgements are read by nobody.
                Named::Unread => continue,
                Named::Basic(id) => (id, None),
                Named::Frame { id, session } => (id, Some(session)),
            };
            holders.entry(id).or_default().insert(node.node);
            hashes.entry((id, session)).or_default().insert(message.hash);
        }
    }
    let labelled =
        |id: &[u8; 16]| sent.iter().find(|message| message.message_id == *id).map(|sent| label(sent));
    for ((id, session), hashes) in &hashes {
        let what = labelled(id).unwrap_or("what no person sees");
        let way = if session.is_some() { "on one session" } else { "without a session" };
        assert_eq!(hashes.len(), 1, "{what} was sealed more than once {way}");
    }
    let promised = most_copies(lines);
    for message in sent {
        let holders = &holders[&message.message_id];
        let copies = promised.get(label(message)).copied().unwrap_or(1);
        assert!(holders.len() >= copies, "{}: {copies} receipts, {} copies", label(message), holders.len());
    }
}

/// On how many nodes the sender was told that each of its messages lies.
fn most_copies(lines: &[Line]) -> BTreeMap<&str, usize> {
    let mut promised: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines {
        if let Line::Stored { label, copies } = line {
            let most = promised.entry(label).or_default();
            *most = (*most).max(*copies);
        }
    }
    promised
}

#[cfg(test)]
mod tests {
    use starling_store::{ConversationId, MessageKind, MessageRow};

    use super::*;

    fn message(seq: i64, label: &str) -> Message {
        Message {
            row: MessageRow(seq),
            conversation: ConversationId(1),
            peer: AccountKeys::from_seed(&Seed::from_bytes(&[1; 16]).unwrap()).account_id(),
            direction: Direction::Outgoing,
            message_id: [u8::try_from(seq).unwrap(); 16],
            kind: MessageKind::Text,
            stream: Some(1),
            seq: Some(seq),
            clock: seq,
            body: format!("{label} and more"),
            sent_ms: 0,
            received_ms: None,
            state: MessageState::Delivered,
            held: Held::No,
        }
    }

    fn shown(event: i64, label: &str) -> Line {
        Line::Shown { event, label: label.to_owned() }
    }

    /// Says a, b, c, of which the receiver is shown what `lines` say.
    fn see(lines: &[Line]) {
        let sent = [message(1, "a"), message(2, "b"), message(3, "c")];
        shown_once_in_order(lines, &sent.iter().collect::<Vec<_>>());
    }

    #[test]
    fn an_event_may_come_again_until_it_is_acknowledged() {
        see(&[shown(1, "a"), shown(1, "a"), Line::Acknowledged(1), shown(4, "b"), shown(5, "c")]);
    }

    #[test]
    fn a_late_message_behind_a_gap_is_in_order() {
        see(&[shown(1, "a"), Line::Gap { event: 2, from: 2, to: 2 }, shown(3, "c"), shown(4, "b")]);
    }

    #[test]
    #[should_panic(expected = "came after 1 was acknowledged")]
    fn an_acknowledged_event_is_over() {
        see(&[shown(1, "a"), Line::Acknowledged(1), shown(1, "a")]);
    }

    #[test]
    #[should_panic(expected = "a was shown twice")]
    fn two_events_for_one_message_are_found() {
        see(&[shown(1, "a"), shown(2, "a")]);
    }

    #[test]
    #[should_panic(expected = "c was shown after number 1")]
    fn a_message_that_overtakes_is_found() {
        see(&[shown(1, "a"), shown(2, "c"), shown(3, "b")]);
    }

    #[test]
    #[should_panic(expected = "left: shown, right: sent")]
    fn a_message_that_is_never_shown_is_found() {
        see(&[shown(1, "a"), shown(2, "b")]);
    }

    #[test]
    #[should_panic(expected = "b was accepted and is gone")]
    fn a_broken_promise_is_found() {
        kept_promises(&[Line::Accepted("a".into()), Line::Accepted("b".into())], &[&message(1, "a")]);
    }

    #[test]
    #[should_panic(expected = "left: sent, right: received")]
    fn a_doubled_message_is_found() {
        let message = message(1, "a");
        arrived_once(&[&message], &[&message, &message]);
    }
}
