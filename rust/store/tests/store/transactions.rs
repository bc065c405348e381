//! A step commits all that it wrote, or nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use starling_store::*;

use crate::fixture::*;

#[derive(Debug, PartialEq)]
enum StepError {
    Refused,
    Store(StoreError),
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        StepError::Store(error)
    }
}

fn difficulty(store: &Store) -> Option<i64> {
    store.read(|view| view.number(Setting::Difficulty)).unwrap()
}

#[test]
fn reading_commits_nothing() {
    let mut store = in_memory();
    let before = store.commit_counter();
    store.transact(|tx| tx.number(Setting::Difficulty)).unwrap();
    // Changes that change nothing count as reading.
    store
        .transact(|tx| {
            tx.sweep_marks(0)?;
            tx.clamp_outbox_due(0, 0)?;
            tx.ack_events(EventSeq(100))
        })
        .unwrap();
    assert_eq!(store.commit_counter(), before);
    store.transact(|tx| tx.set_number(Setting::Difficulty, 1)).unwrap();
    assert_eq!(store.commit_counter(), before + 1);
}

#[test]
fn an_error_undoes_the_step() {
    let mut store = in_memory();
    let before = store.commit_counter();
    let result = store.transact(|tx| {
        tx.set_number(Setting::Difficulty, 1)?;
        Err::<(), _>(StepError::Refused)
    });
    assert_eq!(result, Err(StepError::Refused));
    assert_eq!(difficulty(&store), None);
    assert_eq!(store.commit_counter(), before);
    store.transact(|tx| tx.set_number(Setting::Difficulty, 2)).unwrap();
    assert_eq!(difficulty(&store), Some(2));
}

#[test]
fn a_panic_undoes_the_step() {
    let mut store = in_memory();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.transact(|tx| -> Result<(), StoreError> {
            tx.set_number(Setting::Difficulty, 1)?;
            panic!("in a step")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(difficulty(&store), None);
    store.transact(|tx| tx.set_number(Setting::Difficulty, 2)).unwrap();
    assert_eq!(difficulty(&store), Some(2));
}

#[test]
fn a_swallowed_failure_is_not_committed() {
    let mut store = in_memory();
    let result = store.transact(|tx| {
        tx.set_number(Setting::Difficulty, 1)?;
        let failed = tx.release(MessageRow(77));
        assert_eq!(failed, Err(StoreError::NotFound));
        assert_eq!(tx.set_number(Setting::Difficulty, 2), Err(StoreError::Aborted));
        Ok(())
    });
    assert_eq!(result, Err(StoreError::Aborted));
    assert_eq!(difficulty(&store), None);
    store.transact(|tx| tx.set_number(Setting::Difficulty, 3)).unwrap();
    assert_eq!(difficulty(&store), Some(3));
}

#[test]
fn a_store_has_one_account() {
    let mut store = in_memory();
    let again = store.transact(|tx| tx.create_account(&[1; 16], &peer(1)));
    assert_eq!(again, Err(StoreError::AccountExists));
    assert_eq!(store.read(|view| view.own_account_id()), Ok(Some(own())));
}

#[test]
fn a_conversation_needs_an_account() {
    let mut store = Store::in_memory().unwrap();
    assert_eq!(store.read(|view| view.account()).unwrap(), None);
    let early = store.transact(|tx| tx.open_conversation(&peer(1), Security::Basic, 0));
    assert_eq!(early.unwrap_err(), StoreError::NoAccount);
}
