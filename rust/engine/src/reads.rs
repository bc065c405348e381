//! Reading: events, conversations, messages, search. No read waits for the writer.

use starling_protocol::{AccountId, Seed, phrase};
use starling_store::{
    Conversation, ConversationId, Event, EventSeq, Explanation, Message, MessageRow, Page, PageCursor,
    PageDirection, SearchHit, StoreError, View,
};
use zeroize::Zeroizing;

use crate::engine::Engine;
use crate::error::{Damage, EngineError};

/// Every read fails with [`EngineError::Suspended`] while the engine is suspended,
/// [`EngineError::ShutDown`] after its end, and otherwise with what the store says.
impl Engine {
    /// The oldest `max` events that are not acknowledged, in order. The same ones come again, also
    /// in a later process, until [`Engine::ack_events`].
    ///
    /// # Errors
    /// As every read.
    pub async fn next_events(&self, max: usize) -> Result<Vec<(EventSeq, Event)>, EngineError> {
        self.read(move |store| store.events(max)).await
    }

    /// Resolves with the version of the event queue as soon as it is not `seen`; at once for 0. Read
    /// the events after it, not before, and none is overlooked.
    ///
    /// # Errors
    /// [`EngineError::ShutDown`] or [`EngineError::Crashed`] when the engine ends.
    pub async fn events_changed(&self, seen: u64) -> Result<u64, EngineError> {
        self.inner.latest.events_changed(seen).await
    }

    /// At most `limit` conversations in the order of their creation, those after `after`.
    ///
    /// # Errors
    /// As every read.
    pub async fn conversations(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Conversation>, EngineError> {
        self.read(move |store| store.conversations(after, limit)).await
    }

    /// The conversation with a peer, if there is one.
    ///
    /// # Errors
    /// As every read.
    pub async fn conversation_with(&self, peer: AccountId) -> Result<Option<Conversation>, EngineError> {
        self.read(move |store| store.conversation_with(&peer)).await
    }

    /// A page of at most `limit` (and never more than 500) messages in display order.
    ///
    /// # Errors
    /// As every read.
    pub async fn messages(
        &self,
        conversation: ConversationId,
        cursor: Option<PageCursor>,
        direction: PageDirection,
        limit: usize,
    ) -> Result<Page, EngineError> {
        self.read(move |store| store.messages(conversation, cursor, direction, limit)).await
    }

    /// One message.
    ///
    /// # Errors
    /// As every read.
    pub async fn message(&self, row: MessageRow) -> Result<Option<Message>, EngineError> {
        self.read(move |store| store.message(row)).await
    }

    /// The messages with this id; more than one only if another account used the id too.
    ///
    /// # Errors
    /// As every read.
    pub async fn messages_with_id(&self, message_id: [u8; 16]) -> Result<Vec<Message>, EngineError> {
        self.read(move |store| store.messages_with_id(&message_id)).await
    }

    /// Why a message is where it is: its way through the outbox, whom it was offered to over which
    /// relays, what they said, when it is tried again. For people; `None` if there is no such message.
    ///
    /// # Errors
    /// As every read.
    pub async fn explain_message(&self, row: MessageRow) -> Result<Option<Explanation>, EngineError> {
        self.read(move |store| store.explain(row)).await
    }

    /// Messages that contain every word of `query`, newest rows first; `before` continues after the
    /// last hit of the previous call.
    ///
    /// # Errors
    /// As every read.
    pub async fn search(
        &self,
        query: String,
        before: Option<MessageRow>,
        limit: usize,
    ) -> Result<Vec<SearchHit>, EngineError> {
        self.read(move |store| store.search(&query, before, limit)).await
    }

    /// How many received messages could not be read and are kept for diagnosis.
    ///
    /// # Errors
    /// As every read.
    pub async fn quarantine_count(&self) -> Result<u64, EngineError> {
        let (rows, _) = self.read(|store| store.quarantine_size()).await?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    /// The 13 words that restore the account. Whoever has them is the account.
    ///
    /// # Errors
    /// [`EngineError::NeedsAccount`], or as every read.
    pub async fn recovery_phrase(&self) -> Result<Zeroizing<String>, EngineError> {
        let seed = self.read(|store| store.account()).await?.ok_or(EngineError::NeedsAccount)?;
        let seed = Seed::from_bytes(&seed).map_err(|_| EngineError::Damaged(Damage::Corrupt))?;
        Ok(phrase::encode(&seed))
    }

    /// Queries block, so they get a thread that may.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&View<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, EngineError> {
        if self.inner.latest.end().is_some() {
            return Err(self.inner.latest.ended());
        }
        let reader = self.inner.reader.clone();
        let query = self.inner.runtime.spawn_blocking(move || reader.read(query));
        match query.await {
            Ok(result) => result.map_err(|error| self.explain(error)),
            Err(failed) if failed.is_panic() => Err(EngineError::Crashed),
            Err(_) => Err(self.inner.latest.ended()),
        }
    }

    /// A store that is closed for good looks suspended to a reader.
    fn explain(&self, error: StoreError) -> EngineError {
        match self.inner.latest.end() {
            Some(_) => self.inner.latest.ended(),
            None => {
                log::warn!("a read failed: {error}");
                error.into()
            }
        }
    }
}
