//! Friend requests as an attacker makes them: genuine in every signature, from keys never seen before, and with
//! ratchet keys of which nobody has the secrets.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use starling_protocol::bundle::{Bundle, LIFE_S, Offer};
use starling_protocol::content::FriendRequest;
use starling_protocol::hybrid::KemSeed;
use starling_protocol::{AccountId, AccountKeys, Content, Placement, Seed, envelope, session};

/// The request of the stranger with that number, as it is stored.
pub(crate) fn request(number: u64, recipient: AccountId, sent_ms: u64) -> String {
    let mut rng = ChaCha20Rng::seed_from_u64(number);
    let keys = AccountKeys::from_seed(&Seed::generate(&mut rng));
    let (created_s, mut request_id) = (sent_ms / 1_000, [0; 16]);
    rng.fill_bytes(&mut request_id);
    let mut key = || {
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        key
    };
    let (ratchet_identity, one_time_key) = (key(), key());
    let expiry_s = created_s + LIFE_S;
    let offer = Offer {
        recipient,
        request_id,
        epoch: created_s,
        created_s,
        expiry_s,
        ratchet_identity,
        one_time_key,
        kem_key: KemSeed::generate(&mut rng).public_key(),
    };
    let ed25519 = keys.ed25519_public();
    let content = Content {
        body: Some(format!("You do not know me. I am stranger {number}, and I have something to sell.")),
        sent_ms,
        placement: Some(Placement { message_id: request_id, stream: created_s, seq: 1, clock: 1, base: 1 }),
        request: Some(FriendRequest { request_id, created_s, expiry_s, ed25519, invite: None }),
        name: Some(format!("Stranger {number}")),
        bundle: Some(Bundle::sign(offer, &keys)),
        ..Content::default()
    };
    let sealed = session::seal(&content.encode().unwrap(), &keys, &recipient, &mut rng).unwrap();
    envelope::wrap(sealed, sent_ms)
}
