//! What a host asks: texts, requests, decisions about contacts.

use starling_protocol::content::{MAX_INTRODUCTION_BYTES, MAX_NAME_BYTES};
use starling_protocol::{AccountId, AccountKeys};
use starling_store::{
    Contact, ConversationId, FailureReason, MessageKind, NewOutgoing, Relation, Security, StoreError,
};

use crate::contacts::{self, Clock, Introduction, Wish};
use crate::effect::Answer;
use crate::error::CommandError;
use crate::friends::{self, Input};
use crate::inbox;
use crate::lifecycle::Mode;
use crate::machine::Machine;
use crate::outbox;
use crate::step::Step;

/// The outer error rolls the step back, the inner one refuses the command.
type Commanded = Result<Result<Answer, CommandError>, StoreError>;

impl Machine {
    /// A text: by itself, as a friend request, or as the acceptance of one.
    pub(crate) fn send(&mut self, step: &mut Step<'_, '_>, to: &AccountId, body: String) -> Commanded {
        let (bytes, limit) = (body.len(), crate::largest_text());
        let refusal = match bytes {
            0 => Some(CommandError::EmptyText),
            _ if bytes > limit => Some(CommandError::TextTooLong { bytes, limit }),
            _ => None,
        };
        let keys = match (self.addressable(to), refusal) {
            (Err(refusal), _) | (_, Some(refusal)) => return Ok(Err(refusal)),
            (Ok(keys), None) => keys,
        };
        match contacts::wish(step, to, &body)? {
            Err(refusal) => Ok(Err(refusal)),
            Ok(Wish::Request) => self.introduce(step, &keys, to, Introduction { text: body, invite: None }),
            Ok(Wish::Accept) => {
                let accepted =
                    contacts::command(step, &keys, to, friends::Command::Accept, None, self.clock(step))?;
                match accepted {
                    Ok(accepted) => self.queue(step, accepted.conversation, body),
                    Err(refusal) => Ok(Err(refusal)),
                }
            }
            Ok(Wish::Text) => match step.tx.conversation_with(to)? {
                Some(conversation) => self.queue(step, conversation.id, body),
                None => Err(StoreError::NotFound),
            },
        }
    }

    /// A friend request with an introduction, which may be empty.
    pub(crate) fn request(
        &mut self,
        step: &mut Step<'_, '_>,
        to: &AccountId,
        text: String,
        invite: Option<[u8; 16]>,
    ) -> Commanded {
        let (bytes, limit) = (text.len(), MAX_INTRODUCTION_BYTES);
        match self.addressable(to) {
            Ok(_) if bytes > limit => Ok(Err(CommandError::IntroductionTooLong { bytes, limit })),
            Ok(keys) => self.introduce(step, &keys, to, Introduction { text, invite }),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn introduce(
        &mut self,
        step: &mut Step<'_, '_>,
        keys: &AccountKeys,
        to: &AccountId,
        introduction: Introduction,
    ) -> Commanded {
        if self.network.time_ms(step.now).is_none() {
            return self.wish(step, keys, to, introduction);
        }
        let text = introduction.text.clone();
        let introduction = Some(introduction);
        let clock = self.clock(step);
        let requested = contacts::command(step, keys, to, friends::Command::Request, introduction, clock)?;
        self.poller.liven(step.now, self.config.poll_min_ms);
        Ok(match requested {
            Err(refusal) => Err(refusal),
            Ok(contacts::Commanded { conversation, introduced: Some(message) }) => {
                Ok(Answer::Queued { message, conversation })
            }
            // The other one had asked already: ours was the acceptance, and the text comes after it.
            Ok(contacts::Commanded { conversation, introduced: None }) if !text.is_empty() => {
                return self.queue(step, conversation, text);
            }
            Ok(_) => Ok(Answer::Done),
        })
    }

    /// A request that is made when the network time is known: until then nothing is dated. Whether it may
    /// be made at all is asked now.
    fn wish(
        &mut self,
        step: &mut Step<'_, '_>,
        keys: &AccountKeys,
        to: &AccountId,
        introduction: Introduction,
    ) -> Commanded {
        let Introduction { text, invite } = introduction.clone();
        let introduction = Some(introduction);
        let clock = self.clock(step);
        let conversation = step.tx.open_conversation(to, Security::Basic, step.now.wall_ms)?.id;
        let request = Input::Command(friends::Command::Request);
        if let Some(refusal) = contacts::refusal(step, conversation, &request, clock)? {
            return Ok(Err(refusal.into()));
        }
        if step.tx.waiting_request(conversation)?.is_some() {
            return Ok(Err(CommandError::AlreadyRequested));
        }
        let contact = step.tx.contact(conversation)?.ok_or(StoreError::NotFound)?;
        if contact.relation != Relation::Stranger {
            // An answer to a request needs no time of ours.
            let accepted = contacts::command(step, keys, to, friends::Command::Request, introduction, clock)?;
            return match accepted {
                Ok(accepted) if !text.is_empty() => self.queue(step, accepted.conversation, text),
                Ok(_) => Ok(Ok(Answer::Done)),
                Err(refusal) => Ok(Err(refusal)),
            };
        }
        let message_id = draw_id(step);
        if let Some(code) = invite {
            step.tx.attach_invite(&message_id, &code)?;
        }
        self.enqueue(step, conversation, MessageKind::Request, message_id, text)
    }

    /// Accept, decline, withdraw, block, unblock.
    pub(crate) fn decide(
        &mut self,
        step: &mut Step<'_, '_>,
        peer: &AccountId,
        decision: friends::Command,
    ) -> Commanded {
        if decision == friends::Command::Request {
            return self.request(step, peer, String::new(), None);
        }
        let keys = match self.addressable(peer) {
            Ok(keys) => keys,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let clock = self.clock(step);
        let decided = contacts::command(step, &keys, peer, decision, None, clock)?;
        self.poller.liven(step.now, self.config.poll_min_ms);
        if let (friends::Command::Withdraw, Err(CommandError::NothingToWithdraw)) = (decision, &decided) {
            return self.unwish(step, peer);
        }
        Ok(decided.map(|_| Answer::Done))
    }

    /// Takes back a request that was still to be made.
    fn unwish(&mut self, step: &mut Step<'_, '_>, peer: &AccountId) -> Commanded {
        let Some(conversation) = step.tx.conversation_with(peer)?.map(|conversation| conversation.id) else {
            return Ok(Err(CommandError::NothingToWithdraw));
        };
        if step.tx.waiting_request(conversation)?.is_none() {
            return Ok(Err(CommandError::NothingToWithdraw));
        }
        for message in step.tx.fail_queue(conversation, FailureReason::Withdrawn)? {
            outbox::announce(step, message)?;
        }
        self.outbox.look_again();
        Ok(Ok(Answer::Done))
    }

    pub(crate) fn set_name(&mut self, step: &mut Step<'_, '_>, name: &str) -> Commanded {
        let (bytes, limit) = (name.len(), MAX_NAME_BYTES);
        if self.account_id().is_none() {
            return Ok(Err(CommandError::NoAccount));
        }
        if bytes > limit {
            return Ok(Err(CommandError::NameTooLong { bytes, limit }));
        }
        step.tx.set_own_name(name)?;
        Ok(Ok(Answer::Done))
    }

    fn queue(&mut self, step: &mut Step<'_, '_>, conversation: ConversationId, body: String) -> Commanded {
        let message_id = draw_id(step);
        self.enqueue(step, conversation, MessageKind::Text, message_id, body)
    }

    fn enqueue(
        &mut self,
        step: &mut Step<'_, '_>,
        conversation: ConversationId,
        kind: MessageKind,
        message_id: [u8; 16],
        body: String,
    ) -> Commanded {
        let (ttl_ms, now_ms) = (self.text_ttl_ms(), step.now.wall_ms);
        let new = NewOutgoing { conversation, message_id, kind, body, ttl_ms, now_ms };
        let message = step.tx.enqueue_message(new)?.row;
        self.outbox.look_again();
        self.poller.liven(step.now, self.config.poll_min_ms);
        Ok(Ok(Answer::Queued { message, conversation }))
    }

    /// Takes what a contact with a ratchet sent without it, and lets more of it in.
    pub(crate) fn lower_floor(&mut self, step: &mut Step<'_, '_>, peer: &AccountId) -> Commanded {
        let keys = match self.addressable(peer) {
            Ok(keys) => keys,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(contact) = step.tx.contact_with(peer)?.filter(|contact| contact.ratchet_floor) else {
            return Ok(Err(CommandError::NoSuchContact));
        };
        let (conversation, clock) = (contact.conversation, self.clock(step));
        step.tx.put_contact(&Contact { ratchet_floor: false, ..contact })?;
        inbox::retry::unprotected(step, &keys, &mut self.gaps, clock, &self.config, conversation)?;
        Ok(Ok(Answer::Done))
    }

    /// A code to give away: whoever's request carries it is heard whatever the limits say. It counts once.
    pub(crate) fn invite(&mut self, step: &mut Step<'_, '_>) -> Commanded {
        if self.account_id().is_none() {
            return Ok(Err(CommandError::NoAccount));
        }
        let code = draw_id(step);
        step.tx.add_invite(&code, step.now.wall_ms)?;
        Ok(Ok(Answer::Invite(code)))
    }

    pub(crate) fn text_ttl_ms(&self) -> i64 {
        i64::try_from(self.config.text_ttl_ms).unwrap_or(i64::MAX)
    }

    fn clock(&self, step: &Step<'_, '_>) -> Clock {
        Clock { network_ms: self.network.time_guess_ms(step.now) }
    }

    /// Our keys, if there is an account and the other one is not it.
    fn addressable(&self, peer: &AccountId) -> Result<std::sync::Arc<AccountKeys>, CommandError> {
        let keys = self.keys.as_ref().ok_or(CommandError::NoAccount)?;
        match () {
            () if self.mode == Mode::ShutDown => Err(CommandError::ShutDown),
            () if keys.account_id() == *peer => Err(CommandError::SendToSelf),
            () => Ok(std::sync::Arc::clone(keys)),
        }
    }
}

/// 16 random bytes: the id of a message, or a code.
fn draw_id(step: &mut Step<'_, '_>) -> [u8; 16] {
    let mut id = [0; 16];
    step.rng.fill_bytes(&mut id);
    id
}
