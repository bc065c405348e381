//! Epochs by their order alone.
//!
//! A new bundle's epoch is at least the clock, so epochs below the clock are only ever compared with
//! one another: renaming them in order changes nothing that can happen, and makes states equal that
//! differ by how often something was tried. What no longer bears on anything is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use starling_core::friends::{Asked, Relation, SessionKey};

use crate::search::World;
use crate::world::{End, Message, Who, epoch_of, with_epoch};

/// Below every epoch that is in use.
const NEVER: u64 = 0;

/// Renames every epoch below `clock`; `clock` is above all of them if seconds have passed.
pub(crate) fn canonical(world: &mut World, now: u64, clock: u64, restores: bool) {
    forget(world, clock, restores);
    let mut epochs = BTreeSet::new();
    visit(world, &mut |epoch| {
        if *epoch != NEVER && *epoch < clock {
            epochs.insert(*epoch);
        }
    });
    let names: BTreeMap<u64, u64> =
        epochs.into_iter().rev().zip((0..now).rev()).filter(|(epoch, name)| epoch != name).collect();
    if !names.is_empty() {
        visit(world, &mut |epoch| *epoch = names.get(epoch).copied().unwrap_or(*epoch));
    }
}

fn forget(world: &mut World, clock: u64, restores: bool) {
    let World { ends, wire, .. } = world;
    for end in ends {
        let who = end.who;
        if !restores {
            wire.retain(|(to, message)| match message {
                Message::Bundle { bundle, .. } => *to != who || bundle.epoch > end.pair.accepted_epoch,
                _ => true,
            });
        }
        let known = |settled: u64| {
            let epochs = wire
                .iter()
                .filter(|(to, _)| *to == who)
                .filter_map(|(_, message)| message.bundle())
                .map(|bundle| bundle.epoch);
            epochs.filter(|epoch| *epoch <= settled).max().unwrap_or(NEVER)
        };
        end.pair.accepted_epoch = known(end.pair.accepted_epoch);
        end.seen.settled = known(end.seen.settled);
        if end.pair.seen_epoch < clock {
            end.pair.seen_epoch = NEVER;
        }
        // The machine never asks whether a session it may send on has received.
        for session in &mut end.pair.sessions {
            session.received = true;
        }
        end.pair.sessions.sort_by_key(|session| (session.epoch, session.id));
        end.seen.used.retain(|epoch| end.prekeys.contains(epoch));
    }
}

/// Every epoch of the world.
fn visit(world: &mut World, rename: &mut dyn FnMut(&mut u64)) {
    for end in &mut world.ends {
        visit_end(end, rename);
    }
    world.wire = std::mem::take(&mut world.wire)
        .into_iter()
        .map(|(to, message)| (to, visit_message(message, rename)))
        .collect::<BTreeSet<(Who, Message)>>();
}

fn visit_message(mut message: Message, rename: &mut dyn FnMut(&mut u64)) -> Message {
    match &mut message {
        Message::Bundle { bundle, .. } => rename(&mut bundle.epoch),
        Message::Frame { session, renewal, .. } => {
            *session = visit_key(*session, rename);
            if let Some(bundle) = renewal {
                rename(&mut bundle.epoch);
            }
        }
        Message::Basic => {}
    }
    message
}

fn visit_key(key: SessionKey, rename: &mut dyn FnMut(&mut u64)) -> SessionKey {
    let mut epoch = epoch_of(key);
    rename(&mut epoch);
    with_epoch(key, epoch)
}

fn visit_end(end: &mut End, rename: &mut dyn FnMut(&mut u64)) {
    rename(&mut end.pair.accepted_epoch);
    rename(&mut end.pair.seen_epoch);
    rename(&mut end.seen.settled);
    if let Relation::Asked(Asked::Bundle { epoch, .. }) = &mut end.pair.relation {
        rename(epoch);
    }
    for offer in &mut end.pair.offers {
        rename(&mut offer.epoch);
    }
    for session in &mut end.pair.sessions {
        rename(&mut session.epoch);
        session.id = visit_key(session.id, rename);
    }
    let mut renamed = |mut epoch: u64| {
        rename(&mut epoch);
        epoch
    };
    end.prekeys = std::mem::take(&mut end.prekeys).into_iter().map(&mut renamed).collect();
    end.seen.used = std::mem::take(&mut end.seen.used).into_iter().map(&mut renamed).collect();
    end.keys =
        std::mem::take(&mut end.keys).into_iter().map(|(key, at)| (visit_key(key, rename), at)).collect();
    end.erased = std::mem::take(&mut end.erased).into_iter().map(|key| visit_key(key, rename)).collect();
}
