//! State as bytes for the store, which is encrypted as a whole.
//!
//! The library's pickles are plain serde values; here they become MessagePack with field names, so that a later version
//! of the library can still tell what is what. Its own pickle encryption (fixed IV, short MAC) is never used.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The longest pickle that is read, in bytes. A session with five chains of 40 skipped keys stays below half of it.
pub const MAX_PICKLE_BYTES: usize = 32 * 1_024;

/// How deep values may nest; ours need less than half.
const MAX_DEPTH: usize = 24;

/// Why state could not be written as bytes or read back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PickleError {
    /// Longer than [`MAX_PICKLE_BYTES`].
    #[error("pickle too long")]
    TooLong,
    /// Not a pickle of this kind.
    #[error("malformed pickle")]
    Malformed,
    /// A session of another config than `version_2`.
    #[error("session of another version")]
    WrongConfig,
    /// An account with other keys than one unused one-time key.
    #[error("account without exactly one one-time key")]
    NotOneKey,
}

/// Counts what would be written, so that the buffer with the secrets never has to grow and leave copies behind.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn write<T: Serialize>(value: &T) -> Result<Zeroizing<Vec<u8>>, PickleError> {
    let mut length = Length(0);
    rmp_serde::encode::write_named(&mut length, value).map_err(|_| PickleError::Malformed)?;
    if length.0 > MAX_PICKLE_BYTES {
        return Err(PickleError::TooLong);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
    rmp_serde::encode::write_named(&mut *bytes, value).map_err(|_| PickleError::Malformed)?;
    Ok(bytes)
}

pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PickleError> {
    if bytes.len() > MAX_PICKLE_BYTES {
        return Err(PickleError::TooLong);
    }
    let mut rest = bytes;
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    deserializer.set_max_depth(MAX_DEPTH);
    let value = T::deserialize(&mut deserializer).map_err(|_| PickleError::Malformed)?;
    if rest.is_empty() { Ok(value) } else { Err(PickleError::Malformed) }
}
