//! What the host may ask about a contact (extensions section 5).

use starling_protocol::content::MAX_INTRODUCTION_BYTES;
use starling_protocol::{AccountId, AccountKeys};
use starling_store::{ConversationId, MessageRow, Relation, Security, StoreError};

use super::{Clock, Occasion, apply};
use crate::error::CommandError;
use crate::friends::{self, Command, Input, Pair, Refusal};
use crate::step::Step;

/// What a friend request says beside its keys.
#[derive(Debug, Clone)]
pub(crate) struct Introduction {
    pub(crate) text: String,
    /// A code that the other one gave away.
    pub(crate) invite: Option<[u8; 16]>,
}

/// What came of a command.
pub(crate) struct Commanded {
    pub(crate) conversation: ConversationId,
    /// The request that went out, if one did.
    pub(crate) introduced: Option<MessageRow>,
}

/// Gives the table a command about a peer. A peer never met gets a conversation, unless the command is
/// refused.
pub(crate) fn command(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    peer: &AccountId,
    command: Command,
    introduction: Option<Introduction>,
    clock: Clock,
) -> Result<Result<Commanded, CommandError>, StoreError> {
    let input = Input::Command(command);
    let conversation = match step.tx.conversation_with(peer)? {
        Some(known) => known.id,
        None => {
            let stranger = Pair::new(keys.account_id() < *peer);
            if let Err(refusal) = friends::step(&stranger, &input, clock.network_ms / 1_000) {
                return Ok(Err(refusal.into()));
            }
            step.tx.open_conversation(peer, Security::Basic, step.now.wall_ms)?.id
        }
    };
    let mut occasion = Occasion { introduction, ..Occasion::new(keys, clock) };
    if let Err(refusal) = apply(step, &mut occasion, conversation, &input)? {
        return Ok(Err(refusal.into()));
    }
    match command {
        Command::Block => step.tx.block(conversation, clock.network_ms())?,
        Command::Unblock => step.tx.unblock(conversation, clock.network_ms())?,
        _ => {}
    }
    Ok(Ok(Commanded { conversation, introduced: occasion.introduced }))
}

/// Makes the request that a message in the outbox has been waiting to be: the network time is known now,
/// with which bundles are dated. If the peer asked meanwhile, it accepts.
pub(crate) fn fulfil(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    conversation: ConversationId,
    message_id: [u8; 16],
    clock: Clock,
) -> Result<(), StoreError> {
    let mut occasion = Occasion { waiting: Some(message_id), ..Occasion::new(keys, clock) };
    // A relation that needs no request any more leaves the message a text.
    let _refused = apply(step, &mut occasion, conversation, &Input::Command(Command::Request))?;
    Ok(())
}

/// What a text to this peer means: a request with the text as its introduction, an answer to the
/// peer's request, or just a text.
pub(crate) enum Wish {
    Text,
    Accept,
    Request,
}

/// Reads the relation for [`Wish`].
pub(crate) fn wish(
    step: &mut Step<'_, '_>,
    peer: &AccountId,
    body: &str,
) -> Result<Result<Wish, CommandError>, StoreError> {
    let Some(contact) = step.tx.contact_with(peer)? else { return Ok(introduce(body)) };
    if contact.blocked {
        return Ok(Err(CommandError::Blocked));
    }
    Ok(match contact.relation {
        Relation::Stranger if step.tx.waiting_request(contact.conversation)?.is_some() => Ok(Wish::Text),
        Relation::Stranger => introduce(body),
        Relation::AskedBundle | Relation::AskedBasic | Relation::AskedEmpty => Ok(Wish::Accept),
        Relation::Requested | Relation::Accepting | Relation::Friend => Ok(Wish::Text),
    })
}

fn introduce(body: &str) -> Result<Wish, CommandError> {
    match body.len() {
        0..=MAX_INTRODUCTION_BYTES => Ok(Wish::Request),
        _ => Err(CommandError::NeedsFriendRequest { limit: MAX_INTRODUCTION_BYTES }),
    }
}

impl From<Refusal> for CommandError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Blocked => Self::Blocked,
            Refusal::AlreadyFriend => Self::AlreadyFriend,
            Refusal::AlreadyRequested => Self::AlreadyRequested,
            Refusal::AlreadyAccepted => Self::AlreadyAccepted,
            Refusal::NothingAsked => Self::NothingAsked,
            Refusal::NothingToWithdraw => Self::NothingToWithdraw,
            Refusal::Expired => Self::RequestExpired,
        }
    }
}
