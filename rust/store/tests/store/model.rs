//! Outbox, events and pages against models that are too simple to be wrong.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use starling_store::*;

use crate::fixture::*;

#[derive(Debug, Clone)]
enum OutboxStep {
    Enqueue {
        conversation: u8,
    },
    Seal {
        pick: usize,
    },
    Prove {
        pick: usize,
    },
    Reopen {
        pick: usize,
    },
    Defer {
        pick: usize,
        due_ms: i64,
    },
    Finish {
        pick: usize,
    },
    /// A step that fails after its work: nothing of it may stay.
    Undone {
        pick: usize,
    },
}

fn outbox_step() -> impl Strategy<Value = OutboxStep> {
    let pick = any::<usize>;
    prop_oneof![
        3 => (1u8..4).prop_map(|conversation| OutboxStep::Enqueue { conversation }),
        3 => pick().prop_map(|pick| OutboxStep::Seal { pick }),
        2 => pick().prop_map(|pick| OutboxStep::Prove { pick }),
        1 => pick().prop_map(|pick| OutboxStep::Reopen { pick }),
        3 => (pick(), 0i64..100).prop_map(|(pick, due_ms)| OutboxStep::Defer { pick, due_ms }),
        1 => pick().prop_map(|pick| OutboxStep::Finish { pick }),
        1 => pick().prop_map(|pick| OutboxStep::Undone { pick }),
    ]
}

/// An unfinished message: conversation, stage, due.
type OutboxModel = BTreeMap<MessageRow, (ConversationId, Stage, i64)>;

fn pick(model: &OutboxModel, pick: usize) -> Option<MessageRow> {
    model.keys().nth(pick % model.len().max(1)).copied()
}

fn apply(store: &mut Store, model: &mut OutboxModel, number: u64, step: &OutboxStep) {
    let target = match step {
        OutboxStep::Enqueue { conversation } => {
            let conversation = ConversationId((*conversation).into());
            let row = enqueue(store, conversation, number);
            model.insert(row, (conversation, Stage::Queued, 5000));
            return;
        }
        OutboxStep::Seal { pick: p }
        | OutboxStep::Prove { pick: p }
        | OutboxStep::Reopen { pick: p }
        | OutboxStep::Defer { pick: p, .. }
        | OutboxStep::Finish { pick: p }
        | OutboxStep::Undone { pick: p } => pick(model, *p),
    };
    let Some(row) = target else { return };
    let entry = model.get_mut(&row).unwrap();
    let result = store.transact(|tx| match step {
        OutboxStep::Seal { .. } => tx.seal_message(row, 1, "data", "hash", 0),
        OutboxStep::Prove { .. } => tx.prove_message(row, 1, None, 0),
        OutboxStep::Reopen { .. } => tx.reopen_proof(row),
        OutboxStep::Defer { due_ms, .. } => tx.defer_outbox(row, 1, *due_ms),
        OutboxStep::Finish { .. } => tx.finish_outbox(row, MessageState::Sent),
        OutboxStep::Undone { .. } => {
            tx.finish_outbox(row, MessageState::Expired)?;
            Err(StoreError::NoAccount)
        }
        OutboxStep::Enqueue { .. } => unreachable!(),
    });
    assert_eq!(result.is_err(), matches!(step, OutboxStep::Undone { .. }));
    match step {
        OutboxStep::Seal { .. } | OutboxStep::Reopen { .. } => entry.1 = Stage::Sealed,
        OutboxStep::Prove { .. } => entry.1 = Stage::Proven,
        OutboxStep::Defer { due_ms, .. } => entry.2 = *due_ms,
        OutboxStep::Finish { .. } => drop(model.remove(&row)),
        OutboxStep::Undone { .. } | OutboxStep::Enqueue { .. } => {}
    }
}

/// By definition: among the first three of its conversation, due, and neither the first of it nor an
/// unsealed message before it is not.
fn allowed(model: &OutboxModel, row: MessageRow, now_ms: i64) -> bool {
    let (conversation, _, due_ms) = model[&row];
    let before: Vec<_> =
        model.range(..row).map(|(_, entry)| entry).filter(|entry| entry.0 == conversation).collect();
    let late = |(position, (_, stage, due_ms)): (usize, &&(ConversationId, Stage, i64))| {
        (position == 0 || *stage == Stage::Queued) && *due_ms > now_ms
    };
    before.len() < 3 && due_ms <= now_ms && !before.iter().enumerate().any(late)
}

fn event_of(number: u8) -> Event {
    let (conversation, message) = (ConversationId(1), MessageRow((number % 5).into()));
    match number / 5 {
        0..3 => Event::MessageStateChanged { conversation, message },
        _ => Event::MessageReceived { conversation, message },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_outbox_does_what_its_model_does(steps in vec(outbox_step(), 1..60)) {
        let mut store = in_memory();
        for number in 1..4 {
            open_with(&mut store, number);
        }
        let mut model = OutboxModel::new();
        for (number, step) in (0..).zip(&steps) {
            apply(&mut store, &mut model, number, step);
            for now_ms in [-1, 50, 5000] {
                let mut expected: Vec<_> = model.keys().copied().filter(|row| allowed(&model, *row, now_ms)).collect();
                let items = store.read(|view| view.due_outbox(now_ms, 3, 100)).unwrap();
                let mut found: Vec<_> = items.iter().map(|item| item.message).collect();
                found.sort();
                expected.sort();
                prop_assert_eq!(&found, &expected);
                let next = store.read(|view| view.next_outbox_due(3)).unwrap();
                prop_assert_eq!(next.is_some_and(|due_ms| due_ms <= now_ms), !expected.is_empty());
            }
        }
        prop_assert_eq!(store.read(|view| view.outbox_len()).unwrap(), i64::try_from(model.len()).unwrap());
    }

    #[test]
    fn events_do_what_their_model_does(steps in vec((0u8..30, any::<bool>()), 1..80)) {
        let mut store = in_memory();
        let mut model: Vec<Event> = Vec::new();
        for (number, acknowledge) in steps {
            let event = event_of(number);
            store.transact(|tx| tx.push_event(event)).unwrap();
            if matches!(event, Event::MessageStateChanged { .. }) {
                model.retain(|known| *known != event);
            }
            model.push(event);
            if acknowledge {
                let batch = store.read(|view| view.events(2)).unwrap();
                store.transact(|tx| tx.ack_events(batch.last().unwrap().0)).unwrap();
                model.drain(..batch.len());
            }
            let found: Vec<_> = store.read(|view| view.events(1000)).unwrap();
            prop_assert!(found.is_sorted_by_key(|(seq, _)| *seq));
            let found: Vec<_> = found.into_iter().map(|(_, event)| event).collect();
            prop_assert_eq!(&found, &model);
        }
    }

    #[test]
    fn pages_show_everything_once_and_in_order(
        clocks in vec((1i64..6, any::<bool>(), any::<bool>()), 0..40),
        limit in 1usize..8,
        forward in any::<bool>(),
    ) {
        let mut store = in_memory();
        let conversation = open_with(&mut store, 1);
        let mut expected = Vec::new();
        for (number, (clock, incoming, held)) in (0..).zip(clocks) {
            if incoming {
                let new = Received { held: if held { Held::BehindGap } else { Held::No }, ..received(conversation, number, clock) };
                let row = store.transact(|tx| tx.insert_received(new)).unwrap();
                if !held {
                    expected.push((clock, peer(1), row));
                }
            } else {
                let row = enqueue(&mut store, conversation, number);
                let clock = store.read(|view| view.message(row)).unwrap().unwrap().clock;
                expected.push((clock, own(), row));
            }
        }
        expected.sort();
        let expected: Vec<_> = expected.into_iter().map(|(_, _, row)| row).collect();

        let direction = if forward { PageDirection::Newer } else { PageDirection::Older };
        let (mut shown, mut cursor) = (Vec::new(), None);
        loop {
            let page = store.read(|view| view.messages(conversation, cursor, direction, limit)).unwrap();
            let rows: Vec<_> = page.messages.iter().map(|message| message.row).collect();
            prop_assert!(rows.len() <= limit);
            let done = rows.len() < limit;
            if forward { shown.extend(rows) } else { drop(shown.splice(..0, rows)) }
            cursor = if forward { page.newer } else { page.older };
            if done || cursor.is_none() {
                break;
            }
        }
        prop_assert_eq!(shown, expected);
    }
}
