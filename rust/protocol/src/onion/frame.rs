//! Framing of a ciphertext with its routing JSON (network-protocol section 6.3).

/// A length, `blob`, and JSON to the end. The length is a little-endian `u32` that counts the blob alone.
pub fn join(blob: &[u8], json: &[u8]) -> Vec<u8> {
    // Requests end at 10 MiB, long before the length does.
    let length = blob.len() as u32;
    [&length.to_le_bytes(), blob, json].concat()
}

/// The blob and the JSON of a frame; `None` if the frame ends before its blob does.
pub fn split(frame: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = frame.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_frames_are_refused() {
        assert_eq!(split(&[]), None);
        assert_eq!(split(&[0, 0, 0]), None);
        assert_eq!(split(&[2, 0, 0, 0, 7]), None);
        assert_eq!(split(&[0xff; 9]), None);
        assert_eq!(split(&[1, 0, 0, 0, 7]), Some((&[7][..], &[][..])));
    }

    proptest! {
        #[test]
        fn split_undoes_join(
            blob in prop::collection::vec(any::<u8>(), 0..99),
            json in prop::collection::vec(any::<u8>(), 0..99),
        ) {
            let frame = join(&blob, &json);
            prop_assert_eq!(split(&frame), Some((&blob[..], &json[..])));
            prop_assert_eq!(split(&frame[..blob.len() + 3]), None);
        }
    }
}
