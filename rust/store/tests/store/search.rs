//! Search.

use starling_store::*;

use crate::fixture::*;

fn with(texts: &[&str]) -> Store {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    for (number, text) in texts.iter().enumerate() {
        let new = Received { body: (*text).to_string(), ..received(conversation, number as u64, 1) };
        store.transact(|tx| tx.insert_received(new)).unwrap();
    }
    store
}

/// The texts found, in the order found.
fn found(store: &Store, query: &str) -> Vec<String> {
    let hits = store.read(|view| view.search(query, None, 100)).unwrap();
    hits.into_iter().map(|hit| hit.message.body).collect()
}

#[test]
fn every_word_has_to_be_there() {
    let store = with(&["the quick brown fox", "the slow brown bear"]);
    assert_eq!(found(&store, "brown the"), ["the slow brown bear", "the quick brown fox"]);
    assert_eq!(found(&store, "quick brown"), ["the quick brown fox"]);
    assert_eq!(found(&store, "quick bear"), Vec::<String>::new());
    assert_eq!(found(&store, ""), Vec::<String>::new());
}

#[test]
fn case_accents_and_the_end_of_the_last_word_do_not_matter() {
    let store = with(&["Čaj a KÁVA", "Größe"]);
    assert_eq!(found(&store, "caj kav"), ["Čaj a KÁVA"]);
    assert_eq!(found(&store, "GRÖ"), ["Größe"]);
    // Only the last word may be unfinished.
    assert_eq!(found(&store, "ca kava"), Vec::<String>::new());
}

#[test]
fn a_query_is_never_an_expression() {
    let store = with(&["one two", "body or not", "near, and"]);
    let hostile = [
        "\"",
        "\"\"",
        "\"one",
        "one\"",
        "one*",
        "*",
        "one OR zzz",
        "NOT one",
        "body:one",
        "^one",
        "(one",
        "one)",
        "NEAR(one two)",
        "-one",
        "one + two",
        "{body}: one",
        "\0",
        "one\0two",
        "'",
        ";",
        "😀",
        "😀 one",
        "- one -",
        "\u{301}",
        "_",
        "one\u{a0}two",
    ];
    for query in hostile {
        let result = store.read(|view| view.search(query, None, 100));
        assert!(result.is_ok(), "{query:?}: {result:?}");
    }
    assert_eq!(found(&store, "one OR zzz"), Vec::<String>::new());
    assert_eq!(found(&store, "body OR not"), ["body or not"]);
    assert_eq!(found(&store, "😀 one"), ["one two"]);
    assert_eq!(found(&store, &"one ".repeat(10_000)), ["one two"]);
}

#[test]
fn the_newest_come_first_and_go_on() {
    let store = with(&["word 0", "word 1", "word 2", "word 3", "word 4"]);
    let search = |before, limit| store.read(|view| view.search("word", before, limit)).unwrap();
    let first = search(None, 2);
    assert_eq!(first.iter().map(|hit| hit.snippet.as_str()).collect::<Vec<_>>(), ["word 4", "word 3"]);
    let second = search(Some(first[1].message.row), 2);
    assert_eq!(second.iter().map(|hit| hit.snippet.as_str()).collect::<Vec<_>>(), ["word 2", "word 1"]);
    assert_eq!(search(Some(second[1].message.row), 2).len(), 1);
}

#[test]
fn held_messages_are_not_found() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let held = Received { held: Held::BehindGap, ..received(conversation, 1, 1) };
    let row = store.transact(|tx| tx.insert_received(held)).unwrap();
    assert_eq!(found(&store, "answer"), Vec::<String>::new());
    store.transact(|tx| tx.release(row)).unwrap();
    assert_eq!(found(&store, "answer"), ["answer 1"]);
}

#[test]
fn snippets_are_short() {
    let store = with(&[&format!("{} needle {}", "before ".repeat(500), "after ".repeat(500))]);
    let hit = &store.read(|view| view.search("needle", None, 1)).unwrap()[0];
    assert!(hit.snippet.contains("needle") && hit.snippet.starts_with('…') && hit.snippet.len() < 200);
}

#[test]
fn what_was_undone_is_not_found() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let undone = store.transact(|tx| {
        tx.insert_received(received(conversation, 1, 1))?;
        Err::<(), _>(StoreError::NotFound)
    });
    assert!(undone.is_err());
    assert_eq!(found(&store, "answer"), Vec::<String>::new());
}
