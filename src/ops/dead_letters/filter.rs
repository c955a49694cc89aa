//! Which dead letters: what the user asks for.

use crate::codec::Codec;
use crate::dead_letter::Letter;
use crate::ops::state::shown_key;
use crate::topology::Topology;
use crate::yaml::parse_duration;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The place of a dead letter in its topic: `partition:offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    pub partition: i32,
    pub offset: i64,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (partition, offset) = text.split_once(':')?;
            let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
            (partition >= 0 && offset >= 0).then_some(Self { partition, offset })
        };
        read().ok_or_else(|| "write PARTITION:OFFSET, as `list` prints it: 0:42".to_owned())
    }
}

/// A time that may be said from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Milliseconds since the epoch.
    Time(i64),
    /// So many milliseconds ago.
    Ago(i64),
}

impl Moment {
    /// Milliseconds since the epoch.
    pub fn at(self, now: i64) -> i64 {
        match self {
            Moment::Time(time) => time,
            Moment::Ago(ago) => now.saturating_sub(ago),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(ago) = parse_duration(text) {
            return Ok(Self::Ago(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)));
        }
        match text.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(Self::Time(time.as_millisecond())),
            Err(_) => Err("write a time with its zone, as 2024-05-22T05:55:57Z, or how long ago, as 2h".to_owned()),
        }
    }
}

/// What a dead letter must be like. Empty: all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A kind, or a part of the message.
    pub reason: Option<String>,
    pub processor: Option<String>,
    /// The record's own time, in ms since the epoch: not before.
    pub since: Option<i64>,
    /// And before.
    pub until: Option<i64>,
    /// As text, or as its codec shows it.
    pub key: Option<String>,
    /// The topic that it came from.
    pub topic: Option<String>,
    /// These only.
    pub at: Vec<At>,
}

/// A filter, and how many at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub filter: Filter,
    pub limit: Option<u64>,
}

/// The codecs of keys, by topic.
pub struct KeyCodecs(BTreeMap<String, Codec>);

impl KeyCodecs {
    pub fn of(topology: &Topology) -> Self {
        let sources = topology.sources.iter().map(|source| (&source.topic, &source.format));
        let codecs = sources.filter_map(|(topic, format)| Some((topic.clone(), format.key_codec()?)));
        let through = topology.processors.iter().filter_map(|node| {
            let through = node.definition.through()?;
            Some((through.topic, through.codec.key?))
        });
        Self(codecs.chain(through).collect())
    }

    pub fn of_letter(&self, letter: &Letter<'_>) -> Codec {
        let codec = letter.source.and_then(|source| self.0.get(source.topic));
        codec.copied().unwrap_or(Codec::String)
    }
}

impl Filter {
    pub(super) fn matches(&self, letter: &Letter<'_>, codecs: &KeyCodecs) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        let reason = |wanted: &String| letter.kind == wanted || letter.message.contains(wanted.as_str());
        let key = |wanted: &String| {
            letter
                .key
                .is_some_and(|key| key == wanted.as_bytes() || shown_key(key, codecs.of_letter(letter)) == *wanted)
        };
        self.reason.as_ref().is_none_or(reason)
            && is(&self.processor, letter.processor)
            && is(&self.topic, letter.source.map_or("", |source| source.topic))
            && self.since.is_none_or(|since| letter.timestamp >= since)
            && self.until.is_none_or(|until| letter.timestamp < until)
            && self.key.as_ref().is_none_or(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dead_letter::Source;

    fn letter<'r>() -> Letter<'r> {
        Letter {
            partition: 0,
            offset: 0,
            key: Some(&[0, 0, 0, 5]),
            value: None,
            headers: &[],
            timestamp: 1_000,
            kind: "decode",
            message: "not JSON: expected a value at byte 3",
            detail: None,
            processor: "orders",
            source: Some(Source {
                topic: "in",
                place: Some((0, 0)),
            }),
            truncated: None,
        }
    }

    fn matches(change: impl FnOnce(&mut Filter)) -> bool {
        let mut filter = Filter::default();
        change(&mut filter);
        let codecs = KeyCodecs([("in".to_owned(), Codec::Int32)].into_iter().collect());
        filter.matches(&letter(), &codecs)
    }

    #[test]
    fn every_part_of_a_filter_must_hold() {
        let some = |text: &str| Some(text.to_owned());
        assert!(matches(|_| {}));
        for (reason, expected) in [
            ("decode", true),
            ("expected a value", true),
            ("dec", false),
            ("encode", false),
        ] {
            assert_eq!(matches(|filter| filter.reason = some(reason)), expected, "{reason}");
        }
        assert!(matches(|filter| filter.processor = some("orders")));
        assert!(!matches(|filter| filter.processor = some("order")));
        assert!(matches(|filter| filter.topic = some("in")));
        assert!(!matches(|filter| filter.topic = some("i")));
        assert!(matches(
            |filter| (filter.since, filter.until) = (Some(1_000), Some(1_001))
        ));
        assert!(!matches(|filter| filter.since = Some(1_001)));
        assert!(!matches(|filter| filter.until = Some(1_000)));
        assert!(matches(|filter| filter.key = some("5")));
        assert!(matches(|filter| filter.key = some("\0\0\0\u{5}")));
        assert!(!matches(|filter| filter.key = some("6")));
        assert!(!matches(
            |filter| (filter.reason, filter.processor) = (some("decode"), some("other"))
        ));
    }

    #[test]
    fn a_moment_is_a_time_with_its_zone_or_how_long_ago() {
        assert_eq!("1970-01-01T00:00:01.5Z".parse(), Ok(Moment::Time(1_500)));
        assert_eq!("2h".parse(), Ok(Moment::Ago(7_200_000)));
        assert_eq!(Moment::Ago(500).at(2_000), 1_500);
        for wrong in ["", "yesterday", "2024-05-22", "-2h", "17"] {
            assert!(wrong.parse::<Moment>().unwrap_err().contains("2h"), "{wrong}");
        }
    }

    #[test]
    fn a_place_is_read_as_it_is_shown() {
        let at: At = "3:42".parse().unwrap();
        assert_eq!(at.to_string(), "3:42");
        for wrong in ["", "3", "3:", ":3", "-1:3", "3:-1", "a:3"] {
            assert!(wrong.parse::<At>().is_err(), "{wrong}");
        }
    }
}
