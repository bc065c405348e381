//! A message in the Session protocol: to contacts without a ratchet, and for what makes one.

use starling_protocol::bundle::Bundle;
use starling_protocol::content::FriendRequest;
use starling_protocol::{envelope, rpc, session};
use starling_store::StoreError;

use super::{Note, Outbox, Sealing};
use crate::friends::Carrier;
use crate::network::Network;
use crate::step::Step;

impl Outbox {
    /// Seals in the Session protocol. False if the message cannot leave.
    pub(super) fn seal_basic(
        &mut self,
        step: &mut Step<'_, '_>,
        network: &Network,
        sealing: &Sealing<'_>,
        carried: Option<(Bundle, Carrier)>,
    ) -> Result<bool, StoreError> {
        let Sealing { item, clock, .. } = sealing;
        let tracked = carried.as_ref().is_some_and(|(_, carrier)| *carrier != Carrier::Upgrade);
        let rekey = carried.as_ref().is_some_and(|(_, carrier)| *carrier == Carrier::Rekey);
        // Peers without a ratchet acknowledge nothing: what has not expired may still be fetched.
        let life_ms = i64::try_from(network.config().text_ttl_ms).unwrap_or(i64::MAX);
        let since_ms = clock.network_ms().saturating_sub(life_ms);
        let live = step.tx.lowest_live_seq(item.conversation, since_ms)?;
        // A base above what is unacknowledged would have a new installation acknowledge what it never had.
        let unread = step.tx.lowest_unacknowledged_seq(item.conversation)?;
        let base = live.into_iter().chain(unread).min();
        let placement = sealing.placement(base);
        let mut content = sealing.content();
        content.placement = Some(placement);
        content.rekey = rekey;
        if sealing.roomy() {
            content.name = step.tx.own_name()?;
        }
        let expiry_s = match &carried {
            Some((bundle, Carrier::Request)) => Some(bundle.offer.expiry_s),
            _ => None,
        };
        let invite = step.tx.invite_of(&sealing.message.message_id)?;
        if let Some((bundle, carrier)) = carried {
            if carrier == Carrier::Request {
                content.request = Some(friend_request(&bundle, invite));
            }
            content.bundle = Some(bundle);
        }
        let sealed = content
            .encode()
            .ok()
            .and_then(|bytes| session::seal(&bytes, sealing.keys, &item.peer, step.rng).ok())
            .map(|bytes| envelope::wrap(bytes, clock.network_ms));
        let Some(data) = sealed else { return self.reject(step, item) };
        if let Some(expiry_s) = expiry_s {
            // The one instant at which the request ends, for both sides and for the swarm.
            let left_ms = expiry_s.saturating_mul(1_000).saturating_sub(clock.network_ms);
            // Our clock may have been set back since; a life that is too long or too short no node takes.
            let ttl_ms = left_ms.clamp(rpc::MIN_TTL_MS, rpc::MAX_TTL_MS);
            step.tx.set_time_to_live(item.message, i64::try_from(ttl_ms).unwrap_or(i64::MAX))?;
        }
        if !self.keep(step, sealing, &data, &placement)? {
            return Ok(false);
        }
        let (message_id, sent_ms) = (&sealing.message.message_id, clock.network_ms());
        step.tx.note_unprotected(item.conversation, message_id, sent_ms)?;
        if tracked {
            // No frame, so no hash that a nack could name.
            let frame_hash = [0; 32];
            // A request ends at its one instant.
            let note = Note { sealing, session: None, chain: 0, chain_index: 0, frame_hash, restored: rekey };
            self.note(step, note)?;
        }
        Ok(true)
    }
}

fn friend_request(bundle: &Bundle, invite: Option<[u8; 16]>) -> FriendRequest {
    FriendRequest {
        request_id: bundle.offer.request_id,
        created_s: bundle.offer.created_s,
        expiry_s: bundle.offer.expiry_s,
        ed25519: bundle.owner_ed25519,
        invite,
    }
}
