//! Numbers that are never changed to fit.

use crate::value::{Exact, exact, same_number};
use bumpalo::Bump;

const FRACTION: &str = "it has a fraction";
const BEYOND: &str = "it is beyond the range";
const DIGITS: &str = "it has more digits than the type keeps";

/// A whole number of 64 bits.
pub(super) fn whole(text: &str) -> Result<i64, &'static str> {
    /// Up to here doubles have every whole number.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    match exact(text) {
        Some(Exact::Int(number)) => Ok(number),
        Some(Exact::Double(number)) if number.fract() != 0.0 => Err(FRACTION),
        Some(Exact::Double(number)) if number.abs() <= WHOLE => Ok(number as i64),
        // A larger one may stand for others too: what is written counts, as in 1.769916e+16.
        _ => written_out(text).ok_or(BEYOND),
    }
}

/// The whole number that a text with a point or an exponent is. `None`: it is none, or not one of 64 bits.
fn written_out(text: &str) -> Option<i64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let zeros = exponent
        .parse::<i32>()
        .ok()?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?;
    // 64 bits have 19 digits: more zeros are of a number that is larger, or 0 and then read before.
    let zeros = usize::try_from(zeros).ok().filter(|zeros| *zeros <= 19)?;
    format!("{whole}{fraction}{}", "0".repeat(zeros)).parse().ok()
}

pub(super) fn int(text: &str) -> Result<i32, &'static str> {
    i32::try_from(whole(text)?).map_err(|_| BEYOND)
}

pub(super) fn double(text: &str) -> Result<f64, &'static str> {
    match exact(text) {
        Some(Exact::Double(number)) => Some(number),
        Some(Exact::Int(number)) => whole_double(number.into()),
        Some(Exact::Uint(number)) => whole_double(number.into()),
        None => None,
    }
    .ok_or(DIGITS)
}

pub(super) fn float(text: &str) -> Result<f32, &'static str> {
    let whole = match exact(text) {
        Some(Exact::Int(number)) => whole_float(number.into()),
        Some(Exact::Uint(number)) => whole_float(number.into()),
        _ => None,
    };
    let near = || {
        let number: f32 = text.parse().ok()?;
        (number.is_finite() && same_number(text, &format!("{number:?}"))).then_some(number)
    };
    whole.or_else(near).ok_or(DIGITS)
}

/// The double that is just this number, and reads as it.
pub(super) fn whole_double(number: i128) -> Option<f64> {
    let double = number as f64;
    let reads = number.unsigned_abs() <= 1 << 53 || same_number(&format!("{double:?}"), &number.to_string());
    (double as i128 == number && reads).then_some(double)
}

/// The float that is just this number, and reads as it.
pub(super) fn whole_float(number: i128) -> Option<f32> {
    let float = number as f32;
    let reads = number.unsigned_abs() <= 1 << 24 || same_number(&format!("{float:?}"), &number.to_string());
    (float as i128 == number && reads).then_some(float)
}

/// The text of a whole number.
#[inline]
pub(super) fn shown(number: i64, arena: &Bump) -> &str {
    let mut text = [b'0'; 20];
    let mut rest = number.unsigned_abs();
    let mut from = text.len();
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        from -= 1;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        from = from.saturating_sub(1);
        if let Some(sign) = text.get_mut(from) {
            *sign = b'-';
        }
    }
    // digits are ASCII
    let text = std::str::from_utf8(text.get(from..).unwrap_or_default()).unwrap_or_default();
    arena.alloc_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for (text, number) in [
            ("-1.769916e+16", -17_699_160_000_000_000),
            ("1E18", 1_000_000_000_000_000_000),
            ("9.223372036854775807e18", i64::MAX),
            ("-9.223372036854775808e+18", i64::MIN),
            ("12.50e1", 125),
            ("0e400", 0),
        ] {
            assert_eq!(whole(text), Ok(number), "{text}");
        }
        for text in ["1e19", "9.223372036854775808e18", "1e400", "1.5e999999999999"] {
            assert_eq!(whole(text), Err(BEYOND), "{text}");
        }
        assert_eq!(whole("1.5"), Err(FRACTION));
    }

    #[test]
    fn whole_numbers_are_shown_as_they_are() {
        let arena = Bump::new();
        for number in [0, 1, -1, 9, 10, -10, i64::MAX, i64::MIN, 1_000_000] {
            assert_eq!(shown(number, &arena), number.to_string());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(whole("1.0"), Ok(1));
        assert_eq!(whole("1.5"), Err(FRACTION));
        assert_eq!(whole("9223372036854775808"), Err(BEYOND));
        assert_eq!(int("2147483648"), Err(BEYOND));
        assert_eq!(float("0.1"), Ok(0.1));
        assert_eq!(float("0.123456789012"), Err(DIGITS));
        assert_eq!(float("1e39"), Err(DIGITS));
        assert_eq!(float("16777217"), Err(DIGITS));
        // in 24 bits, but what is read is 121620910.0
        assert_eq!(float("121620912"), Err(DIGITS));
        assert_eq!(float("33554432"), Ok(33_554_432.0));
        assert_eq!(double("1152921504606846976"), Err(DIGITS));
        assert_eq!(double("1000000000000000000"), Ok(1e18));
        assert_eq!(double("0.1234567890123456789"), Err(DIGITS));
        assert_eq!(double("9007199254740993"), Err(DIGITS));
        assert_eq!(double("1e400"), Err(DIGITS));
    }
}
