//! Rows for what happens in every relation: answers to our offers, blocks, time.

use super::*;

pub(super) fn answers() -> Vec<Row> {
    let open = |relation| offering(relation, Carrier::Request);
    let erase = Effect::EraseOffer { epoch: NOW - HOUR };
    let late = Input::Answered { epoch: NOW - HOUR, session: NEW, sent_at: EXPIRY - HOUR + 1 };
    let just = Input::Answered { epoch: NOW - HOUR, session: NEW, sent_at: EXPIRY - HOUR };
    let made = [erase, Effect::ReleaseQueue, ADDED];
    vec![
        row("a request is answered", open(REQUESTED), answered(NOW - HOUR)).leads_to(FRIEND, &made).with(
            |after| {
                after.offers.is_empty()
                    && after.floor == Floor::Ratchet
                    && after.preferred().is_some_and(|s| s.id == NEW)
            },
        ),
        row("an answer sent in time comes late", open(STRANGER), just)
            .at(EXPIRY + DAY)
            .leads_to(FRIEND, &made),
        row("an answer sent late asks", open(STRANGER), late)
            .leads_to(EMPTY, &[RECEIVED])
            .with(|after| after.sessions.is_empty() && after.offers.len() == 1),
        row("an answer to nothing asks", pair(STRANGER), answered(NOW)).leads_to(EMPTY, &[RECEIVED]),
        row("an answer crosses an accept", open(ACCEPTING), answered(NOW - HOUR))
            .leads_to(FRIEND, &[erase, Effect::ResealUnacknowledged, Effect::ReleaseQueue, ADDED]),
        row("an answer ends their request", open(ASKED), answered(NOW - HOUR))
            .leads_to(FRIEND, &[erase, Effect::ShowPending, Effect::ReleaseQueue, ADDED]),
        row("a friend's answer is another session", open(FRIEND), answered(NOW - HOUR))
            .leads_to(FRIEND, &[erase, Effect::ResealUnacknowledged]),
        row("a renewal is answered", offering(FRIEND, Carrier::Renewal), answered(NOW - HOUR))
            .leads_to(FRIEND, &[erase]),
        row("a re-key is answered", offering(FRIEND, Carrier::Rekey), answered(NOW - HOUR))
            .leads_to(FRIEND, &[erase, Effect::ResealUnacknowledged, RENEWED]),
        row("an answer to an erased offer is stray", ratcheting(FRIEND), answered(NOW - HOUR))
            .leads_to(FRIEND, &[offer(Carrier::Rekey)]),
    ]
}

pub(super) fn blocks() -> Vec<Row> {
    let blocked = |given: Pair| Pair { blocked: true, ..given };
    let friend = || blocked(offering(FRIEND, Carrier::Rekey));
    let silent = |name, input| {
        row(name, friend(), input)
            .with(|after| *after == Pair { blocked: true, ..offering(FRIEND, Carrier::Rekey) })
    };
    vec![
        row("a stranger is blocked", pair(STRANGER), BLOCK).with(|after| after.blocked),
        row("blocking takes a request back", offering(REQUESTED, Carrier::Request), BLOCK)
            .leads_to(STRANGER, &[Effect::EraseOffers, Effect::FailQueue])
            .with(|after| after.blocked && after.offers.is_empty()),
        row("blocking declines", pair(ASKED), BLOCK)
            .leads_to(STRANGER, &[Effect::DropPending])
            .with(|after| after.blocked && after.accepted_epoch == NOW),
        row("a blocked friend stays one", ratcheting(FRIEND), BLOCK)
            .with(|after| after.blocked && !after.open() && after.sessions.len() == 1),
        row("a blocked accept stays one", ratcheting(ACCEPTING), BLOCK).with(|after| after.blocked),
        row("blocking erases a friend's prekeys", offering(FRIEND, Carrier::Renewal), BLOCK)
            .leads_to(FRIEND, &[Effect::EraseOffers]),
        row("blocking twice is blocking", blocked(pair(STRANGER)), BLOCK),
        row("a block ends", friend(), UNBLOCK).with(|after| !after.blocked && after.open()),
        row("nobody blocked is asked", blocked(pair(STRANGER)), REQUEST).refuses(Refusal::Blocked),
        row("nobody blocked is accepted", blocked(pair(STRANGER)), ACCEPT).refuses(Refusal::Blocked),
        silent("a blocked bundle does nothing", bundle(NOW, Carrier::Rekey)),
        silent("a blocked message does nothing", Input::BasicMessage),
        silent("a blocked frame does nothing", Input::Stray),
        silent("a blocked answer does nothing", answered(NOW - HOUR)),
        silent("nothing blocked is renewed", Input::RenewalDue),
        row("a blocked accept lapses untold", blocked(ratcheting(ACCEPTING)), Input::Tick)
            .at(UNTIL)
            .leads_to(STRANGER, &[Effect::EraseSession { id: OLD }, Effect::FailQueue]),
    ]
}

pub(super) fn times() -> Vec<Row> {
    let retired = Session { retired: Some(NOW), ..session(OLD, NOW - DAY, Side::Theirs) };
    let replaced = Pair { sessions: vec![retired, session(NEW, NOW, Side::Ours)], ..ratcheting(FRIEND) };
    let many =
        |count: u8| (1..=count).map(|n| session(SessionKey([n; 32]), NOW - 100 + u64::from(n), Side::Ours));
    let full = Pair { sessions: many(5).collect(), ..ratcheting(FRIEND) };
    let offers = (1..=4).map(|n| Offer { epoch: NOW - 10 + n, carrier: Carrier::Rekey, expiry: EXPIRY });
    let offered = Pair { offers: offers.collect(), ..ratcheting(FRIEND) };
    let mine = [Effect::ExpireQueue, Effect::Tell(Notice::RequestExpired(Side::Ours))];
    let prekeys = || offering(FRIEND, Carrier::Request);
    let gone = EXPIRY - HOUR + PREKEY_REST;
    vec![
        row("a request lapses at its expiry", offering(REQUESTED, Carrier::Request), Input::Tick)
            .at(EXPIRY)
            .leads_to(STRANGER, &mine)
            .with(|after| after.offers.len() == 1),
        row("not before", offering(REQUESTED, Carrier::Request), Input::Tick).at(EXPIRY - 1),
        row("their request lapses at its expiry", pair(ASKED), Input::Tick)
            .at(EXPIRY)
            .leads_to(STRANGER, &[Effect::DropPending, LAPSED]),
        row("their request lives until then", pair(ASKED), Input::Tick).at(EXPIRY - 1),
        row("an accept lapses", ratcheting(ACCEPTING), Input::Tick)
            .at(UNTIL)
            .leads_to(STRANGER, &[Effect::EraseSession { id: OLD }, Effect::FailQueue, LAPSED]),
        row("an accept is repeated until then", ratcheting(ACCEPTING), Input::Tick).at(UNTIL - 1),
        row("prekeys outlive their expiry by 15 days", prekeys(), Input::Tick).at(gone),
        row("and no longer", prekeys(), Input::Tick)
            .at(gone + 1)
            .leads_to(FRIEND, &[Effect::EraseOffer { epoch: NOW - HOUR }]),
        row("a replaced session receives for 15 days", replaced.clone(), Input::Tick).at(NOW + SESSION_REST),
        row("and is erased then", replaced, Input::Tick)
            .at(NOW + SESSION_REST + 1)
            .leads_to(FRIEND, &[Effect::EraseSession { id: OLD }]),
        row("at most four old sessions", full, Input::Taken { epoch: NOW, session: SessionKey([9; 32]) })
            .leads_to(FRIEND, &[Effect::EraseSession { id: SessionKey([1; 32]) }])
            .with(|after| after.sessions.len() == OLD_SESSIONS + 1),
        row("at most four offers", offered, Input::Stray)
            .leads_to(FRIEND, &[Effect::EraseOffer { epoch: NOW - 9 }, offer(Carrier::Rekey)])
            .with(|after| after.offers.len() == OFFERS),
        row("other relations know no time", pair(EMPTY), Input::Tick).at(UNTIL),
    ]
}
