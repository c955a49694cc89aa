//! Finds the end of plain text eight bytes at a time: strings are most of a document, and most are plain.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The position, from `at` on, of the first byte that JSON does not take as it is inside a string: a quote, a backslash
/// or a control character. `bytes.len()` where there is none.
#[inline]
pub(super) fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let special = special(u64::from_le_bytes(*chunk));
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        at += 1;
    }
    at
}

/// The high bit of each byte that is special. Only the lowest one set is sure: a borrow may set one above it wrongly.
#[inline(always)]
fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let zero = |w: u64| w.wrapping_sub(ONES) & !w;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero(quote) | zero(backslash) | control) & HIGHS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_position_is_told_apart() {
        for byte in 0..=255u8 {
            for position in 0..20 {
                let mut text = [b'x'; 20];
                text[position] = byte;
                let expected = if matches!(byte, b'"' | b'\\' | 0..0x20) {
                    position
                } else {
                    20
                };
                assert_eq!(plain_until(&text, 0), expected, "byte {byte} at {position}");
            }
        }
    }

    #[test]
    fn a_special_byte_before_a_lookalike_is_the_one_found() {
        assert_eq!(plain_until(b"ab\"#\"#!!", 0), 2);
        assert_eq!(plain_until(b"ab\"#\"#!!", 3), 4);
        assert_eq!(plain_until(b"", 0), 0);
        assert_eq!(plain_until(b"abc", 9), 9);
    }
}
