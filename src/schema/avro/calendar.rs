//! Dates and times as texts, and back, in the years 1 to 9999. By hand, as calendars' libraries end a day before the year 9999 does.

use super::node::Unit;
use crate::value::civil;
use bumpalo::Bump;
use std::ops::RangeInclusive;

/// The first day of the year 1 and the last of the year 9999, counted from 1970-01-01.
const DAYS: RangeInclusive<i64> = -719_162..=2_932_896;
const DAY_SECONDS: i64 = 86_400;

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Unit::Millis => "milliseconds",
            Unit::Micros => "microseconds",
            Unit::Nanos => "nanoseconds",
        }
    }

    pub fn per_second(self) -> i64 {
        match self {
            Unit::Millis => 1_000,
            Unit::Micros => 1_000_000,
            Unit::Nanos => 1_000_000_000,
        }
    }
}

pub(super) fn date(days: i64, arena: &Bump) -> Option<&str> {
    let mut text = bumpalo::collections::String::with_capacity_in(10, arena);
    put_date(days, &mut text)?;
    Some(text.into_bump_str())
}

pub(super) fn time(number: i64, unit: Unit, arena: &Bump) -> Option<&str> {
    let mut text = bumpalo::collections::String::with_capacity_in(18, arena);
    let in_a_day = 0..DAY_SECONDS * unit.per_second();
    put_time(
        Some(number).filter(|number| in_a_day.contains(number))?,
        unit,
        &mut text,
    );
    Some(text.into_bump_str())
}

/// As RFC 3339 has it, in UTC where it is `global`; with as many groups of three digits of a second as it takes, one at least.
pub(super) fn timestamp(number: i64, unit: Unit, global: bool, arena: &Bump) -> Option<&str> {
    let day = DAY_SECONDS * unit.per_second();
    let mut text = bumpalo::collections::String::with_capacity_in(30, arena);
    put_date(number.div_euclid(day), &mut text)?;
    text.push('T');
    put_time(number.rem_euclid(day), unit, &mut text);
    if global {
        text.push('Z');
    }
    Some(text.into_bump_str())
}

fn put_date(days: i64, text: &mut bumpalo::collections::String<'_>) -> Option<()> {
    let (year, month, day) = civil(Some(days).filter(|days| DAYS.contains(days))?);
    digits(year, 4, text);
    text.push('-');
    digits(month, 2, text);
    text.push('-');
    digits(day, 2, text);
    Some(())
}

fn put_time(number: i64, unit: Unit, text: &mut bumpalo::collections::String<'_>) {
    let (seconds, rest) = (number / unit.per_second(), number % unit.per_second());
    digits(seconds / 3600, 2, text);
    text.push(':');
    digits(seconds / 60 % 60, 2, text);
    text.push(':');
    digits(seconds % 60, 2, text);
    text.push('.');
    let nanos = rest * (1_000_000_000 / unit.per_second());
    match (nanos % 1_000_000, nanos % 1_000) {
        (0, _) => digits(nanos / 1_000_000, 3, text),
        (_, 0) => digits(nanos / 1_000, 6, text),
        _ => digits(nanos, 9, text),
    }
}

fn digits(number: i64, width: usize, text: &mut bumpalo::collections::String<'_>) {
    let mut power = 10i64.pow(width.saturating_sub(1).min(17) as u32);
    while power > 0 {
        text.push(char::from(b'0' + (number / power % 10) as u8));
        power /= 10;
    }
}

pub(super) fn read_date(text: &str) -> Option<i64> {
    let mut rest = Rest(text.as_bytes());
    let days = rest.date()?;
    rest.0.is_empty().then_some(days)
}

pub(super) fn read_time(text: &str, unit: Unit) -> Option<i64> {
    let mut rest = Rest(text.as_bytes());
    let (seconds, nanos) = rest.time()?;
    (rest.0.is_empty()).then_some(())?;
    in_unit(seconds, nanos, unit)
}

/// `global`: the text ends with `Z` or an offset; else with the time.
pub(super) fn read_timestamp(text: &str, unit: Unit, global: bool) -> Option<i64> {
    let mut rest = Rest(text.as_bytes());
    let days = rest.date()?;
    rest.one_of(b"Tt ")?;
    let (seconds, nanos) = rest.time()?;
    let offset = if global { rest.offset()? } else { 0 };
    let seconds = days * DAY_SECONDS + seconds - offset;
    let readable = DAYS.contains(&seconds.div_euclid(DAY_SECONDS));
    (rest.0.is_empty() && readable).then_some(())?;
    in_unit(seconds, nanos, unit)
}

/// `None`: too fine for the unit, or beyond 64 bits.
fn in_unit(seconds: i64, nanos: i64, unit: Unit) -> Option<i64> {
    let part = 1_000_000_000 / unit.per_second();
    (nanos % part == 0).then_some(())?;
    // in 128 bits, as the first second in range may begin before it
    let number = i128::from(seconds) * i128::from(unit.per_second()) + i128::from(nanos / part);
    i64::try_from(number).ok()
}

struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn one_of(&mut self, any: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        any.contains(first).then_some(*first)
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
        })
    }

    fn date(&mut self) -> Option<i64> {
        let year = self.number(4)?;
        self.one_of(b"-")?;
        let month = self.number(2)?;
        self.one_of(b"-")?;
        let day = self.number(2)?;
        let days = days(year, month, day);
        // a day that the calendar does not have is another one
        (DAYS.contains(&days) && (1..=12).contains(&month) && civil(days) == (year, month, day)).then_some(days)
    }

    /// Seconds and nanoseconds.
    fn time(&mut self) -> Option<(i64, i64)> {
        let hour = self.number(2).filter(|hour| *hour < 24)?;
        self.one_of(b":")?;
        let minute = self.number(2).filter(|minute| *minute < 60)?;
        self.one_of(b":")?;
        let second = self.number(2).filter(|second| *second < 60)?;
        let mut nanos = 0;
        if self.0.first() == Some(&b'.') {
            self.one_of(b".")?;
            let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (digits, rest) = self.0.split_at_checked(length.max(1))?;
            self.0 = rest;
            let mut weight = 100_000_000;
            for digit in digits {
                let digit = i64::from(digit.checked_sub(b'0')?);
                // what is finer than a nanosecond must be none
                (digit <= 9 && (weight > 0 || digit == 0)).then_some(())?;
                nanos += digit * weight;
                weight /= 10;
            }
        }
        Some((hour * 3600 + minute * 60 + second, nanos))
    }

    /// In seconds.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hour = self.number(2).filter(|hour| *hour < 24)?;
        self.one_of(b":")?;
        let minute = self.number(2).filter(|minute| *minute < 60)?;
        Some(sign * (hour * 3600 + minute * 60))
    }
}

/// The way back of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_the_calendar_has_them_and_read_again() {
        let mut arena = Bump::new();
        let epoch = jiff::civil::date(1970, 1, 1);
        // far apart over all years, and each day of those about a leap year that a hundred divides
        for days in DAYS.step_by(97).chain(-27_000..-25_000).chain(10_000..12_000) {
            let text = date(days, &arena).unwrap();
            let day = epoch.checked_add(jiff::Span::new().days(days)).unwrap();
            assert_eq!(text, day.to_string());
            assert_eq!(read_date(text), Some(days));
            arena.reset();
        }
        assert_eq!(date(DAYS.start() - 1, &arena), None);
        assert_eq!(date(DAYS.end() + 1, &arena), None);
    }

    #[test]
    fn times_have_as_many_digits_as_they_need() {
        let arena = Bump::new();
        let show = |number, unit| timestamp(number, unit, true, &arena).unwrap();
        assert_eq!(show(1_716_357_495_978, Unit::Millis), "2024-05-22T05:58:15.978Z");
        assert_eq!(show(1_716_357_495_000, Unit::Millis), "2024-05-22T05:58:15.000Z");
        assert_eq!(show(1_716_357_495_978_000, Unit::Micros), "2024-05-22T05:58:15.978Z");
        assert_eq!(show(1_716_357_495_978_010, Unit::Micros), "2024-05-22T05:58:15.978010Z");
        assert_eq!(
            show(1_716_357_495_978_000_001, Unit::Nanos),
            "2024-05-22T05:58:15.978000001Z"
        );
        assert_eq!(show(-1, Unit::Millis), "1969-12-31T23:59:59.999Z");
        assert_eq!(time(21_495_978, Unit::Millis, &arena), Some("05:58:15.978"));
        assert_eq!(time(86_400_000, Unit::Millis, &arena), None);
        assert_eq!(time(-1, Unit::Millis, &arena), None);
        assert_eq!(timestamp(i64::MAX, Unit::Millis, true, &arena), None);
    }

    #[test]
    fn texts_of_any_offset_are_read_and_none_that_would_be_cut() {
        let read = |text| read_timestamp(text, Unit::Millis, true);
        assert_eq!(read("2024-05-22T05:58:15.978Z"), Some(1_716_357_495_978));
        assert_eq!(read("2024-05-22T07:58:15.978000+02:00"), Some(1_716_357_495_978));
        assert_eq!(read("2024-05-21T23:58:15.978-06:00"), Some(1_716_357_495_978));
        assert_eq!(read("2024-05-22t05:58:15z"), Some(1_716_357_495_000));
        for wrong in [
            "",
            "2024-05-22",
            "2024-05-22T05:58:15.978",
            "2024-05-22T05:58:15.9781Z",
            "2024-05-22T05:58:15.Z",
            "2024-05-22T05:58:60Z",
            "2024-05-22T24:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-00-22T00:00:00Z",
            "2024-13-22T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "0000-01-01T00:00:00Z",
            "2024-05-22T05:58:15.978Zx",
            "2024-05-22T05:58:15.978+1:00",
            "2024-05-22T05:58:15.978+24:00",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read_timestamp("2024-05-22T05:58:15.978Z", Unit::Millis, false), None);
        assert_eq!(
            read_timestamp("2024-05-22T05:58:15.978", Unit::Micros, false),
            Some(1_716_357_495_978_000)
        );
        assert_eq!(
            read_timestamp("1600-01-01T00:00:00Z", Unit::Nanos, true),
            None,
            "beyond 64 bits"
        );
        assert_eq!(read_time("23:59:59.999999", Unit::Micros), Some(86_399_999_999));
        assert_eq!(read_time("23:59:59.9999", Unit::Millis), None);
    }

    #[test]
    fn the_least_and_the_last_nanosecond_are_read_again() {
        let arena = Bump::new();
        for number in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX] {
            let text = timestamp(number, Unit::Nanos, true, &arena).unwrap();
            assert_eq!(read_timestamp(text, Unit::Nanos, true), Some(number), "{text}");
        }
    }
}
