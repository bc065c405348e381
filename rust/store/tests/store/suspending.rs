//! Suspending, resuming, and readers beside the writer.

use starling_store::*;

use crate::fixture::*;

#[test]
fn a_suspended_store_holds_nothing() {
    let OnDisk { directory, mut store } = on_disk();
    let reader = store.reader().unwrap();
    reader.read(|view| view.dump()).unwrap();
    store.suspend();
    store.suspend();
    let step = store.transact(|tx| tx.set_number(Setting::Difficulty, 1));
    assert_eq!(step, Err(StoreError::Suspended));
    assert_eq!(store.read(|view| view.dump()), Err(StoreError::Suspended));
    assert_eq!(reader.read(|view| view.dump()), Err(StoreError::Suspended));
    // Nothing is open: a clean close removes the log, and another store gets the lock.
    assert!(!directory.path().join("starling.db-wal").exists());
    drop(Store::open(options(&directory)).unwrap());
}

#[test]
fn resuming_tells_whether_somebody_wrote() {
    let OnDisk { directory, mut store } = on_disk();
    let reader = store.reader().unwrap();
    assert_eq!(store.resume(), Ok(false));
    store.suspend();
    assert_eq!(store.resume(), Ok(false));

    store.suspend();
    let mut other = Store::open(options(&directory)).unwrap();
    assert_eq!(store.resume(), Err(OpenError::InUse));
    open_with(&mut other, 1);
    drop(other);
    assert_eq!(store.resume(), Ok(true));
    assert_eq!(reader.read(|view| view.conversations(None, 10)).unwrap().len(), 1);
}

#[test]
fn a_store_in_memory_survives_suspension() {
    let mut store = in_memory();
    store.suspend();
    assert_eq!(store.read(|view| view.dump()), Err(StoreError::Suspended));
    assert_eq!(store.resume(), Ok(false));
    assert!(store.read(|view| view.account()).unwrap().is_some());
    assert!(store.reader().is_none());
}

#[test]
fn a_reader_sees_the_last_commit_and_waits_for_none() {
    let OnDisk { directory: _directory, mut store } = on_disk();
    let reader = store.reader().unwrap();
    let conversation = open_with(&mut store, 1);
    let number = || reader.read(|view| view.number(Setting::Difficulty)).unwrap();
    store
        .transact(|tx| {
            tx.set_number(Setting::Difficulty, 1)?;
            // The writer is in the middle of its transaction.
            assert_eq!(number(), None);
            assert_eq!(tx.number(Setting::Difficulty)?, Some(1));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(number(), Some(1));

    // One read is one state, whatever is committed meanwhile.
    reader
        .read(|view| {
            assert_eq!(view.outbox_len()?, 0);
            enqueue(&mut store, conversation, 1);
            assert_eq!(view.outbox_len()?, 0);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(reader.read(|view| view.outbox_len()), Ok(1));
}

#[test]
fn readers_do_not_outlive_the_lock() {
    let OnDisk { directory, store } = on_disk();
    let reader = store.reader().unwrap();
    reader.read(|view| view.dump()).unwrap();
    drop(store);
    assert_eq!(reader.read(|view| view.dump()), Err(StoreError::Suspended));
    drop(Store::open(options(&directory)).unwrap());
}

#[test]
fn a_read_that_panics_spoils_nothing() {
    let OnDisk { directory: _directory, store } = on_disk();
    let reader = store.reader().unwrap();
    let clone = reader.clone();
    let panicked = std::thread::spawn(move || {
        clone.read(|_| -> Result<(), StoreError> { panic!("in a read") }).unwrap();
    });
    assert!(panicked.join().is_err());
    assert_eq!(reader.read(|view| view.outbox_len()), Ok(0));
}
