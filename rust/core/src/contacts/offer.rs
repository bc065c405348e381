//! Bundles: ours are made and kept until they are answered, the peer's are read and checked
//! (extensions section 4, "Bundle").

use starling_protocol::bundle::{self, Bundle};
use starling_protocol::hybrid::KemSeed;
use starling_protocol::{AccountId, AccountKeys};
use starling_ratchet::Prekeys;
use starling_store::{Contact, ConversationId, Prekey, PrekeySecrets, StoreError};
use zeroize::Zeroizing;

use super::Clock;
use crate::friends::{Carrier, Input};
use crate::step::Step;

/// Code under which a prekey row keeps how its bundle travels.
fn carrier_code(carrier: Carrier) -> i64 {
    match carrier {
        Carrier::Request => 0,
        Carrier::Rekey => 1,
        Carrier::Renewal => 2,
        Carrier::Upgrade => 3,
    }
}

pub(super) fn carrier(code: i64) -> Carrier {
    match code {
        0 => Carrier::Request,
        1 => Carrier::Rekey,
        2 => Carrier::Renewal,
        _ => Carrier::Upgrade,
    }
}

/// What a bundle of ours is for.
pub(super) struct Terms {
    pub(super) epoch: u64,
    pub(super) expiry: u64,
    pub(super) carrier: Carrier,
    /// The id of the message that carries it; a new one if there is none yet.
    pub(super) request_id: Option<[u8; 16]>,
}

/// Makes a bundle for one peer and keeps its private half. Its request id is also the id of the message
/// that carries it.
pub(super) fn make(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    contact: &Contact,
    terms: &Terms,
    clock: Clock,
) -> Result<Option<[u8; 16]>, StoreError> {
    let Ok(prekeys) = Prekeys::generate() else { return Ok(None) };
    let Ok(account) = prekeys.pickle() else { return Ok(None) };
    let seed = KemSeed::generate(step.rng);
    let mut drawn = [0; 16];
    step.rng.fill_bytes(&mut drawn);
    let request_id = terms.request_id.unwrap_or(drawn);
    let one_time_key = prekeys.one_time_key();
    let offer = bundle::Offer {
        recipient: contact.peer,
        request_id,
        epoch: terms.epoch,
        created_s: clock.network_ms / 1_000,
        expiry_s: terms.expiry,
        ratchet_identity: prekeys.identity(),
        one_time_key,
        kem_key: seed.public_key(),
    };
    let bundle = Bundle::sign(offer, keys);
    let prekey = Prekey {
        conversation: contact.conversation,
        epoch: i64::try_from(terms.epoch).unwrap_or(i64::MAX),
        request_id,
        one_time_key,
        bundle: bundle.encode(),
        bundle_hash: bundle.hash(),
        expires_s: i64::try_from(terms.expiry).unwrap_or(i64::MAX),
        carrier: carrier_code(terms.carrier),
    };
    let secrets = PrekeySecrets { account, kem_seed: Zeroizing::new(*seed.as_bytes()) };
    step.tx.insert_prekey(&prekey, &secrets)?;
    Ok(Some(request_id))
}

/// The bundle that a message of ours carries, while it is open.
pub(crate) fn for_message(
    step: &mut Step<'_, '_>,
    conversation: ConversationId,
    message_id: &[u8; 16],
) -> Result<Option<(Bundle, Carrier)>, StoreError> {
    let Some((_, prekey)) = step.tx.prekey_of_request(conversation, message_id)? else { return Ok(None) };
    Ok(Bundle::decode(&prekey.bundle).ok().map(|bundle| (bundle, carrier(prekey.carrier))))
}

/// What a peer's bundle is to the relation, if it is the peer's, for us, and whole.
pub(crate) fn claim(
    bundle: &Bundle,
    owner: &AccountId,
    recipient: &AccountId,
    pinned: Option<&[u8; 32]>,
    carrier: Carrier,
) -> Option<Input> {
    bundle.verify(owner, recipient, pinned).ok()?;
    Some(Input::Bundle { epoch: bundle.offer.epoch, expiry: bundle.offer.expiry_s, carrier })
}
