//! The table, row by row.

mod events;

use starling_core::friends::*;

use crate::world::Step;

const NOW: u64 = 1_000_000_000;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
/// When a bundle made now expires.
const EXPIRY: u64 = NOW + REQUEST_LIFE;
const UNTIL: u64 = EXPIRY + ACCEPT_REST;
/// Sessions: the older one made from their bundle, the newer one from ours.
const OLD: SessionKey = SessionKey([1; 32]);
const NEW: SessionKey = SessionKey([2; 32]);

/// One row: in this state, this happens, and that follows.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    given: Pair,
    input: Input,
    at: u64,
    expected: Result<(Relation, Vec<Effect>), Refusal>,
    /// What else is true afterwards.
    also: fn(&Pair) -> bool,
}

impl Row {
    fn holds(&self, step: Step) -> bool {
        match (step(&self.given, &self.input, self.at), &self.expected) {
            (Ok((after, effects)), Ok((relation, expected))) => {
                after.relation == *relation && effects == *expected && (self.also)(&after)
            }
            (Err(refusal), Err(expected)) => refusal == *expected,
            _ => false,
        }
    }

    fn refuses(mut self, refusal: Refusal) -> Self {
        self.expected = Err(refusal);
        self
    }

    fn at(mut self, at: u64) -> Self {
        self.at = at;
        self
    }

    fn leads_to(mut self, relation: Relation, effects: &[Effect]) -> Self {
        self.expected = Ok((relation, effects.to_vec()));
        self
    }

    fn with(mut self, also: fn(&Pair) -> bool) -> Self {
        self.also = also;
        self
    }
}

/// Without more said, nothing changes and nothing follows.
fn row(name: &'static str, given: Pair, input: Input) -> Row {
    let expected = Ok((given.relation, Vec::new()));
    Row { name, given, input, at: NOW, expected, also: |_| true }
}

/// The rows that do not hold of a step function.
pub(crate) fn failing(step: Step) -> Vec<&'static str> {
    all().iter().filter(|row| !row.holds(step)).map(|row| row.name).collect()
}

fn pair(relation: Relation) -> Pair {
    Pair { relation, ..Pair::new(true) }
}

/// Last spoke of a bundle an hour ago.
fn offering(relation: Relation, carrier: Carrier) -> Pair {
    let epoch = NOW - HOUR;
    Pair {
        offers: vec![Offer { epoch, carrier, expiry: EXPIRY - HOUR }],
        seen_epoch: epoch,
        ..pair(relation)
    }
}

fn session(id: SessionKey, epoch: u64, owner: Side) -> Session {
    Session { id, epoch, owner, received: true, retired: None }
}

fn ratcheting(relation: Relation) -> Pair {
    let epoch = NOW - DAY;
    Pair {
        sessions: vec![session(OLD, epoch, Side::Theirs)],
        floor: Floor::Ratchet,
        seen_epoch: epoch,
        accepted_epoch: epoch,
        ..pair(relation)
    }
}

fn bundle(epoch: u64, carrier: Carrier) -> Input {
    Input::Bundle { epoch, expiry: EXPIRY, carrier }
}

fn answered(epoch: u64) -> Input {
    Input::Answered { epoch, session: NEW, sent_at: NOW }
}

const STRANGER: Relation = Relation::Stranger;
const REQUESTED: Relation = Relation::Requested { expiry: EXPIRY };
const ASKED: Relation = Relation::Asked(Asked::Bundle { epoch: NOW, expiry: EXPIRY });
const BASIC: Relation = Relation::Asked(Asked::Basic);
const EMPTY: Relation = Relation::Asked(Asked::Empty);
const ACCEPTING: Relation = Relation::Accepting { until: UNTIL };
const FRIEND: Relation = Relation::Friend;

const REQUEST: Input = Input::Command(Command::Request);
const ACCEPT: Input = Input::Command(Command::Accept);
const DECLINE: Input = Input::Command(Command::Decline);
const WITHDRAW: Input = Input::Command(Command::Withdraw);
const BLOCK: Input = Input::Command(Command::Block);
const UNBLOCK: Input = Input::Command(Command::Unblock);

const TAKE: Effect = Effect::Take { epoch: NOW };
const RECEIVED: Effect = Effect::Tell(Notice::RequestReceived);
const REPLACED: Effect = Effect::Tell(Notice::RequestReplaced);
const ADDED: Effect = Effect::Tell(Notice::FriendAdded);
const RENEWED: Effect = Effect::Tell(Notice::SessionRenewed);
const LAPSED: Effect = Effect::Tell(Notice::RequestExpired(Side::Theirs));

fn offer(carrier: Carrier) -> Effect {
    Effect::Offer { epoch: NOW, expiry: EXPIRY, carrier }
}

fn all() -> Vec<Row> {
    [
        strangers(),
        requests(),
        asking(),
        accepts(),
        friends(),
        events::answers(),
        events::blocks(),
        events::times(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn strangers() -> Vec<Row> {
    let ahead = Pair { seen_epoch: NOW + 5, ..pair(STRANGER) };
    let settled = Pair { accepted_epoch: NOW, ..pair(STRANGER) };
    let floored = Pair { floor: Floor::Ratchet, ..pair(STRANGER) };
    let asked = |epoch, expiry| Relation::Asked(Asked::Bundle { epoch, expiry });
    let until = |epoch, expiry| Input::Bundle { epoch, expiry, carrier: Carrier::Request };
    vec![
        row("a stranger is asked", pair(STRANGER), REQUEST)
            .leads_to(REQUESTED, &[offer(Carrier::Request)])
            .with(|after| after.seen_epoch == NOW && after.offers.len() == 1),
        row("an epoch exceeds every one seen", ahead.clone(), REQUEST).leads_to(
            REQUESTED,
            &[Effect::Offer { epoch: NOW + 6, expiry: EXPIRY, carrier: Carrier::Request }],
        ),
        row("a stranger asks", pair(STRANGER), bundle(NOW, Carrier::Request))
            .leads_to(ASKED, &[RECEIVED])
            .with(|after| after.seen_epoch == NOW && after.accepted_epoch == 0),
        row("a forgotten friend's re-key asks", pair(STRANGER), bundle(NOW, Carrier::Rekey))
            .leads_to(ASKED, &[RECEIVED]),
        row("a settled epoch does not count", settled, bundle(NOW, Carrier::Request)),
        row("an epoch an hour ahead counts", pair(STRANGER), bundle(NOW + HOUR, Carrier::Request))
            .leads_to(asked(NOW + HOUR, EXPIRY), &[RECEIVED]),
        row("an epoch further ahead does not", pair(STRANGER), bundle(NOW + HOUR + 1, Carrier::Request))
            .with(|after| after.seen_epoch == 0),
        row("an epoch an hour above one seen counts", ahead, bundle(NOW + 5 + HOUR, Carrier::Request))
            .leads_to(asked(NOW + 5 + HOUR, EXPIRY), &[RECEIVED]),
        row("an expired bundle does not count", pair(STRANGER), until(NOW, NOW)),
        row("an expiry after 14 days and an hour counts", pair(STRANGER), until(NOW, EXPIRY + HOUR))
            .leads_to(asked(NOW, EXPIRY + HOUR), &[RECEIVED]),
        row("a later expiry does not", pair(STRANGER), until(NOW, EXPIRY + HOUR + 1)),
        row("a Session client asks", pair(STRANGER), Input::BasicMessage).leads_to(BASIC, &[RECEIVED]),
        row("basic content stays below the floor", floored, Input::BasicMessage),
        row("a frame from nobody known asks", pair(STRANGER), Input::Stray).leads_to(EMPTY, &[RECEIVED]),
        row("a stranger cannot be accepted", pair(STRANGER), ACCEPT).refuses(Refusal::NothingAsked),
        row("a stranger cannot be declined", pair(STRANGER), DECLINE).refuses(Refusal::NothingAsked),
        row("no request, no withdrawal", pair(STRANGER), WITHDRAW).refuses(Refusal::NothingToWithdraw),
        row("a stranger's session is none", pair(STRANGER), Input::Opened { session: OLD }),
        row("strangers renew nothing", pair(STRANGER), Input::RenewalDue),
    ]
}

fn requests() -> Vec<Row> {
    let requested = || offering(REQUESTED, Carrier::Request);
    let floored = Pair { floor: Floor::Ratchet, ..requested() };
    vec![
        row("crossing requests need no prompt", requested(), bundle(NOW, Carrier::Request))
            .leads_to(ACCEPTING, &[TAKE, Effect::ReleaseQueue])
            .with(|after| after.offers.len() == 1 && after.accepted_epoch == NOW),
        row("a Session client answers", requested(), Input::BasicMessage)
            .leads_to(FRIEND, &[Effect::ReleaseQueue, ADDED])
            .with(|after| after.floor == Floor::None),
        row("below the floor nobody answers", floored, Input::BasicMessage),
        row("a request answers stray frames", requested(), Input::Stray),
        row("a request is withdrawn", requested(), WITHDRAW)
            .leads_to(STRANGER, &[Effect::EraseOffers, Effect::FailQueue])
            .with(|after| after.offers.is_empty()),
        row("one request at a time", requested(), REQUEST).refuses(Refusal::AlreadyRequested),
        row("who only was asked cannot be accepted", requested(), ACCEPT).refuses(Refusal::NothingAsked),
        row("who only was asked cannot be declined", requested(), DECLINE).refuses(Refusal::NothingAsked),
    ]
}

fn asking() -> Vec<Row> {
    let asked = || Pair { seen_epoch: NOW, ..pair(ASKED) };
    let consent = [TAKE, Effect::ShowPending, Effect::ReleaseQueue];
    let newer = Relation::Asked(Asked::Bundle { epoch: NOW + 1, expiry: EXPIRY });
    let basic = [Effect::ShowPending, Effect::ReleaseQueue, ADDED];
    let empty = [Effect::ShowPending, offer(Carrier::Request)];
    vec![
        row("a request is accepted", asked(), ACCEPT)
            .leads_to(ACCEPTING, &consent)
            .with(|after| after.accepted_epoch == NOW),
        row("asking back accepts", asked(), REQUEST).leads_to(ACCEPTING, &consent),
        row("an expired request cannot be accepted", asked(), ACCEPT).at(EXPIRY).refuses(Refusal::Expired),
        row("a Session client is accepted", pair(BASIC), ACCEPT).leads_to(FRIEND, &basic),
        row("asking a Session client back accepts", pair(BASIC), REQUEST).leads_to(FRIEND, &basic),
        row("accepting an empty request asks", pair(EMPTY), ACCEPT).leads_to(REQUESTED, &empty),
        row("asking back an empty request asks", pair(EMPTY), REQUEST).leads_to(REQUESTED, &empty),
        row("a declined request never asks again", asked(), DECLINE)
            .leads_to(STRANGER, &[Effect::DropPending])
            .with(|after| after.accepted_epoch == NOW),
        row("declining takes our own lapsed offers back", offering(ASKED, Carrier::Request), DECLINE)
            .leads_to(STRANGER, &[Effect::EraseOffers, Effect::DropPending])
            .with(|after| after.offers.is_empty()),
        row("a Session client is declined", pair(BASIC), DECLINE).leads_to(STRANGER, &[Effect::DropPending]),
        row("an empty request is declined", pair(EMPTY), DECLINE).leads_to(STRANGER, &[Effect::DropPending]),
        row("a newer request replaces", asked(), bundle(NOW + 1, Carrier::Request))
            .leads_to(newer, &[REPLACED]),
        row("an older request does not", asked(), bundle(NOW - 1, Carrier::Request)),
        row("the same request does not", asked(), bundle(NOW, Carrier::Request)),
        row("a bundle completes a basic request", pair(BASIC), bundle(NOW, Carrier::Upgrade))
            .leads_to(ASKED, &[REPLACED]),
        row("a bundle completes an empty request", pair(EMPTY), bundle(NOW, Carrier::Rekey))
            .leads_to(ASKED, &[REPLACED]),
        row("who asked may write basic", asked(), Input::BasicMessage),
        row("who asked may write frames", asked(), Input::Stray),
        row("their request cannot be withdrawn", asked(), WITHDRAW).refuses(Refusal::NothingToWithdraw),
    ]
}

fn accepts() -> Vec<Row> {
    let accepting = || Pair { floor: Floor::None, ..ratcheting(ACCEPTING) };
    let paused = Pair { rekeyed_at: Some(NOW - HOUR + 1), ..accepting() };
    vec![
        row("the first frame makes a friend", accepting(), Input::Opened { session: OLD })
            .leads_to(FRIEND, &[ADDED])
            .with(|after| after.floor == Floor::Ratchet),
        row("an unknown session makes none", accepting(), Input::Opened { session: NEW }),
        row("a newer bundle is taken instead", accepting(), bundle(NOW, Carrier::Request))
            .leads_to(ACCEPTING, &[TAKE, Effect::ResealUnacknowledged]),
        row("a stray frame is an accepted empty request", accepting(), Input::Stray)
            .leads_to(ACCEPTING, &[offer(Carrier::Request)]),
        row("but not twice an hour", paused, Input::Stray),
        row("an accept is not repeated by hand", accepting(), ACCEPT).refuses(Refusal::AlreadyAccepted),
        row("an accept needs no request", accepting(), REQUEST).refuses(Refusal::AlreadyAccepted),
        row("an accept is not declined", accepting(), DECLINE).refuses(Refusal::NothingAsked),
        row("an accept is not withdrawn", accepting(), WITHDRAW).refuses(Refusal::NothingToWithdraw),
        row("basic content is no answer", accepting(), Input::BasicMessage),
    ]
}

fn friends() -> Vec<Row> {
    let friend = || ratcheting(FRIEND);
    let renewed = [TAKE, Effect::ResealUnacknowledged, RENEWED];
    let higher = Pair {
        accepted_epoch: 0,
        own_lower: true,
        sessions: vec![session(OLD, NOW, Side::Ours)],
        ..friend()
    };
    let lower = Pair { own_lower: false, ..higher.clone() };
    let paused = |at| Pair { rekeyed_at: Some(at), ..friend() };
    vec![
        row("a re-key is taken", friend(), bundle(NOW, Carrier::Rekey)).leads_to(FRIEND, &renewed),
        row("a friend's request is a re-key", friend(), bundle(NOW, Carrier::Request))
            .leads_to(FRIEND, &renewed),
        row("a renewal is taken", friend(), bundle(NOW, Carrier::Renewal)).leads_to(FRIEND, &[TAKE]),
        row("an upgrade is taken", pair(FRIEND), bundle(NOW, Carrier::Upgrade)).leads_to(FRIEND, &[TAKE]),
        row("a replayed bundle is not", friend(), bundle(NOW - DAY, Carrier::Rekey)),
        row("between equal epochs our lower id stays", higher, bundle(NOW, Carrier::Rekey)),
        row("between equal epochs their lower id wins", lower, bundle(NOW, Carrier::Rekey))
            .leads_to(FRIEND, &renewed),
        row("a stray frame causes a re-key", friend(), Input::Stray)
            .leads_to(FRIEND, &[offer(Carrier::Rekey)]),
        row("not twice an hour", paused(NOW - HOUR + 1), Input::Stray),
        row("again after an hour", paused(NOW - HOUR), Input::Stray)
            .leads_to(FRIEND, &[offer(Carrier::Rekey)]),
        row("a session is renewed", friend(), Input::RenewalDue).leads_to(FRIEND, &[offer(Carrier::Renewal)]),
        row("a basic contact is offered an upgrade", pair(FRIEND), Input::RenewalDue)
            .leads_to(FRIEND, &[offer(Carrier::Upgrade)]),
        row("one renewal at a time", offering(FRIEND, Carrier::Renewal), Input::RenewalDue),
        row("a request is no renewal", offering(FRIEND, Carrier::Request), Input::RenewalDue)
            .leads_to(FRIEND, &[offer(Carrier::Upgrade)]),
        row("basic content lowers no floor", friend(), Input::BasicMessage)
            .with(|after| after.floor == Floor::Ratchet),
        row(
            "the first frame raises the floor",
            Pair { floor: Floor::None, ..friend() },
            Input::Opened { session: OLD },
        )
        .with(|after| after.floor == Floor::Ratchet),
        row("a session taken is sent on at once", friend(), Input::Taken { epoch: NOW, session: NEW }).with(
            |after| {
                after.preferred().is_some_and(|session| session.id == NEW)
                    && after.sessions[0].retired == Some(NOW)
                    && after.sessions[1].retired.is_none()
            },
        ),
        row("friends do not ask", friend(), REQUEST).refuses(Refusal::AlreadyFriend),
        row("friends do not accept", friend(), ACCEPT).refuses(Refusal::AlreadyFriend),
        row("friends do not decline", friend(), DECLINE).refuses(Refusal::NothingAsked),
        row("friends do not withdraw", friend(), WITHDRAW).refuses(Refusal::NothingToWithdraw),
    ]
}
