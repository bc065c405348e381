//! Two parties and the timeline, as the script needs them.

use starling_engine::Engine;
use starling_protocol::AccountId;
use starling_store::MessageRow;

use crate::demo::checker::{Accepted, Side};
use crate::demo::party::Party;
use crate::demo::timeline::Timeline;
use crate::demo::watch;
use crate::failure::Failure;

/// Both parties, and where their story is printed.
pub(crate) struct Stage {
    pub(crate) alice: Party,
    pub(crate) bob: Party,
    pub(crate) timeline: Timeline,
}

impl Stage {
    pub(crate) fn party(&self, side: Side) -> &Party {
        match side {
            Side::Alice => &self.alice,
            Side::Bob => &self.bob,
        }
    }

    pub(crate) fn engine(&self, side: Side) -> &Engine {
        &self.party(side).engine
    }

    pub(crate) fn account(&self, side: Side) -> AccountId {
        self.party(side).account
    }

    pub(crate) fn heading(&self, text: &str) -> Result<(), Failure> {
        self.timeline.heading(text)
    }

    pub(crate) fn note(&self, side: Side, text: &str) -> Result<(), Failure> {
        self.timeline.line(side, None, text)
    }

    /// A text was accepted for sending.
    pub(crate) async fn said(&self, from: Side, row: MessageRow, text: &str) -> Result<(), Failure> {
        let number = self.party(from).number(row).await;
        self.note(from, &format!("says {number}: {}", watch::quoted(text)))
    }

    /// Waits until each side was shown as many messages as the other one sent.
    pub(crate) async fn everything_arrived(&self, accepted: &[Accepted]) -> Result<(), Failure> {
        for side in Side::BOTH {
            let expected = accepted.iter().filter(|text| text.from == side.other()).count();
            let mut received = self.party(side).received.subscribe();
            received.wait_for(|count| *count >= expected).await.map_err(ended)?;
        }
        Ok(())
    }

    /// Waits until everything that `side` sent has reached a swarm. The side must be online: events that
    /// come while an engine is suspended are seen when it is back.
    pub(crate) async fn everything_stored(&self, side: Side, accepted: &[Accepted]) -> Result<(), Failure> {
        let expected = accepted.iter().filter(|text| text.from == side).count();
        let mut stored = self.party(side).stored.subscribe();
        stored.wait_for(|rows| rows.len() >= expected).await.map_err(ended)?;
        Ok(())
    }

    /// Prints what both engines do, for as long as they do anything.
    pub(crate) async fn narrate(&self) -> Result<(), Failure> {
        let narrate = async |party: &Party| {
            let feed = party.engine.activity();
            tokio::try_join!(
                watch::activity(party, feed, &self.timeline),
                watch::events(party, &self.timeline)
            )
        };
        tokio::try_join!(narrate(&self.alice), narrate(&self.bob))?;
        Ok(())
    }
}

fn ended(error: impl std::fmt::Display) -> Failure {
    Failure::other("waiting for messages", error)
}
