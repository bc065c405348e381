//! The same cryptography and nothing else: no formats, no copies, no checks.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use crypto_box::aead::rand_core as old_rand_core;
use crypto_box::{PublicKey, SecretKey};
use hmac::{Hmac, Mac as _};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sha2::Sha256;
use starling_protocol::AccountId;
use vodozemac::olm::{Account, OlmMessage, Session, SessionConfig};

use crate::End;
use crate::ours;

/// Bytes of a normal frame before its box.
const HEADER: usize = 69;
/// Nonce and authenticator of the box, tag of the frame.
const AROUND: usize = 24 + 16 + 32;

pub(crate) struct Bare {
    secret: SecretKey,
    peer: PublicKey,
    session: Session,
    plaintext: Vec<u8>,
    /// Bytes in the box: as many as in our frame.
    filled: usize,
    rng: ChaCha20Rng,
}

pub(crate) fn pair() -> [Bare; 2] {
    let config = SessionConfig::version_2();
    let (mut account, other) = (Account::new(), Account::new());
    let one_time_key = account.generate_one_time_keys(1).created[0];
    let mut acceptor = other.create_outbound_session(config, account.curve25519_key(), one_time_key).unwrap();
    let OlmMessage::PreKey(first) = acceptor.encrypt("accept").unwrap() else { panic!("a prekey message") };
    let made = account.create_inbound_session(config, other.curve25519_key(), &first).unwrap();
    let mut owner = made.session;
    acceptor.decrypt(&owner.encrypt("welcome").unwrap()).unwrap();

    let secrets = [SecretKey::from([1; 32]), SecretKey::from([2; 32])];
    let peers = [secrets[1].public_key(), secrets[0].public_key()];
    let [one, two] = secrets;
    let [first_peer, second_peer] = peers;
    [end(one, first_peer, owner), end(two, second_peer, acceptor)]
}

fn end(secret: SecretKey, peer: PublicKey, session: Session) -> Bare {
    let somebody = AccountId::from_bytes(&[5; 33]).unwrap();
    let plaintext = ours::plaintext(somebody, somebody).encode().unwrap().to_vec();
    let filled = ours::sealed_bytes() - crypto_box::SEALBYTES - HEADER - AROUND;
    Bare { secret, peer, session, plaintext, filled, rng: ChaCha20Rng::seed_from_u64(3) }
}

impl End for Bare {
    fn seal(&mut self) -> Vec<u8> {
        let olm = self.session.encrypt(&self.plaintext).unwrap().to_parts().1;
        let mut filled = u32::try_from(olm.len()).unwrap().to_be_bytes().to_vec();
        filled.extend_from_slice(&olm);
        filled.resize(self.filled, 0);
        let mut nonce = XNonce::default();
        self.rng.fill_bytes(&mut nonce);
        let mut frame = vec![0xff; HEADER];
        let payload = Payload { msg: &filled, aad: &frame };
        let sealed = XChaCha20Poly1305::new(&[7; 32].into()).encrypt(&nonce, payload).unwrap();
        frame.extend_from_slice(&nonce);
        frame.extend_from_slice(&sealed);
        frame.extend_from_slice(&tag(&frame).finalize().into_bytes());
        self.peer.seal(&mut OldRng(&mut self.rng), &frame).unwrap()
    }

    fn open(&mut self, message: &[u8]) {
        let frame = self.secret.unseal(message).unwrap();
        let (tagged, tag_bytes) = frame.split_last_chunk::<32>().unwrap();
        tag(tagged).verify(tag_bytes.into()).unwrap();
        let (header, rest) = tagged.split_at(HEADER);
        let (nonce, sealed) = rest.split_first_chunk::<24>().unwrap();
        let payload = Payload { msg: sealed, aad: header };
        let filled = XChaCha20Poly1305::new(&[7; 32].into()).decrypt(nonce.into(), payload).unwrap();
        let (length, olm) = filled.split_first_chunk::<4>().unwrap();
        let olm = &olm[..u32::from_be_bytes(*length) as usize];
        let plaintext = self.session.decrypt(&OlmMessage::from_parts(1, olm).unwrap()).unwrap();
        assert_eq!(plaintext.len(), self.plaintext.len());
    }
}

fn tag(frame: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap().chain_update(frame)
}

/// The generator for `crypto_box`, which wants the traits of `rand_core` 0.6.
struct OldRng<'a>(&'a mut ChaCha20Rng);

impl old_rand_core::RngCore for OldRng<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), old_rand_core::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl old_rand_core::CryptoRng for OldRng<'_> {}
