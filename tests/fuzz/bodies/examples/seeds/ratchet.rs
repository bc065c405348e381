//! Bundles, frames, plaintexts; and what the ratchet makes, which draws its own randomness.

use starling_fuzz_bodies::cast::{FRIEND, OURS, dice};
use starling_fuzz_bodies::ratchet::EPOCH;
use starling_protocol::accept::AcceptProof;
use starling_protocol::bundle::{Bundle, LIFE_S, Offer};
use starling_protocol::content::{Ack, FriendRequest};
use starling_protocol::frame::{self, Frame, Sending};
use starling_protocol::hybrid::{BoxKey, KemSeed};
use starling_protocol::plaintext::Plaintext;
use starling_protocol::sealed::{self, Opened};
use starling_protocol::{Content, Placement, envelope, rpc};
use starling_ratchet::{OlmMessage, Prekeys, Session};

use crate::Seed;
use crate::message::{SENT_MS, chosen};

/// What the first byte of `ratchet_frame` means; 3 more makes it a prekey frame where that is left open.
const RAW: u8 = 0;
const TAGGED: u8 = 1;
const BOXED: u8 = 2;
/// What the first byte of `plaintext` and `olm_message` means.
const ACCEPTING: u8 = 1;
const PREKEY: u8 = 0;
const NORMAL: u8 = 1;
/// What the first byte of `pickle` means.
const PREKEYS: u8 = 0;
const SESSION: u8 = 1;

pub(crate) fn seeds() -> Vec<Seed> {
    let text = Content { body: Some("Hello, Starling".into()), sent_ms: SENT_MS, ..Content::default() };
    let (normal, prekey) = (frame(None), frame(Some(&[4; 1_088])));
    let untagged = |frame: &Frame| frame.as_bytes()[..frame.as_bytes().len() - 32].to_vec();
    vec![
        ("bundle", "bundle", bundle().encode()),
        ("ratchet_frame", "normal", chosen(RAW, normal.as_bytes())),
        ("ratchet_frame", "prekey", chosen(RAW, prekey.as_bytes())),
        ("ratchet_frame", "tagged", chosen(TAGGED, &untagged(&normal))),
        ("ratchet_frame", "tagged_prekey", chosen(TAGGED, &untagged(&prekey))),
        ("ratchet_frame", "boxed", chosen(BOXED, b"\0\0\0\x03olm\0\0\0\0")),
        ("ratchet_frame", "boxed_prekey", chosen(BOXED + 3, b"\0\0\0\x03olm\0\0\0\0")),
        ("sealed_open", "tagged", chosen(3, &untagged(&normal))),
        ("unseal", "tagged", chosen(2 + 3, &untagged(&prekey))),
        ("plaintext", "normal", chosen(0, &plaintext(3, text.clone(), None))),
        (
            "plaintext",
            "accept",
            chosen(
                ACCEPTING,
                &plaintext(1, Content { sent_ms: SENT_MS, ..Content::default() }, Some(proof())),
            ),
        ),
        ("plaintext", "signal", chosen(0, &plaintext(0, signal(), None))),
        ("plaintext", "renewal", chosen(0, &plaintext(4, Content { bundle: Some(bundle()), ..text }, None))),
        ("content", "request", request().encode().unwrap()),
        ("content", "rekey", Content { request: None, rekey: true, ..request() }.encode().unwrap()),
        ("content", "signal", signal().encode().unwrap()),
        ("content", "empty_accept", Content { sent_ms: SENT_MS, ..Content::default() }.encode().unwrap()),
    ]
}

/// What differs whenever it is made: written once.
pub(crate) fn random_seeds() -> Vec<Seed> {
    let prekeys = Prekeys::generate().unwrap();
    let kept = prekeys.pickle().unwrap();
    let mut friend = Session::initiate(&prekeys.identity(), &prekeys.one_time_key()).unwrap();
    let parsed = |sealed: starling_ratchet::Sealed| OlmMessage::decode(sealed.kind, &sealed.message).unwrap();
    let first = parsed(friend.encrypt(b"first").unwrap());
    let second = parsed(friend.encrypt(b"second").unwrap());
    let (mut ours, _) = prekeys.answer(&first).unwrap();
    let answer = parsed(ours.encrypt(b"answer").unwrap());
    let (mut friend, _) = friend.decrypt(&answer).unwrap();
    let normal = parsed(friend.encrypt(b"normal").unwrap());
    vec![
        ("pickle", "prekeys", chosen(PREKEYS, &kept)),
        ("pickle", "session", chosen(SESSION, &ours.pickle().unwrap())),
        ("olm_message", "first", chosen(PREKEY, &first.encode())),
        ("olm_message", "second", chosen(PREKEY, &second.encode())),
        ("olm_message", "normal", chosen(NORMAL, &normal.encode())),
    ]
}

fn bundle() -> Bundle {
    let offer = Offer {
        recipient: OURS.account_id(),
        request_id: [2; 16],
        epoch: EPOCH,
        created_s: EPOCH,
        expiry_s: EPOCH + LIFE_S,
        ratchet_identity: [9; 32],
        one_time_key: [10; 32],
        kem_key: KemSeed::from_bytes([3; 64]).public_key(),
    };
    Bundle::sign(offer, &FRIEND)
}

fn request() -> Content {
    let bundle = bundle();
    Content {
        body: Some("Hello, it is me.".into()),
        sent_ms: SENT_MS,
        placement: Some(placement(1)),
        request: Some(FriendRequest {
            request_id: bundle.offer.request_id,
            created_s: bundle.offer.created_s,
            expiry_s: bundle.offer.expiry_s,
            ed25519: bundle.owner_ed25519,
            invite: Some([6; 16]),
        }),
        name: Some("Friend".into()),
        bundle: Some(bundle),
        ..Content::default()
    }
}

fn signal() -> Content {
    let ack = Ack { stream: EPOCH, through: 4, above: vec![[1; 16], [2; 16]], read_through: Some(3) };
    Content {
        sent_ms: SENT_MS,
        ack: Some(ack),
        nacks: vec![[3; 32]],
        unprotected: vec![[4; 16], [5; 16]],
        ..Content::default()
    }
}

fn placement(seq: u64) -> Placement {
    Placement { message_id: [7; 16], stream: EPOCH, seq, clock: 9, base: 1 }
}

fn proof() -> AcceptProof {
    AcceptProof { ed25519: FRIEND.ed25519_public(), signature: [8; 64] }
}

fn plaintext(seq: u64, content: Content, accept: Option<AcceptProof>) -> Vec<u8> {
    let (sender, recipient) = (FRIEND.account_id(), OURS.account_id());
    let plaintext = Plaintext { sender, recipient, epoch: EPOCH, placement: placement(seq), accept, content };
    plaintext.encode().unwrap().to_vec()
}

/// A frame from the friend, opened down to itself.
fn frame(kem_ciphertext: Option<&[u8; 1_088]>) -> Frame {
    let key = BoxKey::from_bytes([6; 32]);
    let sending =
        Sending { session_id: [5; 32], kem_ciphertext, olm: b"olm", key: &key, timestamp_ms: SENT_MS };
    let frame_key = FRIEND.frame_key(&OURS.account_id()).unwrap();
    let data = frame::seal(&sending, &frame_key, &mut dice()).unwrap().data;
    let content = envelope::unwrap(&rpc::decode_data(&data).unwrap()).unwrap().content;
    match sealed::open(&content, &OURS, |peer| OURS.frame_key(peer)).unwrap() {
        Opened::Frame(frame) => frame,
        Opened::Session(_) => panic!("a frame is no content"),
    }
}
