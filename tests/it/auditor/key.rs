//! Reads the reference a message carries: `w1-`, 26 letters of base 32 (8 bytes of delivery, 8 bytes of tag), `-`, the send's number.

const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Delivery and send of a reference; `None` when it is none of the engine's.
pub(crate) fn decode(text: &str) -> Option<(i64, i64)> {
    let (letters, send) = text.strip_prefix("w1-")?.split_once('-')?;
    if letters.len() != 26 {
        return None;
    }
    let mut bits = 0_u128;
    for (at, letter) in letters.bytes().enumerate() {
        let value = LETTERS.iter().position(|known| *known == letter)? as u128;
        // 26 letters hold 130 bits: the last letter carries three.
        if at == 25 {
            bits = (bits << 3) | (value >> 2);
        } else {
            bits = (bits << 5) | value;
        }
    }
    let delivery = i64::from_be_bytes(bits.to_be_bytes()[..8].try_into().ok()?);
    Some((delivery, send.parse().ok()?))
}

#[test]
fn a_reference_is_read() {
    // Delivery 2^32 + 7: eight bytes 00 00 00 01 00 00 00 07, then eight of tag, encoded by hand with coreutils' base32.
    assert_eq!(decode("w1-AAAAAAIAAAAAO7OLVGDXMVBSC-3"), None, "too short");
    assert_eq!(decode("w1-AAAAAAIAAAAAO7OLVGDXMVBSCAA-3"), None, "too long");
    assert_eq!(decode("w1-AAAAAAIAAAAAO7OLVGDXMVBSCA-3"), Some((4_294_967_303, 3)));
    assert_eq!(decode("order-17"), None);
}
