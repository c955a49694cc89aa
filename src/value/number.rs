//! Numbers by their text: what it is worth, where that can be told without loss.

use super::{Value, parse};
use bumpalo::Bump;
use std::cmp::Ordering;

/// The number's value where one of the machine's types holds it as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Exact {
    Int(i64),
    /// Beyond `i64`.
    Uint(u64),
    /// Written with a fraction or an exponent, and with no more digits than a double keeps.
    Double(f64),
}

/// What the text of a JSON number is worth; `None` where neither 64 bits nor a double keep all of it.
pub fn exact(text: &str) -> Option<Exact> {
    if let Some(value) = small(text) {
        // zero has a sign that only a double keeps
        return Some(if text == "-0" {
            Exact::Double(-0.0)
        } else {
            Exact::Int(value)
        });
    }
    if !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return text
            .parse()
            .map(Exact::Int)
            .or_else(|_| text.parse().map(Exact::Uint))
            .ok();
    }
    let value: f64 = text.parse().ok()?;
    (value.is_finite() && kept_whole(text, value)).then_some(Exact::Double(value))
}

/// The text as a number, where it is one in JSON's grammar, white space excluded.
pub fn number(text: &str) -> Option<Value<'_>> {
    let bare =
        text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && text.ends_with(|c: char| c.is_ascii_digit());
    let arena = Bump::new();
    (bare && matches!(parse(text.as_bytes(), &arena), Ok(Value::Number(_)))).then_some(Value::Number(text))
}

/// Whether two texts are the same number, digit by digit, however long they are.
pub fn same_number(one: &str, other: &str) -> bool {
    let (Some(a), Some(b)) = (Decimal::of(one), Decimal::of(other)) else {
        return one == other;
    };
    let zero = a.digits.is_empty() && b.digits.is_empty();
    zero || (one.starts_with('-') == other.starts_with('-') && a.digits == b.digits && a.exponent == b.exponent)
}

/// Which of two numbers is the larger, digit by digit, however long they are. What is no number comes before all that are.
pub fn compare_numbers(one: &str, other: &str) -> Ordering {
    let (Some(a), Some(b)) = (Decimal::of(one), Decimal::of(other)) else {
        return Decimal::of(one).is_some().cmp(&Decimal::of(other).is_some());
    };
    let sign = |text: &str, decimal: &Decimal| match (decimal.digits.is_empty(), text.starts_with('-')) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => 1,
    };
    let signs = (sign(one, &a), sign(other, &b));
    match signs {
        (1, 1) => a.compare_magnitude(&b),
        (-1, -1) => b.compare_magnitude(&a),
        (one, other) => one.cmp(&other),
    }
}

/// Integers of up to 18 digits, which are nearly all.
fn small(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let value = digits.bytes().try_fold(0i64, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + (byte - b'0') as i64)
    })?;
    Some(if negative { -value } else { value })
}

/// Whether the double's shortest text has the same digits as `text`.
fn kept_whole(text: &str, value: f64) -> bool {
    let Some(given) = Decimal::of(text) else { return false };
    // any 15 digits survive a double of the normal range
    if given.digits.len() <= 15 && (-290..290).contains(&given.exponent) {
        return true;
    }
    let shortest = format!("{value:e}");
    Decimal::of(&shortest)
        .is_some_and(|kept| kept.digits == given.digits && (kept.exponent == given.exponent || given.digits.is_empty()))
}

/// A number's digits without zeros at either end, and the power of ten of the last of them.
struct Decimal {
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn of(text: &str) -> Option<Decimal> {
        let text = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let mut exponent: i64 = exponent.parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let mut digits: Vec<u8> = whole
            .bytes()
            .chain(fraction.bytes())
            .skip_while(|byte| *byte == b'0')
            .collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent = exponent.checked_add(1)?;
        }
        Some(Decimal { digits, exponent })
    }

    /// Neither is zero.
    fn compare_magnitude(&self, other: &Decimal) -> Ordering {
        let first = |decimal: &Decimal| i128::from(decimal.exponent) + decimal.digits.len() as i128;
        // of digits from the same place on, those that go on are the larger, as there are no zeros at the end
        first(self)
            .cmp(&first(other))
            .then_with(|| self.digits.cmp(&other.digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_up_to_64_bits() {
        assert_eq!(exact("0"), Some(Exact::Int(0)));
        assert_eq!(exact("-0"), Some(Exact::Double(-0.0)));
        assert_eq!(exact("-9223372036854775808"), Some(Exact::Int(i64::MIN)));
        assert_eq!(
            exact("9223372036854775808"),
            Some(Exact::Uint(9_223_372_036_854_775_808))
        );
        assert_eq!(exact("18446744073709551615"), Some(Exact::Uint(u64::MAX)));
        assert_eq!(exact("18446744073709551616"), None);
        assert_eq!(exact("-9223372036854775809"), None);
    }

    #[test]
    fn doubles_are_exact_while_they_keep_every_digit() {
        assert_eq!(exact("1.0"), Some(Exact::Double(1.0)));
        assert_eq!(exact("0.1"), Some(Exact::Double(0.1)));
        assert_eq!(exact("0.0000"), Some(Exact::Double(0.0)));
        assert_eq!(exact("0e400"), Some(Exact::Double(0.0)));
        assert_eq!(exact("1e308"), Some(Exact::Double(1e308)));
        assert_eq!(exact("5e-324"), Some(Exact::Double(5e-324)));
        assert_eq!(exact("0.30000000000000004"), Some(Exact::Double(0.30000000000000004)));
        assert_eq!(exact("1E+2"), Some(Exact::Double(100.0)));
    }

    #[test]
    fn only_what_json_calls_a_number_is_one() {
        for text in ["0", "-1.5e+3", "123456789012345678901234567890"] {
            assert_eq!(number(text), Some(Value::Number(text)));
        }
        for text in [
            "", " 1", "1 ", "01", "+1", "1.", ".5", "1e", "NaN", "0x1", "1,2", "\u{661}",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_of_any_length_are_the_same_by_their_digits() {
        assert!(same_number(
            "123456789012345678901234567890",
            "1.2345678901234567890123456789e29"
        ));
        assert!(same_number("0.000e5", "-0"));
        assert!(!same_number(
            "123456789012345678901234567890",
            "123456789012345678901234567891"
        ));
        assert!(!same_number("1e400", "-1e400"));
    }

    #[test]
    fn numbers_of_any_length_have_an_order() {
        let ascending = [
            "-1e400",
            "-12",
            "-9.5",
            "-9",
            "-0.001",
            "0",
            "1e-400",
            "0.09",
            "0.1",
            "0.11",
            "9",
            "10",
            "10.0001",
            "1e2",
            "123456789012345678901234567890",
            "123456789012345678901234567891",
            "1e400",
        ];
        for (at, one) in ascending.iter().enumerate() {
            for (other_at, other) in ascending.iter().enumerate() {
                assert_eq!(compare_numbers(one, other), at.cmp(&other_at), "{one} {other}");
            }
        }
        assert_eq!(compare_numbers("1.0", "10e-1"), Ordering::Equal);
        assert_eq!(compare_numbers("-0", "0.0"), Ordering::Equal);
    }

    #[test]
    fn what_a_double_would_change_is_not_exact() {
        for text in [
            "1e400",
            "-1e400",
            "1e-400",
            "0.1234567890123456789",
            "3.0000000000000000001",
            "1e99999999999999999999",
        ] {
            assert_eq!(exact(text), None, "{text}");
        }
    }
}
