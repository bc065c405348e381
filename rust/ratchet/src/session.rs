//! One end of an Olm session (extensions section 4).

use std::fmt;

use vodozemac::olm::{Account, SessionConfig, SessionPickle};
use zeroize::Zeroizing;

use crate::message::{self, PrekeyHeader, largest_message};
use crate::pickle::{self, PickleError};
use crate::{Kind, MAX_MESSAGE_BYTES, OlmMessage, RatchetError};

/// Keys of skipped messages that one receiving chain keeps, in total; the oldest go first.
pub const MAX_SKIPPED: u64 = 40;
/// Receiving chains that one session keeps; the oldest goes first.
pub const MAX_CHAINS: usize = 5;
/// How far ahead of its chain a message may be for its key to be derived at all.
pub const MAX_GAP: u64 = 2_000;

/// What was sealed; wiped when dropped.
pub type Plaintext = Zeroizing<Vec<u8>>;

/// A sealed message, with what its sender notes about it until it is acknowledged.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Prekey until something was received on the session.
    pub kind: Kind,
    /// The Olm message; [`OlmMessage::decode`] reads it.
    pub message: Vec<u8>,
    /// Public ratchet key of the sending chain. A key not seen before is a new chain.
    pub ratchet_key: [u8; 32],
    /// Place in that chain, from 0 on.
    pub index: u64,
}

/// Shows neither ciphertext nor keys.
impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sealed")
            .field("kind", &self.kind)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

/// One end of an Olm session, config `version_2`. Its secrets are wiped when it is dropped.
pub struct Session {
    pub(crate) inner: vodozemac::olm::Session,
    header: PrekeyHeader,
}

impl Session {
    /// Acceptor's side: a session with the two keys of the peer's bundle, from a fresh account. Nobody keeps that
    /// account: the session holds all that is needed, and a one-time key nobody published cannot leak.
    ///
    /// # Errors
    /// [`RatchetError::ZeroSharedSecret`] for keys of small order.
    pub fn initiate(identity: &[u8; 32], one_time_key: &[u8; 32]) -> Result<Self, RatchetError> {
        let session = Account::new().create_outbound_session(
            SessionConfig::version_2(),
            (*identity).into(),
            (*one_time_key).into(),
        )?;
        Self::hold(session)
    }

    /// Id that both ends share; [`PrekeyHeader::session_id`] of every prekey message of this session.
    pub fn id(&self) -> [u8; 32] {
        self.header.session_id
    }

    /// Ratchet identity of the acceptor, on both ends; the accept signature covers it.
    pub fn acceptor_identity(&self) -> [u8; 32] {
        self.header.identity
    }

    /// Whether anything of the other end was decrypted. Until then messages are prekey messages.
    pub fn has_received(&self) -> bool {
        self.inner.has_received_message()
    }

    /// Seals a message and moves the sending chain on by one.
    ///
    /// # Errors
    /// [`RatchetError::PlaintextTooLong`]; nothing was moved.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Result<Sealed, RatchetError> {
        let kind = if self.has_received() { Kind::Normal } else { Kind::Prekey };
        if largest_message(kind, plaintext.len()) > MAX_MESSAGE_BYTES {
            return Err(RatchetError::PlaintextTooLong);
        }
        let sealed = self.inner.encrypt(plaintext)?;
        let chain = message::inside(&sealed);
        Ok(Sealed {
            kind,
            ratchet_key: chain.ratchet_key().to_bytes(),
            index: chain.chain_index(),
            message: sealed.to_parts().1,
        })
    }

    /// Decrypts on a copy and returns that copy, which takes the place of `self` once every check that
    /// follows has passed. A failed attempt leaves nothing behind; with the library alone it can.
    ///
    /// # Errors
    /// As the table in the crate's documentation has it; [`RatchetError::OtherSession`] for a prekey message with another
    /// session id.
    pub fn decrypt(&self, message: &OlmMessage) -> Result<(Self, Plaintext), RatchetError> {
        if message.prekey().is_some_and(|header| header.session_id != self.id()) {
            return Err(RatchetError::OtherSession);
        }
        let mut advanced = self.copy();
        let plaintext = Zeroizing::new(advanced.inner.decrypt(&message.inner)?);
        Ok((advanced, plaintext))
    }

    /// The secret state, for the encrypted store: below 1 kB when young, below 16 KiB with every skipped key there
    /// can be.
    ///
    /// # Errors
    /// [`PickleError`], which the state of a session never causes.
    pub fn pickle(&self) -> Result<Zeroizing<Vec<u8>>, PickleError> {
        pickle::write(&self.inner.pickle())
    }

    /// Reads [`Session::pickle`].
    ///
    /// # Errors
    /// [`PickleError::WrongConfig`] for a session of another version.
    pub fn unpickle(bytes: &[u8]) -> Result<Self, PickleError> {
        let session = vodozemac::olm::Session::from_pickle(pickle::read::<SessionPickle>(bytes)?);
        Self::hold(session).map_err(|error| match error {
            RatchetError::WrongConfig => PickleError::WrongConfig,
            _ => PickleError::Malformed,
        })
    }

    pub(crate) fn hold(inner: vodozemac::olm::Session) -> Result<Self, RatchetError> {
        if inner.session_config() != SessionConfig::version_2() {
            return Err(RatchetError::WrongConfig);
        }
        let header = PrekeyHeader::of(&inner.session_keys())?;
        Ok(Self { inner, header })
    }

    pub(crate) fn copy(&self) -> Self {
        Self { inner: vodozemac::olm::Session::from_pickle(self.inner.pickle()), header: self.header }
    }
}

/// Shows nothing but whether something was received.
impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("has_received", &self.has_received()).finish_non_exhaustive()
    }
}
