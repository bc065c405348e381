//! The table of [`friends`](super), one function per relation.

use super::effect::{Effect, Notice, Refusal};
use super::input::{Command, Input};
use super::pair::{Asked, Carrier, Floor, Pair, Relation, Side};
use super::turn::Turn;
use super::{REKEY_PAUSE, REQUEST_LIFE};

type Verdict = Result<(), Refusal>;

/// What becomes of a relation when something happens at `now` (network seconds), and what follows.
///
/// # Errors
/// A command that does not fit the relation is refused; nothing changed then.
pub fn step(pair: &Pair, input: &Input, now: u64) -> Result<(Pair, Vec<Effect>), Refusal> {
    let mut turn = Turn { pair: pair.clone(), effects: Vec::new(), now };
    match *input {
        Input::Command(Command::Block) => block(&mut turn),
        Input::Command(Command::Unblock) => turn.pair.blocked = false,
        Input::Command(_) if pair.blocked => return Err(Refusal::Blocked),
        Input::Tick => tick(&mut turn),
        Input::Taken { epoch, session } => turn.taken(epoch, session),
        _ if pair.blocked => {}
        Input::Answered { epoch, session, sent_at } => {
            match pair.offers.iter().find(|offer| offer.epoch == epoch && sent_at <= offer.expiry) {
                Some(offer) => turn.answered(*offer, session),
                None => by_relation(&mut turn, Input::Stray)?,
            }
        }
        input => {
            if let Input::Bundle { epoch, expiry, .. } = input {
                if !pair.counts(epoch, expiry, now) {
                    return Ok((turn.pair, turn.effects));
                }
                turn.pair.seen_epoch = pair.seen_epoch.max(epoch);
            }
            by_relation(&mut turn, input)?;
        }
    }
    turn.retire_sessions();
    Ok((turn.pair, turn.effects))
}

fn by_relation(turn: &mut Turn, input: Input) -> Verdict {
    match turn.pair.relation {
        Relation::Stranger => stranger(turn, input),
        Relation::Requested { expiry } => requested(turn, expiry, input),
        Relation::Asked(asked) => self::asked(turn, asked, input),
        Relation::Accepting { .. } => accepting(turn, input),
        Relation::Friend => friend(turn, input),
    }
}

fn stranger(turn: &mut Turn, input: Input) -> Verdict {
    let asked = match input {
        Input::Command(Command::Request) => {
            turn.request();
            return Ok(());
        }
        Input::Command(Command::Withdraw) => return Err(Refusal::NothingToWithdraw),
        Input::Command(_) => return Err(Refusal::NothingAsked),
        Input::Bundle { epoch, expiry, .. } => Asked::Bundle { epoch, expiry },
        // Under a higher floor it is held as unprotected, whoever sent it.
        Input::BasicMessage if turn.pair.floor == Floor::None => Asked::Basic,
        Input::Stray => Asked::Empty,
        _ => return Ok(()),
    };
    turn.pair.relation = Relation::Asked(asked);
    turn.tell(Notice::RequestReceived);
    Ok(())
}

fn requested(turn: &mut Turn, expiry: u64, input: Input) -> Verdict {
    match input {
        Input::Command(Command::Request) => return Err(Refusal::AlreadyRequested),
        Input::Command(Command::Withdraw) => {
            turn.pair.relation = Relation::Stranger;
            turn.erase_offers();
            turn.cause(Effect::FailQueue);
        }
        Input::Command(_) => return Err(Refusal::NothingAsked),
        Input::Bundle { epoch, expiry, .. } => {
            turn.accept(epoch, expiry);
            turn.cause(Effect::ReleaseQueue);
        }
        Input::BasicMessage if turn.pair.floor == Floor::None => {
            turn.cause(Effect::ReleaseQueue);
            turn.befriend();
        }
        // The peer writes as a friend: our request is the answer, and will reach it; but one that came
        // while the peer had us blocked never did, so it is made again.
        Input::Stray if turn.now >= expiry.saturating_sub(REQUEST_LIFE).saturating_add(REKEY_PAUSE) => {
            turn.rekey(Carrier::Request);
        }
        _ => {}
    }
    Ok(())
}

fn asked(turn: &mut Turn, asked: Asked, input: Input) -> Verdict {
    match input {
        Input::Command(Command::Accept | Command::Request) => return consent(turn, asked),
        Input::Command(Command::Decline) => refuse(turn, asked),
        Input::Command(_) => return Err(Refusal::NothingToWithdraw),
        Input::Bundle { epoch, expiry, .. } => {
            let newer = match asked {
                Asked::Bundle { epoch: current, .. } => epoch > current,
                Asked::Basic | Asked::Empty => true,
            };
            if newer {
                turn.pair.relation = Relation::Asked(Asked::Bundle { epoch, expiry });
                turn.tell(Notice::RequestReplaced);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The user says yes to the peer's request.
fn consent(turn: &mut Turn, asked: Asked) -> Verdict {
    match asked {
        Asked::Bundle { expiry, .. } if expiry <= turn.now => return Err(Refusal::Expired),
        Asked::Bundle { epoch, expiry } => {
            turn.accept(epoch, expiry);
            turn.cause(Effect::ShowPending);
            turn.cause(Effect::ReleaseQueue);
        }
        Asked::Basic => {
            turn.cause(Effect::ShowPending);
            turn.cause(Effect::ReleaseQueue);
            turn.befriend();
        }
        Asked::Empty => {
            turn.cause(Effect::ShowPending);
            turn.request();
        }
    }
    Ok(())
}

/// The user says no. Offers of ours from earlier go too, else a late answer to them would make a
/// friend of somebody just declined; and the settled epoch keeps copies of the request from asking again.
fn refuse(turn: &mut Turn, asked: Asked) {
    turn.pair.relation = Relation::Stranger;
    if let Asked::Bundle { epoch, .. } = asked {
        turn.settle(epoch);
    }
    turn.erase_offers();
    turn.cause(Effect::DropPending);
}

fn accepting(turn: &mut Turn, input: Input) -> Verdict {
    match input {
        Input::Command(Command::Request | Command::Accept) => return Err(Refusal::AlreadyAccepted),
        Input::Command(Command::Withdraw) => return Err(Refusal::NothingToWithdraw),
        Input::Command(_) => return Err(Refusal::NothingAsked),
        Input::Opened { session } if turn.opened(session) => turn.befriend(),
        Input::Bundle { epoch, expiry, .. } if turn.pair.outranks(epoch, Side::Theirs) => {
            turn.accept(epoch, expiry);
            turn.cause(Effect::ResealUnacknowledged);
        }
        // An empty request that the user has accepted already: the peer writes on a session we
        // lost, and may never use the one we made from an older bundle.
        Input::Stray => turn.rekey(Carrier::Request),
        _ => {}
    }
    Ok(())
}

fn friend(turn: &mut Turn, input: Input) -> Verdict {
    match input {
        Input::Command(Command::Request | Command::Accept) => return Err(Refusal::AlreadyFriend),
        Input::Command(Command::Withdraw) => return Err(Refusal::NothingToWithdraw),
        Input::Command(_) => return Err(Refusal::NothingAsked),
        Input::Opened { session } => {
            turn.opened(session);
        }
        Input::Bundle { epoch, carrier, .. } if turn.pair.outranks(epoch, Side::Theirs) => {
            turn.take(epoch);
            if matches!(carrier, Carrier::Request | Carrier::Rekey) {
                turn.cause(Effect::ResealUnacknowledged);
                turn.tell(Notice::SessionRenewed);
            }
        }
        Input::Stray => turn.rekey(Carrier::Rekey),
        Input::RenewalDue if !turn.renewing() => {
            let ratchets = turn.pair.preferred().is_some();
            turn.offer(if ratchets { Carrier::Renewal } else { Carrier::Upgrade });
        }
        _ => {}
    }
    Ok(())
}

fn block(turn: &mut Turn) {
    turn.pair.blocked = true;
    turn.erase_offers();
    match turn.pair.relation {
        Relation::Requested { .. } => {
            turn.pair.relation = Relation::Stranger;
            turn.cause(Effect::FailQueue);
        }
        Relation::Asked(asked) => refuse(turn, asked),
        Relation::Stranger | Relation::Accepting { .. } | Relation::Friend => {}
    }
}

fn tick(turn: &mut Turn) {
    turn.erase_outlived();
    match turn.pair.relation {
        Relation::Requested { expiry } if expiry <= turn.now => {
            turn.pair.relation = Relation::Stranger;
            turn.cause(Effect::ExpireQueue);
            turn.tell(Notice::RequestExpired(Side::Ours));
        }
        Relation::Asked(Asked::Bundle { expiry, .. }) if expiry <= turn.now => {
            turn.pair.relation = Relation::Stranger;
            turn.cause(Effect::DropPending);
            turn.tell(Notice::RequestExpired(Side::Theirs));
        }
        Relation::Accepting { until } if until <= turn.now => {
            turn.pair.relation = Relation::Stranger;
            turn.erase_sessions(|_| true);
            turn.cause(Effect::FailQueue);
            turn.tell(Notice::RequestExpired(Side::Theirs));
        }
        _ => {}
    }
}
