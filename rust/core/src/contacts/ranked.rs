//! Which session and which bundle of a contact are used.

use starling_protocol::bundle::Bundle;
use starling_store::{Contact, ConversationId, Session, StoreError};

use super::{offer, pair};
use crate::friends::Carrier;
use crate::step::Step;

/// The session to send on: the highest-ranked one that we initiated or have received on.
pub(crate) fn preferred(step: &mut Step<'_, '_>, contact: &Contact) -> Result<Option<Session>, StoreError> {
    let pair = pair::read(step.tx, contact)?;
    match pair.preferred() {
        Some(session) => step.tx.session_by_id(&session.id.0),
        None => Ok(None),
    }
}

/// Our newest open bundle of a kind.
pub(crate) fn newest(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    wanted: Carrier,
) -> Result<Option<(Bundle, Carrier)>, StoreError> {
    let prekeys = step.tx.prekeys(conversation)?;
    let fitting = prekeys.iter().rev().find(|(_, prekey)| offer::carrier(prekey.carrier) == wanted);
    Ok(fitting.and_then(|(_, prekey)| Bundle::decode(&prekey.bundle).ok()).map(|bundle| (bundle, wanted)))
}
