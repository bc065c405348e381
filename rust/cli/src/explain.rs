//! `starling explain`: why a message is where it is.

use clap::Args;
use serde::Serialize;
use starling_engine::{Engine, EngineError};
use starling_protocol::NodeKey;
use starling_store::{
    Explanation, Lane, MessageKind, MessageState, OutboxItem, Relation, Stage, Verdict, Visit,
};

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::output::{Output, shortened};
use crate::shown;

/// Characters of the text that are repeated.
const TEXT: usize = 40;

/// Options of `starling explain`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Id of the message, as `send --json`, `messages --json` and `poll --json` print it
    #[arg(value_name = "MESSAGE", value_parser = message_id)]
    message: [u8; 16],
}

#[derive(Serialize)]
struct ExplainAnswer {
    message_id: String,
    conversation: String,
    text: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<Waiting>,
    /// What else has to happen, beside the network's part.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<&'static str>,
    /// Members of the recipient's swarm with a verified receipt, while the message is in the outbox.
    receipts: Vec<String>,
    visits: Vec<ShownVisit>,
}

/// Why the message is still in the outbox.
#[derive(Serialize)]
struct Waiting {
    stage: &'static str,
    rounds: i64,
    failed_attempts: i64,
    /// Device time in milliseconds since 1970; in the past: as soon as the engine works.
    next_try_ms: i64,
    difficulty: i64,
}

/// One member asked to store the message.
#[derive(Serialize)]
struct ShownVisit {
    at_ms: i64,
    node: String,
    relays: Vec<String>,
    verdict: String,
}

fn message_id(text: &str) -> Result<[u8; 16], String> {
    let mut id = [0; 16];
    hex::decode_to_slice(text, &mut id).map_err(|_| "a message id is 32 hex digits".to_owned())?;
    Ok(id)
}

/// `starling explain MESSAGE`
pub(crate) async fn run(arguments: &Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let found = look_up(&engine, arguments.message).await;
    client::close(engine).await?;
    let found = found?;
    if found.is_empty() {
        return Err(Failure::Usage("no message with this id".to_owned()));
    }
    let answers: Vec<ExplainAnswer> =
        found.iter().map(|(found, relation)| answer(found, *relation)).collect();
    if output.is_json() {
        return output.json(&answers);
    }
    answers.iter().try_for_each(|answer| output.line(&describe(answer)))
}

/// The messages with an id, and what the other side of each is to us.
async fn look_up(engine: &Engine, message_id: [u8; 16]) -> Result<Vec<(Explanation, Relation)>, EngineError> {
    let mut found = Vec::new();
    for message in engine.messages_with_id(message_id).await? {
        let contact = engine.contact(message.peer).await?;
        let relation = contact.map_or(Relation::Stranger, |contact| contact.relation);
        let explained = engine.explain_message(message.row).await?;
        found.extend(explained.map(|explained| (explained, relation)));
    }
    Ok(found)
}

/// What a message waits for that no node can give.
fn waits_for(explanation: &Explanation, relation: Relation) -> Option<&'static str> {
    let Explanation { message, outbox, .. } = explanation;
    let held_back = outbox.as_ref().is_some_and(|item| item.lane == Lane::Ordered);
    let under_way = matches!(message.state, MessageState::Stored { .. } | MessageState::Sent);
    match (relation, message.kind) {
        (Relation::Requested, MessageKind::Text) if held_back => {
            Some("our friend request to be answered; it is sent then, or expires with the request")
        }
        (Relation::Requested, MessageKind::Request) if under_way => {
            Some("the recipient to answer this friend request")
        }
        _ => None,
    }
}

fn answer(explanation: &Explanation, relation: Relation) -> ExplainAnswer {
    let Explanation { message, outbox, receipts, visits } = explanation;
    ExplainAnswer {
        message_id: hex::encode(message.message_id),
        conversation: message.peer.to_string(),
        text: shortened(&message.body, TEXT),
        state: shown::state(message.state),
        waiting: outbox.as_ref().map(waiting),
        waits_for: waits_for(explanation, relation),
        receipts: receipts.iter().map(ToString::to_string).collect(),
        visits: visits.iter().map(shown_visit).collect(),
    }
}

fn waiting(item: &OutboxItem) -> Waiting {
    let stage = match item.stage {
        Stage::Queued => "to be sealed, once the network's time is known",
        Stage::Sealed => "sealed; to be dated and, if the network asks for it, proven",
        Stage::Proven => "ready to be stored",
    };
    let OutboxItem { rounds, attempts, due_ms, difficulty, .. } = *item;
    Waiting { stage, rounds, failed_attempts: attempts, next_try_ms: due_ms, difficulty }
}

fn shown_visit(visit: &Visit) -> ShownVisit {
    ShownVisit {
        at_ms: visit.at_ms,
        node: visit.node.to_string(),
        relays: visit.relays.iter().map(NodeKey::to_string).collect(),
        verdict: verdict(visit.verdict),
    }
}

fn verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::Stored { receipts: 0 } => {
            "stored it; its receipts were known already, or did not hold".to_owned()
        }
        Verdict::Stored { receipts } => format!("stored it; {receipts} new verified receipts"),
        Verdict::NoAnswer => "no answer, or not reachable on this route".to_owned(),
        Verdict::WrongSwarm => "says the account is not in its swarm (421)".to_owned(),
        Verdict::WrongTime => "calls our clock wrong (406)".to_owned(),
        Verdict::NeedsWork { difficulty } => format!("wants proof of work of difficulty {difficulty} (432)"),
        Verdict::Refused { status } => format!("refused it with status {status}"),
        Verdict::Unreadable => "gave an answer that cannot be read".to_owned(),
    }
}

fn describe(answer: &ExplainAnswer) -> String {
    let mut text = format!("“{}” with {}: {}", answer.text, short(&answer.conversation), answer.state);
    if let Some(what) = answer.waits_for {
        text.push_str(&format!("\nwaits for {what}"));
    }
    if let Some(waiting) = &answer.waiting {
        let Waiting { stage, rounds, failed_attempts, .. } = waiting;
        text.push_str(&format!(
            "\nin the outbox: {stage}; {rounds} rounds in this attempt, {failed_attempts} attempts failed"
        ));
        text.push_str(&format!(
            "\nnext try at {} ms since 1970, or when the network changes",
            waiting.next_try_ms
        ));
    }
    if !answer.receipts.is_empty() {
        let holders: Vec<String> = answer.receipts.iter().map(|node| short(node)).collect();
        text.push_str(&format!("\nheld, as verified, by {}", holders.join(", ")));
    }
    if answer.visits.is_empty() {
        text.push_str("\noffered to no node");
    }
    for visit in &answer.visits {
        let route: Vec<String> = visit.relays.iter().chain([&visit.node]).map(|node| short(node)).collect();
        text.push_str(&format!("\n{}  {}  {}", visit.at_ms, route.join(" → "), visit.verdict));
    }
    text
}

fn short(key: &str) -> String {
    key.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_is_32_hex_digits() {
        assert_eq!(message_id(&"0f".repeat(16)).unwrap(), [15; 16]);
        for text in ["", "0f", "zz", &"0f".repeat(17), &"0g".repeat(16)] {
            assert!(message_id(text).is_err(), "{text}");
        }
    }
}
