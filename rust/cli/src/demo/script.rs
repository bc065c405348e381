//! What they say and do.

use std::time::Duration;

use starling_engine::{BadInput, EngineError};
use starling_protocol::text;
use starling_store::MessageRow;

use crate::demo::checker::{Accepted, Blocked, Side};
use crate::demo::stage::{Said, Stage};
use crate::failure::Failure;
use crate::friends;

/// Time for requests under way when Bob goes offline.
const GRACE: Duration = Duration::from_secs(3);

/// Time to read a swarm that has something nobody is to see.
const LOOK: Duration = Duration::from_secs(20);

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

/// The whole performance.
pub(crate) async fn perform(stage: &Stage, said: &mut Said) -> Result<(), Failure> {
    stage.engine(Side::Alice).start().await?;
    stage.engine(Side::Bob).start().await?;
    acquaintance(stage, said).await?;
    sizes(stage, said).await?;
    talk(stage, said).await?;
    absence(stage, said).await?;
    crossing(stage, said).await?;
    block(stage, said).await
}

/// A stranger asks, and says more than fits a request; the answer brings the ratchet.
async fn acquaintance(stage: &Stage, said: &mut Said) -> Result<(), Failure> {
    stage.heading("A friend request: nobody has told Alice yet that this network wants proof of work")?;
    refuse_long(stage, Side::Alice).await?;
    say(stage, Side::Alice, "I am Alice. We met below the starlings.", said).await?;
    say(stage, Side::Alice, "Hello Bob, can you read this?", said).await?;
    stage.note(Side::Alice, "keeps #2 until the request is answered")?;
    stage.was_asked(Side::Bob).await?;
    stage.heading("Bob accepts: a session with forward secrecy, against quantum computers too")?;
    stage.engine(Side::Bob).accept(stage.account(Side::Alice)).await?;
    stage.note(Side::Bob, "accepts")?;
    stage.everything_arrived(Side::Alice, said).await?;
    say(stage, Side::Bob, "Every word. Hello Alice!", said).await?;
    stage.everything_arrived(Side::Alice, said).await?;
    stage.are_friends(Side::Alice).await?;
    for side in [Side::Alice, Side::Bob] {
        tell_security(stage, side).await?;
    }
    Ok(())
}

async fn sizes(stage: &Stage, said: &mut Said) -> Result<(), Failure> {
    stage.heading("Sizes: nothing, one byte, emoji, and the largest text that fits")?;
    let largest = "starling ".repeat(text::largest_body() / 9 + 1);
    let largest = largest.get(..text::largest_body()).unwrap_or_default();
    for side in [Side::Alice, Side::Bob] {
        refuse_empty(stage, side).await?;
        say(stage, side, ".", said).await?;
        say(stage, side, "🐦🌍🔭 ✨ 👩‍🚀", said).await?;
        say(stage, side, largest, said).await?;
    }
    stage.everything_arrived(Side::Alice, said).await
}

async fn talk(stage: &Stage, said: &mut Said) -> Result<(), Failure> {
    stage.heading("A conversation, both writing at the same time")?;
    for (alice, bob) in TALK {
        say(stage, Side::Alice, alice, said).await?;
        say(stage, Side::Bob, bob, said).await?;
    }
    stage.everything_arrived(Side::Alice, said).await
}

async fn absence(stage: &Stage, said: &mut Said) -> Result<(), Failure> {
    stage.heading("Bob goes offline; his swarm keeps what Alice writes")?;
    stage.engine(Side::Bob).suspend(GRACE).await?;
    stage.note(Side::Bob, "is offline: no lock held, no request under way")?;
    let mut written = Vec::new();
    for line in WHILE_AWAY {
        written.push(say(stage, Side::Alice, line, said).await?);
    }
    for row in written {
        stage.is_stored(Side::Alice, row).await?;
    }
    stage.heading("Bob comes back")?;
    stage.engine(Side::Bob).resume().await?;
    stage.everything_arrived(Side::Alice, said).await?;
    for line in BACK_AGAIN {
        say(stage, Side::Bob, line, said).await?;
    }
    stage.everything_arrived(Side::Alice, said).await?;
    stage.everything_acknowledged(Side::Alice, said).await
}

/// Both ask before either has heard of the other.
async fn crossing(stage: &Stage, said: &mut Said) -> Result<(), Failure> {
    stage.heading("Carol and Dave ask each other at the same time: friends without a prompt")?;
    say(stage, Side::Carol, "Are you the Dave who counts birds?", said).await?;
    say(stage, Side::Dave, "Are you the Carol who rings them?", said).await?;
    stage.engine(Side::Carol).start().await?;
    stage.engine(Side::Dave).start().await?;
    stage.are_friends(Side::Carol).await?;
    say(stage, Side::Carol, "I am.", said).await?;
    say(stage, Side::Dave, "So am I.", said).await?;
    stage.everything_acknowledged(Side::Carol, said).await?;
    tell_security(stage, Side::Carol).await
}

/// What a blocked account sends is stored by the swarm and causes nothing.
async fn block(stage: &Stage, said: &mut Said) -> Result<(), Failure> {
    stage.heading("Carol blocks Dave, who learns nothing")?;
    let (carol, dave) = (stage.engine(Side::Carol), stage.engine(Side::Dave));
    carol.block(stage.account(Side::Dave)).await?;
    stage.note(Side::Carol, "blocks Dave")?;
    let after = stage.last_event(Side::Carol).await?;
    let body = "Carol? Are you still there?";
    let sent = dave.send(stage.account(Side::Carol), body.to_owned()).await?;
    stage.said(Side::Dave, sent.message, body).await?;
    said.blocked.push(Blocked { from: Side::Dave, body: body.to_owned(), after });
    stage.is_stored(Side::Dave, sent.message).await?;
    let report = carol.wake(LOOK).await?;
    let read = report.replicas_read;
    stage.note(Side::Carol, &format!("reads {read} replicas of her swarm and is told nothing"))
}

async fn say(stage: &Stage, from: Side, text: &str, said: &mut Said) -> Result<MessageRow, Failure> {
    let sent = stage.engine(from).send(stage.account(from.other()), text.to_owned()).await?;
    said.accepted.push(Accepted { from, body: text.to_owned() });
    stage.said(from, sent.message, text).await?;
    Ok(sent.message)
}

async fn tell_security(stage: &Stage, side: Side) -> Result<(), Failure> {
    let contact = stage.engine(side).contact(stage.account(side.other())).await?;
    let security = contact.map_or("none", |contact| friends::security(contact.security));
    stage.note(side, &format!("to {}: security {security}", side.other().name()))
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

async fn refuse_long(stage: &Stage, from: Side) -> Result<(), Failure> {
    match stage.engine(from).send(stage.account(from.other()), "Hello! ".repeat(100)).await {
        Err(EngineError::FixInput(BadInput::NeedsFriendRequest { limit })) => {
            let text =
                format!("tries a long text: a stranger gets a request first, of at most {limit} bytes");
            stage.note(from, &text)
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err(Failure::Other("a stranger got a long text".to_owned())),
    }
}
