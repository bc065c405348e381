//! A friend whose client lies: it has the real keys of its side and says with them what it likes.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use starling_protocol::accept::AcceptProof;
use starling_protocol::bundle::{Bundle, Offer};
use starling_protocol::content::{Content, FriendRequest, Placement};
use starling_protocol::frame::{self, Frame};
use starling_protocol::hybrid::{BoxKey, KemSeed};
use starling_protocol::plaintext::Plaintext;
use starling_protocol::rpc::decode_data;
use starling_protocol::sealed::{self, Opened};
use starling_protocol::{AccountId, AccountKeys, envelope, session};
use starling_ratchet::{Prekeys, Session as Ratchet};
use starling_store::SessionSecrets;

use super::bench::{Bench, End};

pub(super) struct Hostile {
    pub(super) keys: AccountKeys,
    pub(super) peer: AccountId,
    pub(super) session_id: [u8; 32],
    pub(super) epoch: u64,
    pub(super) ratchet: Ratchet,
    secrets: SessionSecrets,
    now_ms: u64,
    pub(super) rng: ChaCha20Rng,
}

impl Hostile {
    /// Whoever writes end `end`'s client knows all its keys.
    pub(super) fn of(bench: &mut Bench, end: usize) -> Self {
        let now_ms = bench.network_ms();
        let End { keys, .. } = &bench.ends[end];
        let (keys, peer) = (keys.clone(), bench.ends[end].contact().peer);
        let session = bench.ends[end].preferred();
        let secrets = bench.ends[end].read(|view| view.session_secrets(session.row)).unwrap();
        Self {
            keys,
            peer,
            session_id: session.session_id,
            epoch: session.epoch as u64,
            ratchet: Ratchet::unpickle(&secrets.pickle).unwrap(),
            secrets,
            now_ms,
            rng: ChaCha20Rng::seed_from_u64(9),
        }
    }

    /// A text at a place of stream 1,000.
    pub(super) fn text(&mut self, seq: u64) -> String {
        self.say(|plaintext| plaintext.placement.seq = seq)
    }

    /// A frame on the session whose plaintext is whatever the client makes of an honest one.
    pub(super) fn say(&mut self, change: impl FnOnce(&mut Plaintext)) -> String {
        let mut message_id = [7; 16];
        rand_core::Rng::fill_bytes(&mut self.rng, &mut message_id);
        let mut plaintext = Plaintext {
            sender: self.keys.account_id(),
            recipient: self.peer,
            epoch: self.epoch,
            placement: Placement { message_id, stream: 1_000, seq: 1, clock: 1, base: 1 },
            accept: None,
            content: Content { sent_ms: self.now_ms, ..Content::default() },
        };
        change(&mut plaintext);
        if plaintext.placement.seq > 0 && plaintext.content.body.is_none() {
            plaintext.content.body = Some(format!("text {}", plaintext.placement.seq));
        }
        let bytes = plaintext.encode().unwrap();
        let olm = self.ratchet.encrypt(&bytes).unwrap();
        self.frame(self.session_id, &olm.message)
    }

    /// A frame with a valid tag around any bytes, for any session.
    pub(super) fn frame(&mut self, session_id: [u8; 32], olm: &[u8]) -> String {
        let key = BoxKey::from_bytes(*self.secrets.send_key);
        let sending =
            frame::Sending { session_id, kem_ciphertext: None, olm, key: &key, timestamp_ms: self.now_ms };
        frame::seal(&sending, &self.keys.frame_key(&self.peer).unwrap(), &mut self.rng).unwrap().data
    }

    /// A prekey frame with a valid tag for a session that nobody knows.
    pub(super) fn stray(&mut self, session_id: [u8; 32]) -> String {
        let key = BoxKey::from_bytes([1; 32]);
        let sending = frame::Sending {
            session_id,
            kem_ciphertext: Some(&[5; 1_088]),
            olm: &[3; 200],
            key: &key,
            timestamp_ms: self.now_ms,
        };
        frame::seal(&sending, &self.keys.frame_key(&self.peer).unwrap(), &mut self.rng).unwrap().data
    }

    /// A message of the Session protocol.
    pub(super) fn basic(&mut self, content: &Content) -> String {
        basic(&self.keys, &self.peer, content)
    }

    /// A bundle of this account's.
    pub(super) fn bundle(&mut self, recipient: AccountId, epoch: u64) -> Bundle {
        bundle(&self.keys, recipient, epoch, self.now_ms / 1_000)
    }
}

pub(super) fn bundle(keys: &AccountKeys, recipient: AccountId, epoch: u64, created_s: u64) -> Bundle {
    let prekeys = Prekeys::generate().unwrap();
    let offer = Offer {
        recipient,
        request_id: [4; 16],
        epoch,
        created_s,
        expiry_s: created_s + 86_400,
        ratchet_identity: prekeys.identity(),
        one_time_key: prekeys.one_time_key(),
        kem_key: KemSeed::from_bytes([6; 64]).public_key(),
    };
    Bundle::sign(offer, keys)
}

pub(super) fn basic(keys: &AccountKeys, to: &AccountId, content: &Content) -> String {
    let mut rng = ChaCha20Rng::seed_from_u64(content.sent_ms);
    let sealed = session::seal(&content.encode().unwrap(), keys, to, &mut rng).unwrap();
    envelope::wrap(sealed, content.sent_ms)
}

/// The same inside in another wrapper: other bytes and another hash at the node. Any node can do this.
pub(super) fn rewrapped(data: &str, timestamp_ms: u64) -> String {
    envelope::wrap(inside(data), timestamp_ms)
}

fn inside(data: &str) -> Vec<u8> {
    envelope::unwrap(&decode_data(data).unwrap()).unwrap().content
}

/// What the recipient sees in some data.
pub(super) fn opened(recipient: &End, data: &str) -> Opened {
    sealed::open(&inside(data), &recipient.keys, |sender| recipient.keys.frame_key(sender)).unwrap()
}

pub(super) fn frame_in(recipient: &End, data: &str) -> Frame {
    match opened(recipient, data) {
        Opened::Frame(frame) => frame,
        Opened::Session(_) => panic!("not a frame"),
    }
}

/// The content of a message of the Session protocol.
pub(super) fn content_in(recipient: &End, data: &str) -> Content {
    match opened(recipient, data) {
        Opened::Session(opened) => Content::decode_basic(&opened.content).unwrap().unwrap(),
        Opened::Frame(_) => panic!("a frame"),
    }
}

/// An accept signature that proves nothing.
pub(super) fn false_proof(keys: &AccountKeys) -> AcceptProof {
    AcceptProof { ed25519: keys.ed25519_public(), signature: keys.sign(b"something else") }
}

/// A friend request with a bundle of that epoch.
pub(super) fn request(keys: &AccountKeys, to: AccountId, epoch: u64, now_s: u64, body: &str) -> Content {
    let bundle = bundle(keys, to, epoch, now_s);
    let request = FriendRequest {
        request_id: bundle.offer.request_id,
        created_s: bundle.offer.created_s,
        expiry_s: bundle.offer.expiry_s,
        ed25519: bundle.owner_ed25519,
        invite: None,
    };
    let placement = Placement { message_id: [epoch as u8; 16], stream: 1, seq: 1, clock: 1, base: 1 };
    Content {
        sent_ms: epoch,
        body: Some(body.into()),
        placement: Some(placement),
        request: Some(request),
        bundle: Some(bundle),
        ..Content::default()
    }
}
