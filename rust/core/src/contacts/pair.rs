//! The table's state of one peer, read from its rows and written back.

use starling_store::{Contact, Prekey, Relation as Stored, Session as Row, StoreError, Tx};

use super::offer::carrier;
use crate::friends::{Asked, Floor, Offer, Pair, Relation, Session, SessionKey, Side};

/// Reads the state that the table decides on.
pub(super) fn read(tx: &mut Tx<'_>, contact: &Contact) -> Result<Pair, StoreError> {
    let own = tx.own_account_id()?.ok_or(StoreError::NoAccount)?;
    let offers = tx.prekeys(contact.conversation)?.iter().map(|(_, prekey)| offer(prekey)).collect();
    let sessions = tx.sessions(contact.conversation)?.iter().map(session).collect();
    Ok(Pair {
        relation: relation(contact),
        blocked: contact.blocked,
        floor: if contact.ratchet_floor { Floor::Ratchet } else { Floor::None },
        seen_epoch: contact.seen_epoch.unsigned_abs(),
        accepted_epoch: contact.accepted_epoch.unsigned_abs(),
        offers,
        sessions,
        rekeyed_at: contact.rekeyed_s.map(i64::unsigned_abs),
        ..Pair::new(own < contact.peer)
    })
}

/// Writes what changed. Offers and sessions are rows of their own: they come and go with effects, only
/// a session's retirement is the table's own.
pub(super) fn write(
    tx: &mut Tx<'_>,
    contact: &Contact,
    before: &Pair,
    after: &Pair,
) -> Result<(), StoreError> {
    let (relation, until_s, asked_epoch) = columns(&after.relation);
    let asked_bundle = match relation {
        Stored::AskedBundle => contact.asked_bundle.clone(),
        _ => None,
    };
    let written = Contact {
        relation,
        until_s,
        asked_epoch,
        asked_bundle,
        blocked: after.blocked,
        ratchet_floor: after.floor == Floor::Ratchet,
        seen_epoch: signed(after.seen_epoch),
        accepted_epoch: signed(after.accepted_epoch),
        rekeyed_s: after.rekeyed_at.map(signed),
        open: after.open(),
        ..contact.clone()
    };
    if written != *contact {
        tx.put_contact(&written)?;
    }
    for held in &after.sessions {
        let was = before.sessions.iter().find(|session| session.id == held.id);
        if let (Some(at), None) = (held.retired, was.and_then(|session| session.retired))
            && let Some(row) = tx.session_by_id(&held.id.0)?
        {
            tx.retire_session(row.row, signed(at))?;
        }
    }
    Ok(())
}

fn relation(contact: &Contact) -> Relation {
    let until = contact.until_s.unwrap_or(0).unsigned_abs();
    let epoch = contact.asked_epoch.unwrap_or(0).unsigned_abs();
    match contact.relation {
        Stored::Stranger => Relation::Stranger,
        Stored::Requested => Relation::Requested { expiry: until },
        Stored::AskedBundle => Relation::Asked(Asked::Bundle { epoch, expiry: until }),
        Stored::AskedBasic => Relation::Asked(Asked::Basic),
        Stored::AskedEmpty => Relation::Asked(Asked::Empty),
        Stored::Accepting => Relation::Accepting { until },
        Stored::Friend => Relation::Friend,
    }
}

/// The columns (relation, until, asked epoch).
fn columns(relation: &Relation) -> (Stored, Option<i64>, Option<i64>) {
    match *relation {
        Relation::Stranger => (Stored::Stranger, None, None),
        Relation::Requested { expiry } => (Stored::Requested, Some(signed(expiry)), None),
        Relation::Asked(Asked::Bundle { epoch, expiry }) => {
            (Stored::AskedBundle, Some(signed(expiry)), Some(signed(epoch)))
        }
        Relation::Asked(Asked::Basic) => (Stored::AskedBasic, None, None),
        Relation::Asked(Asked::Empty) => (Stored::AskedEmpty, None, None),
        Relation::Accepting { until } => (Stored::Accepting, Some(signed(until)), None),
        Relation::Friend => (Stored::Friend, None, None),
    }
}

fn offer(prekey: &Prekey) -> Offer {
    Offer {
        epoch: prekey.epoch.unsigned_abs(),
        carrier: carrier(prekey.carrier),
        expiry: prekey.expires_s.unsigned_abs(),
    }
}

fn session(row: &Row) -> Session {
    Session {
        id: SessionKey(row.session_id),
        epoch: row.epoch.unsigned_abs(),
        owner: if row.owned { Side::Ours } else { Side::Theirs },
        received: row.received,
        retired: row.retired_s.map(i64::unsigned_abs),
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
