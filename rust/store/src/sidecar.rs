//! The sidecar: a small file beside the database that tells a wrong key from a damaged database, and from
//! which account and contacts can be saved when the database cannot.
//!
//! ```text
//! "starling sidecar" (16) | version (1) | key check (32) | nonce (24) | sealed identity
//! ```
//! The identity is `seed length (1) | seed | peers`, sealed with XChaCha20-Poly1305 under a key derived from
//! the store's; all bytes before it are authenticated with it. Before there is an account the sealed part is
//! empty of seed and peers, never absent. A peer is
//!
//! ```text
//! account id (33) | relation (1) | flags (1): 1 blocked, 2 key pinned | Ed25519 key (32), zeros without one
//! ```

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use starling_protocol::account::AccountId;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{OpenError, Relation, StoreKey};

const MAGIC: &[u8; 16] = b"starling sidecar";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = MAGIC.len() + 1 + 32;
const NONCE_BYTES: usize = 24;
const PEER_BYTES: usize = 67;
const BLOCKED: u8 = 1;
const PINNED: u8 = 2;
/// Nobody has a million contacts; a file of another size is not ours to read into memory.
const MAX_BYTES: u64 = 64 << 20;

/// Who we are and whom we talk to: what must not be lost with a damaged database.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The account's seed; empty before there is an account.
    pub seed: Zeroizing<Vec<u8>>,
    /// Whom we are friends with, asked or blocked, in the order of the conversations. Who merely asked us is
    /// not worth a write of this file.
    pub peers: Vec<KnownPeer>,
}

/// A peer as the sidecar knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownPeer {
    /// The account.
    pub id: AccountId,
    /// What it is to us.
    pub relation: Relation,
    /// Whether nothing of it is to be heard.
    pub blocked: bool,
    /// Its pinned Ed25519 key.
    pub ed25519: Option<[u8; 32]>,
}

impl KnownPeer {
    fn append_to(&self, bytes: &mut Vec<u8>) {
        let pinned = if self.ed25519.is_some() { PINNED } else { 0 };
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend([self.relation.code(), u8::from(self.blocked) | pinned]);
        bytes.extend(self.ed25519.unwrap_or_default());
    }

    fn from_bytes(bytes: &[u8; PEER_BYTES]) -> Option<KnownPeer> {
        let (id, rest) = bytes.split_first_chunk::<33>()?;
        let ([relation, flags], key) = rest.split_first_chunk::<2>()?;
        let key: [u8; 32] = key.try_into().ok()?;
        Some(KnownPeer {
            id: AccountId::from_bytes(id).ok()?,
            relation: Relation::from_code((*relation).into())?,
            blocked: flags & BLOCKED != 0,
            ed25519: (flags & PINNED != 0).then_some(key),
        })
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("peers", &self.peers.len()).finish_non_exhaustive()
    }
}

/// What a sidecar says.
pub(crate) enum Sidecar {
    Absent,
    /// No sidecar of ours: it proves nothing and will be replaced once the database is open.
    Unreadable,
    /// The key is right. The identity is `None` if its seal is broken.
    Intact(Option<Identity>),
}

/// Reads a sidecar and checks the key against it.
pub(crate) fn read(path: &Path, key: &StoreKey) -> Result<Sidecar, OpenError> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_BYTES).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Sidecar::Absent),
        Err(error) => return Err(error.into()),
    };
    let Some((header, sealed)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Ok(Sidecar::Unreadable);
    };
    let Some((version, check)) = header.strip_prefix(MAGIC.as_slice()).and_then(<[u8]>::split_first) else {
        return Ok(Sidecar::Unreadable);
    };
    if *version > VERSION {
        return Err(OpenError::NewerVersion { found: (*version).into(), supported: VERSION.into() });
    }
    if !bool::from(check.ct_eq(key.check().as_slice())) {
        return Err(OpenError::WrongKey);
    }
    Ok(Sidecar::Intact(unseal(header, sealed, key)))
}

/// Replaces the sidecar: after a crash there is the old one or the new one.
pub(crate) fn write(path: &Path, key: &StoreKey, identity: &Identity) -> Result<(), OpenError> {
    let mut bytes = Vec::from(MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(key.check().as_slice());
    let sealed = seal(&bytes, key, identity)?;
    bytes.extend_from_slice(&sealed);

    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    // The name is on disk only when the directory is.
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn seal(header: &[u8], key: &StoreKey, identity: &Identity) -> Result<Vec<u8>, OpenError> {
    let failed = OpenError::Unexpected { code: 0 };
    let length = u8::try_from(identity.seed.len()).map_err(|_| failed)?;
    let mut plain =
        Zeroizing::new(Vec::with_capacity(1 + identity.seed.len() + identity.peers.len() * PEER_BYTES));
    plain.push(length);
    plain.extend_from_slice(&identity.seed);
    for peer in &identity.peers {
        peer.append_to(&mut plain);
    }
    let mut sealed = vec![0; NONCE_BYTES];
    getrandom::fill(&mut sealed).map_err(|_| OpenError::Io { kind: ErrorKind::Other })?;
    let nonce = XNonce::try_from(sealed.as_slice()).map_err(|_| failed)?;
    let cipher = XChaCha20Poly1305::new_from_slice(key.sealing().as_slice()).map_err(|_| failed)?;
    let text = cipher.encrypt(&nonce, Payload { msg: &plain, aad: header }).map_err(|_| failed)?;
    sealed.extend_from_slice(&text);
    Ok(sealed)
}

fn unseal(header: &[u8], sealed: &[u8], key: &StoreKey) -> Option<Identity> {
    let (nonce, text) = sealed.split_at_checked(NONCE_BYTES)?;
    let nonce = XNonce::try_from(nonce).ok()?;
    let cipher = XChaCha20Poly1305::new_from_slice(key.sealing().as_slice()).ok()?;
    let plain = Zeroizing::new(cipher.decrypt(&nonce, Payload { msg: text, aad: header }).ok()?);
    let (length, rest) = plain.split_first()?;
    let (seed, peers) = rest.split_at_checked(usize::from(*length))?;
    let (peers, remainder) = peers.as_chunks::<PEER_BYTES>();
    if !remainder.is_empty() {
        return None;
    }
    let peers = peers.iter().map(KnownPeer::from_bytes).collect::<Option<_>>()?;
    Some(Identity { seed: Zeroizing::new(seed.to_vec()), peers })
}
