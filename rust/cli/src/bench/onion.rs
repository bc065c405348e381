//! One onion request over three relays: built, and its answer opened, against the bare primitives that
//! needs: per layer a key pair, an agreement and an encryption, and one decryption. No derivation of
//! keys, no JSON, no base64.

use std::hint::black_box;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut, Key, KeyInit, Nonce, Tag};
use chacha20poly1305::XChaCha20Poly1305;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use starling_protocol::NodeKey;
use starling_protocol::onion::{Cipher, Hop, OnionRequest, Peeled, ReplySealer, build, peel};
use x25519_dalek::{PublicKey, StaticSecret};

use super::clocks::{cpu_seconds, in_turns};
use super::figure::{Figure, Target};
use crate::failure::Failure;

const ROUNDS: usize = 31;
const REQUESTS_PER_ROUND: usize = 50;
const HOPS: usize = 4;
/// A store of a short text, and its answer.
const REQUEST_BYTES: usize = 1_200;
const REPLY_BYTES: usize = 1_500;

struct Path {
    secrets: Vec<StaticSecret>,
    hops: Vec<Hop>,
}

impl Path {
    fn new(rng: &mut ChaCha20Rng) -> Self {
        let secrets: Vec<_> = (0..HOPS).map(|_| StaticSecret::random_from_rng(rng)).collect();
        let hop =
            |(number, secret)| Hop { key: NodeKey([number; 32]), x25519: PublicKey::from(secret).to_bytes() };
        let hops = (0..).zip(&secrets).map(hop).collect();
        Self { secrets, hops }
    }

    fn request(&self, body: &[u8], cipher: Cipher, rng: &mut ChaCha20Rng) -> Result<OnionRequest, Failure> {
        let no_path = || Failure::Other("a path of no hops".to_owned());
        let (destination, relays) = self.hops.split_last().ok_or_else(no_path)?;
        build(relays, destination, body, cipher, rng)
            .map_err(|error| Failure::other("building a request", error))
    }

    /// What the destination finds beneath the layers.
    fn sealer(&self, request: &OnionRequest) -> Result<ReplySealer, Failure> {
        let mut body = request.body.clone();
        for secret in &self.secrets {
            match peel(secret, &body).map_err(|error| Failure::other("peeling a request", error))? {
                Peeled::Relay { body: inner, .. } => body = inner,
                Peeled::Final { reply, .. } => return Ok(reply),
                Peeled::Server(_) => break,
            }
        }
        Err(Failure::Other("the request has no end".to_owned()))
    }
}

/// The same sizes without anything around them.
struct Bare<A: AeadInOut + KeyInit> {
    nodes: Vec<PublicKey>,
    layers: [usize; HOPS],
    cipher: A,
    nonce: Nonce<A>,
    reply: Vec<u8>,
    tag: Tag<A>,
}

impl<A: AeadInOut + KeyInit> Bare<A> {
    /// `routing`: bytes of the JSON in each layer, its length field included.
    fn new(path: &Path, routing: usize) -> Option<Self> {
        let seal = 16 + Nonce::<A>::default().len();
        let first = REQUEST_BYTES + 18;
        let layers = std::array::from_fn(|layer| first + layer * (seal + routing));
        let cipher = A::new(&Key::<A>::default());
        let (nonce, mut reply) = (Nonce::<A>::default(), vec![7; REPLY_BYTES + 25]);
        let tag = cipher.encrypt_inout_detached(&nonce, b"", reply.as_mut_slice().into()).ok()?;
        let nodes = path.hops.iter().map(|hop| PublicKey::from(hop.x25519)).collect();
        Some(Self { nodes, layers, cipher, nonce, reply, tag })
    }

    fn run(&self, rng: &mut ChaCha20Rng) -> Option<()> {
        for (node, bytes) in self.nodes.iter().zip(self.layers) {
            let secret = StaticSecret::random_from_rng(rng);
            black_box(PublicKey::from(&secret));
            let shared = secret.diffie_hellman(node);
            let cipher = A::new_from_slice(shared.as_bytes()).ok()?;
            let (mut nonce, mut text) = (Nonce::<A>::default(), vec![7; bytes]);
            rng.fill_bytes(&mut nonce);
            black_box(cipher.encrypt_inout_detached(&nonce, b"", text.as_mut_slice().into()).ok()?);
        }
        let mut reply = self.reply.clone();
        let text = reply.as_mut_slice().into();
        self.cipher.decrypt_inout_detached(&self.nonce, b"", text, &self.tag).ok()?;
        black_box(reply);
        Some(())
    }
}

pub(super) fn figures() -> Result<Vec<Figure>, Failure> {
    let mut figures = compare::<XChaCha20Poly1305>("XChaCha20", Cipher::XChaCha20, 192)?;
    figures.extend(compare::<Aes256Gcm>("AES-GCM", Cipher::AesGcm, 169)?);
    Ok(figures)
}

fn compare<A: AeadInOut + KeyInit>(
    name: &str,
    cipher: Cipher,
    routing: usize,
) -> Result<Vec<Figure>, Failure> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let path = Path::new(&mut rng);
    let body = vec![b'x'; REQUEST_BYTES];
    let answered = path.request(&body, cipher, &mut rng)?;
    let reply = path.sealer(&answered)?.seal(200, &"x".repeat(REPLY_BYTES), &mut rng);
    let bare =
        Bare::<A>::new(&path, routing).ok_or_else(|| Failure::Other("encrypting failed".to_owned()))?;
    let (mut rng_here, mut rng_there) = (rng.clone(), rng);
    let mut works = answered.reply.open(&reply).is_ok();
    let mut ours = || {
        cpu_seconds(|| {
            for _ in 0..REQUESTS_PER_ROUND {
                works &= black_box(path.request(&body, cipher, &mut rng_here)).is_ok();
                works &= black_box(answered.reply.open(&reply)).is_ok();
            }
        })
    };
    let mut bare_works = true;
    let mut theirs = || {
        cpu_seconds(|| {
            for _ in 0..REQUESTS_PER_ROUND {
                bare_works &= bare.run(&mut rng_there).is_some();
            }
        })
    };
    let [ours, theirs] = in_turns(ROUNDS, [&mut ours, &mut theirs]);
    if !works || !bare_works {
        return Err(Failure::Other("a request failed while it was measured".to_owned()));
    }
    let microseconds = |seconds: f64| seconds / REQUESTS_PER_ROUND as f64 * 1e6;
    let target = Target::AtMost(1.3);
    Ok(vec![
        Figure::new(format!("onion request and answer, {name}"), microseconds(ours), "µs CPU"),
        Figure::new(format!("bare primitives, {name}"), microseconds(theirs), "µs CPU"),
        Figure::new(format!("onion / bare primitives, {name}"), ours / theirs, "of the time")
            .with_target(target),
    ])
}
