//! Padding of content before encryption (network-protocol section 7.4).

/// Padded lengths are one less than a multiple of this.
const BLOCK: usize = 160;

/// Appends `0x80` and zeros: 0 to 158 bytes become 159, 159 to 318 become 319, and so on.
pub fn pad(content: &[u8]) -> Vec<u8> {
    let length = (content.len() + 2).div_ceil(BLOCK) * BLOCK - 1;
    let mut padded = Vec::with_capacity(length);
    padded.extend_from_slice(content);
    padded.push(0x80);
    padded.resize(length, 0);
    padded
}

/// Removes the padding; content that has none is returned as it is, as clients do since 2021.
pub fn unpad(padded: &[u8]) -> &[u8] {
    match padded.iter().rposition(|byte| *byte != 0).and_then(|last| padded.split_at_checked(last)) {
        Some((content, [0x80, ..])) => content,
        _ => padded,
    }
}

/// The most content whose padded form has at most `padded` bytes, of which there are at least 159.
pub(crate) fn longest_content(padded: usize) -> usize {
    (padded + 1) / BLOCK * BLOCK - 2
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unpadded_content_is_tolerated() {
        for content in [&b""[..], b"hello", &[0, 0], &[7, 0], &[0x81, 0]] {
            assert_eq!(unpad(content), content);
        }
    }

    proptest! {
        #[test]
        fn unpad_undoes_pad(content in prop::collection::vec(any::<u8>(), 0..700)) {
            let padded = pad(&content);
            prop_assert_eq!(padded.len() % BLOCK, BLOCK - 1);
            prop_assert!(padded.len() - content.len() <= BLOCK);
            prop_assert!(content.len() <= longest_content(padded.len()));
            prop_assert_eq!(unpad(&padded), content);
        }
    }
}
