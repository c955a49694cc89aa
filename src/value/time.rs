//! Values that say when something was.

use super::Value;

impl Value<'_> {
    /// Milliseconds since the epoch, of RFC 3339 text, or of such a number as it is. `None`: it is neither.
    pub fn as_milliseconds(&self) -> Option<i64> {
        match self {
            Value::String(text) => text
                .parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_millisecond),
            Value::Number(_) => self.as_i64(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_text_with_a_zone_or_milliseconds() {
        let of = |value: Value<'_>| value.as_milliseconds();
        assert_eq!(
            of(Value::String("2024-05-22T07:55:57.695+02:00")),
            Some(1_716_357_357_695)
        );
        assert_eq!(of(Value::Number("1716357357695")), Some(1_716_357_357_695));
        for other in [
            Value::String("2024-05-22"),
            Value::String(""),
            Value::Number("1.5"),
            Value::Null,
            Value::Bool(true),
        ] {
            assert_eq!(of(other), None, "{other:?}");
        }
    }
}
