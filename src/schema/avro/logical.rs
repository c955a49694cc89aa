//! Logical types: what stands in a schema, and how their values read and write.

use super::calendar;
use super::failure::{Done, failed};
use super::node::{Kind, Logical, Unit};
use super::numbers;
use crate::value::Value;
use bumpalo::Bump;
use serde_json::{Map, Value as Json};

/// The logical type that a schema names, where it fits the type beneath; any other is as if it were not there, as Avro wants it.
pub(super) fn of(object: &Map<String, Json>, kind: &Kind) -> Option<Logical> {
    let name = object.get("logicalType")?.as_str()?;
    match (name, kind) {
        ("date", Kind::Int) => Some(Logical::Date),
        ("time-millis", Kind::Int) => Some(Logical::Time(Unit::Millis)),
        ("time-micros", Kind::Long) => Some(Logical::Time(Unit::Micros)),
        ("json", Kind::String) => Some(Logical::Json),
        ("uuid", Kind::String | Kind::Fixed(_, 16)) => Some(Logical::Uuid),
        ("duration", Kind::Fixed(_, 12)) => Some(Logical::Duration),
        ("decimal", Kind::Bytes | Kind::Fixed(..)) => {
            let number = |key: &str| {
                object
                    .get(key)
                    .map(|number| number.as_u64().and_then(|n| usize::try_from(n).ok()))
            };
            let precision = number("precision")??;
            let scale = number("scale").unwrap_or(Some(0))?;
            (precision >= 1 && scale <= precision).then_some(Logical::Decimal { precision, scale })
        }
        (name, Kind::Long) => {
            let unit = |unit: &str| match unit {
                "millis" => Some(Unit::Millis),
                "micros" => Some(Unit::Micros),
                "nanos" => Some(Unit::Nanos),
                _ => None,
            };
            let local = || {
                name.strip_prefix("local-timestamp-")
                    .and_then(unit)
                    .map(Logical::LocalTimestamp)
            };
            let global = || name.strip_prefix("timestamp-").and_then(unit).map(Logical::Timestamp);
            local().or_else(global)
        }
        _ => None,
    }
}

/// A whole number as the text that its logical type makes of it.
pub(super) fn shown<'a>(logical: Logical, number: i64, arena: &'a Bump) -> Done<Value<'a>> {
    let text = match logical {
        Logical::Date => calendar::date(number, arena),
        Logical::Time(unit) => calendar::time(number, unit, arena),
        Logical::Timestamp(unit) => calendar::timestamp(number, unit, true, arena),
        Logical::LocalTimestamp(unit) => calendar::timestamp(number, unit, false, arena),
        Logical::Decimal { .. } | Logical::Uuid | Logical::Duration | Logical::Json => None,
    };
    match text {
        Some(text) => Ok(Value::String(text)),
        None => failed(match logical {
            Logical::Time(_) => "it is no time of a day",
            _ => "it is outside of the years 1 to 9999",
        }),
    }
}

/// The whole number of a date or time: of its text, or of a number in its unit.
pub(super) fn number(logical: Logical, value: &Value<'_>) -> Done<i64> {
    let (number, wanted) = match (logical, value) {
        (_, Value::Number(text)) => {
            let number = match numbers::whole(text) {
                Ok(number) => number,
                Err(why) => return failed(format!("the number does not fit: {why}")),
            };
            // what could not be read again is not written
            shown(logical, number, &Bump::new())?;
            return Ok(number);
        }
        (Logical::Date, Value::String(text)) => (calendar::read_date(text), "a date as in 2024-05-22"),
        (Logical::Time(unit), Value::String(text)) => (
            calendar::read_time(text, unit),
            "a time of day as in 05:58:15.978, of no more digits than it keeps",
        ),
        (Logical::Timestamp(unit), Value::String(text)) => (
            calendar::read_timestamp(text, unit, true),
            "a time of RFC 3339 in its range, of no more digits than it keeps",
        ),
        (Logical::LocalTimestamp(unit), Value::String(text)) => (
            calendar::read_timestamp(text, unit, false),
            "a time as in 2024-05-22T05:58:15.978 in its range, of no more digits than it keeps",
        ),
        _ => (None, "a text or a number"),
    };
    match number {
        Some(number) => Ok(number),
        None => failed(format!("it needs {wanted}")),
    }
}

/// The 16 bytes of a UUID's text.
pub(super) fn uuid(text: &str) -> Option<[u8; 16]> {
    let dashes = |(index, byte): (usize, u8)| matches!(index, 8 | 13 | 18 | 23) == (byte == b'-');
    if text.len() != 36 || !text.bytes().enumerate().all(dashes) {
        return None;
    }
    let mut digits = text
        .bytes()
        .filter(|byte| *byte != b'-')
        .map(|byte| char::from(byte).to_digit(16));
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        let digit = digits.next()?? << 4 | digits.next()??;
        *byte = u8::try_from(digit).ok()?;
    }
    Some(bytes)
}

/// The text of a UUID's bytes.
pub(super) fn shown_uuid<'a>(bytes: &[u8], arena: &'a Bump) -> &'a str {
    let mut text = bumpalo::collections::String::with_capacity_in(36, arena);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(half.into(), 16).unwrap_or('0'));
        }
    }
    text.into_bump_str()
}

/// The parts of a duration, in the order of its bytes.
pub(super) const DURATION: [&str; 3] = ["months", "days", "millis"];
