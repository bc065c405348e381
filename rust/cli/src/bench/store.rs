//! The encrypted store with many messages. Somebody waits for it, so the targets are of wall-clock time;
//! CPU time says what remains of it when nothing else runs and the disk is quick.

use std::path::Path;

use rustix::fs::{Advice, fadvise};
use starling_store::{
    ConversationId, Event, Options, PageDirection, Reader, Security, Store, StoreError, Tx,
};

use super::archive::{Archive, BATCH, Writing};
use super::clocks::{Spent, quantile, timed};
use super::figure::{Figure, Target};
use crate::failure::Failure;

const OPENINGS: usize = 11;
const PAGE: usize = 50;
const SEARCHES: usize = 400;
const BATCHES: u64 = 40;

pub(super) fn figures(archive: &Archive) -> Result<Vec<Figure>, Failure> {
    let (options, filled) = archive.ready()?;
    let failed = |error: StoreError| Failure::other("using a store", error);
    let name = format!("store of {} messages: insert, batches of {BATCH}", archive.messages());
    let mut figures = rates(&name, archive.messages(), filled, Some(Target::AtLeast(5_000.0)));
    figures.extend(openings(&options)?);
    let mut store = open(&options)?;
    let reader = store.reader().ok_or_else(|| failed(StoreError::NotFound))?;
    figures.extend(pages(&reader).map_err(failed)?);
    figures.extend(searches(&reader).map_err(failed)?);
    figures.extend(receiving(&mut store, archive.messages()).map_err(failed)?);
    figures.push(Figure::new("size on disk", megabytes(&options.directory), "MB"));
    Ok(figures)
}

/// A duration by both clocks.
fn durations(name: &str, share: f64, spent: &[Spent], target: Option<Target>) -> Vec<Figure> {
    let wall = quantile(spent.iter().map(|spent| spent.wall_ms).collect(), share);
    let cpu = quantile(spent.iter().map(|spent| spent.cpu_ms).collect(), share);
    vec![
        Figure::new(name, wall, "ms").with_target(target),
        Figure::new(format!("{name}: CPU"), cpu, "ms CPU"),
    ]
}

/// A rate by both clocks.
fn rates(name: &str, messages: u64, spent: Spent, target: Option<Target>) -> Vec<Figure> {
    let rate = |ms: f64| messages as f64 / ms * 1e3;
    vec![
        Figure::new(name, rate(spent.wall_ms), "per s").with_target(target),
        Figure::new(format!("{name}: CPU"), rate(spent.cpu_ms), "per CPU-s"),
    ]
}

fn open(options: &Options) -> Result<Store, Failure> {
    Store::open(options.clone()).map_err(|error| Failure::other("opening a store", error))
}

/// Cold: the system has forgotten the file's pages. Warm: it has just been open.
fn openings(options: &Options) -> Result<Vec<Figure>, Failure> {
    let (mut cold, mut first, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..OPENINGS {
        forget(&options.directory)?;
        let (spent, store) = timed(|| open(options));
        cold.push(spent);
        drop(store?);
        let (spent, store) = timed(|| open(options));
        warm.push(spent);
        drop(store?);
        forget(&options.directory)?;
        let store = open(options)?;
        let reader = store.reader().ok_or_else(|| Failure::Other("no reader".to_owned()))?;
        let (spent, page) = timed(|| newest(&reader, ConversationId(1)));
        page.map_err(|error| Failure::other("reading a page", error))?;
        first.push(spent);
    }
    let mut figures = durations("cold open", 0.5, &cold, Some(Target::AtMost(150.0)));
    let target = Some(Target::AtMost(10.0));
    figures.extend(durations("first page of 50 after a cold open", 0.5, &first, target));
    figures.extend(durations("warm open", 0.5, &warm, None));
    Ok(figures)
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
        let (spent, page) = timed(|| newest(reader, conversation.id));
        page?;
        times.push(spent);
    }
    let mut figures = durations("newest page of 50, each of 100 conversations, p50", 0.5, &times, None);
    figures.extend(durations("newest page of 50, each of 100 conversations, p95", 0.95, &times, None));
    Ok(figures)
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
        let (spent, found) = timed(|| reader.read(|view| view.search(&query, None, PAGE)));
        hits += found?.len();
        times.push(spent);
    }
    let mut figures = durations("search, p50 of 400", 0.5, &times, None);
    figures.extend(durations("search, p95 of 400", 0.95, &times, Some(Target::AtMost(50.0))));
    figures.extend(durations("search, slowest of 400", 1.0, &times, None));
    figures.push(Figure::new("search, hits on average", hits as f64 / SEARCHES as f64, "messages"));
    Ok(figures)
}

/// Everything a received message writes: marks, message, event; the events acknowledged.
fn receiving(store: &mut Store, from: u64) -> Result<Vec<Figure>, StoreError> {
    let mut writing = Writing::continued(from);
    let (spent, written) = timed(|| {
        (0..BATCHES).try_for_each(|_| {
            store.transact(|tx| (0..BATCH).try_for_each(|_| receive(tx, &mut writing)))?;
            store.transact(|tx| match tx.events(2 * BATCH as usize)?.last() {
                Some((last, _)) => tx.ack_events(*last),
                None => Ok(()),
            })
        })
    });
    written?;
    Ok(rates("everything a received message writes, batches of 500", BATCHES * BATCH, spent, None))
}

fn receive(tx: &mut Tx<'_>, writing: &mut Writing) -> Result<(), StoreError> {
    let mut sender = None;
    let new = writing.next(|peer| {
        sender = Some(peer);
        Ok(tx.open_conversation(&peer, Security::Basic, 0)?.id)
    })?;
    let hash = format!("{:043}", u128::from_be_bytes(new.message_id));
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
