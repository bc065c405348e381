//! Accounts: ids, seeds and long-term keys (network-protocol section 1).
//!
//! One seed gives both keys of an account: an Ed25519 key that signs and its X25519 conversion, which is
//! the account id and the address of every message.

use core::fmt;
use core::str::FromStr;

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::scalar::clamp_integer;
use curve25519_dalek::traits::IsIdentity;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::frame::KeptFrameKeys;

/// The prefix byte of a user's account id; groups and blinded ids use others and are no peers.
const USER_PREFIX: u8 = 0x05;

/// The public name of an account: `0x05` followed by its X25519 public key (network-protocol section 1).
///
/// Displayed and serialised as 66 lowercase hex characters; parsed from either case. The key may still be
/// a point of small order: whoever agrees on a secret with it must refuse an all-zero result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 33]);

/// Why bytes or text are not an account id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccountIdError {
    /// Not 33 bytes, or not 66 characters.
    #[error("an account id has 33 bytes (66 hex characters)")]
    WrongLength,
    /// Not a user's id: the prefix byte is not `0x05`.
    #[error("the prefix of a user's account id is 05, not {0:02x}")]
    WrongPrefix(u8),
    /// A character outside `0-9a-fA-F`.
    #[error("an account id is written in hex")]
    NotHex,
    /// An Ed25519 key that is not canonical, not torsion-free, or the identity.
    #[error("the Ed25519 key is not a safe curve point")]
    UnsafeKey,
}

impl AccountId {
    /// Takes the 33 bytes of an id.
    ///
    /// # Errors
    /// [`AccountIdError::WrongLength`] or [`AccountIdError::WrongPrefix`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AccountIdError> {
        let bytes: [u8; 33] = bytes.try_into().map_err(|_| AccountIdError::WrongLength)?;
        let [prefix, ..] = bytes;
        if prefix == USER_PREFIX { Ok(Self(bytes)) } else { Err(AccountIdError::WrongPrefix(prefix)) }
    }

    /// The id of the account that owns an Ed25519 public key, by conversion to X25519.
    ///
    /// # Errors
    /// [`AccountIdError::UnsafeKey`] unless the key is canonical, torsion-free and not the identity
    /// (extensions, conventions): any other key has siblings that convert to the same id.
    pub fn from_ed25519(key: &[u8; 32]) -> Result<Self, AccountIdError> {
        let point = CompressedEdwardsY(*key).decompress().ok_or(AccountIdError::UnsafeKey)?;
        let canonical = point.compress().as_bytes() == key;
        if !canonical || point.is_identity() || !point.is_torsion_free() {
            return Err(AccountIdError::UnsafeKey);
        }
        Ok(Self::from_x25519(point.to_montgomery().as_bytes()))
    }

    /// All 33 bytes, prefix included.
    pub fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }

    /// The X25519 public key: the id without its prefix.
    pub fn x25519(&self) -> [u8; 32] {
        let [_, key @ ..] = self.0;
        key
    }

    fn from_x25519(key: &[u8; 32]) -> Self {
        let mut id = [USER_PREFIX; 33];
        if let Some(tail) = id.last_chunk_mut::<32>() {
            *tail = *key;
        }
        Self(id)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, first, second, third, ..] = self.0;
        write!(f, "AccountId(05{first:02x}{second:02x}{third:02x}…)")
    }
}

impl FromStr for AccountId {
    type Err = AccountIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 33];
        hex::decode_to_slice(text, &mut bytes).map_err(|error| match error {
            hex::FromHexError::InvalidHexCharacter { .. } => AccountIdError::NotHex,
            _ => AccountIdError::WrongLength,
        })?;
        Self::from_bytes(&bytes)
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The secret an account is made of: 16 random bytes, or 32 for accounts of old clients.
///
/// Erased when dropped; never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(Zeroizing<Vec<u8>>);

/// A seed of neither 16 nor 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a seed has 16 bytes (or 32 in old accounts), not {found}")]
pub struct SeedError {
    /// The length that was given, in bytes.
    pub found: usize,
}

impl Seed {
    /// Draws a new 16-byte seed.
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut bytes = Zeroizing::new(vec![0; 16]);
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Takes a seed of 16 bytes, or of 32 (used as it is, without padding).
    ///
    /// # Errors
    /// [`SeedError`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SeedError> {
        match bytes.len() {
            16 | 32 => Ok(Self(Zeroizing::new(bytes.to_vec()))),
            found => Err(SeedError { found }),
        }
    }

    /// The bytes of the seed: 16 or 32.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(redacted)")
    }
}

/// The long-term keys of our own account.
///
/// Erased when dropped; `Debug` shows the id alone.
#[derive(Clone)]
pub struct AccountKeys {
    signing: SigningKey,
    x25519: StaticSecret,
    id: AccountId,
    /// Agreed with peers before; shared by all clones.
    pub(crate) kept: KeptFrameKeys,
}

impl AccountKeys {
    /// Derives the keys of a seed: Ed25519 from the zero-padded seed, X25519 by conversion.
    pub fn from_seed(seed: &Seed) -> Self {
        let mut padded = Zeroizing::new([0; 32]);
        for (to, from) in padded.iter_mut().zip(seed.as_bytes()) {
            *to = *from;
        }
        let signing = SigningKey::from_bytes(&padded);
        let mut scalar = clamp_integer(signing.to_scalar_bytes());
        let x25519 = StaticSecret::from(scalar);
        scalar.zeroize();
        let id = AccountId::from_x25519(x25519_dalek::PublicKey::from(&x25519).as_bytes());
        Self { signing, x25519, id, kept: KeptFrameKeys::default() }
    }

    /// The public name of this account.
    pub fn account_id(&self) -> AccountId {
        self.id
    }

    /// The Ed25519 public key, which requests for this account carry beside its id.
    pub fn ed25519_public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// Signs a message with Ed25519 (detached, 64 bytes).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }

    /// The X25519 secret behind the account id, already clamped.
    pub fn x25519_secret(&self) -> &StaticSecret {
        &self.x25519
    }
}

// Both secrets erase themselves.
impl ZeroizeOnDrop for AccountKeys {}

impl fmt::Debug for AccountKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKeys").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Whether an Ed25519 signature is valid, strictly: small-order keys and non-canonical encodings fail.
pub fn verify_ed25519(key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_bytes(key), Signature::from_slice(signature)) else {
        return false;
    };
    key.verify_strict(message, &signature).is_ok()
}

/// Why an Ed25519 key that a peer presents is not that peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PeerKeyError {
    /// Not canonical, not torsion-free, or the identity.
    #[error("the peer's Ed25519 key is not a safe curve point")]
    Unsafe,
    /// It converts to another account id.
    #[error("the Ed25519 key belongs to another account")]
    OtherAccount,
    /// Another than the one this peer was seen with before.
    #[error("the Ed25519 key is not the one known of this peer")]
    NotPinned,
}

/// Whether an Ed25519 key is the one of an account (extensions, conventions).
///
/// Two keys convert to each account id; so the first that is seen is pinned, and no other taken thereafter.
///
/// # Errors
/// [`PeerKeyError`].
pub fn check_peer_key(
    owner: &AccountId,
    key: &[u8; 32],
    pinned: Option<&[u8; 32]>,
) -> Result<(), PeerKeyError> {
    if AccountId::from_ed25519(key).map_err(|_| PeerKeyError::Unsafe)? != *owner {
        return Err(PeerKeyError::OtherAccount);
    }
    match pinned {
        Some(pinned) if pinned != key => Err(PeerKeyError::NotPinned),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn keys() -> AccountKeys {
        AccountKeys::from_seed(&Seed::generate(&mut ChaCha20Rng::seed_from_u64(1)))
    }

    #[test]
    fn id_survives_text_and_json() {
        let id = keys().account_id();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<AccountId>(&json).unwrap(), id);
    }

    #[test]
    fn bad_ids_are_told_apart() {
        let good = keys().account_id().to_string();
        assert_eq!(good[2..].parse::<AccountId>(), Err(AccountIdError::WrongLength));
        assert_eq!(good[1..].parse::<AccountId>(), Err(AccountIdError::WrongLength));
        assert_eq!(format!("03{}", &good[2..]).parse::<AccountId>(), Err(AccountIdError::WrongPrefix(3)));
        assert_eq!(format!("05g{}", &good[3..]).parse::<AccountId>(), Err(AccountIdError::NotHex));
        assert_eq!(AccountId::from_bytes(&[5; 34]), Err(AccountIdError::WrongLength));
    }

    #[test]
    fn ed25519_key_and_seed_give_the_same_id() {
        let keys = keys();
        assert_eq!(AccountId::from_ed25519(&keys.ed25519_public()), Ok(keys.account_id()));
    }

    #[test]
    fn unsafe_ed25519_keys_are_refused() {
        let with_torsion = (ED25519_BASEPOINT_POINT + EIGHT_TORSION[1]).compress().to_bytes();
        assert_eq!(AccountId::from_ed25519(&with_torsion), Err(AccountIdError::UnsafeKey));
        for point in EIGHT_TORSION {
            assert_eq!(AccountId::from_ed25519(&point.compress().to_bytes()), Err(AccountIdError::UnsafeKey));
        }
        // y = p + 1 is a second encoding of the identity.
        let mut twin = [0xff; 32];
        twin[0] = 0xee;
        twin[31] = 0x7f;
        assert_eq!(AccountId::from_ed25519(&twin), Err(AccountIdError::UnsafeKey));
    }

    #[test]
    fn a_peers_key_is_safe_its_own_and_the_pinned_one() {
        let (owner, key) = (keys().account_id(), keys().ed25519_public());
        // The negative of the point converts to the same id.
        let mut twin = key;
        twin[31] ^= 0x80;
        assert_eq!(AccountId::from_ed25519(&twin), Ok(owner));
        assert_eq!(check_peer_key(&owner, &key, None), Ok(()));
        assert_eq!(check_peer_key(&owner, &key, Some(&key)), Ok(()));
        assert_eq!(check_peer_key(&owner, &twin, Some(&key)), Err(PeerKeyError::NotPinned));
        assert_eq!(check_peer_key(&owner, &[0; 32], Some(&[0; 32])), Err(PeerKeyError::Unsafe));
        let other = AccountKeys::from_seed(&Seed::from_bytes(&[9; 16]).unwrap()).ed25519_public();
        assert_eq!(check_peer_key(&owner, &other, Some(&other)), Err(PeerKeyError::OtherAccount));
    }

    #[test]
    fn signatures_bind_key_and_message() {
        let keys = keys();
        let signature = keys.sign(b"message");
        assert!(verify_ed25519(&keys.ed25519_public(), b"message", &signature));
        assert!(!verify_ed25519(&keys.ed25519_public(), b"massage", &signature));
        assert!(!verify_ed25519(&[7; 32], b"message", &signature));
        assert!(!verify_ed25519(&keys.ed25519_public(), b"message", &signature[..63]));
        // The identity as key accepts R = identity, s = 0 for every message unless checked strictly.
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut universal = [0; 64];
        universal[0] = 1;
        assert!(!verify_ed25519(&identity, b"message", &universal));
    }

    #[test]
    fn debug_shows_no_secret() {
        let seed = Seed::from_bytes(&[0xab; 16]).unwrap();
        assert_eq!(format!("{seed:?}"), "Seed(redacted)");
        let shown = format!("{:?}", AccountKeys::from_seed(&seed));
        assert!(shown.starts_with("AccountKeys { id: AccountId(05"), "{shown}");
        assert!(shown.len() < 60, "{shown}");
    }

    #[test]
    fn seeds_have_16_or_32_bytes() {
        assert_eq!(Seed::from_bytes(&[0; 15]), Err(SeedError { found: 15 }));
        assert_eq!(Seed::from_bytes(&[0; 32]).unwrap().as_bytes().len(), 32);
    }
}
