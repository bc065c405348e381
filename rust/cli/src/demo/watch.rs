//! What the engines do, turned into lines and numbers while it happens.

use std::collections::BTreeSet;

use starling_engine::{Activity, ActivityFeed, EngineError, FriendRequest, Purpose, RequestEnd, What};
use starling_protocol::NodeKey;
use starling_store::{Event, EventSeq, Message, MessageRow, MessageState};
use tokio::sync::watch;

use crate::demo::party::Party;
use crate::demo::timeline::Timeline;
use crate::failure::Failure;
use crate::output::{Colour, shortened};
use crate::shown;

/// More events than the queue ever holds (extensions section 7).
pub(crate) const ALL: usize = 20_000;
/// Characters of a text that a line shows.
const SHOWN: usize = 40;
/// Tries from which on a proof is announced, because it takes a while.
const LONG_PROOF: u64 = 500_000;

/// What was measured on the way, over all engines.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Requests that left.
    pub(crate) requests: u64,
    relays: BTreeSet<usize>,
    proof_ms: Vec<u64>,
}

impl Tally {
    /// Relays of the shortest onion path used; 0 if none was.
    pub(crate) fn fewest_hops(&self) -> usize {
        self.relays.first().copied().unwrap_or(0)
    }

    /// Median time of a proof of work; 0 if there was none.
    pub(crate) fn median_proof_ms(&self) -> u64 {
        let mut sorted = self.proof_ms.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }

    /// Joins the counts of another engine.
    pub(crate) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.relays.extend(other.relays);
        self.proof_ms.extend(other.proof_ms);
    }
}

/// Follows requests and proofs of work until the engine ends.
pub(crate) async fn activity(
    party: &Party,
    mut feed: ActivityFeed,
    timeline: &Timeline,
) -> Result<(), Failure> {
    while let Some(Activity { what, .. }) = feed.next().await {
        match what {
            What::RequestStarted { .. } => party.tally.borrow_mut().requests += 1,
            What::RequestFinished { purpose, hops, destination, end, ms, .. } => {
                if !hops.is_empty() {
                    party.tally.borrow_mut().relays.insert(hops.len());
                }
                request(party, timeline, &Ended { purpose, hops, destination, end, ms }).await?;
            }
            What::ProofFinished { message, difficulty, tries, ms, found: true } => {
                party.tally.borrow_mut().proof_ms.push(ms);
                let number = party.number(message).await;
                let text =
                    format!("{number} proof of work: {tries} tries in {ms} ms (difficulty {difficulty})");
                timeline.line(party.side, None, &text)?;
            }
            What::ProofStarted { message, expected_tries, .. } if expected_tries > LONG_PROOF => {
                let text = format!(
                    "{} begins a proof of work of about {expected_tries} tries",
                    party.number(message).await
                );
                timeline.line(party.side, Some(Colour::Dim), &text)?;
            }
            What::ProofStarted { .. } | What::ProofFinished { .. } | What::Unsealed { .. } => {}
        }
    }
    Ok(())
}

struct Ended {
    purpose: Purpose,
    hops: Vec<NodeKey>,
    destination: Option<NodeKey>,
    end: RequestEnd,
    ms: u64,
}

/// A line for a finished request: quiet for upkeep, none for polls that went well.
async fn request(party: &Party, timeline: &Timeline, ended: &Ended) -> Result<(), Failure> {
    let ms = ended.ms;
    let route = timeline.route(&ended.hops, ended.destination);
    let good = ended.end == RequestEnd::Answered { status: 200 };
    if let (Purpose::Store(message), true) = (&ended.purpose, good) {
        let way = format!("{route} in {ms} ms");
        party.routes.borrow_mut().entry(*message).or_insert(way);
        return Ok(());
    }
    let what = match &ended.purpose {
        Purpose::Bootstrap => format!("asks the seed for the list of nodes ({ms} ms)"),
        Purpose::Directory => format!("compares the list of nodes: {route} ({ms} ms)"),
        Purpose::Clock => format!("asks for the network's time: {route} ({ms} ms)"),
        Purpose::SwarmCheck(_) => {
            format!("asks for {}'s swarm: {route} ({ms} ms)", party.side.other().name())
        }
        Purpose::Probe => format!("probes a path: {route} ({ms} ms)"),
        Purpose::Retrieve(_) if good => return Ok(()),
        Purpose::Retrieve(_) => format!("reads its swarm: {route}"),
        Purpose::Store(message) => format!("{} {route}", party.number(*message).await),
    };
    let (colour, end) = match ended.end {
        RequestEnd::Answered { status: 200 } => (Colour::Dim, String::new()),
        RequestEnd::Answered { status: 432 } => {
            (Colour::Yellow, format!(": 432, the node asks for proof of work ({ms} ms)"))
        }
        RequestEnd::Answered { status } => (Colour::Yellow, format!(": status {status}")),
        RequestEnd::PathError { status } => (Colour::Yellow, format!(": a relay answered {status}")),
        RequestEnd::Unreachable => (Colour::Yellow, ": the guard cannot be reached".to_owned()),
        RequestEnd::TimedOut => (Colour::Yellow, ": no answer in time".to_owned()),
        RequestEnd::Garbled => (Colour::Yellow, ": the answer makes no sense".to_owned()),
    };
    timeline.line(party.side, Some(colour), &format!("{what}{end}"))
}

/// Follows the event log until the engine ends. Nothing is acknowledged: the log is the checker's
/// evidence.
pub(crate) async fn events(party: &Party, timeline: &Timeline) -> Result<(), Failure> {
    let mut version = 0;
    let mut last = EventSeq(0);
    loop {
        version = match party.engine.events_changed(version).await {
            Ok(version) => version,
            Err(EngineError::ShutDown) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        match new_events(party, timeline, &mut last).await {
            // Offline: what there is to see is seen after coming back.
            Ok(()) | Err(Trouble::Engine(EngineError::Suspended | EngineError::ShutDown)) => {}
            Err(Trouble::Engine(error)) => return Err(error.into()),
            Err(Trouble::Output(failure)) => return Err(failure),
        }
    }
}

enum Trouble {
    Engine(EngineError),
    Output(Failure),
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Output(failure)
    }
}

async fn new_events(party: &Party, timeline: &Timeline, last: &mut EventSeq) -> Result<(), Trouble> {
    for (seq, event) in party.engine.next_events(ALL).await? {
        if seq <= *last {
            continue;
        }
        match event {
            Event::MessageReceived { message, .. } | Event::MessageInserted { message, .. } => {
                if let Some(message) = party.engine.message(message).await? {
                    timeline.line(party.side, Some(Colour::Green), &received(party, &message))?;
                }
                party.received.send_modify(|count| *count += 1);
            }
            Event::MessageStateChanged { message, .. } => {
                if let Some(message) = party.engine.message(message).await? {
                    state_changed(party, timeline, &message)?;
                }
            }
            Event::Gap { from_seq, to_seq, .. } => {
                let text = format!("misses #{from_seq} to #{to_seq} of {}", party.side.other().name());
                timeline.line(party.side, Some(Colour::Yellow), &text)?;
            }
            Event::Resync => {
                timeline.line(party.side, Some(Colour::Yellow), "has to read everything anew")?;
            }
            event => contact_changed(party, timeline, event).await?,
        }
        *last = seq;
    }
    Ok(())
}

/// Something between this side and another account.
async fn contact_changed(party: &Party, timeline: &Timeline, event: Event) -> Result<(), Trouble> {
    let other = party.side.other().name();
    let text = match event {
        Event::RequestReceived { .. } | Event::RequestReplaced { .. } | Event::RequestsDigest => {
            for request in party.engine.friend_requests(None, 1).await? {
                timeline.line(party.side, Some(Colour::Green), &asked(&request))?;
            }
            party.asked.send_replace(true);
            return Ok(());
        }
        Event::FriendAdded { .. } => {
            party.befriended.send_replace(true);
            format!("is friends with {other}")
        }
        Event::SecurityUpgraded { .. } => {
            format!("has a ratchet with {other}: forward secret, hybrid post-quantum")
        }
        Event::SessionRenewed { .. } => format!("has a new session with {other}"),
        Event::RequestExpired { .. } => "sees a friend request expire".to_owned(),
        _ => return Ok(()),
    };
    Ok(timeline.line(party.side, Some(Colour::Green), &text)?)
}

fn asked(request: &FriendRequest) -> String {
    let name = request.name.as_deref().map(quoted).unwrap_or_default();
    let id: String = request.peer.to_string().chars().take(10).collect();
    format!("is asked for friendship by {name} ({id}…): {}", quoted(&request.texts.join(" ")))
}

fn received(party: &Party, message: &Message) -> String {
    format!(
        "received {}'s #{}: {}",
        party.side.other().name(),
        message.seq.unwrap_or_default(),
        quoted(&message.body)
    )
}

fn state_changed(party: &Party, timeline: &Timeline, message: &Message) -> Result<(), Failure> {
    let number = message.seq.unwrap_or_default();
    match message.state {
        MessageState::Stored { k, n } => {
            if !add(&party.stored, message.row) {
                return Ok(());
            }
            let way = party.routes.borrow().get(&message.row).cloned().unwrap_or_default();
            timeline.line(party.side, None, &format!("#{number} stored {k} of {n}: {way}"))
        }
        MessageState::Delivered if add(&party.delivered, message.row) => {
            // Its recipient may be quicker than the last receipt.
            add(&party.stored, message.row);
            let text = format!("#{number} delivered: {} has it on disk", party.side.other().name());
            timeline.line(party.side, Some(Colour::Dim), &text)
        }
        MessageState::Failed(reason) => {
            let text = format!("#{number} failed: {}", shown::failure(reason));
            timeline.line(party.side, Some(Colour::Red), &text)
        }
        _ => Ok(()),
    }
}

/// Adds a message to a set that others wait for; whether it is new there.
fn add(rows: &watch::Sender<BTreeSet<MessageRow>>, row: MessageRow) -> bool {
    rows.send_if_modified(|rows| rows.insert(row))
}

/// The beginning of a text, and its size where that says more.
pub(crate) fn quoted(text: &str) -> String {
    if text.chars().count() > SHOWN {
        format!("“{}” ({} bytes)", shortened(text, SHOWN), text.len())
    } else {
        format!("“{}”", shortened(text, SHOWN))
    }
}

impl Party {
    /// `#7`: the seventh message of this side. Handshakes and acknowledgements have no text to show.
    pub(crate) async fn number(&self, row: MessageRow) -> String {
        let message = self.engine.message(row).await.ok().flatten();
        let number = message.and_then(|message| message.seq);
        number.map_or_else(|| "(unseen)".to_owned(), |number| format!("#{number}"))
    }
}
