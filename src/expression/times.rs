//! Times and dates as the messages carry them.

use super::functions::{Function, needs};
use super::scalars::exact_number;
use super::texts::is_blank;
use crate::value::{Exact, Value, civil};
use bumpalo::Bump;
use jiff::Timestamp;
use jiff::civil::Date;

/// An epoch time, in units of `unit` milliseconds, as RFC 3339.
pub(super) fn timestamp<'a>(value: Value<'a>, unit: i64, arena: &'a Bump) -> Result<Option<Value<'a>>, String> {
    let function = if unit == 1 {
        Function::TimestampMs
    } else {
        Function::TimestampS
    };
    let milliseconds = match exact_number(function, value)? {
        Exact::Int(value) => value.checked_mul(unit),
        Exact::Uint(_) => None,
        // fractions of a second are kept to the millisecond, fractions of a millisecond are not
        Exact::Double(value) => Some((value * unit as f64).round() as i64),
    };
    match milliseconds.and_then(|milliseconds| rfc3339(milliseconds, arena)) {
        Some(text) => Ok(Some(Value::String(text))),
        None => Err(format!(
            "`{}` met a time outside of the years 1 to 9999",
            function.name()
        )),
    }
}

/// A time of any offset and precision as ours; what is less than a millisecond is cut off.
pub(super) fn utc<'a>(value: Value<'a>, arena: &'a Bump) -> Result<Option<Value<'a>>, String> {
    let Value::String(text) = value else {
        return Err(needs(Function::Rfc3339, "a string", value));
    };
    let time: Option<Timestamp> = text.parse().ok();
    match time.and_then(|time| rfc3339(time.as_millisecond(), arena)) {
        Some(text) => Ok(Some(Value::String(text))),
        None => Err("`rfc3339` met a text that is no time of RFC 3339 in the years 1 to 9999".to_owned()),
    }
}

/// The first millisecond of the year 1 and the last of the year 9999.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// `None`: not in the years 1 to 9999. By hand, as the calendar's library ends a day before the year 9999 does.
pub(super) fn rfc3339(milliseconds: i64, arena: &Bump) -> Option<&str> {
    if !YEARS.contains(&milliseconds) {
        return None;
    }
    let (days, rest) = (milliseconds.div_euclid(86_400_000), milliseconds.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let parts = [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, rest / 3_600_000),
        (14..16, rest / 60_000 % 60),
        (17..19, rest / 1000 % 60),
        (20..23, rest % 1000),
    ];
    for (digits, mut number) in parts {
        for digit in text.get_mut(digits)?.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
    std::str::from_utf8(&text).ok().map(|text| &*arena.alloc_str(text))
}

/// Where a format has year, month and day.
fn parts(format: &str) -> Option<[std::ops::Range<usize>; 3]> {
    match format {
        "DD-MM-YYYY" => Some([6..10, 3..5, 0..2]),
        "MM-DD-YYYY" => Some([6..10, 0..2, 3..5]),
        "YYYY-MM-DD" => Some([0..4, 5..7, 8..10]),
        _ => None,
    }
}

/// Whether `date` knows the format.
pub(super) fn is_format(format: &str) -> bool {
    parts(format).is_some()
}

pub(super) fn date<'a>(value: Value<'a>, format: Value<'a>, arena: &'a Bump) -> Result<Option<Value<'a>>, String> {
    let Value::String(text) = value else {
        return Err(needs(Function::Date, "a string", value));
    };
    let Some([year, month, day]) = format.as_str().and_then(parts) else {
        return Err("`date` knows the formats DD-MM-YYYY, MM-DD-YYYY and YYYY-MM-DD".to_owned());
    };
    if is_blank(text) {
        return Ok(None);
    }
    let wrong = || "`date` met a text that is no date in its format".to_owned();
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse::<i16>().ok())
            .flatten()
    };
    let shaped =
        text.len() == format.as_str().map_or(0, str::len) && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    let (Some(y), Some(m), Some(d), true) = (number(year.clone()), number(month), number(day), shaped) else {
        return Err(wrong());
    };
    if y < 1 || Date::new(y, m as i8, d as i8).is_err() {
        return Err("`date` met a date that the calendar does not have".to_owned());
    }
    if year.start == 0 {
        return Ok(Some(value));
    }
    Ok(Some(Value::String(
        bumpalo::format!(in arena, "{:04}-{:02}-{:02}", y, m, d).into_bump_str(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_the_calendars() {
        let mut date = Date::new(1, 1, 1).unwrap();
        for day in -719_162..=2_932_896 {
            assert_eq!(
                civil(day),
                (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()))
            );
            date = date.tomorrow().unwrap_or(date);
        }
        assert_eq!(date.to_string(), "9999-12-31");
    }

    #[test]
    fn a_time_of_any_offset_and_precision_comes_out_in_utc_with_milliseconds() {
        let arena = Bump::new();
        let time = |text| utc(Value::String(text), &arena);
        for text in [
            "2024-05-22T05:58:15Z",
            "2024-05-22T07:58:15.0009+02:00",
            "2024-05-22t05:58:15.000z",
        ] {
            assert_eq!(
                time(text),
                Ok(Some(Value::String("2024-05-22T05:58:15.000Z"))),
                "{text}"
            );
        }
        for text in [
            "",
            "yesterday",
            "2024-05-22",
            "2024-05-22T05:58:15",
            "2024-13-01T00:00:00Z",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
