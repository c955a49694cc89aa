//! Whole numbers as Avro writes them: seven bits a byte, the lowest first, signs folded in.

/// Appends a number's bytes, ten at most.
pub(super) fn put(number: i64, out: &mut impl FnMut(u8)) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        out(rest as u8 | 0x80);
        rest >>= 7;
    }
    out(rest as u8);
}

/// The number that `bytes` begins with, and what follows it. `None`: it does not end, or is longer than 64 bits.
#[inline]
pub(super) fn take(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let mut number = u64::from(first & 0x7f);
    let mut byte = *first;
    let mut shift = 7;
    while byte & 0x80 != 0 {
        let (next, after) = rest.split_first()?;
        (byte, rest) = (*next, after);
        if shift == 63 && byte > 1 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
    }
    Some(((number >> 1) as i64 ^ -((number & 1) as i64), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_of_number_comes_back() {
        for power in 0..64 {
            for near in -1..=1 {
                for number in [
                    (1i64 << power).wrapping_add(near),
                    (1i64 << power).wrapping_neg().wrapping_add(near),
                ] {
                    let mut bytes = Vec::new();
                    put(number, &mut |byte| bytes.push(byte));
                    assert!(bytes.len() <= 10);
                    assert_eq!(take(&bytes), Some((number, &[][..])));
                    assert_eq!(take(bytes.split_last().unwrap().1), None, "truncated");
                }
            }
        }
    }

    #[test]
    fn what_does_not_end_or_has_more_than_64_bits_is_no_number() {
        assert_eq!(take(&[0x80; 9]), None);
        assert_eq!(take(&[0xff; 20]), None);
        assert_eq!(take(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), None);
        assert!(take(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).is_some());
    }
}
