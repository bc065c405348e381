//! Paging in display order.

use starling_store::*;

use crate::fixture::*;

fn rows(page: &Page) -> Vec<MessageRow> {
    page.messages.iter().map(|message| message.row).collect()
}

fn page(
    store: &Store,
    conversation: ConversationId,
    cursor: Option<PageCursor>,
    direction: PageDirection,
    limit: usize,
) -> Page {
    store.read(|view| view.messages(conversation, cursor, direction, limit)).unwrap()
}

#[test]
fn equal_clocks_go_by_account_id() {
    let mut store = in_memory();
    // Peer 1 sorts before our own id, peer 200 after it; both sides must see the same order.
    for (number, theirs_first) in [(1, true), (200, false)] {
        let conversation = open_with(&mut store, number);
        let ours = enqueue(&mut store, conversation, 1);
        let theirs = store.transact(|tx| tx.insert_received(received(conversation, 2, 1))).unwrap();
        let shown = rows(&page(&store, conversation, None, PageDirection::Newer, 10));
        assert_eq!(shown, if theirs_first { [theirs, ours] } else { [ours, theirs] });
    }
}

#[test]
fn pages_meet_from_both_ends() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    open_with(&mut store, 2);
    let all: Vec<_> = (0..7).map(|number| enqueue(&mut store, conversation, number)).collect();

    let newest = page(&store, conversation, None, PageDirection::Older, 3);
    assert_eq!(rows(&newest), all[4..]);
    let middle = page(&store, conversation, newest.older, PageDirection::Older, 3);
    assert_eq!(rows(&middle), all[1..4]);
    let oldest = page(&store, conversation, middle.older, PageDirection::Older, 3);
    assert_eq!(rows(&oldest), all[..1]);
    assert_eq!(oldest.older, None);

    let back = page(&store, conversation, oldest.newer, PageDirection::Newer, 3);
    assert_eq!(rows(&back), all[1..4]);
    assert_eq!(rows(&page(&store, conversation, back.older, PageDirection::Older, 3)), all[..1]);
    let last = page(&store, conversation, newest.newer, PageDirection::Newer, 3);
    assert_eq!((rows(&last), last.newer), (vec![], newest.newer));
    // The end of today is a place to go on from tomorrow.
    let later = enqueue(&mut store, conversation, 100);
    assert_eq!(rows(&page(&store, conversation, last.newer, PageDirection::Newer, 3)), [later]);
}

#[test]
fn held_messages_are_not_shown() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    let held = Received { held: Held::BehindGap, ..received(conversation, 2, 2) };
    let held = store.transact(|tx| tx.insert_received(held)).unwrap();
    assert_eq!(rows(&page(&store, conversation, None, PageDirection::Older, 10)), []);
    store.transact(|tx| tx.release(held)).unwrap();
    assert_eq!(rows(&page(&store, conversation, None, PageDirection::Older, 10)), [held]);
}

#[test]
fn a_page_has_its_limits() {
    let mut store = in_memory();
    let conversation = open_with(&mut store, 1);
    store
        .transact(|tx| {
            (0..502).try_for_each(|number| tx.insert_received(received(conversation, number, 1)).map(drop))
        })
        .unwrap();
    assert_eq!(page(&store, conversation, None, PageDirection::Older, usize::MAX).messages.len(), 500);
    assert_eq!(page(&store, conversation, None, PageDirection::Older, 0).messages.len(), 1);
}
