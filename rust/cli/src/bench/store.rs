//! The encrypted store with many messages. Wall-clock time: somebody waits for it.

use std::path::Path;

use rustix::fs::{Advice, fadvise};
use starling_store::{ConversationId, Event, Options, PageDirection, Reader, Security, Store, StoreError};

use super::archive::{Archive, BATCH, Writing};
use super::clocks::{median, quantile, wall_seconds};
use super::figure::{Figure, Target};
use crate::failure::Failure;

const OPENINGS: usize = 11;
const PAGE: usize = 50;
const SEARCHES: usize = 400;
const BATCHES: u64 = 40;

pub(super) fn figures(archive: &Archive) -> Result<Vec<Figure>, Failure> {
    let (options, filled) = archive.ready()?;
    let failed = |error: StoreError| Failure::other("using a store", error);
    let mut figures = vec![
        Figure::new(
            format!("store of {} messages: insert, batches of {BATCH}", archive.messages()),
            filled,
            "per s",
        )
        .with_target(Target::AtLeast(5_000.0)),
    ];
    figures.extend(openings(&options)?);
    let mut store = open(&options)?;
    let reader = store.reader().ok_or_else(|| failed(StoreError::NotFound))?;
    figures.extend(pages(&reader).map_err(failed)?);
    figures.extend(searches(&reader).map_err(failed)?);
    figures.push(receiving(&mut store, archive.messages()).map_err(failed)?);
    figures.push(Figure::new("size on disk", megabytes(&options.directory), "MB"));
    Ok(figures)
}

fn open(options: &Options) -> Result<Store, Failure> {
    Store::open(options.clone()).map_err(|error| Failure::other("opening a store", error))
}

/// Cold: the system has forgotten the file's pages. Warm: it has just been open.
fn openings(options: &Options) -> Result<Vec<Figure>, Failure> {
    let (mut cold, mut first, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..OPENINGS {
        forget(&options.directory)?;
        let (seconds, store) = wall_seconds(|| open(options));
        let reader = store?.reader();
        cold.push(seconds * 1e3);
        // The store is closed by now, so the reader is, too: the page is read with the next one.
        drop(reader);
        let (seconds, store) = wall_seconds(|| open(options));
        warm.push(seconds * 1e3);
        let store = store?;
        drop(store);
        forget(&options.directory)?;
        let store = open(options)?;
        let reader = store.reader().ok_or_else(|| Failure::Other("no reader".to_owned()))?;
        let (seconds, page) = wall_seconds(|| newest(&reader, ConversationId(1)));
        page.map_err(|error| Failure::other("reading a page", error))?;
        first.push(seconds * 1e3);
    }
    Ok(vec![
        Figure::new("cold open", median(cold), "ms").with_target(Target::AtMost(150.0)),
        Figure::new("first page of 50 after a cold open", median(first), "ms")
            .with_target(Target::AtMost(10.0)),
        Figure::new("warm open", median(warm), "ms"),
    ])
}

/// Lets the system drop what it has cached of the files.
fn forget(directory: &Path) -> Result<(), Failure> {
    let files = std::fs::read_dir(directory).map_err(|error| Failure::file(directory, &error))?;
    for file in files {
        let path = file.map_err(|error| Failure::file(directory, &error))?.path();
        let file = std::fs::File::open(&path).map_err(|error| Failure::file(&path, &error))?;
        file.sync_all().map_err(|error| Failure::file(&path, &error))?;
        fadvise(&file, 0, None, Advice::DontNeed)
            .map_err(|error| Failure::other("dropping a cache", error))?;
    }
    Ok(())
}

fn newest(reader: &Reader, conversation: ConversationId) -> Result<usize, StoreError> {
    reader.read(|view| Ok(view.messages(conversation, None, PageDirection::Older, PAGE)?.messages.len()))
}

fn pages(reader: &Reader) -> Result<Vec<Figure>, StoreError> {
    let conversations = reader.read(|view| view.conversations(None, 100))?;
    let mut times = Vec::new();
    for conversation in conversations {
        let (seconds, page) = wall_seconds(|| newest(reader, conversation.id));
        page?;
        times.push(seconds * 1e3);
    }
    Ok(vec![
        Figure::new("newest page of 50, each of 100 conversations, p50", median(times.clone()), "ms"),
        Figure::new("newest page of 50, each of 100 conversations, p95", quantile(times, 0.95), "ms")
            .with_target(Target::AtMost(10.0)),
    ])
}

/// Common and rare words, pairs of them, and beginnings of words.
fn searches(reader: &Reader) -> Result<Vec<Figure>, StoreError> {
    let mut writing = Writing::continued(3);
    let (mut times, mut hits) = (Vec::new(), 0);
    for number in 0..SEARCHES {
        let query = match number % 3 {
            0 => writing.word(),
            1 => format!("{} {}", writing.word(), writing.word()),
            _ => writing.word().chars().take(3).collect(),
        };
        let (seconds, found) = wall_seconds(|| reader.read(|view| view.search(&query, None, PAGE)));
        hits += found?.len();
        times.push(seconds * 1e3);
    }
    Ok(vec![
        Figure::new("search, p50 of 400", median(times.clone()), "ms"),
        Figure::new("search, p95 of 400", quantile(times.clone(), 0.95), "ms")
            .with_target(Target::AtMost(50.0)),
        Figure::new("search, slowest of 400", quantile(times, 1.0), "ms"),
        Figure::new("search, hits on average", hits as f64 / SEARCHES as f64, "messages"),
    ])
}

/// Everything a received message writes: marks, message, event; the events acknowledged.
fn receiving(store: &mut Store, from: u64) -> Result<Figure, StoreError> {
    let mut writing = Writing::continued(from);
    let (seconds, written) = wall_seconds(|| {
        (0..BATCHES).try_for_each(|_| {
            store.transact(|tx| (0..BATCH).try_for_each(|_| receive(tx, &mut writing)))?;
            store.transact(|tx| match tx.events(2 * BATCH as usize)?.last() {
                Some((last, _)) => tx.ack_events(*last),
                None => Ok(()),
            })
        })
    });
    written?;
    let rate = (BATCHES * BATCH) as f64 / seconds;
    Ok(Figure::new("everything a received message writes, batches of 500", rate, "per s"))
}

fn receive(tx: &mut starling_store::Tx<'_>, writing: &mut Writing) -> Result<(), StoreError> {
    let mut sender = None;
    let new = writing.next(|peer| {
        sender = Some(peer);
        Ok(tx.open_conversation(&peer, Security::Basic, 0)?.id)
    })?;
    let hash: String = format!("{:043}", u128::from_be_bytes(new.message_id));
    tx.mark_hash(&hash, i64::MAX)?;
    if let Some(sender) = sender {
        tx.mark_seen(&sender, &new.message_id, i64::MAX)?;
    }
    let conversation = new.conversation;
    let message = tx.insert_received(new)?;
    tx.push_event(Event::MessageReceived { conversation, message })
}

fn megabytes(directory: &Path) -> f64 {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let bytes: u64 = files.filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum();
    bytes as f64 / 1e6
}
