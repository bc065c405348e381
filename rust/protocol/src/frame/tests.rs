#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::account::{AccountKeys, Seed};
use crate::sealed::{self, OpenError, Opened};
use crate::{envelope, sealed_box, session};

const SENT_MS: u64 = 1_700_000_000_123;
const KEM: &[u8; KEM_CIPHERTEXT_BYTES] = &[0xc7; KEM_CIPHERTEXT_BYTES];

struct Pair {
    alice: AccountKeys,
    bob: AccountKeys,
    key: BoxKey,
    rng: ChaCha20Rng,
}

impl Pair {
    fn new() -> Self {
        let [alice, bob] = [1, 2].map(|byte| AccountKeys::from_seed(&Seed::from_bytes(&[byte; 16]).unwrap()));
        Self { alice, bob, key: BoxKey::from_bytes([7; 32]), rng: ChaCha20Rng::seed_from_u64(1) }
    }

    /// Alice writes to Bob.
    fn try_seal(&mut self, olm: &[u8], prekey: bool, timestamp_ms: u64) -> Result<SealedFrame, SealError> {
        let frame_key = self.alice.frame_key(&self.bob.account_id()).unwrap();
        let kem_ciphertext = prekey.then_some(KEM);
        let sending = Sending { session_id: [3; 32], kem_ciphertext, olm, key: &self.key, timestamp_ms };
        seal(&sending, &frame_key, &mut self.rng)
    }

    /// The ciphertext in the envelope.
    fn seal(&mut self, olm: &[u8], prekey: bool) -> Vec<u8> {
        let data = STANDARD.decode(self.try_seal(olm, prekey, SENT_MS).unwrap().data).unwrap();
        envelope::unwrap(&data).unwrap().content
    }

    /// The frame as it comes out of the sealed box.
    fn frame_bytes(&mut self, olm: &[u8], prekey: bool) -> Vec<u8> {
        sealed_box::open(&self.seal(olm, prekey), &self.bob).unwrap().to_vec()
    }

    fn read(&self, bytes: &[u8]) -> Result<Frame, FrameError> {
        Frame::read(bytes.to_vec(), |peer| self.bob.frame_key(peer))
    }

    fn open(&self, ciphertext: &[u8], who: &AccountKeys) -> Result<Opened, OpenError> {
        sealed::open(ciphertext, who, |peer| who.frame_key(peer))
    }

    /// A frame with other bytes before the tag, and a tag that fits them.
    fn tagged(&self, untagged: &[u8]) -> Vec<u8> {
        let tag = self.alice.frame_key(&self.bob.account_id()).unwrap().tag(untagged);
        [untagged, &tag].concat()
    }
}

#[test]
fn a_frame_arrives() {
    let mut pair = Pair::new();
    for prekey in [false, true] {
        let ciphertext = pair.seal(b"olm message", prekey);
        let Ok(Opened::Frame(frame)) = pair.open(&ciphertext, &pair.bob) else { panic!("no frame") };
        assert_eq!(frame.sender(), pair.alice.account_id());
        assert_eq!(frame.session_id(), &[3; 32]);
        assert_eq!((frame.is_prekey(), frame.kem_ciphertext()), (prekey, prekey.then_some(KEM)));
        assert_eq!(frame.open(&pair.key).unwrap(), b"olm message");
        assert_eq!(frame.open(&BoxKey::from_bytes([8; 32])), Err(BoxError::Undecryptable));
        assert_eq!(pair.read(frame.as_bytes()), Ok(frame));
    }
}

#[test]
fn the_frame_hash_is_the_same_on_both_sides() {
    let mut pair = Pair::new();
    let sealed = pair.try_seal(b"olm", false, SENT_MS).unwrap();
    let content = envelope::unwrap(&STANDARD.decode(sealed.data).unwrap()).unwrap().content;
    let Ok(Opened::Frame(frame)) = pair.open(&content, &pair.bob) else { panic!("no frame") };
    assert_eq!(frame.hash(), sealed.frame_hash);
}

#[test]
fn session_protocol_and_frames_share_the_sealed_box() {
    let mut pair = Pair::new();
    let ciphertext = session::seal(b"content", &pair.alice, &pair.bob.account_id(), &mut pair.rng).unwrap();
    let Ok(Opened::Session(opened)) = pair.open(&ciphertext, &pair.bob) else { panic!("not opened") };
    assert_eq!((opened.sender, &*opened.content), (pair.alice.account_id(), &b"content"[..]));
    // Who does not know frames finds no signature in them.
    let frame = pair.seal(b"olm", false);
    assert!(session::open(&frame, &pair.bob).is_err());
    assert_eq!(
        pair.open(&frame, &pair.alice),
        Err(OpenError::Session(session::OpenError::Undecryptable)),
        "sealed to another account"
    );
}

/// Every length of an Olm message near the end of a class, for every length a timestamp can have.
#[test]
fn data_has_the_exact_length_of_its_class() {
    let mut pair = Pair::new();
    let timestamps = (0..10).map(|bytes| 1u64 << (7 * bytes)).chain([0, SENT_MS, u64::MAX]);
    for timestamp in timestamps {
        for prekey in [false, true] {
            let rooms: Vec<_> =
                DATA_BYTES.iter().filter_map(|data| sending::room(*data, timestamp, prekey)).collect();
            let classes = &DATA_BYTES[DATA_BYTES.len() - rooms.len()..];
            for (place, room) in rooms.iter().enumerate() {
                for length in [room.saturating_sub(1), *room, room + 1] {
                    let sealed = pair.try_seal(&vec![1; length], prekey, timestamp);
                    let found = sealed.map(|sealed| STANDARD.decode(sealed.data).unwrap().len());
                    let class = classes.get(if length > *room { place + 1 } else { place });
                    assert_eq!(found, class.copied().ok_or(SealError::TooLong), "{length} {timestamp}");
                }
            }
        }
    }
}

#[test]
fn data_of_every_small_message_is_of_a_class() {
    let mut pair = Pair::new();
    for prekey in [false, true] {
        for length in 0..3_200 {
            let data =
                STANDARD.decode(pair.try_seal(&vec![1; length], prekey, SENT_MS).unwrap().data).unwrap();
            assert!(DATA_BYTES.contains(&data.len()), "{length}");
        }
    }
}

#[test]
fn classes_have_the_room_the_specification_says() {
    // Around 447 bytes for the content of a normal frame, and the header of the plaintext.
    assert_eq!(sending::room(768, SENT_MS, false), Some(531));
    // A prekey frame starts at 3,072: the shortest Olm prekey message does not fit 1,536.
    assert_eq!(sending::room(768, SENT_MS, true), None);
    assert_eq!(sending::room(1_536, SENT_MS, true), Some(211));
    assert_eq!(sending::room(3_072, SENT_MS, true), Some(1_747));
}

#[test]
fn the_largest_olm_message_fits_whatever_the_time() {
    let mut pair = Pair::new();
    for prekey in [false, true] {
        for timestamp in [0, SENT_MS, u64::MAX] {
            assert!(pair.try_seal(&vec![1; largest_olm(prekey)], prekey, timestamp).is_ok());
        }
        let too_long = vec![1; largest_olm(prekey) + 1];
        assert_eq!(pair.try_seal(&too_long, prekey, u64::MAX).err(), Some(SealError::TooLong));
    }
}

/// Attack: a stranger, or another contact, writes in Alice's name.
#[test]
fn a_spoofed_sender_is_refused() {
    let mut pair = Pair::new();
    let mallory = AccountKeys::from_seed(&Seed::from_bytes(&[3; 16]).unwrap());
    let bytes = pair.frame_bytes(b"olm", false);
    let untagged = &bytes[..bytes.len() - 32];
    let tag = mallory.frame_key(&pair.bob.account_id()).unwrap().tag(untagged);
    assert_eq!(pair.read(&[untagged, &tag].concat()), Err(FrameError::BadTag));
    // In Mallory's own name the same tag is good, but says that it is Mallory.
    let own = [&untagged[..3], mallory.account_id().as_bytes(), &untagged[36..]].concat();
    let tag = mallory.frame_key(&pair.bob.account_id()).unwrap().tag(&own);
    assert_eq!(pair.read(&[&own[..], &tag].concat()).unwrap().sender(), mallory.account_id());
}

/// Attack: Bob passes Alice's frame on, or turns his own back on himself.
#[test]
fn a_frame_is_for_its_recipient_alone() {
    let mut pair = Pair::new();
    let carol = AccountKeys::from_seed(&Seed::from_bytes(&[3; 16]).unwrap());
    let bytes = pair.frame_bytes(b"olm", false);
    let forwarded = sealed_box::seal(&bytes, &carol.account_id(), &mut pair.rng).unwrap();
    assert_eq!(pair.open(&forwarded, &carol), Err(OpenError::Frame(FrameError::BadTag)));
    let returned = sealed_box::seal(&bytes, &pair.alice.account_id(), &mut pair.rng).unwrap();
    assert_eq!(pair.open(&returned, &pair.alice), Err(OpenError::Frame(FrameError::BadTag)));
}

#[test]
fn a_key_kept_for_another_peer_is_not_used() {
    let mut pair = Pair::new();
    let bytes = pair.frame_bytes(b"olm", false);
    let others = pair.bob.frame_key(&pair.bob.account_id()).unwrap();
    assert_eq!(Frame::read(bytes, |_| Ok(others)), Err(FrameError::BadTag));
}

#[test]
fn unknown_versions_are_told_only_under_a_valid_tag() {
    let mut pair = Pair::new();
    let bytes = pair.frame_bytes(b"olm", false);
    let unsupported = Err(FrameError::Unsupported { sender: pair.alice.account_id() });
    // Version, suite, kind.
    for place in [1, 2, 68] {
        let mut changed = bytes[..bytes.len() - 32].to_vec();
        changed[place] = 2;
        assert_eq!(pair.read(&pair.tagged(&changed)), unsupported);
        changed.extend([0; 32]);
        assert_eq!(pair.read(&changed), Err(FrameError::BadTag));
    }
}

#[test]
fn no_secret_is_shared_with_a_weak_sender() {
    let mut pair = Pair::new();
    let mut bytes = pair.frame_bytes(b"olm", false);
    bytes[4..36].fill(0);
    assert_eq!(pair.read(&bytes), Err(FrameError::WeakSender));
    bytes[3] = 3;
    assert_eq!(pair.read(&bytes), Err(FrameError::BadSender));
}

#[test]
fn lengths_are_bounded() {
    let mut pair = Pair::new();
    assert_eq!(pair.read(&[]), Err(FrameError::NotAFrame));
    assert_eq!(pair.read(&[0xff; 67]), Err(FrameError::WrongLength));
    assert_eq!(pair.read(&[0xff; 68]), Err(FrameError::BadSender));
    assert_eq!(pair.read(&vec![0xff; MAX_DATA_BYTES + 1]), Err(FrameError::WrongLength));
    let bytes = pair.frame_bytes(b"", true);
    for length in [36, 68, 69, 69 + 43, 69 + KEM_CIPHERTEXT_BYTES + 43] {
        assert_eq!(pair.read(&pair.tagged(&bytes[..length])), Err(FrameError::WrongLength), "{length}");
    }
}

#[test]
fn weak_recipients_are_refused() {
    let alice = Pair::new().alice;
    let weak = AccountId::from_bytes(&[&[5][..], &[0; 32]].concat()).unwrap();
    assert_eq!(alice.frame_key(&weak).err(), Some(WeakPeerKey));
}

/// Every bit of a frame is covered by the tag; the box has its own authenticator besides.
#[test]
fn every_flipped_bit_is_refused() {
    let mut pair = Pair::new();
    let bytes = pair.frame_bytes(b"olm", false);
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << bit;
            assert!(pair.read(&changed).is_err(), "byte {place}, bit {bit}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_change_of_a_prekey_frame_is_refused(
        place in any::<prop::sample::Index>(), bit in 0..8, cut in any::<prop::sample::Index>(),
    ) {
        let mut pair = Pair::new();
        let bytes = pair.frame_bytes(b"olm", true);
        let mut changed = bytes.clone();
        changed[place.index(bytes.len())] ^= 1u8 << bit;
        prop_assert!(pair.read(&changed).is_err());
        prop_assert!(pair.read(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn what_the_sender_changes_before_tagging_the_box_still_covers(
        place in any::<prop::sample::Index>(), bit in 0..8,
    ) {
        let mut pair = Pair::new();
        let bytes = pair.frame_bytes(b"olm", true);
        let mut untagged = bytes[..bytes.len() - 32].to_vec();
        untagged[place.index(bytes.len() - 32)] ^= 1u8 << bit;
        let opened = pair.read(&pair.tagged(&untagged)).map(|frame| frame.open(&pair.key));
        prop_assert!(!matches!(opened, Ok(Ok(_))));
    }

    #[test]
    fn hostile_frames_are_harmless(mut noise in prop::collection::vec(any::<u8>(), 0..1_500)) {
        let pair = Pair::new();
        let _ = pair.read(&noise);
        if let Some(first) = noise.first_mut() {
            *first = MARK;
        }
        prop_assert!(pair.read(&noise).is_err());
        let _ = pair.read(&pair.tagged(&noise)).map(|frame| frame.open(&pair.key));
    }
}
