//! What must hold of every step, said without looking at how the table is written.

use std::collections::BTreeSet;

use starling_core::friends::{
    Asked, Command, EPOCH_LEAD, Effect, Input, OFFERS, OLD_SESSIONS, Pair, REKEY_PAUSE, Relation, Side,
};

use crate::world::End;

pub(crate) const CONSENT: &str = "nobody becomes a friend without a local request or accept";
pub(crate) const SILENT: &str = "decline and block send nothing";
pub(crate) const BLOCKED: &str = "nothing follows from a blocked account";
pub(crate) const ONCE: &str = "a one-time prekey is used once";
pub(crate) const STORE: &str = "the store holds the keys of the relation and no others";
pub(crate) const RANK: &str = "the sending session never moves down in rank";
pub(crate) const FLOOR: &str = "the floor never falls";
pub(crate) const HOURLY: &str = "stray frames cause one re-key an hour";
pub(crate) const BUNDLES: &str = "a bundle counts once, upwards and in time";
pub(crate) const LATE: &str = "an accept sent after the expiry is not honoured";
pub(crate) const LIMITS: &str = "offers and sessions are bounded";
pub(crate) const CONVERGE: &str = "both ends converge";

pub(crate) const ALL: [&str; 12] =
    [CONSENT, SILENT, BLOCKED, ONCE, STORE, RANK, FLOOR, HOURLY, BUNDLES, LATE, LIMITS, CONVERGE];

/// What the properties remember of one installation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// The user wants this peer.
    consent: bool,
    /// Offers that were answered.
    pub(crate) used: BTreeSet<u64>,
    /// Highest epoch of the peer's that was taken, declined or blocked.
    pub(crate) settled: u64,
    /// When a stray frame last caused a bundle.
    rekeyed: Option<u64>,
}

/// Whether an effect makes the peer notice something.
fn outward(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Offer { .. } | Effect::Take { .. } | Effect::ReleaseQueue | Effect::ResealUnacknowledged
    )
}

/// The first property that a step breaks.
pub(crate) fn broken_by(
    before: &Pair,
    input: &Input,
    now: u64,
    after: &Pair,
    effects: &[Effect],
    seen: &mut Seen,
) -> Option<&'static str> {
    let checks = [
        (BLOCKED, !blocked(before, input, after, effects)),
        (CONSENT, !consent(before, input, after, seen)),
        (
            SILENT,
            matches!(input, Input::Command(Command::Decline | Command::Block)) && effects.iter().any(outward),
        ),
        (ONCE, !once(input, after, seen)),
        (LATE, !in_time(before, input, after)),
        (RANK, rank(before) > rank(after) && after.relation == before.relation),
        (FLOOR, after.floor < before.floor),
        (HOURLY, !hourly(input, effects, now, seen)),
        (BUNDLES, !bundles(before, input, after, effects, now, seen)),
        (LIMITS, after.offers.len() > OFFERS || after.sessions.len() > OLD_SESSIONS + 1),
    ];
    checks.into_iter().find(|(_, is_broken)| *is_broken).map(|(name, _)| name)
}

/// Keys without a relation to them, or the reverse.
pub(crate) fn broken_store(end: &End) -> Option<&'static str> {
    let offers: BTreeSet<u64> = end.pair.offers.iter().map(|offer| offer.epoch).collect();
    let sessions: BTreeSet<_> = end.pair.sessions.iter().map(|session| session.id).collect();
    (offers != end.prekeys || sessions != end.keys.keys().copied().collect()).then_some(STORE)
}

fn blocked(before: &Pair, input: &Input, after: &Pair, effects: &[Effect]) -> bool {
    let told = effects.iter().any(|effect| matches!(effect, Effect::Tell(_)));
    let erasing = matches!(input, Input::Tick | Input::Command(_));
    let reacted = effects.iter().any(outward) || !(erasing || before == after);
    !(after.blocked && told || before.blocked && reacted)
}

fn consent(before: &Pair, input: &Input, after: &Pair, seen: &mut Seen) -> bool {
    match input {
        Input::Command(Command::Request | Command::Accept) => seen.consent = true,
        Input::Command(Command::Withdraw | Command::Decline) => seen.consent = false,
        Input::Command(Command::Block) => {
            seen.consent &= matches!(after.relation, Relation::Accepting { .. } | Relation::Friend);
        }
        _ => {}
    }
    let fine = before.relation == Relation::Friend || after.relation != Relation::Friend || seen.consent;
    // A wish lasts as long as the request or the prekeys that carry it.
    let carried =
        !matches!(after.relation, Relation::Stranger | Relation::Asked(_)) || !after.offers.is_empty();
    seen.consent &= carried;
    fine
}

fn once(input: &Input, after: &Pair, seen: &mut Seen) -> bool {
    let Input::Answered { epoch, session, .. } = input else { return true };
    let opened = after.sessions.iter().any(|kept| kept.id == *session);
    !opened || seen.used.insert(*epoch)
}

fn in_time(before: &Pair, input: &Input, after: &Pair) -> bool {
    let Input::Answered { epoch, session, sent_at } = input else { return true };
    let late = before.offers.iter().any(|offer| offer.epoch == *epoch && *sent_at > offer.expiry);
    !late || !after.sessions.iter().any(|kept| kept.id == *session)
}

/// Higher epoch, then the lower owner.
fn rank(pair: &Pair) -> Option<(u64, bool)> {
    pair.preferred().map(|session| (session.epoch, (session.owner == Side::Ours) == pair.own_lower))
}

fn hourly(input: &Input, effects: &[Effect], now: u64, seen: &mut Seen) -> bool {
    let wanted = matches!(input, Input::Command(_) | Input::RenewalDue);
    if wanted || !effects.iter().any(|effect| matches!(effect, Effect::Offer { .. })) {
        return true;
    }
    seen.rekeyed.replace(now).is_none_or(|last| now >= last + REKEY_PAUSE)
}

fn bundles(
    before: &Pair,
    input: &Input,
    after: &Pair,
    effects: &[Effect],
    now: u64,
    seen: &mut Seen,
) -> bool {
    let taken = effects.iter().find_map(|effect| match effect {
        Effect::Take { epoch } => Some(*epoch),
        _ => None,
    });
    let fine = match *input {
        Input::Bundle { epoch, expiry, .. } => {
            let counted = taken.is_some() || after.relation != before.relation;
            let lead = before.seen_epoch.max(now) + EPOCH_LEAD;
            !counted || (epoch > seen.settled && epoch <= lead && expiry > now)
        }
        Input::Command(_) => match before.relation {
            Relation::Asked(Asked::Bundle { epoch, expiry }) => {
                taken.is_none_or(|taken| taken == epoch && epoch > seen.settled && expiry > now)
            }
            _ => taken.is_none(),
        },
        _ => taken.is_none(),
    };
    let refused = match (*input, before.relation) {
        (Input::Command(Command::Decline | Command::Block), Relation::Asked(Asked::Bundle { epoch, .. })) => {
            epoch
        }
        _ => 0,
    };
    seen.settled = seen.settled.max(refused).max(taken.unwrap_or(0));
    fine
}
