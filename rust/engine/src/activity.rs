//! What the engine is doing at this moment, for timelines people can follow.
//!
//! A feed beside the durable events, not instead of them: it is lossy, it lives in memory, and
//! nothing is decided by it. It carries node keys, row numbers, sizes and times; no texts, no
//! account ids and no keys of the account.

use starling_core::{Now, Outcome, Purpose, Request, Route};
use starling_protocol::NodeKey;
use starling_store::MessageRow;
use tokio::sync::broadcast;

/// How many entries a slow reader may lag behind before it loses the oldest.
const CAPACITY: usize = 1_024;

/// One entry of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// When it happened, by the engine's clock.
    pub now: Now,
    /// What happened.
    pub what: What,
}

/// What happened. Durations are milliseconds of the engine's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A request left.
    RequestStarted {
        /// Names the request until it is finished; unique within a process.
        id: u64,
        /// Why it is made.
        purpose: Purpose,
        /// Relays of its onion path, guard first; empty for a direct request.
        hops: Vec<NodeKey>,
        /// The node that is asked; `None` for a seed.
        destination: Option<NodeKey>,
    },
    /// A request ended.
    RequestFinished {
        /// The same as in [`What::RequestStarted`].
        id: u64,
        /// Why it was made.
        purpose: Purpose,
        /// Relays of its onion path, guard first; empty for a direct request.
        hops: Vec<NodeKey>,
        /// The node that was asked; `None` for a seed.
        destination: Option<NodeKey>,
        /// How it ended.
        end: RequestEnd,
        /// How long it took.
        ms: u64,
        /// Bytes of HTTP bodies that crossed the network for it, both directions.
        bytes: u64,
    },
    /// Proof of work began for a message.
    ProofStarted {
        /// The message.
        message: MessageRow,
        /// The difficulty worked to.
        difficulty: u64,
        /// Tries it takes on average.
        expected_tries: u64,
    },
    /// Proof of work ended.
    ProofFinished {
        /// The message.
        message: MessageRow,
        /// The difficulty worked to.
        difficulty: u64,
        /// Nonces tried.
        tries: u64,
        /// How long it took.
        ms: u64,
        /// Whether a nonce was found; if not, the search was cancelled.
        found: bool,
    },
    /// A batch of received messages was opened.
    Unsealed {
        /// Size of the batch.
        messages: usize,
        /// How many of them could not be opened.
        refused: usize,
        /// How long it took.
        ms: u64,
    },
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestEnd {
    /// The destination answered.
    Answered {
        /// With this status, which may be an error status.
        status: u16,
    },
    /// A hop answered instead.
    PathError {
        /// With this HTTP status.
        status: u16,
    },
    /// The first hop could not be reached.
    Unreachable,
    /// Nothing came in time.
    TimedOut,
    /// What came made no sense.
    Garbled,
}

impl From<&Outcome> for RequestEnd {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Reply { status, .. } => Self::Answered { status: *status },
            Outcome::PathError { status, .. } => Self::PathError { status: *status },
            Outcome::Unreachable => Self::Unreachable,
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Garbled => Self::Garbled,
        }
    }
}

/// The engine's side of the feed.
#[derive(Debug, Clone)]
pub(crate) struct Announcer(broadcast::Sender<Activity>);

impl Announcer {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    pub(crate) fn say(&self, now: Now, what: What) {
        // Without a reader there is nobody to tell, and that is the usual case.
        let _ = self.0.send(Activity { now, what });
    }

    pub(crate) fn audience(&self) -> Audience {
        Audience(self.0.downgrade())
    }
}

/// The handles' side: it must not keep the feed open when the engine is gone.
#[derive(Debug, Clone)]
pub(crate) struct Audience(broadcast::WeakSender<Activity>);

impl Audience {
    /// A new reader; one that comes too late sees the end at once.
    pub(crate) fn feed(&self) -> ActivityFeed {
        let announcer = self.0.upgrade().unwrap_or_else(|| broadcast::Sender::new(1));
        ActivityFeed(announcer.subscribe())
    }
}

/// One reader's view of the feed, from the moment of [`crate::Engine::activity`] on.
#[derive(Debug)]
pub struct ActivityFeed(broadcast::Receiver<Activity>);

impl ActivityFeed {
    /// The next entry; `None` once the engine is gone. A reader more than 1,024 entries behind
    /// loses the oldest. Cancelling the future loses nothing.
    pub async fn next(&mut self) -> Option<Activity> {
        loop {
            match self.0.recv().await {
                Ok(activity) => return Some(activity),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// A request as the timeline shows it.
#[derive(Debug, Clone)]
pub(crate) struct Traced {
    id: u64,
    purpose: Purpose,
    hops: Vec<NodeKey>,
    destination: Option<NodeKey>,
}

impl Traced {
    pub(crate) fn new(request: &Request) -> Self {
        let (hops, destination) = match &request.route {
            Route::Seed(_) => (Vec::new(), None),
            Route::Direct(node) => (Vec::new(), Some(node.key)),
            Route::Onion { relays, destination } => {
                (relays.iter().map(|relay| relay.key).collect(), Some(destination.key))
            }
        };
        Self { id: request.id.0, purpose: request.purpose.clone(), hops, destination }
    }

    pub(crate) fn started(&self) -> What {
        let Self { id, purpose, hops, destination } = self.clone();
        What::RequestStarted { id, purpose, hops, destination }
    }

    pub(crate) fn finished(self, outcome: &Outcome, ms: u64, bytes: u64) -> What {
        let Self { id, purpose, hops, destination } = self;
        What::RequestFinished { id, purpose, hops, destination, end: outcome.into(), ms, bytes }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn unsealed(messages: usize) -> What {
        What::Unsealed { messages, refused: 0, ms: 0 }
    }

    #[tokio::test]
    async fn a_slow_reader_loses_the_oldest_and_sees_the_end() {
        let announcer = Announcer::new();
        let audience = announcer.audience();
        let mut feed = audience.feed();
        for number in 0..=CAPACITY {
            announcer.say(Now { boot_ms: 0, wall_ms: 0 }, unsealed(number));
        }
        drop(announcer);
        assert_eq!(feed.next().await.unwrap().what, unsealed(1));
        let mut last = None;
        while let Some(activity) = feed.next().await {
            last = Some(activity.what);
        }
        assert_eq!(last, Some(unsealed(CAPACITY)));
        assert_eq!(audience.feed().next().await, None);
    }

    #[test]
    fn every_outcome_has_an_end() {
        let body = b"secret".to_vec();
        let cases = [
            (Outcome::Reply { status: 421, body }, RequestEnd::Answered { status: 421 }),
            (Outcome::PathError { status: 502, text: "t".into() }, RequestEnd::PathError { status: 502 }),
            (Outcome::Unreachable, RequestEnd::Unreachable),
            (Outcome::TimedOut, RequestEnd::TimedOut),
            (Outcome::Garbled, RequestEnd::Garbled),
        ];
        for (outcome, end) in cases {
            assert_eq!(RequestEnd::from(&outcome), end);
        }
    }
}
