//! Events without a right to be: each kind must be found.

use super::*;
use starling_store::{ConversationId, MessageRow};

const CONVERSATION: ConversationId = ConversationId(1);

fn asked() -> Event {
    Event::RequestReceived { conversation: CONVERSATION }
}

fn text() -> Event {
    Event::MessageReceived { conversation: CONVERSATION, message: MessageRow(1) }
}

fn decide(relations: &mut Relations, decision: friends::Command) {
    relations.said(5, 0, &Asked::Decide { peer: 1, decision });
}

#[test]
fn one_prompt_is_right_and_a_second_one_is_found() {
    let mut relations = Relations::default();
    relations.said(0, 1, &Asked::Request { to: 0, introduction: String::new() });
    assert_eq!(relations.heard(1, 0, 1, &asked()), None);
    assert!(relations.heard(2, 0, 1, &asked()).is_some());
    decide(&mut relations, friends::Command::Accept);
    assert!(relations.heard(3, 0, 1, &asked()).is_some());
}

#[test]
fn a_text_before_the_accept_is_found_and_one_after_it_is_right() {
    let mut relations = Relations::default();
    assert!(relations.heard(1, 0, 1, &text()).is_some());
    relations.heard(1, 0, 1, &asked());
    decide(&mut relations, friends::Command::Accept);
    assert_eq!(relations.heard(2, 0, 1, &text()), None);
}

#[test]
fn whatever_a_blocked_account_causes_is_found() {
    let mut relations = Relations::default();
    relations.befriend(0, 1);
    decide(&mut relations, friends::Command::Block);
    for event in [asked(), text(), Event::FriendAdded { conversation: CONVERSATION }] {
        assert!(relations.heard(1, 0, 1, &event).is_some(), "{event:?}");
    }
    decide(&mut relations, friends::Command::Unblock);
    assert_eq!(relations.heard(2, 0, 1, &text()), None);
}

#[test]
fn a_restored_store_may_ask_once_more() {
    let mut relations = Relations::default();
    relations.befriend(0, 1);
    relations.forget(0);
    assert_eq!(relations.heard(1, 0, 1, &asked()), None);
    assert!(relations.heard(2, 0, 1, &asked()).is_some());
}

#[test]
fn more_prompts_than_requests_are_found() {
    let mut relations = Relations::default();
    relations.said(1, 1, &Asked::Request { to: 0, introduction: String::new() });
    assert_eq!(relations.heard(2, 0, 1, &asked()), None);
    decide(&mut relations, friends::Command::Decline);
    assert!(relations.heard(3, 0, 1, &asked()).is_some());
}
