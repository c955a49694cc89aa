//! Sums of numbers as they are written: exact, in decimal, and never rounded.
//!
//! 0.1 + 0.2 is 0.3. Whole numbers must stay within 64 bits, as everybody downstream must read them; with a fraction there is room
//! for 38 digits, and the sum has as many places as the summand that has most, as with SQL's `DECIMAL`. What has no room is an
//! error. Whoever wants the sums of doubles writes a fold, `= state + event.x`.

/// A number: `digits` × 10^-`places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    digits: i128,
    places: u32,
}

/// More can't be among 38 digits.
const MOST_PLACES: u32 = 38;

const TOO_LONG: &str = "the sum needs more than the 38 digits there is room for";
const TOO_LARGE: &str = "the sum is a whole number beyond 64 bits";

/// The sum of two JSON numbers.
///
/// # Errors
/// Why there is no room for it.
pub(super) fn sum(one: &str, other: &str) -> Result<String, &'static str> {
    let sum = || {
        let (one, other) = (Decimal::of(one)?, Decimal::of(other)?);
        let places = one.places.max(other.places);
        let digits = one.with(places)?.checked_add(other.with(places)?)?;
        Some(Decimal { digits, places })
    };
    let sum = sum().filter(Decimal::has_room).ok_or(TOO_LONG)?;
    if sum.places == 0 && i64::try_from(sum.digits).is_err() {
        return Err(TOO_LARGE);
    }
    Ok(sum.to_text())
}

impl Decimal {
    /// `None`: there is no room for it.
    fn of(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()).filter(u8::is_ascii_digit) {
            digits = digits.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
        }
        if digits == 0 {
            let places = u32::try_from(fraction.len()).unwrap_or(MOST_PLACES).min(MOST_PLACES);
            return Some(Decimal { digits, places });
        }
        let exponent: i64 = exponent.parse().ok()?;
        let places = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if text.starts_with('-') {
            digits = -digits;
        }
        match u32::try_from(places) {
            Ok(places) if places <= MOST_PLACES => Some(Decimal { digits, places }),
            Ok(_) => None,
            Err(_) => {
                let zeros = u32::try_from(-places).ok().filter(|zeros| *zeros <= MOST_PLACES)?;
                let digits = digits.checked_mul(10i128.checked_pow(zeros)?)?;
                Some(Decimal { digits, places: 0 })
            }
        }
    }

    /// The digits with so many places, which are at least its own.
    fn with(&self, places: u32) -> Option<i128> {
        self.digits
            .checked_mul(10i128.checked_pow(places.checked_sub(self.places)?)?)
    }

    fn has_room(&self) -> bool {
        self.digits.unsigned_abs() < 10u128.pow(MOST_PLACES)
    }

    fn to_text(self) -> String {
        let sign = if self.digits < 0 { "-" } else { "" };
        let width = self.places as usize + 1;
        let digits = format!("{:0>width$}", self.digits.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - self.places as usize);
        match fraction {
            "" => format!("{sign}{whole}"),
            fraction => format!("{sign}{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sums_are_exact_in_decimal() {
        for (one, other, expected) in [
            ("0", "7", "7"),
            ("0.1", "0.2", "0.3"),
            ("1.50", "1.5", "3.00"),
            ("-0.05", "0.01", "-0.04"),
            ("1e3", "2E-2", "1000.02"),
            ("-0", "0.00", "0.00"),
            ("9223372036854775806", "1", "9223372036854775807"),
            ("-9223372036854775807", "-1", "-9223372036854775808"),
            ("9223372036854775807", "0.5", "9223372036854775807.5"),
            ("1.5e10", "0", "15000000000"),
            ("0e400", "1", "1"),
        ] {
            assert_eq!(sum(one, other).as_deref(), Ok(expected), "{one} + {other}");
            assert_eq!(sum(other, one).as_deref(), Ok(expected), "{other} + {one}");
        }
    }

    #[test]
    fn what_has_no_room_is_an_error_and_never_wraps() {
        for (one, other, why) in [
            ("9223372036854775807", "1", TOO_LARGE),
            ("-9223372036854775808", "-1", TOO_LARGE),
            ("1e30", "1", TOO_LARGE),
            ("1e400", "1", TOO_LONG),
            ("1e-39", "1", TOO_LONG),
            ("1e20", "1e-20", TOO_LONG),
            ("99999999999999999999999999999999999999", "1", TOO_LONG),
            ("1e99999999999999999999", "1", TOO_LONG),
            ("1e-9223372036854775808", "1", TOO_LONG),
        ] {
            assert_eq!(sum(one, other), Err(why), "{one} + {other}");
            assert_eq!(sum(other, one), Err(why), "{other} + {one}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_sum_as_those_of_the_machine(one: i64, other: i64) {
            let expected = one.checked_add(other).map(|sum| sum.to_string());
            prop_assert_eq!(sum(&one.to_string(), &other.to_string()).ok(), expected);
        }
    }
}
