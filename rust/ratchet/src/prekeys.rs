//! The private half of a bundle (extensions section 4).

use std::fmt;

use vodozemac::Curve25519PublicKey;
use vodozemac::olm::{Account, AccountPickle, SessionConfig};
use zeroize::Zeroizing;

use crate::pickle::{self, PickleError};
use crate::{OlmMessage, Plaintext, RatchetError, Session};

/// A fresh account with exactly one one-time key, made for one bundle and one peer.
///
/// No fallback key: it would never be consumed, so replays would re-create sessions.
pub struct Prekeys {
    account: Account,
    one_time_key: Curve25519PublicKey,
}

impl Prekeys {
    /// Draws a new identity and one one-time key.
    ///
    /// # Errors
    /// [`RatchetError::UnknownOneTimeKey`] if the library makes none, which it never does.
    pub fn generate() -> Result<Self, RatchetError> {
        let mut account = Account::new();
        account.generate_one_time_keys(1);
        Self::hold(account).ok_or(RatchetError::UnknownOneTimeKey)
    }

    /// The bundle's ratchet identity (Curve25519).
    pub fn identity(&self) -> [u8; 32] {
        self.account.curve25519_key().to_bytes()
    }

    /// The bundle's one-time key (Curve25519).
    pub fn one_time_key(&self) -> [u8; 32] {
        self.one_time_key.to_bytes()
    }

    /// Makes the session of a prekey message and decrypts it. It need not be the acceptor's first one.
    ///
    /// One key, one session: answering takes the prekeys away.
    ///
    /// ```compile_fail,E0382
    /// # fn twice(prekeys: starling_ratchet::Prekeys, message: starling_ratchet::OlmMessage) {
    /// let first = prekeys.answer(&message);
    /// let second = prekeys.answer(&message);
    /// # }
    /// ```
    ///
    /// Their pickle is erased in the commit that stores the session, and stays where it is if anything
    /// fails, here or in the checks that follow: a message anybody can make must not use up a key.
    ///
    /// # Errors
    /// [`RatchetError::UnknownOneTimeKey`] for another bundle's message, and as [`Session::decrypt`].
    pub fn answer(mut self, message: &OlmMessage) -> Result<(Session, Plaintext), RatchetError> {
        let vodozemac::olm::OlmMessage::PreKey(prekey) = &message.inner else {
            return Err(RatchetError::Malformed);
        };
        if prekey.one_time_key() != self.one_time_key {
            return Err(RatchetError::UnknownOneTimeKey);
        }
        let config = SessionConfig::version_2();
        let made = self.account.create_inbound_session(config, prekey.identity_key(), prekey)?;
        let plaintext = Zeroizing::new(made.plaintext);
        let session = Session::hold(made.session)?;
        // The first ratchet key meets no Diffie-Hellman before we send: a zero one would make a session for ever mute.
        if session.copy().inner.next_message_key().is_none() {
            return Err(RatchetError::ZeroSharedSecret);
        }
        Ok((session, plaintext))
    }

    /// The secret state, for the encrypted store.
    ///
    /// # Errors
    /// [`PickleError`], which the state of a fresh account never causes.
    pub fn pickle(&self) -> Result<Zeroizing<Vec<u8>>, PickleError> {
        pickle::write(&self.account.pickle())
    }

    /// Reads [`Prekeys::pickle`].
    ///
    /// # Errors
    /// [`PickleError`] for anything that is not an account with one unused one-time key and nothing else.
    pub fn unpickle(bytes: &[u8]) -> Result<Self, PickleError> {
        let account = Account::from_pickle(pickle::read::<AccountPickle>(bytes)?);
        Self::hold(account).ok_or(PickleError::NotOneKey)
    }

    fn hold(account: Account) -> Option<Self> {
        let unused = account.one_time_keys();
        let alone = unused.len() == 1
            && account.stored_one_time_key_count() == 1
            && account.fallback_key().is_empty();
        let one_time_key = unused.into_values().next().filter(|_| alone)?;
        Some(Self { account, one_time_key })
    }
}

/// Shows nothing.
impl fmt::Debug for Prekeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Prekeys").finish_non_exhaustive()
    }
}
