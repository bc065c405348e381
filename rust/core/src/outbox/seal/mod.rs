//! Sealing: the step from plaintext to the bytes that every attempt will send (extensions sections 3
//! and 4, "seal once").
//!
//! | the message | the way |
//! |---|---|
//! | a request or re-key whose bundle is open | Session protocol, with the bundle |
//! | anything, if a session may send | ratchet frame on the highest-ranked one |
//! | anything to a friend without a ratchet | Session protocol |
//! | anything else | waits |

//!
//! | module | what it knows |
//! |---|---|
//! | `way` | that table |
//! | `basic` | what a message in the Session protocol carries |
//! | `ratchet` | what a frame carries |

mod basic;
mod ratchet;
mod way;

use starling_protocol::content::{Content, Placement};
use starling_protocol::{AccountKeys, hash, rpc};
use starling_store::{
    Contact, Conversation, FailureReason, Message, MessageState, OutboxItem, SealNote, SessionRow, StoreError,
};

use self::way::Way;
use super::Outbox;
use crate::contacts::Clock;
use crate::network::Network;
use crate::step::Step;

/// Session clients store direct messages in namespace 0.
pub(crate) const NAMESPACE: i16 = 0;
/// What cannot be sealed yet is looked at again after a minute, or when its contact changes.
const WAIT_MS: i64 = 60_000;
/// 14 days: as long as messages live, and between two offers of a ratchet to a contact without one.
const FORTNIGHT_S: i64 = 14 * 24 * 3_600;
/// Bytes of text beside which acks, nacks, names and lists of ids still fit: 48 KiB of 75.
const ROOMY_BYTES: usize = 48 << 10;

/// A message with everything that decides how it is sealed.
struct Sealing<'a> {
    keys: &'a AccountKeys,
    item: &'a OutboxItem,
    message: Message,
    conversation: Conversation,
    contact: Contact,
    clock: Clock,
}

/// What is remembered of a message until it is acknowledged.
struct Note<'a> {
    sealing: &'a Sealing<'a>,
    session: Option<SessionRow>,
    chain: i64,
    chain_index: i64,
    frame_hash: [u8; 32],
    /// Whether it is stored once more before it expires.
    restored: bool,
}

impl Outbox {
    /// Seals one message and returns it as it now stands; `None` if it has to wait, or cannot be sealed
    /// at all and has failed.
    pub(super) fn seal(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &Network,
        keys: &AccountKeys,
        item: &OutboxItem,
        network_ms: u64,
    ) -> Result<Option<OutboxItem>, StoreError> {
        let (Some(conversation), Some(message), Some(contact)) = (
            step.tx.conversation(item.conversation)?,
            step.tx.any_message(item.message)?,
            step.tx.contact(item.conversation)?,
        ) else {
            return Ok(None);
        };
        if self.proving_for(item.message) {
            // That proof is for bytes that are no more.
            self.stop_proving(step);
        }
        let clock = Clock { network_ms };
        let sealing = Sealing { keys, item, message, conversation, contact, clock };
        let sealed = match sealing.way(step)? {
            Way::Basic(carried) => self.seal_basic(step, network, &sealing, carried)?,
            Way::Ratchet(session) => self.seal_frame(step, &sealing, &session)?,
            Way::Wait => false,
        };
        match sealed {
            true => step.tx.outbox_item(item.message),
            false => {
                if let Some(left) = step.tx.outbox_item(item.message)? {
                    let later = step.now.wall_ms.saturating_add(WAIT_MS);
                    // Counted as an attempt, so that whatever changes its contact hastens it.
                    step.tx.defer_outbox(item.message, left.attempts.max(1), later)?;
                }
                Ok(None)
            }
        }
    }

    /// Writes the bytes; false if they are none that a node would take.
    fn keep(
        &mut self,
        step: &mut Step<'_, '_>,
        sealing: &Sealing<'_>,
        data: &str,
        placement: &Placement,
    ) -> Result<bool, StoreError> {
        let Some(bytes) = rpc::decode_data(data) else { return self.reject(step, sealing.item) };
        let hash = hash::message_hash(&sealing.item.peer, NAMESPACE, &bytes);
        let (row, stream) = (sealing.item.message, placement.stream as i64);
        step.tx.seal_message(row, stream, data, &hash, sealing.clock.network_ms())?;
        Ok(true)
    }

    /// The message waits for its acknowledgement from now on.
    fn note(&self, step: &mut Step<'_, '_>, note: Note<'_>) -> Result<(), StoreError> {
        let Note { sealing, session, chain, chain_index, frame_hash, restored } = note;
        // 80 % of the time to live from now.
        let restore_ms = sealing.clock.network_ms().saturating_add(sealing.item.ttl_ms / 5 * 4);
        // Its second life, or its end, may be the first thing that is due.
        step.acks_changed = true;
        step.tx.note_sealed(&SealNote {
            message: sealing.item.message,
            session,
            chain,
            chain_index,
            frame_hash,
            sealed_ms: sealing.clock.network_ms(),
            restore_ms: restored.then_some(restore_ms),
        })
    }

    /// Only a peer id that is no usable key, or a text that never should have been queued.
    fn reject(&mut self, step: &mut Step<'_, '_>, item: &OutboxItem) -> Result<bool, StoreError> {
        self.finish(step, item.message, MessageState::Failed(FailureReason::Rejected))?;
        Ok(false)
    }
}

impl Sealing<'_> {
    /// Whether the text leaves room for more.
    fn roomy(&self) -> bool {
        self.message.body.len() <= ROOMY_BYTES
    }

    /// What the message itself says.
    fn content(&self) -> Content {
        // However often a message is sealed, it was written once.
        let sealed_before = self.message.stream.is_some();
        let sent_ms = if sealed_before { self.message.sent_ms.unsigned_abs() } else { self.clock.network_ms };
        let body = Some(self.message.body.clone()).filter(|body| !body.is_empty());
        Content { body, sent_ms, ..Content::default() }
    }

    fn placement(&self, base: Option<i64>) -> Placement {
        let (item, message) = (self.item, &self.message);
        let stream = self.conversation.stream.unwrap_or(self.clock.network_s());
        Placement {
            message_id: message.message_id,
            stream: stream.unsigned_abs(),
            seq: item.seq.unsigned_abs(),
            clock: message.clock.unsigned_abs(),
            base: base.unwrap_or(item.seq).min(item.seq).unsigned_abs(),
        }
    }
}
