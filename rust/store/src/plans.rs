//! Whether every statement of the store finds its rows by an index: all of them are noted as they run, and
//! then SQLite is asked how it would go about them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::RefCell;
use std::collections::BTreeSet;

use starling_protocol::account::AccountId;
use starling_protocol::node::NodeKey;
use zeroize::Zeroizing;

use crate::*;

thread_local! {
    static STATEMENTS: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// Remembers a statement of this thread's.
pub(crate) fn note(sql: &str) {
    STATEMENTS.with_borrow_mut(|statements| {
        if !statements.contains(sql) {
            statements.insert(sql.to_owned());
        }
    });
}

/// Tables that are read as a whole: they have one row, are read by one who wants all of it, or are bounded.
const WHOLE: [&str; 11] = [
    "c",                // conversations: one probe each
    "account",          // one row
    "commits",          // one row
    "pending_requests", // one row
    "nodes",            // the directory is read as a whole
    "guards",           // three rows
    "quarantine",       // at most 1,000 rows, by a covering index
    "parked",           // at most 1,000 rows, by a covering index
    "CONSTANT ROW",     // no table at all
    "(",                // rows of a subquery
    "waiting",          // rows of a recursion
];

/// Statements that may do what others may not, and why.
const EXEMPT: [&str; 6] = [
    "SELECT id, kind, conversation, message, from_seq, to_seq FROM events", // in order, up to a limit
    "SELECT count(*) FROM events", // only once the ids span more than the bound
    "SELECT count(*) FROM outbox", // for reports of a wake
    "UPDATE outbox SET due_ms = ?1 WHERE due_ms > ?1", // when the network changed or the clock jumped
    "SELECT 1 FROM outbox WHERE due_ms > ?1", // the same
    "SELECT DISTINCT conversation, stream FROM messages WHERE held = 1", // held rows alone, at start
];

fn peer(number: u8) -> AccountId {
    let mut bytes = [number; 33];
    bytes[0] = 5;
    AccountId::from_bytes(&bytes).unwrap()
}

fn outgoing(conversation: ConversationId, number: u8, kind: MessageKind) -> NewOutgoing {
    NewOutgoing { conversation, message_id: [number; 16], kind, body: "text".into(), ttl_ms: 9, now_ms: 1 }
}

fn incoming(conversation: ConversationId, number: u8, held: Held) -> Received {
    Received {
        conversation,
        message_id: [number; 16],
        kind: MessageKind::Text,
        stream: Some(7),
        seq: Some(number.into()),
        clock: 1,
        body: "text".into(),
        sent_ms: 1,
        received_ms: 1,
        held,
    }
}

/// What one contact goes through; every operation on contacts and requests is in it.
fn befriend(tx: &mut Tx<'_>) -> Result<ConversationId, StoreError> {
    tx.create_account(&[1; 16], &peer(9))?;
    tx.set_own_name("name")?;
    tx.own_name()?;
    let id = tx.open_conversation(&peer(1), Security::Basic, 0)?.id;
    tx.set_security(id, Security::Ratchet)?;
    tx.set_swarm_checked(id, None)?;
    tx.conversations(None, 5)?;
    tx.insert_received(incoming(id, 1, Held::WithRequest))?;
    tx.pending_messages(id, 5)?;
    tx.release_pending(id)?;
    tx.drop_pending(id)?;
    tx.pending_requests()?;
    let contact = tx.contact_with(&peer(1))?.unwrap();
    tx.put_contact(&Contact { relation: Relation::Friend, open: true, ..contact })?;
    tx.contacts(ContactList::Friends, None, 5)?;
    tx.known_peers()?;
    tx.contacts_due(5, 5)?;
    tx.next_contact_due()?;
    tx.block(id, 5)?;
    tx.unblock(id, 6)?;
    tx.is_blocked(&peer(1))?;
    tx.blocked_at(id, 5)?;
    tx.add_invite(&[1; 16], 0)?;
    tx.invited(&[1; 16])?;
    tx.use_invite(&[1; 16])?;
    tx.attach_invite(&[1; 16], &[1; 16])?;
    tx.invite_of(&[1; 16])?;
    tx.vouch(id, &[[1; 16]], 5)?;
    tx.vouched(id, &[1; 16])?;
    tx.note_unprotected(id, &[1; 16], 5)?;
    tx.unprotected_since(id, 5, 5)?;
    Ok(id)
}

fn ratchet(tx: &mut Tx<'_>, conversation: ConversationId) -> Result<SessionRow, StoreError> {
    let prekey = Prekey {
        conversation,
        epoch: 1,
        request_id: [1; 16],
        one_time_key: [1; 32],
        bundle_hash: [1; 32],
        expires_s: 1,
        carrier: 1,
        bundle: vec![1],
    };
    let secrets = PrekeySecrets { account: Zeroizing::new(vec![1]), kem_seed: Zeroizing::new([1; 64]) };
    let row = tx.insert_prekey(&prekey, &secrets)?;
    tx.prekeys(conversation)?;
    tx.prekey_of_key(&[1; 32])?;
    tx.prekey_of_request(conversation, &[1; 16])?;
    tx.prekey_secrets(row)?;
    tx.prekeys_due(1, 5)?;
    tx.next_prekey_expiry()?;
    tx.erase_prekey(row)?;
    tx.erase_prekeys(conversation)?;
    let secrets = SessionSecrets {
        pickle: Zeroizing::new(vec![1]),
        send_key: Zeroizing::new([1; 32]),
        receive_key: Zeroizing::new([1; 32]),
        handshake: None,
    };
    let new = NewSession {
        conversation,
        session_id: [1; 32],
        epoch: 1,
        owned: true,
        received: true,
        created_s: 1,
        secrets: &secrets,
    };
    let row = tx.insert_session(&new)?;
    let step =
        SessionStep { pickle: &[2], received: true, sending_key: None, sending_chain: 0, sent_count: 0 };
    tx.save_session(row, &step)?;
    tx.advance_chain(row, &[1; 32], 1)?;
    tx.retire_session(row, 5)?;
    tx.sessions(conversation)?;
    tx.session(row)?;
    tx.session_by_id(&[1; 32])?;
    tx.session_secrets(row)?;
    tx.sessions_due(5, 5)?;
    tx.next_session_retired()?;
    tx.erase_sessions(conversation)?;
    Ok(row)
}

fn send(tx: &mut Tx<'_>, conversation: ConversationId, session: SessionRow) -> Result<(), StoreError> {
    let text = tx.enqueue_message(outgoing(conversation, 1, MessageKind::Text))?.row;
    let other = tx.enqueue_message(outgoing(conversation, 2, MessageKind::Text))?.row;
    let signal = tx.enqueue_message(outgoing(conversation, 3, MessageKind::Signal))?.row;
    tx.waiting_request(conversation)?;
    tx.set_time_to_live(text, 9)?;
    tx.due_outbox(5, 3, 9)?;
    tx.next_outbox_due(3)?;
    tx.queue(conversation, 3)?;
    tx.seal_message(text, 7, "data", "hash", 1)?;
    let note = SealNote {
        message: text,
        session: Some(session),
        chain: 0,
        chain_index: 0,
        frame_hash: [1; 32],
        sealed_ms: 1,
        restore_ms: Some(5),
    };
    tx.note_sealed(&note)?;
    tx.prove_message(text, 1, None, 0)?;
    tx.record_receipts(text, &[NodeKey([1; 32])])?;
    let visit = Visit { at_ms: 1, node: NodeKey([1; 32]), relays: vec![], verdict: Verdict::NoAnswer };
    tx.record_visit(text, &visit)?;
    tx.explain(text)?;
    tx.advance_round(text, 1)?;
    tx.reopen_proof(text)?;
    tx.defer_outbox(text, 1, 9_000)?;
    tx.hasten_outbox(5)?;
    tx.defer_outbox(text, 1, 9_000)?;
    tx.clamp_outbox_due(5, 5)?;
    tx.finish_outbox(text, MessageState::Stored { k: 1, n: 1 })?;
    finish(tx, conversation, session, [text, other, signal])
}

/// What becomes of messages after they were sent.
fn finish(
    tx: &mut Tx<'_>,
    conversation: ConversationId,
    session: SessionRow,
    [text, other, signal]: [MessageRow; 3],
) -> Result<(), StoreError> {
    tx.finish_outbox(signal, MessageState::Sent)?;
    tx.finish_outbox(other, MessageState::Failed(FailureReason::GivenUp))?;
    tx.requeue_message(other, 9, 1)?;
    tx.reseal(text, 5)?;
    tx.extend_expiry(text, 9)?;
    tx.note_stored(text, 5)?;
    tx.mark_restored(text)?;
    tx.lowest_live_seq(conversation, 0)?;
    tx.lowest_unacknowledged_seq(conversation)?;
    tx.unacknowledged(conversation, 5)?;
    tx.unacknowledged_message(text)?;
    tx.sealed_frame(&[1; 32])?;
    tx.sealed_through_chain(session, 1, 5)?;
    tx.sealed_on_chain(session, 1)?;
    tx.due_restores(9, 5)?;
    tx.next_sealed_due()?;
    tx.acknowledge(conversation, 7, 0)?;
    tx.acknowledge_ids(conversation, &[[1; 16]])?;
    tx.expire_sealed(99, 5)?;
    tx.expect_no_acknowledgement(conversation)?;
    tx.fail_queue(conversation, FailureReason::Withdrawn)?;
    tx.outbox_len()?;
    Ok(())
}

fn receive(tx: &mut Tx<'_>, conversation: ConversationId) -> Result<(), StoreError> {
    let held = tx.insert_received(incoming(conversation, 2, Held::BehindGap))?;
    tx.waiting(conversation, 7)?;
    tx.held_streams()?;
    tx.fill_place(conversation, 7, 5)?;
    tx.release(held)?;
    tx.inbound_next(conversation, 7)?;
    tx.set_inbound_next(conversation, 7, 2)?;
    for seq in [3, 1, 2] {
        tx.note_received(conversation, 7, seq, 1, &[1; 16])?;
    }
    tx.ack_state(conversation)?;
    tx.set_ack_due(conversation, Some(5))?;
    tx.acks_due(5, 5)?;
    tx.next_ack_due()?;
    tx.mark_seen(&peer(1), &[1; 16], 5)?;
    tx.mark_hash("hash", 5)?;
    tx.hash_known("hash")?;
    let mark = FrameMark { hash: [1; 32], conversation, message_id: None, verdict: 1, expires_ms: 5 };
    tx.mark_frame(&mark)?;
    tx.frame(&[1; 32])?;
    tx.sweep_marks(9)?;
    tx.set_cursor(&NodeKey([1; 32]), 0, "hash")?;
    tx.cursor(&NodeKey([1; 32]), 0)?;
    tx.forget_cursor(&NodeKey([1; 32]), 0)?;
    tx.park(conversation, &[1; 32], &[1], 5)?;
    tx.parked(conversation, 5)?;
    tx.parked_conversations()?;
    tx.oldest_parked()?;
    tx.unpark(1)?;
    tx.add_nack(conversation, &[1; 32])?;
    tx.has_nacks(conversation)?;
    tx.take_nacks(conversation)?;
    let poison = Quarantined { conversation: None, hash: "h", data: "d", reason: 1, now_ms: 1 };
    tx.quarantine(poison)?;
    tx.quarantined(None, 5)?;
    tx.leave_quarantine(1)
}

fn show(tx: &mut Tx<'_>, conversation: ConversationId) -> Result<(), StoreError> {
    let message = MessageRow(1);
    for direction in [PageDirection::Older, PageDirection::Newer] {
        tx.messages(conversation, None, direction, 5)?;
    }
    tx.message_by_id(&peer(1), Direction::Incoming, &[1; 16])?;
    tx.messages_with_id(&[1; 16])?;
    tx.message(message)?;
    tx.push_event(Event::MessageStateChanged { conversation, message })?;
    tx.push_event(Event::RequestsDigest)?;
    tx.events(5)?;
    tx.ack_events(EventSeq(99))
}

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let connection = connection::in_memory().unwrap();
    let mut tx = Tx::new(&connection);
    let conversation = befriend(&mut tx).unwrap();
    let session = ratchet(&mut tx, conversation).unwrap();
    send(&mut tx, conversation, session).unwrap();
    receive(&mut tx, conversation).unwrap();
    show(&mut tx, conversation).unwrap();
    tx.commit().unwrap();

    let statements = STATEMENTS.with_borrow(Clone::clone);
    assert!(statements.len() > 150, "{}", statements.len());
    let mut bad = Vec::new();
    for sql in statements.iter().filter(|sql| !EXEMPT.iter().any(|exempt| sql.starts_with(exempt))) {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        // Unbound parameters are NULL: plans do not depend on them.
        let steps = explain.raw_query().mapped(|row| row.get::<_, String>(3)).map(Result::unwrap);
        bad.extend(steps.filter(|step| slow(step)).map(|step| format!("{step}: {sql}")));
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Whether a step of a plan reads a whole table.
fn slow(step: &str) -> bool {
    step.strip_prefix("SCAN ").is_some_and(|table| {
        !WHOLE.iter().any(|whole| {
            table == *whole
                || table.starts_with(&format!("{whole} "))
                || *whole == "(" && table.starts_with('(')
        })
    })
}
