//! What the two say and do.

use std::time::Duration;

use starling_engine::{BadInput, EngineError};
use starling_protocol::text;

use crate::demo::checker::{Accepted, Side};
use crate::demo::stage::Stage;
use crate::failure::Failure;

/// Time for requests under way when Bob goes offline.
const GRACE: Duration = Duration::from_secs(3);

/// What they tell each other at the same time, line by line.
const TALK: [(&str, &str); 12] = [
    ("Look up: the starlings are back.", "I can see them from my window."),
    ("There must be thousands.", "And not one of them leads."),
    ("So how do they turn together?", "Each watches the seven next to it."),
    ("Seven, like a swarm of nodes.", "Our swarm here has five."),
    ("Who carries this message, then?", "Three relays. None knows both of us."),
    ("And when you are not there?", "Three nodes keep it, and tell the others."),
    ("For how long?", "Fourteen days."),
    ("Can they read it?", "No. Sealed for me before it left you."),
    ("What if one of them lies?", "I ask three others."),
    ("And if they all go dark?", "Then it waits with you, on disk."),
    ("That is a lot of care for a chat.", "Birds have done it for longer."),
    ("They are landing.", "Good night, then."),
];

/// What Alice writes while Bob is offline.
const WHILE_AWAY: [&str; 6] = [
    "Are you asleep?",
    "The flock has gone south.",
    "I counted 2,000 birds.",
    "Then I lost count.",
    "Read this when you are back.",
    "No hurry.",
];

/// What Bob answers when he is back.
const BACK_AGAIN: [&str; 6] = [
    "Back again.",
    "All six are here.",
    "In order, too.",
    "2,000 is a good count.",
    "South sounds right.",
    "Good morning!",
];

/// The whole performance. Returns what was accepted for sending, in order.
pub(crate) async fn perform(stage: &Stage, accepted: &mut Vec<Accepted>) -> Result<(), Failure> {
    greetings(stage, accepted).await?;
    sizes(stage, accepted).await?;
    talk(stage, accepted).await?;
    absence(stage, accepted).await
}

async fn greetings(stage: &Stage, accepted: &mut Vec<Accepted>) -> Result<(), Failure> {
    stage.heading("First words: nobody has told Alice yet that this network wants proof of work")?;
    say(stage, Side::Alice, "Hello Bob, can you read this?", accepted).await?;
    stage.everything_arrived(accepted).await?;
    say(stage, Side::Bob, "Every word. Hello Alice!", accepted).await?;
    stage.everything_arrived(accepted).await
}

async fn sizes(stage: &Stage, accepted: &mut Vec<Accepted>) -> Result<(), Failure> {
    stage.heading("Sizes: nothing, one byte, emoji, and the largest text that fits")?;
    let largest = "starling ".repeat(text::largest_body() / 9 + 1);
    let largest = largest.get(..text::largest_body()).unwrap_or_default();
    for side in Side::BOTH {
        refuse_empty(stage, side).await?;
        say(stage, side, ".", accepted).await?;
        say(stage, side, "🐦🌍🔭 ✨ 👩‍🚀", accepted).await?;
        say(stage, side, largest, accepted).await?;
    }
    stage.everything_arrived(accepted).await
}

async fn talk(stage: &Stage, accepted: &mut Vec<Accepted>) -> Result<(), Failure> {
    stage.heading("A conversation, both writing at the same time")?;
    for (alice, bob) in TALK {
        say(stage, Side::Alice, alice, accepted).await?;
        say(stage, Side::Bob, bob, accepted).await?;
    }
    stage.everything_arrived(accepted).await
}

async fn absence(stage: &Stage, accepted: &mut Vec<Accepted>) -> Result<(), Failure> {
    stage.heading("Bob goes offline; his swarm keeps what Alice writes")?;
    stage.engine(Side::Bob).suspend(GRACE).await?;
    stage.note(Side::Bob, "is offline: no lock held, no request under way")?;
    for line in WHILE_AWAY {
        say(stage, Side::Alice, line, accepted).await?;
    }
    stage.everything_stored(Side::Alice, accepted).await?;
    stage.heading("Bob comes back")?;
    stage.engine(Side::Bob).resume().await?;
    stage.everything_arrived(accepted).await?;
    for line in BACK_AGAIN {
        say(stage, Side::Bob, line, accepted).await?;
    }
    stage.everything_arrived(accepted).await
}

async fn say(stage: &Stage, from: Side, text: &str, accepted: &mut Vec<Accepted>) -> Result<(), Failure> {
    let sent = stage.engine(from).send(stage.account(from.other()), text.to_owned()).await?;
    accepted.push(Accepted { from, body: text.to_owned() });
    stage.said(from, sent.message, text).await
}

async fn refuse_empty(stage: &Stage, from: Side) -> Result<(), Failure> {
    match stage.engine(from).send(stage.account(from.other()), String::new()).await {
        Err(EngineError::FixInput(BadInput::EmptyText)) => {
            stage.note(from, "tries to send nothing: refused, nothing changed")
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err(Failure::Other("an empty text was accepted".to_owned())),
    }
}
