//! The machine with one mistake each. A property or a row that catches none of them checks nothing.

use starling_core::friends::{
    Carrier, Command, Effect, Floor, Input, Pair, Refusal, Relation, SessionKey, Side, step,
};

use crate::world::Step;

type Outcome = Result<(Pair, Vec<Effect>), Refusal>;

/// Name and machine of every mutant.
pub(crate) const MUTANTS: &[(&str, Step)] = &[
    ("opens an offer twice", opens_twice),
    ("leaves used prekeys in the store", leaves_prekeys),
    ("accepts by itself", accepts_by_itself),
    ("befriends who writes basic", befriends_basic),
    ("hears blocked accounts", hears_blocked),
    ("tells of blocked accounts", tells_of_blocked),
    ("answers a decline", answers_decline),
    ("keeps prekeys after a withdrawal", |pair, input, now| {
        keeps_offers(pair, input, now, Command::Withdraw)
    }),
    ("keeps prekeys after a decline", |pair, input, now| keeps_offers(pair, input, now, Command::Decline)),
    ("keeps prekeys after a block", |pair, input, now| keeps_offers(pair, input, now, Command::Block)),
    ("forgets what it declined", forgets_declined),
    ("takes an epoch twice", takes_twice),
    ("takes bundles from the far future", takes_far),
    ("takes expired bundles", takes_expired),
    ("replaces a request downwards", replaces_downwards),
    ("honours late answers", honours_late),
    ("re-keys without a limit", rekeys_always),
    ("never re-keys", |pair, input, now| deaf(pair, input, now, Relation::Friend, Input::Stray)),
    ("hears no first frame", hears_no_first_frame),
    ("takes no request of a friend", takes_no_request),
    ("prompts in a crossing", prompts_in_crossing),
    ("erases the preferred session", erases_preferred),
    ("thinks itself the lower id", always_lower),
    ("lowers the floor", lowers_floor),
    ("repeats an accept for ever", accepts_for_ever),
    ("keeps every old session", keeps_sessions),
];

/// The step as if the pair had been another.
fn as_if(pair: &Pair, input: &Input, now: u64, change: impl FnOnce(&mut Pair)) -> Outcome {
    let mut other = pair.clone();
    change(&mut other);
    step(&other, input, now)
}

fn deaf(pair: &Pair, input: &Input, now: u64, relation: Relation, to: Input) -> Outcome {
    if pair.relation == relation && *input == to {
        Ok((pair.clone(), Vec::new()))
    } else {
        step(pair, input, now)
    }
}

fn without(mut effects: Vec<Effect>, dropped: impl Fn(&Effect) -> bool) -> Vec<Effect> {
    effects.retain(|effect| !dropped(effect));
    effects
}

fn opens_twice(pair: &Pair, input: &Input, now: u64) -> Outcome {
    let (mut after, effects) = step(pair, input, now)?;
    if matches!(input, Input::Answered { .. }) {
        after.offers.clone_from(&pair.offers);
        return Ok((after, without(effects, |effect| matches!(effect, Effect::EraseOffer { .. }))));
    }
    Ok((after, effects))
}

fn leaves_prekeys(pair: &Pair, input: &Input, now: u64) -> Outcome {
    let (after, effects) = step(pair, input, now)?;
    Ok((after, without(effects, |effect| matches!(effect, Effect::EraseOffer { .. }))))
}

fn accepts_by_itself(pair: &Pair, input: &Input, now: u64) -> Outcome {
    let (asked, mut effects) = step(pair, input, now)?;
    if !matches!((input, asked.relation), (Input::Bundle { .. }, Relation::Asked(_))) {
        return Ok((asked, effects));
    }
    let (after, more) = step(&asked, &Input::Command(Command::Accept), now)?;
    effects.extend(more);
    Ok((after, effects))
}

fn befriends_basic(pair: &Pair, input: &Input, now: u64) -> Outcome {
    as_if(pair, input, now, |pair| {
        if *input == Input::BasicMessage && pair.relation == Relation::Stranger {
            pair.relation = Relation::Requested { expiry: now };
        }
    })
}

fn hears_blocked(pair: &Pair, input: &Input, now: u64) -> Outcome {
    if matches!(input, Input::Command(_)) {
        return step(pair, input, now);
    }
    let (mut after, effects) = as_if(pair, input, now, |pair| pair.blocked = false)?;
    after.blocked = pair.blocked;
    Ok((after, effects))
}

fn tells_of_blocked(pair: &Pair, input: &Input, now: u64) -> Outcome {
    if *input != Input::Tick {
        return step(pair, input, now);
    }
    hears_blocked(pair, input, now)
}

fn answers_decline(pair: &Pair, input: &Input, now: u64) -> Outcome {
    let (after, mut effects) = step(pair, input, now)?;
    if *input == Input::Command(Command::Decline) {
        effects.push(Effect::Offer { epoch: now, expiry: now + 1, carrier: Carrier::Request });
    }
    Ok((after, effects))
}

fn keeps_offers(pair: &Pair, input: &Input, now: u64, command: Command) -> Outcome {
    let (mut after, effects) = step(pair, input, now)?;
    if *input == Input::Command(command) {
        after.offers.clone_from(&pair.offers);
        return Ok((after, without(effects, |effect| *effect == Effect::EraseOffers)));
    }
    Ok((after, effects))
}

fn forgets_declined(pair: &Pair, input: &Input, now: u64) -> Outcome {
    let (mut after, effects) = step(pair, input, now)?;
    if *input == Input::Command(Command::Decline) {
        after.accepted_epoch = pair.accepted_epoch;
    }
    Ok((after, effects))
}

fn takes_twice(pair: &Pair, input: &Input, now: u64) -> Outcome {
    as_if(pair, input, now, |pair| match *input {
        Input::Bundle { epoch, .. } if epoch == pair.accepted_epoch && !pair.blocked => {
            pair.accepted_epoch -= 1;
            // Else the session in use would outrank the copy.
            pair.sessions.retain(|session| session.epoch != epoch);
        }
        _ => {}
    })
}

fn takes_far(pair: &Pair, input: &Input, now: u64) -> Outcome {
    as_if(pair, input, now, |pair| {
        if let (Input::Bundle { epoch, .. }, false) = (*input, pair.blocked) {
            pair.seen_epoch = pair.seen_epoch.max(epoch);
        }
    })
}

fn takes_expired(pair: &Pair, input: &Input, now: u64) -> Outcome {
    match *input {
        Input::Bundle { epoch, expiry, carrier } => {
            step(pair, &Input::Bundle { epoch, expiry: expiry.max(now + 1), carrier }, now)
        }
        _ => step(pair, input, now),
    }
}

fn replaces_downwards(pair: &Pair, input: &Input, now: u64) -> Outcome {
    as_if(pair, input, now, |pair| {
        if matches!((input, pair.relation), (Input::Bundle { .. }, Relation::Asked(_))) {
            pair.relation = Relation::Asked(starling_core::friends::Asked::Empty);
        }
    })
}

fn honours_late(pair: &Pair, input: &Input, now: u64) -> Outcome {
    match *input {
        Input::Answered { epoch, session, .. } => {
            step(pair, &Input::Answered { epoch, session, sent_at: 0 }, now)
        }
        _ => step(pair, input, now),
    }
}

fn rekeys_always(pair: &Pair, input: &Input, now: u64) -> Outcome {
    as_if(pair, input, now, |pair| pair.rekeyed_at = None)
}

fn hears_no_first_frame(pair: &Pair, input: &Input, now: u64) -> Outcome {
    let first = matches!((input, pair.relation), (Input::Opened { .. }, Relation::Accepting { .. }));
    if first { Ok((pair.clone(), Vec::new())) } else { step(pair, input, now) }
}

fn takes_no_request(pair: &Pair, input: &Input, now: u64) -> Outcome {
    match *input {
        Input::Bundle { carrier: Carrier::Request, .. } => deaf(pair, input, now, Relation::Friend, *input),
        _ => step(pair, input, now),
    }
}

fn prompts_in_crossing(pair: &Pair, input: &Input, now: u64) -> Outcome {
    as_if(pair, input, now, |pair| {
        if matches!((input, pair.relation), (Input::Bundle { .. }, Relation::Requested { .. })) {
            pair.relation = Relation::Stranger;
        }
    })
}

fn erases_preferred(pair: &Pair, input: &Input, now: u64) -> Outcome {
    let (mut after, mut effects) = step(pair, input, now)?;
    let preferred = after.preferred().map(|session| session.id);
    if let (Some(id), true) =
        (preferred, after.sessions.len() > pair.sessions.len() && !pair.sessions.is_empty())
    {
        after.sessions.retain(|session| session.id != id && !matches!(session.owner, Side::Theirs));
        let lost = |key: &SessionKey| !after.sessions.iter().any(|session| session.id == *key);
        let held = pair.sessions.iter().map(|session| session.id).chain([id]);
        effects.extend(held.filter(lost).map(|id| Effect::EraseSession { id }));
    }
    Ok((after, effects))
}

fn always_lower(pair: &Pair, input: &Input, now: u64) -> Outcome {
    as_if(pair, input, now, |pair| pair.own_lower = true)
}

fn lowers_floor(pair: &Pair, input: &Input, now: u64) -> Outcome {
    let (mut after, effects) = step(pair, input, now)?;
    if *input == Input::BasicMessage && !pair.blocked {
        after.floor = Floor::None;
    }
    Ok((after, effects))
}

fn accepts_for_ever(pair: &Pair, input: &Input, now: u64) -> Outcome {
    match pair.relation {
        relation @ Relation::Accepting { .. } => deaf(pair, input, now, relation, Input::Tick),
        _ => step(pair, input, now),
    }
}

fn keeps_sessions(pair: &Pair, input: &Input, now: u64) -> Outcome {
    let (mut after, effects) = step(pair, input, now)?;
    for effect in &effects {
        if let Effect::EraseSession { id } = effect {
            after.sessions.extend(pair.sessions.iter().filter(|session| session.id == *id));
        }
    }
    Ok((after, without(effects, |effect| matches!(effect, Effect::EraseSession { .. }))))
}
