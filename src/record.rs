//! A record on its way through the processors.

use crate::value::Value;

/// One header of a record. Kafka allows a header without a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header<'a> {
    pub name: &'a str,
    pub value: Option<&'a [u8]>,
}

/// Headers that somebody owns, borrowed: each a name and perhaps a value.
pub fn headers<N: AsRef<str>, V: AsRef<[u8]>>(owned: &[(N, Option<V>)]) -> Vec<Header<'_>> {
    let borrowed = owned.iter().map(|(name, value)| Header {
        name: name.as_ref(),
        value: value.as_ref().map(V::as_ref),
    });
    borrowed.collect()
}

/// Where a record was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
}

/// A record as Kafka has it: bytes.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    pub origin: Origin<'a>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [Header<'a>],
    /// Milliseconds since the epoch; -1 where the broker gave none.
    pub timestamp: i64,
}

/// A key on its way: the bytes that state is kept under and that are written where no codec says otherwise, and what they stand
/// for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key<'a> {
    /// As they were read, or the text of what was computed.
    pub bytes: &'a [u8],
    /// `None`: nobody decoded them.
    pub value: Option<Value<'a>>,
}

impl<'a> Key<'a> {
    /// Bytes that nobody decoded.
    pub fn raw(bytes: &'a [u8]) -> Self {
        Self { bytes, value: None }
    }

    /// A key that was computed. `None`: null is no key.
    ///
    /// # Errors
    /// The type's name, of a list or an object.
    pub fn of(value: Value<'a>) -> Result<Option<Self>, &'static str> {
        let text = match value {
            Value::Null => return Ok(None),
            Value::String(text) | Value::Number(text) => text,
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Array(_) | Value::Object(_) => return Err(value.type_name()),
        };
        Ok(Some(Self {
            bytes: text.as_bytes(),
            value: Some(value),
        }))
    }

    /// What it stands for; text, where nobody decoded it. `None`: then it is not UTF-8.
    pub fn value(&self) -> Option<Value<'a>> {
        let text = || std::str::from_utf8(self.bytes).ok().map(Value::String);
        self.value.or_else(text)
    }
}

/// A decoded record between processors. `Copy`, as everything in it is borrowed from the record's bytes or the arena.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub key: Option<Key<'a>>,
    pub value: Value<'a>,
    pub headers: &'a [Header<'a>],
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    pub origin: Origin<'a>,
}
