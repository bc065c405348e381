//! How storage servers write the answer to a recursive request (network-protocol sections 4.6, 14).
//!
//! Members answer one another in a format without booleans, so that a flag of another member
//! arrives as the integer 1. What the answering node says itself, that a member was silent for
//! example, is `true`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use starling_protocol::NodeKey;

/// Rewrites the body of an answer; one without members stays as it is.
pub(crate) fn written_loosely(body: &[u8], own: &NodeKey, silent: &BTreeSet<NodeKey>) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<Map<String, Value>>(body) else { return body.to_vec() };
    let t = answer.get("t").cloned();
    for (member, entry) in answer.get_mut("swarm").and_then(Value::as_object_mut).into_iter().flatten() {
        let (Ok(member), Some(entry)) = (member.parse::<NodeKey>(), entry.as_object_mut()) else { continue };
        if silent.contains(&member) {
            entry.insert("timeout".into(), true.into());
        } else if entry.contains_key("failed") {
            entry.insert("query_failure".into(), true.into());
        }
        if member == *own {
            // An old mistake of theirs that clients may rely on.
            entry.extend(t.clone().map(|t| ("t".to_owned(), t)));
        } else if !silent.contains(&member) {
            entry.values_mut().filter(|value| **value == Value::Bool(true)).for_each(|flag| *flag = 1.into());
        }
    }
    Value::Object(answer).to_string().into_bytes()
}
