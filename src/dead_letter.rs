//! A record that failed, as it is kept: raw key, value and headers byte for byte, and headers that say why (Kafka's own names,
//! KIP-1034).

mod letter;

pub use letter::{Letter, Source};

use crate::broker::Outgoing;
use crate::record::{Header, RawRecord};

/// The headers that say why, in the order in which they are written, behind the record's own.
const EXCEPTION: &str = "__streams.errors.exception";
const MESSAGE: &str = "__streams.errors.message";
const STACKTRACE: &str = "__streams.errors.stacktrace";
const TOPIC: &str = "__streams.errors.topic";
const PARTITION: &str = "__streams.errors.partition";
const OFFSET: &str = "__streams.errors.offset";
const PROCESSOR: &str = "millstream.processor";
const TRUNCATED: &str = "millstream.truncated";

/// Why a record failed and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `decode`, `mapping`, `no_route`, `too_large`…: one word, also a metric's label.
    pub kind: &'static str,
    pub message: String,
    /// The expression and its place, where there is one.
    pub detail: Option<String>,
    /// The processor, source or sink it failed in.
    pub processor: String,
}

/// Room for our own headers in a record that is cut to fit.
const HEADER_ROOM: usize = 4 * 1024;
/// The longest message or detail that is kept.
const MESSAGE_ROOM: usize = 1024;

/// What of a record fits into its dead letter.
struct Kept<'a> {
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    headers: &'a [Header<'a>],
    /// What does not, in words.
    cut: Option<String>,
}

/// The value gives way first, then the record's own headers, then the key.
fn fit<'a>(record: &RawRecord<'a>, limit: usize) -> Kept<'a> {
    let room = limit.saturating_sub(HEADER_ROOM);
    let size = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
    let of_header = |header: &Header<'_>| header.name.len() + size(header.value);
    let own: usize = record.headers.iter().map(of_header).sum();
    let mut words = Vec::new();
    let headers = if own + size(record.key) <= room {
        record.headers
    } else {
        words.push(format!("{} headers left out", record.headers.len()));
        &[]
    };
    let own = if headers.is_empty() { 0 } else { own };
    let mut cut = |what: &str, bytes: Option<&'a [u8]>, room: usize| {
        let length = size(bytes);
        if length > room {
            words.push(format!("{what}{room} of {length} bytes"));
        }
        bytes.map(|bytes| bytes.get(..room).unwrap_or(bytes))
    };
    let key = cut("key: ", record.key, room - own);
    let value = cut("", record.value, room - own - size(key));
    Kept {
        key,
        value,
        headers,
        cut: (!words.is_empty()).then(|| words.join(", ")),
    }
}

fn shortened(text: &str) -> &str {
    let end = (0..=MESSAGE_ROOM.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

/// Hands over the dead letter of `record`. What is over `limit` bytes is cut, and a header says so.
pub fn write<R>(
    record: &RawRecord<'_>,
    reason: &Reason,
    topic: &str,
    limit: usize,
    send: impl FnOnce(Outgoing<'_>) -> R,
) -> R {
    let partition = record.origin.partition.to_string();
    let offset = record.origin.offset.to_string();
    let kept = fit(record, limit);
    let mut headers = kept.headers.to_vec();
    let mut add = |name, text| {
        headers.push(Header {
            name,
            value: Some(str::as_bytes(text)),
        })
    };
    add(EXCEPTION, reason.kind);
    add(MESSAGE, shortened(&reason.message));
    if let Some(detail) = &reason.detail {
        add(STACKTRACE, shortened(detail));
    }
    add(TOPIC, record.origin.topic);
    add(PARTITION, &partition);
    add(OFFSET, &offset);
    add(PROCESSOR, &reason.processor);
    if let Some(cut) = &kept.cut {
        add(TRUNCATED, cut);
    }
    let timestamp = (record.timestamp >= 0).then_some(record.timestamp);
    send(Outgoing {
        topic,
        partition: None,
        key: kept.key,
        value: kept.value,
        headers: &headers,
        timestamp,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Origin;

    fn record<'a>(value: &'a [u8], headers: &'a [Header<'a>]) -> RawRecord<'a> {
        let origin = Origin {
            topic: "in",
            partition: 3,
            offset: 42,
        };
        RawRecord {
            origin,
            key: Some(b"k"),
            value: Some(value),
            headers,
            timestamp: 7,
        }
    }

    fn reason() -> Reason {
        Reason {
            kind: "decode",
            message: "no".into(),
            detail: None,
            processor: "feed".into(),
        }
    }

    #[test]
    fn a_dead_letter_keeps_the_bytes_and_says_where_they_came_from() {
        let own = [Header {
            name: "env",
            value: Some(b"\xff"),
        }];
        write(&record(b"{\xfe", &own), &reason(), "dead", 1_000_000, |out| {
            assert_eq!(
                (out.key, out.value, out.timestamp),
                (Some(&b"k"[..]), Some(&b"{\xfe"[..]), Some(7))
            );
            assert_eq!(out.headers[0], own[0]);
            let text = |name| out.headers.iter().find(|h| h.name == name).and_then(|h| h.value);
            assert_eq!(text("__streams.errors.offset"), Some(&b"42"[..]));
            assert_eq!(text("millstream.processor"), Some(&b"feed"[..]));
            assert_eq!(text("millstream.truncated"), None);
        });
    }

    #[test]
    fn a_value_that_does_not_fit_is_cut_and_says_so() {
        let long = vec![b'x'; 10_000];
        write(&record(&long, &[]), &reason(), "dead", 6_000, |out| {
            assert_eq!(out.value.map(<[u8]>::len), Some(6_000 - HEADER_ROOM - 1));
            assert!(out.headers.iter().any(|h| h.name == "millstream.truncated"));
        });
    }

    #[test]
    fn a_key_or_a_header_that_does_not_fit_gives_way_too() {
        let long = vec![b'x'; 10_000];
        let header = Header {
            name: "h",
            value: Some(&long),
        };
        let (headers, small) = ([header], b"v");
        let mut record = record(small, &headers);
        let reason = Reason {
            message: "m".repeat(9_000),
            ..reason()
        };
        for key in [&b"k"[..], &long] {
            record.key = Some(key);
            write(&record, &reason, "dead", 6_000, |out| {
                let size = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
                let headers: usize = out.headers.iter().map(|h| h.name.len() + size(h.value)).sum();
                assert!(size(out.key) + size(out.value) + headers <= 6_000);
                assert!(out.key.is_some_and(|kept| key.starts_with(kept) && !kept.is_empty()));
                assert!(!out.headers.contains(&header));
                let cut = out.headers.iter().find(|h| h.name == "millstream.truncated");
                assert!(String::from_utf8_lossy(cut.unwrap().value.unwrap()).starts_with("1 headers left out"));
            });
        }
    }
}
