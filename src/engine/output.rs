//! What one record becomes: kept back until the whole record is processed, so that it succeeds whole or not at all.

use super::trace::Traced;
use crate::codec::{Choice, CodecError, Writer};
use crate::observe::traces::{TRACEPARENT, TRACESTATE};
use crate::record::{Header, Key};
use crate::value::{SecretNames, Value};
use bumpalo::Bump;
use std::ops::Range;

/// A record to be written, its bytes in [`Outputs`]' buffer.
#[derive(Debug)]
struct Output {
    topic: usize,
    sink: Option<Sunk>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
    timestamp: i64,
}

/// The sink that an output came through, and the event's own time.
#[derive(Clone, Copy, Debug)]
pub struct Sunk {
    pub index: usize,
    pub event_time: Option<i64>,
}

/// The outputs of one record, in buffers that are used again for the next.
#[derive(Debug, Default)]
pub struct Outputs {
    bytes: Vec<u8>,
    records: Vec<Output>,
    headers: Vec<(Range<usize>, Range<usize>)>,
    /// The record's `traceparent` and `tracestate`.
    trace: Option<(Range<usize>, Option<Range<usize>>)>,
}

/// An output as it is sent.
#[derive(Debug)]
pub struct Sendable<'o> {
    pub topic: usize,
    pub key: Option<&'o [u8]>,
    /// `None` removes the key from a compacted topic.
    pub value: Option<&'o [u8]>,
    pub timestamp: i64,
}

/// An output as it comes.
pub struct Written<'w, 'a> {
    pub topic: usize,
    /// `None`: it goes to a topic in the middle, or one that a processor keeps.
    pub sink: Option<Sunk>,
    pub writer: &'w Writer,
    /// Of the writer's schemas.
    pub choice: Choice,
    pub secrets: &'w SecretNames,
    pub arena: &'a Bump,
    pub key: Option<Key<'a>>,
    pub value: Option<Value<'a>>,
    pub timestamp: i64,
}

/// What can't be written, and which part of it.
#[derive(Debug, thiserror::Error)]
#[error("the {part} can't be written: {error}")]
pub struct Unwritable {
    part: &'static str,
    error: CodecError,
}

impl Outputs {
    /// Of the next record, and of its trace, which all of them carry on.
    pub fn begin(&mut self, traced: Option<&Traced<'_>>) {
        self.bytes.clear();
        self.records.clear();
        self.headers.clear();
        self.trace = traced.map(|traced| {
            let parent = self.append(traced.traceparent());
            (parent, traced.tracestate().map(|state| self.append(state)))
        });
    }

    /// Adds a record.
    ///
    /// # Errors
    /// A key or value that its codec has no bytes for: then nothing of the record that it came of may be sent.
    pub fn push<'h>(
        &mut self,
        written: &Written<'_, '_>,
        headers: impl Iterator<Item = (&'h str, &'h str)>,
    ) -> Result<(), Unwritable> {
        let Written {
            writer, secrets, arena, ..
        } = written;
        let key = match &written.key {
            None => None,
            Some(key) => Some(self.encoded("key", |out| writer.key(key, secrets, arena, out))?),
        };
        let first = self.headers.len();
        for (name, value) in headers {
            let header = (self.append(name.as_bytes()), self.append(value.as_bytes()));
            self.headers.push(header);
        }
        let value = match &written.value {
            None => None,
            Some(value) => {
                let encode = |out: &mut Vec<u8>| writer.value(value, written.choice, secrets, arena, out);
                Some(self.encoded("value", encode)?)
            }
        };
        self.records.push(Output {
            topic: written.topic,
            sink: written.sink,
            key,
            value,
            headers: first..self.headers.len(),
            timestamp: written.timestamp,
        });
        Ok(())
    }

    fn encoded(
        &mut self,
        part: &'static str,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
    ) -> Result<Range<usize>, Unwritable> {
        let start = self.bytes.len();
        encode(&mut self.bytes).map_err(|error| Unwritable { part, error })?;
        Ok(start..self.bytes.len())
    }

    fn append(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// The size of the largest output, in bytes.
    pub fn largest(&self) -> usize {
        self.records
            .iter()
            .map(|o| o.value.as_ref().map_or(0, Range::len) + o.key.as_ref().map_or(0, Range::len))
            .max()
            .unwrap_or(0)
    }

    /// Hands every output on, with its headers.
    pub fn each<E>(&self, mut send: impl FnMut(Sendable<'_>, &[Header<'_>]) -> Result<(), E>) -> Result<(), E> {
        let mut headers = Vec::new();
        for output in &self.records {
            headers.clear();
            for (name, value) in self.headers.get(output.headers.clone()).unwrap_or_default() {
                let name = std::str::from_utf8(self.slice(name)).unwrap_or_default();
                headers.push(Header {
                    name,
                    value: Some(self.slice(value)),
                });
            }
            self.trace(&mut headers);
            let sendable = Sendable {
                topic: output.topic,
                key: output.key.as_ref().map(|key| self.slice(key)),
                value: output.value.as_ref().map(|value| self.slice(value)),
                timestamp: output.timestamp,
            };
            send(sendable, &headers)?;
        }
        Ok(())
    }

    /// Adds the trace, unless the topology gives headers of these names by itself.
    fn trace<'o>(&'o self, headers: &mut Vec<Header<'o>>) {
        let Some((parent, state)) = &self.trace else { return };
        if headers.iter().any(|own| [TRACEPARENT, TRACESTATE].contains(&own.name)) {
            return;
        }
        let state = state.as_ref().map(|state| (TRACESTATE, state));
        headers.extend(
            [(TRACEPARENT, parent)]
                .into_iter()
                .chain(state)
                .map(|(name, value)| Header {
                    name,
                    value: Some(self.slice(value)),
                }),
        );
    }

    /// The sinks that outputs came through, one for each.
    pub fn sunk(&self) -> impl Iterator<Item = Sunk> {
        self.records.iter().filter_map(|output| output.sink)
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}
