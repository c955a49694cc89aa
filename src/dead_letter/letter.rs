//! A dead letter as it is read again: the record that failed, and why.
//!
//! Invariant: what is written behind a record's own headers is told apart from them by place and not by name, so that a record
//! whose own headers have such names (it came from somebody's dead letters) is the same again.

use super::{EXCEPTION, MESSAGE, OFFSET, PARTITION, PROCESSOR, STACKTRACE, TOPIC, TRUNCATED};
use crate::record::{Header, RawRecord};

/// A dead letter, borrowed from its record.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'r> {
    /// Where it lies among the dead letters.
    pub partition: i32,
    pub offset: i64,
    pub key: Option<&'r [u8]>,
    pub value: Option<&'r [u8]>,
    /// The record's own headers.
    pub headers: &'r [Header<'r>],
    /// The record's own time: milliseconds since the epoch, -1 where there is none.
    pub timestamp: i64,
    /// Why it failed, one word; empty where nobody says.
    pub kind: &'r str,
    pub message: &'r str,
    /// The expression and its place, where there is one.
    pub detail: Option<&'r str>,
    /// The processor, source, sink or feed that it failed in.
    pub processor: &'r str,
    /// `None`: no header says where it came from.
    pub source: Option<Source<'r>>,
    /// What of it was cut to fit, in words.
    pub truncated: Option<&'r str>,
}

/// Where a record lay that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'r> {
    pub topic: &'r str,
    /// Partition and offset; `None`: it never lay in that topic, as a feed could not make a record of it.
    pub place: Option<(i32, i64)>,
}

impl<'r> Letter<'r> {
    /// Never fails: what a record does not say is empty.
    pub fn read(record: &RawRecord<'r>) -> Self {
        let ours = record.headers.iter().rposition(|header| header.name == EXCEPTION);
        let (headers, ours) = record.headers.split_at(ours.unwrap_or(record.headers.len()));
        let text = |name: &str| {
            let header = ours.iter().rev().find(|header| header.name == name)?;
            std::str::from_utf8(header.value?).ok()
        };
        let number = |name: &str| text(name)?.parse::<i64>().ok().filter(|number| *number >= 0);
        let place = || Some((i32::try_from(number(PARTITION)?).ok()?, number(OFFSET)?));
        Self {
            partition: record.origin.partition,
            offset: record.origin.offset,
            key: record.key,
            value: record.value,
            headers,
            timestamp: record.timestamp,
            kind: text(EXCEPTION).unwrap_or_default(),
            message: text(MESSAGE).unwrap_or_default(),
            detail: text(STACKTRACE),
            processor: text(PROCESSOR).unwrap_or_default(),
            source: text(TOPIC).map(|topic| Source { topic, place: place() }),
            truncated: text(TRUNCATED),
        }
    }

    /// A checksum of all that the record has, the same whenever it is read.
    pub fn checksum(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        let mut add = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
            hasher.update(&length.to_be_bytes());
            hasher.update(bytes.unwrap_or_default());
        };
        add(self.key);
        add(self.value);
        for header in self.headers {
            add(Some(header.name.as_bytes()));
            add(header.value);
        }
        add(Some(self.kind.as_bytes()));
        add(self.source.map(|source| source.topic.as_bytes()));
        let (partition, offset) = self.source.and_then(|source| source.place).unwrap_or((-1, -1));
        add(Some(&partition.to_be_bytes()));
        add(Some(&offset.to_be_bytes()));
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reason, write};
    use super::*;
    use crate::record::Origin;

    fn header<'a>(name: &'a str, value: &'a [u8]) -> Header<'a> {
        Header {
            name,
            value: Some(value),
        }
    }

    /// What is read of the dead letter of a record.
    fn written(topic: &str, place: (i32, i64), headers: &[Header<'_>], check: impl FnOnce(Letter<'_>)) {
        let record = RawRecord {
            origin: Origin {
                topic,
                partition: place.0,
                offset: place.1,
            },
            key: Some(b"k"),
            value: Some(b"\xff"),
            headers,
            timestamp: 7,
        };
        let reason = Reason {
            kind: "decode",
            message: "not JSON".into(),
            detail: Some("a.yaml:1:2".into()),
            processor: "orders".into(),
        };
        write(&record, &reason, "dead", 1_000_000, |out| {
            let origin = Origin {
                topic: "dead",
                partition: 1,
                offset: 9,
            };
            check(Letter::read(&RawRecord {
                origin,
                key: out.key,
                value: out.value,
                headers: out.headers,
                timestamp: out.timestamp.unwrap_or(-1),
            }));
        });
    }

    #[test]
    fn what_was_written_is_read_again() {
        let own = [header("env", b"dev")];
        written("in", (3, 42), &own, |letter| {
            assert_eq!((letter.partition, letter.offset, letter.timestamp), (1, 9, 7));
            assert_eq!((letter.key, letter.value), (Some(&b"k"[..]), Some(&b"\xff"[..])));
            assert_eq!(letter.headers, own);
            assert_eq!((letter.kind, letter.message), ("decode", "not JSON"));
            assert_eq!((letter.detail, letter.processor), (Some("a.yaml:1:2"), "orders"));
            let source = letter.source.unwrap();
            assert_eq!((source.topic, source.place), ("in", Some((3, 42))));
            assert_eq!(letter.truncated, None);
        });
    }

    #[test]
    fn headers_of_dead_letters_that_are_a_records_own_stay_its_own() {
        let own = [
            header("__streams.errors.exception", b"theirs"),
            header("__streams.errors.topic", b"theirs"),
            header("millstream.truncated", b"once"),
        ];
        written("in", (3, 42), &own, |letter| {
            assert_eq!(letter.headers, own);
            assert_eq!((letter.kind, letter.truncated), ("decode", None));
            assert_eq!(letter.source.unwrap().topic, "in");
        });
    }

    #[test]
    fn what_a_feed_could_not_make_a_record_of_has_a_topic_and_no_place() {
        written("in", (-1, -1), &[], |letter| {
            assert_eq!(letter.source.unwrap().place, None);
        });
    }

    #[test]
    fn a_record_that_says_nothing_is_a_letter_that_says_nothing() {
        let own = [header("a", b"b")];
        let record = RawRecord {
            origin: Origin {
                topic: "dead",
                partition: 0,
                offset: 0,
            },
            key: None,
            value: None,
            headers: &own,
            timestamp: -1,
        };
        let letter = Letter::read(&record);
        assert_eq!((letter.kind, letter.source, letter.headers), ("", None, &own[..]));
    }

    #[test]
    fn a_checksum_changes_with_all_that_a_record_has() {
        let sum = |topic: &str, place, headers: &[Header<'_>]| {
            let mut sum = 0;
            written(topic, place, headers, |letter| sum = letter.checksum());
            sum
        };
        let first = sum("in", (3, 42), &[header("a", b"b")]);
        assert_eq!(first, sum("in", (3, 42), &[header("a", b"b")]));
        let others = [
            sum("on", (3, 42), &[header("a", b"b")]),
            sum("in", (3, 43), &[header("a", b"b")]),
            sum("in", (4, 42), &[header("a", b"b")]),
            sum("in", (3, 42), &[header("ab", b"")]),
            sum("in", (3, 42), &[]),
        ];
        assert!(!others.contains(&first), "{others:?}");
    }
}
