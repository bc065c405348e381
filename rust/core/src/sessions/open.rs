//! A batch of frames (extensions sections 3 and 4).
//!
//! All frames of a batch are unsealed before the first is decrypted; then each session's are taken
//! older chains first, index ascending, so that fewest keys are skipped. A frame that would skip more
//! than the ratchet may keep is parked, as it is, until another replica was read.

use std::collections::BTreeSet;

use starling_protocol::AccountKeys;
use starling_protocol::frame::Frame;
use starling_protocol::plaintext::{Expected, Plaintext};
use starling_ratchet::{Kind, OlmMessage, RatchetError};
use starling_store::{Contact, FrameMark, NewSession, Session, SessionRow, SessionStep, StoreError};

use super::answer::{Answer, answer};
use super::failure::TAKEN;
use super::{Failure, Live, Received};
use crate::contacts::{self, Clock};
use crate::friends::{Input, SessionKey};
use crate::step::Step;

/// Skipped keys on a chain beyond which a frame is parked; the ratchet keeps 40.
const MOST_SKIPPED: i64 = 32;
/// Parked frames of one conversation; the store keeps no more of all.
const MOST_PARKED: usize = 1_000;

/// A frame with what is known about it before it is decrypted.
struct Candidate {
    frame: Frame,
    hash: [u8; 32],
    olm: OlmMessage,
    /// Place of its chain among those received, last if it is new.
    chain: i64,
}

/// Takes the frames that were parked: they have waited long enough for what they skip.
pub(crate) fn unpark(step: &mut Step<'_, '_>, keys: &AccountKeys) -> Result<Vec<Frame>, StoreError> {
    let mut frames = Vec::new();
    for conversation in step.tx.parked_conversations()? {
        for parked in step.tx.parked(conversation, MOST_PARKED)? {
            step.tx.unpark(parked.id)?;
            // The tag was right when it was parked.
            frames.extend(Frame::read(parked.frame, |sender| keys.frame_key(sender)));
        }
    }
    Ok(frames)
}

/// Opens a batch of tag-checked frames. Those that have `waited`, parked or in quarantine, are not parked
/// again; they come together with the others, because these may be what they waited for.
pub(crate) fn receive(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    clock: Clock,
    frames: Vec<Frame>,
    waited: Vec<Frame>,
) -> Result<Vec<Received>, StoreError> {
    let mut received = Vec::new();
    let impatient: BTreeSet<[u8; 32]> = waited.iter().map(Frame::hash).collect();
    // In the order in which they were first seen: nothing may depend on the bytes of an id.
    let mut sessions: Vec<([u8; 32], Vec<Frame>)> = Vec::new();
    for frame in waited.into_iter().chain(frames) {
        match sessions.iter_mut().find(|(id, _)| id == frame.session_id()) {
            Some((_, group)) => group.push(frame),
            None => sessions.push((*frame.session_id(), vec![frame])),
        }
    }
    for (_, group) in sessions {
        let Some(sender) = group.first().map(Frame::sender) else { continue };
        let (own, foreign): (Vec<_>, Vec<_>) = group.into_iter().partition(|frame| frame.sender() == sender);
        let mut batch = Batch { keys, clock, impatient: &impatient, received: &mut received };
        batch.session(step, own)?;
        // Another sender under the same session id: never honest, but each stands for itself.
        for frame in foreign {
            batch.session(step, vec![frame])?;
        }
    }
    Ok(received)
}

struct Batch<'a> {
    keys: &'a AccountKeys,
    clock: Clock,
    /// Hashes of the frames that have waited.
    impatient: &'a BTreeSet<[u8; 32]>,
    received: &'a mut Vec<Received>,
}

impl Batch<'_> {
    /// The frames of one sender that name one session.
    fn session(&mut self, step: &mut Step<'_, '_>, frames: Vec<Frame>) -> Result<(), StoreError> {
        let Some(sender) = frames.first().map(Frame::sender) else { return Ok(()) };
        if sender == self.keys.account_id() {
            return Ok(());
        }
        let Some(contact) = contacts::sender(step, &sender)?.meet(step, &sender)? else { return Ok(()) };
        let mut fresh = Vec::new();
        for frame in frames {
            let hash = frame.hash();
            match step.tx.frame(&hash)? {
                // One that failed before and comes back is tried again.
                Some(mark) if mark.verdict == TAKEN || !self.impatient.contains(&hash) => {
                    contacts::seen_again(step, contact.conversation, &mark)?;
                }
                // The same frame may be in one batch twice, in two sealed boxes.
                _ if fresh.iter().any(|other: &Frame| other.hash() == hash) => {}
                _ => fresh.push(frame),
            }
        }
        let Some(first) = fresh.first() else { return Ok(()) };
        match step.tx.session_by_id(first.session_id())? {
            Some(session) if session.conversation != contact.conversation => {
                self.refuse(step, &contact, fresh, Failure::Rejected)
            }
            Some(session) if session.erased => self.refuse(step, &contact, fresh, Failure::Erased),
            Some(session) => self.known(step, &contact, session, fresh),
            None => self.unknown(step, contact, fresh),
        }
    }

    /// Frames of a session never seen: one of them must answer a bundle of ours.
    fn unknown(
        &mut self,
        step: &mut Step<'_, '_>,
        contact: Contact,
        frames: Vec<Frame>,
    ) -> Result<(), StoreError> {
        let mut failed: Vec<(Frame, Failure)> = Vec::new();
        let mut frames = frames.into_iter();
        while let Some(frame) = frames.next() {
            match answer(step, self.keys, &contact, &frame)? {
                Ok(answer) => {
                    let Some(session) = self.begin(step, &contact, &frame, answer)? else {
                        self.refuse(step, &contact, vec![frame], Failure::Rejected)?;
                        continue;
                    };
                    let rest = failed.into_iter().map(|(frame, _)| frame).chain(frames).collect();
                    return self.known(step, &contact, session, rest);
                }
                Err(failure) => failed.push((frame, failure)),
            }
        }
        for (frame, failure) in failed {
            self.refuse(step, &contact, vec![frame], failure)?;
        }
        Ok(())
    }

    /// Writes a session that proved itself, if the relation has a place for it.
    fn begin(
        &mut self,
        step: &mut Step<'_, '_>,
        contact: &Contact,
        frame: &Frame,
        answer: Answer,
    ) -> Result<Option<Session>, StoreError> {
        let session_id = *frame.session_id();
        let Ok(pickle) = answer.live.ratchet.pickle() else { return Ok(None) };
        let input = Input::Answered {
            epoch: answer.prekey.epoch.unsigned_abs(),
            session: SessionKey(session_id),
            sent_at: answer.plaintext.content.sent_ms / 1_000,
        };
        if !contacts::admits(step, contact.conversation, &input, self.clock)? {
            return Ok(None);
        }
        contacts::happened(step, self.keys, contact.conversation, &input, self.clock)?;
        let mut secrets = answer.live.secrets;
        secrets.pickle = pickle;
        let row = step.tx.insert_session(&NewSession {
            conversation: contact.conversation,
            session_id,
            epoch: answer.prekey.epoch,
            owned: true,
            received: true,
            created_s: self.clock.network_s(),
            secrets: &secrets,
        })?;
        step.tx.advance_chain(row, &answer.ratchet_key, signed(answer.index))?;
        contacts::pin(step, contact.conversation, &answer.ed25519)?;
        self.taken(step, contact, frame.hash(), answer.plaintext)?;
        step.tx.session(row)
    }

    /// Frames of a live session.
    fn known(
        &mut self,
        step: &mut Step<'_, '_>,
        contact: &Contact,
        session: Session,
        frames: Vec<Frame>,
    ) -> Result<(), StoreError> {
        let Some(secrets) = step.tx.session_secrets(session.row)? else { return Ok(()) };
        let mut live = Live::load(secrets)?;
        let mut candidates = Vec::new();
        for frame in frames {
            match self.candidate(step, &live, session.row, frame)? {
                Ok(candidate) => candidates.push(candidate),
                Err(frame) => self.refuse(step, contact, vec![frame], Failure::Rejected)?,
            }
        }
        candidates.sort_by_key(|candidate| (candidate.chain, candidate.olm.index()));
        let mut opened = Vec::new();
        for candidate in candidates {
            // Without room to park it, it is opened as it comes.
            if !self.impatient.contains(&candidate.hash)
                && skips_too_much(step, session.row, &candidate)?
                && park(step, contact, &candidate)?
            {
                continue;
            }
            match self.decrypt(step, &mut live, &session, &candidate)? {
                Ok(plaintext) => opened.push((candidate.hash, plaintext)),
                Err(failure) => self.refuse(step, contact, vec![candidate.frame], failure)?,
            }
        }
        if opened.is_empty() {
            return Ok(());
        }
        save(step, &session, &live)?;
        let input = Input::Opened { session: SessionKey(session.session_id) };
        contacts::happened(step, self.keys, contact.conversation, &input, self.clock)?;
        for (hash, plaintext) in opened {
            self.taken(step, contact, hash, plaintext)?;
        }
        Ok(())
    }

    /// Opens the outer layer of a frame; the frame comes back if it cannot be one of this session.
    fn candidate(
        &self,
        step: &mut Step<'_, '_>,
        live: &Live,
        session: SessionRow,
        frame: Frame,
    ) -> Result<Result<Candidate, Frame>, StoreError> {
        let kind = if frame.is_prekey() { Kind::Prekey } else { Kind::Normal };
        let olm = frame.open(&live.receive_key()).ok();
        let Some(olm) = olm.and_then(|bytes| OlmMessage::decode(kind, &bytes).ok()) else {
            return Ok(Err(frame));
        };
        let chain = step.tx.received_chain(session, &olm.ratchet_key())?;
        let chain = chain.map_or(i64::MAX, |chain| chain.ordinal);
        Ok(Ok(Candidate { hash: frame.hash(), frame, olm, chain }))
    }

    /// Decrypts on a copy; the session advances only if everything about the frame is right.
    fn decrypt(
        &self,
        step: &mut Step<'_, '_>,
        live: &mut Live,
        session: &Session,
        candidate: &Candidate,
    ) -> Result<Result<Plaintext, Failure>, StoreError> {
        let (advanced, bytes) = match live.ratchet.decrypt(&candidate.olm) {
            Ok(decrypted) => decrypted,
            Err(error) => {
                let key = candidate.olm.ratchet_key();
                let received_on = step.tx.received_chain(session.row, &key)?.is_some();
                return Ok(Err(meaning(&error, received_on)));
            }
        };
        let expected = Expected {
            sender: candidate.frame.sender(),
            recipient: self.keys.account_id(),
            epoch: session.epoch.unsigned_abs(),
            prekey: candidate.frame.is_prekey(),
        };
        let Ok(plaintext) = Plaintext::decode(&bytes, &expected) else { return Ok(Err(Failure::Rejected)) };
        live.ratchet = advanced;
        let index = signed(candidate.olm.index());
        step.tx.advance_chain(session.row, &candidate.olm.ratchet_key(), index)?;
        Ok(Ok(plaintext))
    }

    fn taken(
        &mut self,
        step: &mut Step<'_, '_>,
        contact: &Contact,
        hash: [u8; 32],
        plaintext: Plaintext,
    ) -> Result<(), StoreError> {
        let message_id = Some(plaintext.placement.message_id);
        self.mark(step, contact, hash, message_id, TAKEN)?;
        self.received.push(Received { sender: contact.peer, plaintext });
        Ok(())
    }

    /// Frames that did not open: their hashes are kept, and what follows follows once.
    fn refuse(
        &mut self,
        step: &mut Step<'_, '_>,
        contact: &Contact,
        frames: Vec<Frame>,
        failure: Failure,
    ) -> Result<(), StoreError> {
        for frame in frames {
            let hash = frame.hash();
            self.mark(step, contact, hash, None, failure.code())?;
            contacts::unopened(step, self.keys, contact.conversation, &frame, failure, self.clock)?;
        }
        Ok(())
    }

    fn mark(
        &self,
        step: &mut Step<'_, '_>,
        contact: &Contact,
        hash: [u8; 32],
        message_id: Option<[u8; 16]>,
        verdict: i64,
    ) -> Result<(), StoreError> {
        let conversation = contact.conversation;
        let expires_ms = self.clock.mark_expiry_ms();
        step.tx.mark_frame(&FrameMark { hash, conversation, message_id, verdict, expires_ms })
    }
}

/// The ratchet calls a message of an evicted chain a bad one; that we received on the chain tells.
fn meaning(error: &RatchetError, received_on: bool) -> Failure {
    match error {
        RatchetError::UsedKey => Failure::Used,
        RatchetError::BadMac | RatchetError::TooFarAhead if received_on => Failure::Used,
        RatchetError::BadMac | RatchetError::TooFarAhead => Failure::Lost,
        _ => Failure::Rejected,
    }
}

fn skips_too_much(
    step: &mut Step<'_, '_>,
    session: SessionRow,
    candidate: &Candidate,
) -> Result<bool, StoreError> {
    let chain = step.tx.received_chain(session, &candidate.olm.ratchet_key())?;
    let (next, holes) = chain.map_or((0, 0), |chain| (chain.next_index, chain.holes));
    let skips = signed(candidate.olm.index()).saturating_sub(next);
    // The ratchet's room is for all skipped keys of a chain together.
    Ok(skips > 0 && holes.saturating_add(skips) > MOST_SKIPPED)
}

fn park(step: &mut Step<'_, '_>, contact: &Contact, candidate: &Candidate) -> Result<bool, StoreError> {
    let parked_ms = step.now.wall_ms;
    step.tx.park(contact.conversation, &candidate.hash, candidate.frame.as_bytes(), parked_ms)
}

fn save(step: &mut Step<'_, '_>, session: &Session, live: &Live) -> Result<(), StoreError> {
    let Ok(pickle) = live.ratchet.pickle() else { return Err(StoreError::Damaged { code: 0 }) };
    step.tx.save_session(
        session.row,
        &SessionStep {
            pickle: &pickle,
            received: true,
            sending_key: session.sending_key,
            sending_chain: session.sending_chain,
            sent_count: session.sent_count,
        },
    )
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
