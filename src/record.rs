//! A record on its way through the processors.

use crate::value::Value;

/// One header of a record. Kafka allows a header without a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header<'a> {
    pub name: &'a str,
    pub value: Option<&'a [u8]>,
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

/// A decoded record between processors. `Copy`, as everything in it is borrowed from the record's bytes or the arena.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub key: Option<&'a [u8]>,
    pub value: Value<'a>,
    pub headers: &'a [Header<'a>],
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    pub origin: Origin<'a>,
}
