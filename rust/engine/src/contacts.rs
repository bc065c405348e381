//! Friend requests and contacts (extensions section 5): what the host decides, and what it may see.

use starling_core::friends::Command as Decision;
use starling_core::{Answer, Command};
use starling_protocol::AccountId;
use starling_store::{
    Contact as Row, ContactList, ConversationId, Relation, Security, Setting, StoreError, View,
};

use crate::engine::{Engine, Sent, unexpected};
use crate::error::EngineError;

/// Texts of one request that are handed out: whoever waits for an answer may have sent any number.
const MOST_TEXTS: usize = 16;

/// What a peer is to us, without what only the engine needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The account.
    pub peer: AccountId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The display name it gave itself; not to be trusted more than the account.
    pub name: Option<String>,
    /// What it is to us.
    pub relation: Relation,
    /// How its conversation is sealed.
    pub security: Security,
    /// Whether nothing of it is heard.
    pub blocked: bool,
    /// When a request or an unanswered acceptance ends by itself, in seconds of network time.
    pub expires_s: Option<i64>,
}

/// What kind of request somebody made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// A friend request with the keys of a session: accepting begins one.
    Bundle,
    /// Messages of an account without a ratchet: accepting begins a conversation in the Session protocol.
    Basic,
    /// A sign of life of somebody who takes us for a friend: accepting sends a request of our own.
    Empty,
}

/// A friend request that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FriendRequest {
    /// Who asks.
    pub peer: AccountId,
    /// The conversation it would become.
    pub conversation: ConversationId,
    /// The display name the peer gave itself.
    pub name: Option<String>,
    /// What kind of request it is.
    pub kind: RequestKind,
    /// What it says, in display order: the introduction, or the texts of a Session client; at most 16.
    pub texts: Vec<String>,
    /// When it ends by itself, in seconds of network time; `None` for never.
    pub expires_s: Option<i64>,
}

/// Decisions are on disk when their futures resolve; what they cause goes out as the network allows. All of
/// them fail with [`EngineError::NeedsAccount`], [`EngineError::Suspended`], [`EngineError::FixInput`] if
/// the account is this one, or what the store says.
impl Engine {
    /// Asks an account for friendship, with an introduction of at most 512 bytes, which may be empty. If that
    /// account has asked already, this accepts, and the introduction becomes the first text. `None`: there is
    /// no text of ours to show for it.
    ///
    /// # Errors
    /// [`EngineError::FixInput`] if the introduction is too long, if the account is a friend, asked or
    /// accepted already, or blocked; and as every decision.
    pub async fn request_friend(
        &self,
        to: AccountId,
        introduction: String,
    ) -> Result<Option<Sent>, EngineError> {
        self.request(Command::Request { to, introduction, invite: None }).await
    }

    /// The same with a code that the other one gave away ([`Engine::create_invite`]): the request is heard
    /// whatever the other side's limits say.
    ///
    /// # Errors
    /// As [`Engine::request_friend`].
    pub async fn request_invited(
        &self,
        to: AccountId,
        introduction: String,
        invite: [u8; 16],
    ) -> Result<Option<Sent>, EngineError> {
        self.request(Command::Request { to, introduction, invite: Some(invite) }).await
    }

    async fn request(&self, request: Command) -> Result<Option<Sent>, EngineError> {
        match self.command(request).await? {
            Answer::Queued { message, conversation } => Ok(Some(Sent { message, conversation })),
            Answer::Done => Ok(None),
            other => Err(unexpected(&other)),
        }
    }

    /// Takes the messages that a contact with a ratchet sent without it, which are held back otherwise, and
    /// lets more of them in until the contact's next protected one.
    ///
    /// # Errors
    /// [`EngineError::FixInput`] for an account that is no contact with a ratchet; and as every decision.
    pub async fn lower_floor(&self, peer: AccountId) -> Result<(), EngineError> {
        self.command(Command::LowerFloor(peer)).await.map(drop)
    }

    /// Makes a code of 16 bytes to give away: one request that carries it is heard, whatever the limits on
    /// strangers say.
    ///
    /// # Errors
    /// As every decision.
    pub async fn create_invite(&self) -> Result<[u8; 16], EngineError> {
        match self.command(Command::Invite).await? {
            Answer::Invite(code) => Ok(code),
            other => Err(unexpected(&other)),
        }
    }

    /// Accepts the request of an account.
    ///
    /// # Errors
    /// [`EngineError::FixInput`] if it has none pending, or one that has expired; and as every decision.
    pub async fn accept(&self, peer: AccountId) -> Result<(), EngineError> {
        self.decide(peer, Decision::Accept).await
    }

    /// Drops the request of an account, with what came with it. The other side learns nothing.
    ///
    /// # Errors
    /// [`EngineError::FixInput`] if it has none pending; and as every decision.
    pub async fn decline(&self, peer: AccountId) -> Result<(), EngineError> {
        self.decide(peer, Decision::Decline).await
    }

    /// Takes our own request back: an acceptance that still comes finds no keys. What waited for it fails.
    ///
    /// # Errors
    /// [`EngineError::FixInput`] if there is none; and as every decision.
    pub async fn withdraw(&self, peer: AccountId) -> Result<(), EngineError> {
        self.decide(peer, Decision::Withdraw).await
    }

    /// From now on nothing of this account is heard. The other side learns nothing. Fine to repeat.
    ///
    /// # Errors
    /// As every decision.
    pub async fn block(&self, peer: AccountId) -> Result<(), EngineError> {
        self.decide(peer, Decision::Block).await
    }

    /// Ends a block. What was sent meanwhile stays unseen. Fine to repeat.
    ///
    /// # Errors
    /// As every decision.
    pub async fn unblock(&self, peer: AccountId) -> Result<(), EngineError> {
        self.decide(peer, Decision::Unblock).await
    }

    /// Sets the display name that requests and acceptances carry: at most 64 bytes, empty for none.
    ///
    /// # Errors
    /// [`EngineError::FixInput`] if it is too long; and as every decision.
    pub async fn set_display_name(&self, name: String) -> Result<(), EngineError> {
        self.command(Command::SetName(name)).await.map(drop)
    }

    /// Whether requests of strangers are dropped unseen from now on.
    ///
    /// # Errors
    /// As every decision.
    pub async fn set_known_contacts_only(&self, only: bool) -> Result<(), EngineError> {
        self.command(Command::SetKnownContactsOnly(only)).await.map(drop)
    }

    /// The display name of this account, if it has one.
    ///
    /// # Errors
    /// As every read.
    pub async fn display_name(&self) -> Result<Option<String>, EngineError> {
        self.read(|store| store.own_name()).await
    }

    /// Whether requests of strangers are dropped unseen.
    ///
    /// # Errors
    /// As every read.
    pub async fn known_contacts_only(&self) -> Result<bool, EngineError> {
        self.read(|store| Ok(store.number(Setting::KnownContactsOnly)?.unwrap_or(0) != 0)).await
    }

    /// At most `limit` contacts of a list in the order of their conversations, those after `after`. A request
    /// of ours made before the network time was ever known is listed from then on.
    ///
    /// # Errors
    /// As every read.
    pub async fn contacts(
        &self,
        list: ContactList,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Contact>, EngineError> {
        self.read(move |store| {
            let rows = store.contacts(list, after, limit)?;
            rows.into_iter().map(|row| shown(store, row)).collect()
        })
        .await
    }

    /// What an account is to us; `None` if there was never anything between us.
    ///
    /// # Errors
    /// As every read.
    pub async fn contact(&self, peer: AccountId) -> Result<Option<Contact>, EngineError> {
        self.read(move |store| store.contact_with(&peer)?.map(|row| shown(store, row)).transpose()).await
    }

    /// At most `limit` requests that wait for an answer, in the order of their conversations, those after
    /// `after`.
    ///
    /// # Errors
    /// As every read.
    pub async fn friend_requests(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<FriendRequest>, EngineError> {
        self.read(move |store| {
            let rows = store.contacts(ContactList::Incoming, after, limit)?;
            rows.into_iter().filter_map(|row| request(store, row).transpose()).collect()
        })
        .await
    }

    async fn decide(&self, peer: AccountId, decision: Decision) -> Result<(), EngineError> {
        self.command(Command::Decide { peer, decision }).await.map(drop)
    }
}

fn shown(store: &View<'_>, row: Row) -> Result<Contact, StoreError> {
    let conversation = store.conversation(row.conversation)?.ok_or(StoreError::NotFound)?;
    // A request that waits for the network time to be dated with has been made, as far as the host knows.
    let asked = row.relation == Relation::Stranger && store.waiting_request(row.conversation)?.is_some();
    Ok(Contact {
        peer: row.peer,
        conversation: row.conversation,
        name: row.name,
        relation: if asked { Relation::Requested } else { row.relation },
        security: conversation.security,
        blocked: row.blocked,
        expires_s: row.until_s,
    })
}

/// The request of a contact, if it made one.
fn request(store: &View<'_>, row: Row) -> Result<Option<FriendRequest>, StoreError> {
    let kind = match row.relation {
        Relation::AskedBundle => RequestKind::Bundle,
        Relation::AskedBasic => RequestKind::Basic,
        Relation::AskedEmpty => RequestKind::Empty,
        Relation::Stranger | Relation::Requested | Relation::Accepting | Relation::Friend => return Ok(None),
    };
    let pending = store.pending_messages(row.conversation, MOST_TEXTS)?;
    let texts = pending.into_iter().map(|message| message.body).collect();
    let (peer, conversation, name, expires_s) = (row.peer, row.conversation, row.name, row.until_s);
    Ok(Some(FriendRequest { peer, conversation, name, kind, texts, expires_s }))
}
