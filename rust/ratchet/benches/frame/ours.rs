//! What the engine does for a message: content, plaintext, Olm, frame, envelope; and back, on a copy of the session.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use starling_protocol::frame::{self, Sending};
use starling_protocol::hybrid::BoxKey;
use starling_protocol::plaintext::{Expected, Plaintext};
use starling_protocol::sealed::{self, Opened};
use starling_protocol::{AccountId, AccountKeys, Content, Placement, Seed, envelope};
use starling_ratchet::{Kind, OlmMessage, Prekeys, Session};

use crate::End;

const EPOCH: u64 = 1_700_000_000;
const SENT_MS: u64 = EPOCH * 1_000;

pub(crate) struct Ours {
    keys: AccountKeys,
    peer: AccountId,
    box_key: BoxKey,
    session: Session,
    rng: ChaCha20Rng,
}

/// Two ends that have heard each other.
pub(crate) fn pair() -> [Ours; 2] {
    let prekeys = Prekeys::generate().unwrap();
    let mut acceptor = Session::initiate(&prekeys.identity(), &prekeys.one_time_key()).unwrap();
    let first = acceptor.encrypt(b"accept").unwrap();
    let (mut owner, _) = prekeys.answer(&OlmMessage::decode(first.kind, &first.message).unwrap()).unwrap();
    let reply = owner.encrypt(b"welcome").unwrap();
    let (acceptor, _) = acceptor.decrypt(&OlmMessage::decode(reply.kind, &reply.message).unwrap()).unwrap();

    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (one, other) = (account(&mut rng), account(&mut rng));
    let (one_id, other_id) = (one.account_id(), other.account_id());
    [end(one, other_id, owner), end(other, one_id, acceptor)]
}

/// Bytes of the sealed box in a message.
pub(crate) fn sealed_bytes() -> usize {
    let [mut sender, _] = pair();
    let data = STANDARD.decode(sender.seal()).unwrap();
    envelope::unwrap(&data).unwrap().content.len()
}

/// A text of 80 letters.
pub(crate) fn plaintext(sender: AccountId, recipient: AccountId) -> Plaintext {
    let placement = Placement { message_id: [1; 16], stream: EPOCH, seq: 2, clock: 3, base: 1 };
    let content = Content { body: Some("x".repeat(80)), sent_ms: SENT_MS, ..Content::default() };
    Plaintext { sender, recipient, epoch: EPOCH, placement, accept: None, content }
}

fn account(rng: &mut ChaCha20Rng) -> AccountKeys {
    AccountKeys::from_seed(&Seed::generate(rng))
}

fn end(keys: AccountKeys, peer: AccountId, session: Session) -> Ours {
    let rng = ChaCha20Rng::seed_from_u64(2);
    Ours { keys, peer, box_key: BoxKey::from_bytes([7; 32]), session, rng }
}

impl End for Ours {
    fn seal(&mut self) -> Vec<u8> {
        let plaintext = plaintext(self.keys.account_id(), self.peer).encode().unwrap();
        let sealed = self.session.encrypt(&plaintext).unwrap();
        let sending = Sending {
            session_id: self.session.id(),
            kem_ciphertext: None,
            olm: &sealed.message,
            key: &self.box_key,
            timestamp_ms: SENT_MS,
        };
        let frame_key = self.keys.frame_key(&self.peer).unwrap();
        frame::seal(&sending, &frame_key, &mut self.rng).unwrap().data.into_bytes()
    }

    fn open(&mut self, message: &[u8]) {
        let data = STANDARD.decode(message).unwrap();
        let envelope = envelope::unwrap(&data).unwrap();
        let opened =
            sealed::open(&envelope.content, &self.keys, |sender| self.keys.frame_key(sender)).unwrap();
        let Opened::Frame(frame) = opened else { panic!("a frame") };
        let olm = OlmMessage::decode(Kind::Normal, &frame.open(&self.box_key).unwrap()).unwrap();
        let (session, bytes) = self.session.decrypt(&olm).unwrap();
        let recipient = self.keys.account_id();
        let expected = Expected { sender: self.peer, recipient, epoch: EPOCH, prekey: false };
        Plaintext::decode(&bytes, &expected).unwrap();
        self.session = session;
    }
}
