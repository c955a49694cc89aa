//! A record that failed, as it is kept: raw key, value and headers byte for byte, and headers that say why (Kafka's own names,
//! KIP-1034).

use crate::broker::Outgoing;
use crate::record::{Header, RawRecord};

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

/// Room for headers in a record that is cut to fit.
const HEADER_ROOM: usize = 4 * 1024;

/// Hands over the dead letter of `record`. A value over `limit` bytes is cut, and says so in a header.
pub fn write<R>(
    record: &RawRecord<'_>,
    reason: &Reason,
    topic: &str,
    limit: usize,
    send: impl FnOnce(Outgoing<'_>) -> R,
) -> R {
    let partition = record.origin.partition.to_string();
    let offset = record.origin.offset.to_string();
    let room = limit.saturating_sub(HEADER_ROOM + record.key.map_or(0, <[u8]>::len));
    let length = record.value.map_or(0, <[u8]>::len);
    let value = record.value.map(|value| value.get(..room).unwrap_or(value));
    let cut = (length > room).then(|| format!("{room} of {length} bytes"));
    let mut headers = record.headers.to_vec();
    let mut add = |name, text| {
        headers.push(Header {
            name,
            value: Some(str::as_bytes(text)),
        })
    };
    add("__streams.errors.exception", reason.kind);
    add("__streams.errors.message", &reason.message);
    if let Some(detail) = &reason.detail {
        add("__streams.errors.stacktrace", detail);
    }
    add("__streams.errors.topic", record.origin.topic);
    add("__streams.errors.partition", &partition);
    add("__streams.errors.offset", &offset);
    add("millstream.processor", &reason.processor);
    if let Some(cut) = &cut {
        add("millstream.truncated", cut);
    }
    let timestamp = (record.timestamp >= 0).then_some(record.timestamp);
    send(Outgoing {
        topic,
        partition: None,
        key: record.key,
        value,
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
}
