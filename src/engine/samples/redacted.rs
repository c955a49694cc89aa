//! Records as text, without secrets and bounded.
//!
//! - Members that the topology's `secrets:` name are left out at any depth, and so are those under whose names a mapping that `reveals:`
//!   a secret passes it on.
//! - A text that holds something like the name of a secret and its value, as JSON within JSON or a query of an address, is not shown.
//! - Of headers only those are shown that are known to be harmless: the others may be tokens.

use super::Sample;
use crate::mapping::{KEY, WHOLE};
use crate::record::{Header, Key, Origin, RawRecord, Record};
use crate::topology::Topology;
use crate::value::{SecretNames, Value, write};
use bumpalo::Bump;
use std::time::SystemTime;

/// The longest value that is shown, in bytes.
const VALUE: usize = 4 << 10;
/// The longest key or header.
const SHORT: usize = 256;
/// The most headers of a record.
const HEADERS: usize = 32;
/// What a text that names a secret is shown as.
const HIDDEN: &str = "(not shown: it names a secret)";
/// What stands between the name of a secret and its value, one of these at least.
const MARKS: [char; 4] = [':', '=', '"', '{'];
/// Headers that are shown, and beginnings of such.
const HARMLESS: [&str; 4] = ["content-type", "content-encoding", "traceparent", "correlation-id"];
const HARMLESS_FAMILIES: [&str; 1] = ["ce_"];

/// Something of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    /// What of it is not shown, and why.
    pub note: Option<String>,
}

impl Text {
    fn not(note: String) -> Self {
        Self {
            text: String::new(),
            note: Some(note),
        }
    }

    fn cut(mut text: String, most: usize) -> Self {
        let bytes = text.len();
        if bytes <= most {
            return Self { text, note: None };
        }
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        Self {
            text,
            note: Some(format!("cut: it has {bytes} bytes")),
        }
    }
}

/// What must not be shown.
#[derive(Debug, Default)]
pub(super) struct Redaction {
    pub(super) hidden: SecretNames,
}

impl Redaction {
    pub fn of(topology: &Topology) -> Self {
        let mut hidden = topology.secrets.clone();
        // A mapping may read what another has made of a secret.
        loop {
            let carried = topology
                .processors
                .iter()
                .flat_map(|node| node.definition.carries(&hidden));
            let mut new = carried.filter(|name| !hidden.contains(name)).peekable();
            if hidden.is_empty() || new.peek().is_none() {
                return Self { hidden };
            }
            hidden = hidden.with(new.collect::<Vec<_>>());
        }
    }

    pub fn sample(&self, record: &Record<'_>) -> Sample {
        let value = self.value(record.value);
        self.of_record(record.origin, record.timestamp, record.key, record.headers, value)
    }

    pub fn unreadable(&self, record: &RawRecord<'_>, why: &str) -> Sample {
        let value = match record.value {
            Some(value) => Text::not(format!("not shown: {} bytes that can't be read: {why}", value.len())),
            None => Text::not(format!("not shown: {why}")),
        };
        let key = record.key.map(Key::raw);
        self.of_record(record.origin, record.timestamp, key, record.headers, value)
    }

    fn of_record(
        &self,
        origin: Origin<'_>,
        timestamp: i64,
        key: Option<Key<'_>>,
        headers: &[Header<'_>],
        value: Text,
    ) -> Sample {
        Sample {
            topic: origin.topic.to_owned(),
            partition: origin.partition,
            offset: origin.offset,
            timestamp,
            at: SystemTime::now(),
            key: key.map(|key| self.key(key)),
            headers: self.headers(headers),
            value,
        }
    }

    fn value(&self, value: Value<'_>) -> Text {
        if self.hidden.contains(WHOLE) && !matches!(value, Value::Object(_)) {
            return Text::not("not shown: a mapping makes values of a secret".to_owned());
        }
        Text::cut(self.json(value), VALUE)
    }

    fn key(&self, key: Key<'_>) -> Text {
        if self.hidden.contains(KEY) {
            return Text::not("not shown: a mapping makes keys of a secret".to_owned());
        }
        match key.value() {
            None => Text::not(format!("not shown: {} bytes that are no text", key.bytes.len())),
            Some(Value::String(text)) if self.names_a_secret(text) => Text::not(HIDDEN.to_owned()),
            Some(Value::String(text)) => Text::cut(text.to_owned(), SHORT),
            Some(value) => Text::cut(self.json(value), SHORT),
        }
    }

    fn headers(&self, headers: &[Header<'_>]) -> Vec<(String, Text)> {
        let shown = headers.iter().take(HEADERS);
        shown
            .map(|header| (Text::cut(header.name.to_owned(), SHORT).text, self.header(header)))
            .collect()
    }

    fn header(&self, header: &Header<'_>) -> Text {
        let Some(value) = header.value else {
            return Text::default();
        };
        let name = header.name.to_ascii_lowercase();
        let is_harmless =
            HARMLESS.contains(&name.as_str()) || HARMLESS_FAMILIES.iter().any(|start| name.starts_with(start));
        match std::str::from_utf8(value) {
            Ok(text) if is_harmless && !self.hidden.contains(header.name) && !self.names_a_secret(text) => {
                Text::cut(text.to_owned(), SHORT)
            }
            _ => Text::not(format!("not shown: {} bytes", value.len())),
        }
    }

    fn json(&self, value: Value<'_>) -> String {
        let arena = Bump::new();
        let mut out = Vec::new();
        write(&self.without_texts(value, &arena), &self.hidden, &mut out);
        // What was written is made of `str`s and ASCII.
        String::from_utf8(out).unwrap_or_default()
    }

    /// The same with every text replaced that names a secret.
    fn without_texts<'a>(&self, value: Value<'a>, arena: &'a Bump) -> Value<'a> {
        match value {
            Value::String(text) if self.names_a_secret(text) => Value::String(HIDDEN),
            Value::Array(elements) => {
                let elements = elements.iter().map(|element| self.without_texts(*element, arena));
                Value::Array(arena.alloc_slice_fill_iter(elements.collect::<Vec<_>>()))
            }
            Value::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| (*name, self.without_texts(*value, arena)));
                Value::Object(arena.alloc_slice_fill_iter(members.collect::<Vec<_>>()))
            }
            other => other,
        }
    }

    /// A word alone names none: a type of event may be called after what it is about.
    fn names_a_secret(&self, text: &str) -> bool {
        if self.hidden.is_empty() || !text.contains(MARKS) {
            return false;
        }
        let lower = text.to_lowercase();
        self.hidden.iter().any(|name| lower.contains(name))
    }
}
