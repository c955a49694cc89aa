//! Decimals: digits as two's complement bytes, the highest first, and back, of any size within a bound.

use bumpalo::Bump;

/// The longest decimal that is read or written; turning one into digits takes time with the square of its length.
pub(super) const LONGEST_BYTES: usize = 1024;
const LONGEST_DIGITS: usize = 2400;
/// As many digits go into a limb at a time.
const GROUP: usize = 9;
const GROUP_BASE: u64 = 1_000_000_000;

/// The number of some bytes, with exactly `scale` digits after the point. `Err`: why it is none.
pub(super) fn shown<'a>(
    bytes: &[u8],
    precision: usize,
    scale: usize,
    arena: &'a Bump,
) -> Result<&'a str, &'static str> {
    if bytes.is_empty() {
        return Err("a decimal has no bytes");
    }
    if bytes.len() > LONGEST_BYTES || scale > LONGEST_DIGITS {
        return Err("a decimal is too long");
    }
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let digits = digits(magnitude(bytes, negative));
    if digits.len() > precision {
        return Err("a decimal has more digits than its type allows");
    }
    let mut text = bumpalo::collections::String::with_capacity_in(digits.len().max(scale) + 3, arena);
    if negative {
        text.push('-');
    }
    let whole = digits.len().saturating_sub(scale);
    if whole == 0 {
        text.push('0');
    }
    let zeros = scale.saturating_sub(digits.len());
    let (before, after) = digits.split_at_checked(whole).unwrap_or((&digits, &[]));
    let push = |digits: &[u8], text: &mut bumpalo::collections::String<'_>| {
        text.extend(digits.iter().map(|digit| char::from(*digit)));
    };
    push(before, &mut text);
    if scale > 0 {
        text.push('.');
        text.extend(std::iter::repeat_n('0', zeros));
        push(after, &mut text);
    }
    Ok(text.into_bump_str())
}

/// The limbs of what is without its sign, the lowest first.
fn magnitude(bytes: &[u8], negative: bool) -> Vec<u32> {
    let mut limbs: Vec<u32> = bytes
        .rchunks(4)
        .map(|chunk| {
            let extended = if negative { u32::MAX } else { 0 };
            chunk.iter().fold(extended, |limb, byte| limb << 8 | u32::from(*byte))
        })
        .collect();
    if negative {
        negate(&mut limbs);
    }
    limbs
}

fn negate(limbs: &mut [u32]) {
    let mut carry = true;
    for limb in limbs {
        (*limb, carry) = (!*limb).overflowing_add(u32::from(carry));
    }
}

/// ASCII digits, none for zero.
fn digits(mut limbs: Vec<u32>) -> Vec<u8> {
    let mut digits = Vec::new();
    while let Some(highest) = limbs.last() {
        if *highest == 0 {
            limbs.pop();
            continue;
        }
        let mut rest = 0;
        for limb in limbs.iter_mut().rev() {
            let number = rest << 32 | u64::from(*limb);
            *limb = u32::try_from(number / GROUP_BASE).unwrap_or(u32::MAX);
            rest = number % GROUP_BASE;
        }
        for _ in 0..GROUP {
            digits.push(b'0' + (rest % 10) as u8);
            rest /= 10;
        }
    }
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    digits.reverse();
    digits
}

/// The bytes of a number's text, as few as there can be. `Err`: why it has none.
pub(super) fn bytes(text: &str, precision: usize, scale: usize) -> Result<Vec<u8>, &'static str> {
    let negative = text.starts_with('-');
    let digits = unscaled(text, precision, scale)?;
    let mut limbs: Vec<u32> = Vec::new();
    for group in digits.chunks(GROUP) {
        let factor = 10u64.pow(u32::try_from(group.len()).unwrap_or(0));
        let mut carry = group
            .iter()
            .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        for limb in &mut limbs {
            let number = u64::from(*limb) * factor + carry;
            *limb = number as u32;
            carry = number >> 32;
        }
        if carry > 0 {
            limbs.push(carry as u32);
        }
    }
    // room for the sign
    limbs.push(0);
    if negative {
        negate(&mut limbs);
    }
    let all: Vec<u8> = limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    let sign = if negative && !digits.is_empty() { 0xff } else { 0 };
    let spare = |pair: &&[u8]| matches!(pair, [first, next] if *first == sign && (next ^ sign) & 0x80 == 0);
    let spares = all.windows(2).take_while(spare).count();
    Ok(all.get(spares..).unwrap_or_default().to_vec())
}

/// The same as exactly `size` bytes.
pub(super) fn sized(bytes: &[u8], size: usize) -> Option<Vec<u8>> {
    let more = size.checked_sub(bytes.len())?;
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut sized = vec![if negative { 0xff } else { 0 }; more];
    sized.extend_from_slice(bytes);
    Some(sized)
}

/// The digits of the number times ten to the power of `scale`, none for zero.
fn unscaled(text: &str, precision: usize, scale: usize) -> Result<Vec<u8>, &'static str> {
    const FINER: &str = "it has more digits after the point than the type keeps";
    const LARGER: &str = "it has more digits than the type keeps";
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.bytes().chain(fraction.bytes());
    let mut digits: Vec<u8> = digits.skip_while(|byte| *byte == b'0').collect();
    let mut zeros = 0i64;
    while digits.last() == Some(&b'0') {
        digits.pop();
        zeros += 1;
    }
    if digits.is_empty() {
        return Ok(digits);
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err("it is no number");
    }
    let exponent: i64 = exponent.parse().or(Err(LARGER))?;
    let length = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    // how many zeros follow the digits
    let shift = exponent
        .checked_sub(length(fraction.len()))
        .and_then(|shift| shift.checked_add(zeros))
        .and_then(|shift| shift.checked_add(length(scale)))
        .ok_or(LARGER)?;
    let shift = usize::try_from(shift).or(Err(FINER))?;
    let most = precision.min(LONGEST_DIGITS);
    if digits.len().saturating_add(shift) > most {
        return Err(LARGER);
    }
    digits.resize(digits.len() + shift, b'0');
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(text: &str, precision: usize, scale: usize) -> String {
        let bytes = bytes(text, precision, scale).unwrap();
        shown(&bytes, precision, scale, &Bump::new()).unwrap().to_owned()
    }

    #[test]
    fn digits_after_the_point_are_always_as_many() {
        assert_eq!(there_and_back("12.5", 5, 2), "12.50");
        assert_eq!(there_and_back("-0.05", 5, 2), "-0.05");
        assert_eq!(there_and_back("0", 5, 2), "0.00");
        assert_eq!(there_and_back("-0", 5, 2), "0.00");
        assert_eq!(there_and_back("1.2e1", 5, 0), "12");
        assert_eq!(there_and_back("1200e-2", 5, 0), "12");
        assert_eq!(there_and_back("7", 40, 0), "7");
    }

    #[test]
    fn bytes_are_as_few_as_there_can_be() {
        assert_eq!(bytes("0", 5, 0), Ok(vec![0]));
        assert_eq!(bytes("127", 5, 0), Ok(vec![0x7f]));
        assert_eq!(bytes("128", 5, 0), Ok(vec![0, 0x80]));
        assert_eq!(bytes("-128", 5, 0), Ok(vec![0x80]));
        assert_eq!(bytes("-129", 5, 0), Ok(vec![0xff, 0x7f]));
        assert_eq!(sized(&[0x80], 3), Some(vec![0xff, 0xff, 0x80]));
        assert_eq!(sized(&[0, 0x80], 1), None);
    }

    #[test]
    fn what_would_be_cut_or_cost_too_much_is_refused() {
        for text in [
            "0.001",
            "1000",
            "1e3",
            "1e999999999",
            "1e-999999999",
            "1e99999999999999999999",
        ] {
            assert!(bytes(text, 4, 2).is_err(), "{text}");
        }
        assert!(shown(&[0x7f, 0xff], 4, 2, &Bump::new()).is_err());
        assert!(shown(&[], 4, 2, &Bump::new()).is_err());
        assert!(shown(&[1; 1025], 100_000, 2, &Bump::new()).is_err());
        assert!(shown(&[0x7f; 1024], 100_000, 2, &Bump::new()).is_ok());
    }

    proptest! {
        #[test]
        fn any_number_of_128_bits_is_the_machines(number in any::<i128>(), shift in 0u32..127) {
            let number = number >> shift;
            let mut expected = number.to_be_bytes().to_vec();
            while let [first, next, ..] = expected[..] && (first == 0 && next < 0x80 || first == 0xff && next >= 0x80) {
                expected.remove(0);
            }
            let text = number.to_string();
            prop_assert_eq!(bytes(&text, 50, 0), Ok(expected));
            prop_assert_eq!(there_and_back(&text, 50, 0), text);
        }
    }
}
