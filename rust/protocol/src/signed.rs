//! What Starling's own signatures cover (extensions, conventions).

/// The bytes to sign: `label` as it is, then for each field its length (4 bytes, big-endian) and the field.
///
/// No two lists of fields give the same bytes, and the label (`starling/v1/…`) keeps a signature made for one
/// purpose from being valid for another. Numbers are fields of 8 bytes (big-endian), the suite of 4.
///
/// Fields are far shorter than 4 GiB: keys, ids, hashes and numbers.
pub fn bytes(label: &str, fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = label.as_bytes().to_vec();
    for field in fields {
        bytes.extend((field.len() as u32).to_be_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_length_prefixed_behind_the_label() {
        let signed = bytes("label", &[b"ab", b"", b"c"]);
        assert_eq!(signed, b"label\0\0\0\x02ab\0\0\0\0\0\0\0\x01c");
    }

    #[test]
    fn bytes_moved_between_fields_are_seen() {
        assert_ne!(bytes("label", &[b"ab", b"c"]), bytes("label", &[b"a", b"bc"]));
    }
}
