//! The parties and the timeline, as the script needs them.

use starling_engine::Engine;
use starling_protocol::AccountId;
use starling_store::{EventSeq, MessageRow};

use crate::demo::checker::{Accepted, Blocked, Side};
use crate::demo::party::Party;
use crate::demo::timeline::Timeline;
use crate::demo::watch;
use crate::failure::Failure;

/// What was sent in the performance.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Texts that have to arrive, in the order of the calls.
    pub(crate) accepted: Vec<Accepted>,
    /// Texts that must not.
    pub(crate) blocked: Vec<Blocked>,
}

impl Said {
    fn by(&self, side: Side) -> usize {
        self.accepted.iter().filter(|text| text.from == side).count()
    }
}

/// All parties, and where their story is printed.
pub(crate) struct Stage {
    pub(crate) alice: Party,
    pub(crate) bob: Party,
    pub(crate) carol: Party,
    pub(crate) dave: Party,
    pub(crate) timeline: Timeline,
}

impl Stage {
    pub(crate) fn party(&self, side: Side) -> &Party {
        match side {
            Side::Alice => &self.alice,
            Side::Bob => &self.bob,
            Side::Carol => &self.carol,
            Side::Dave => &self.dave,
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

    /// Waits until a side was asked for friendship.
    pub(crate) async fn was_asked(&self, side: Side) -> Result<(), Failure> {
        let mut asked = self.party(side).asked.subscribe();
        asked.wait_for(|asked| *asked).await.map(drop).map_err(ended)
    }

    /// Waits until two sides are friends.
    pub(crate) async fn are_friends(&self, side: Side) -> Result<(), Failure> {
        for side in [side, side.other()] {
            let mut befriended = self.party(side).befriended.subscribe();
            befriended.wait_for(|befriended| *befriended).await.map_err(ended)?;
        }
        Ok(())
    }

    /// Waits until each of two sides was shown as many messages as the other one sent.
    pub(crate) async fn everything_arrived(&self, side: Side, said: &Said) -> Result<(), Failure> {
        for side in [side, side.other()] {
            let expected = said.by(side.other());
            let mut received = self.party(side).received.subscribe();
            received.wait_for(|count| *count >= expected).await.map_err(ended)?;
        }
        Ok(())
    }

    /// Waits until two sides know that everything they said to each other has arrived.
    pub(crate) async fn everything_acknowledged(&self, side: Side, said: &Said) -> Result<(), Failure> {
        for side in [side, side.other()] {
            let expected = said.by(side);
            let mut delivered = self.party(side).delivered.subscribe();
            delivered.wait_for(|rows| rows.len() >= expected).await.map_err(ended)?;
        }
        Ok(())
    }

    /// Waits until a message has reached a swarm. The side must be online: events that come while an
    /// engine is suspended are seen when it is back.
    pub(crate) async fn is_stored(&self, side: Side, row: MessageRow) -> Result<(), Failure> {
        let mut stored = self.party(side).stored.subscribe();
        stored.wait_for(|rows| rows.contains(&row)).await.map_err(ended)?;
        Ok(())
    }

    /// The last event of a side.
    pub(crate) async fn last_event(&self, side: Side) -> Result<Option<EventSeq>, Failure> {
        let events = self.engine(side).next_events(watch::ALL).await?;
        Ok(events.last().map(|(seq, _)| *seq))
    }

    /// Prints what the engines do, for as long as they do anything.
    pub(crate) async fn narrate(&self) -> Result<(), Failure> {
        let narrate = async |party: &Party| {
            let feed = party.engine.activity();
            tokio::try_join!(
                watch::activity(party, feed, &self.timeline),
                watch::events(party, &self.timeline)
            )
        };
        tokio::try_join!(
            narrate(&self.alice),
            narrate(&self.bob),
            narrate(&self.carol),
            narrate(&self.dave)
        )?;
        Ok(())
    }
}

fn ended(error: impl std::fmt::Display) -> Failure {
    Failure::other("waiting for messages", error)
}
