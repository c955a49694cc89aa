//! What one record becomes: kept back until the whole record is processed, so that it succeeds whole or not at all.

use crate::record::Header;
use std::ops::Range;

/// A record to be written, its bytes in [`Outputs`]' buffer.
#[derive(Debug)]
struct Output {
    topic: usize,
    key: Option<Range<usize>>,
    value: Range<usize>,
    headers: Range<usize>,
    timestamp: i64,
}

/// The outputs of one record, in buffers that are used again for the next.
#[derive(Debug, Default)]
pub struct Outputs {
    bytes: Vec<u8>,
    records: Vec<Output>,
    headers: Vec<(Range<usize>, Range<usize>)>,
}

/// An output as it is sent.
#[derive(Debug)]
pub struct Sendable<'o> {
    pub topic: usize,
    pub key: Option<&'o [u8]>,
    pub value: &'o [u8],
    pub timestamp: i64,
}

impl Outputs {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
        self.headers.clear();
    }

    /// Adds a record; `write` appends its value to the buffer.
    pub fn push<'h>(
        &mut self,
        topic: usize,
        key: Option<&[u8]>,
        timestamp: i64,
        headers: impl Iterator<Item = (&'h str, &'h str)>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let key = key.map(|key| self.append(key));
        let first = self.headers.len();
        for (name, value) in headers {
            let header = (self.append(name.as_bytes()), self.append(value.as_bytes()));
            self.headers.push(header);
        }
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.records.push(Output {
            topic,
            key,
            value: start..self.bytes.len(),
            headers: first..self.headers.len(),
            timestamp,
        });
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
            .map(|o| o.value.len() + o.key.as_ref().map_or(0, |key| key.len()))
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
            let sendable = Sendable {
                topic: output.topic,
                key: output.key.as_ref().map(|key| self.slice(key)),
                value: self.slice(&output.value),
                timestamp: output.timestamp,
            };
            send(sendable, &headers)?;
        }
        Ok(())
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}
