//! What a test sees of one end: its store, its events.

use starling_protocol::AccountId;
use starling_store::{
    Contact, ConversationId, Event, Message, MessageState, Prekey, Session, SessionSecrets, StoreError, View,
};

use super::bench::End;

impl End {
    pub(super) fn read<T>(&self, read: impl FnOnce(&View<'_>) -> Result<T, StoreError>) -> T {
        self.store.read(read).unwrap()
    }

    /// The contact, of which this end has one; the first, if it has several.
    pub(super) fn contact(&self) -> Contact {
        self.contact_if_any().unwrap()
    }

    pub(super) fn contact_if_any(&self) -> Option<Contact> {
        self.read(|view| view.contact(ConversationId(1)))
    }

    pub(super) fn contact_with(&self, account: &AccountId) -> Option<Contact> {
        self.read(|view| view.contact_with(account))
    }

    pub(super) fn sessions(&self) -> Vec<Session> {
        let conversation = self.contact().conversation;
        self.read(|view| view.sessions(conversation))
    }

    pub(super) fn prekeys(&self) -> Vec<Prekey> {
        let conversation = self.contact().conversation;
        self.read(|view| view.prekeys(conversation)).into_iter().map(|(_, prekey)| prekey).collect()
    }

    /// Pickles of all live sessions.
    pub(super) fn secrets(&self) -> Vec<SessionSecrets> {
        let secrets = |session: &Session| self.read(|view| view.session_secrets(session.row)).unwrap();
        self.sessions().iter().map(secrets).collect()
    }

    /// The session this end sends on, as its peer and it rank them.
    pub(super) fn preferred(&mut self) -> Session {
        let contact = self.contact();
        let own = self.keys.account_id();
        let usable = |session: &&Session| !session.owned || session.received;
        let rank = |session: &Session| (session.epoch, session.owned == (own < contact.peer));
        self.sessions().iter().filter(usable).max_by_key(|session| rank(session)).unwrap().clone()
    }

    /// All events as words: texts as they are shown, the rest by name.
    pub(super) fn events(&self) -> Vec<String> {
        self.read(|view| {
            let mut lines = Vec::new();
            for (_, event) in view.events(20_000)? {
                lines.push(match event {
                    Event::MessageReceived { message, .. } => view.message(message)?.unwrap().body,
                    Event::MessageInserted { message, .. } => {
                        format!("inserted {}", view.message(message)?.unwrap().body)
                    }
                    Event::Gap { from_seq, to_seq, .. } => format!("gap {from_seq}-{to_seq}"),
                    Event::MessageStateChanged { .. } => continue,
                    Event::RequestReceived { .. } => "request".into(),
                    Event::FriendAdded { .. } => "friend".into(),
                    Event::SessionRenewed { .. } => "renewed".into(),
                    other => format!("{other:?}"),
                });
            }
            Ok(lines)
        })
    }

    /// Only the texts among the events.
    pub(super) fn texts(&self) -> Vec<String> {
        self.events().into_iter().filter(|line| line.starts_with("text")).collect()
    }

    pub(super) fn messages(&self) -> Vec<Message> {
        self.read(|view| view.dump_all())
    }

    pub(super) fn state(&self, body: &str) -> MessageState {
        self.messages().into_iter().find(|message| message.body == body).unwrap().state
    }

    /// Everything that must not change when nothing happened: sessions, contact, events, quarantine.
    pub(super) fn imprint(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let quarantined = self.read(|view| view.quarantine_size());
        let secrets: Vec<String> =
            self.secrets().iter().map(|secrets| hex::encode(secrets.pickle.as_slice())).collect();
        (
            self.contact(),
            self.sessions(),
            secrets,
            self.prekeys(),
            self.events(),
            self.messages(),
            quarantined,
        )
    }
}
