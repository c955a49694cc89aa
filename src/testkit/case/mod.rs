//! Cases: what a topology makes of records, written in YAML beside it, in `tests/*.yaml`.
//!
//! ```yaml
//! - name: a user created in the shop becomes CustomerCreated
//!   tables:                                  # rows before the input
//!     collections: [{key: "686", value: {name: Eyes}}]
//!     stores: {file: samples/stores.jsonl}   # a line a row: {"key": "1", "value": {...}}
//!   input:
//!     - {source: eventbridge, value: {file: samples/CreateUser.json}}     # the file's bytes as they are
//!     - source: eventbridge
//!       value: {file: samples/CreateUser.json, set: {detail.users.0.id: 7}, unset: [detail.channel]}
//!       key: "7"
//!       headers: {env: stg}
//!       timestamp: 2024-05-22T05:55:57Z      # or milliseconds since the epoch
//!       times: 2
//!     - {source: rabbitmq, value: {users: {id: 1}}}       # a document
//!     - {source: rabbitmq, text: '{"truncated'}           # any bytes
//!   output:                                  # by topic: these records in this order and no others
//!     integration-dev:
//!       - key: "12079"                     # with a `codec` for keys, whatever that reads
//!         value: {type: CustomerCreated}     # members that must be there; others may be (a list must be whole)
//!         that: = event.detail.age > 18      # or a list; sees `event`, `key`, `headers`, `record`
//!       - equals: {...}                      # the whole document
//!         headers: {env: stg}                # headers that must be there
//!   dead_letters: [{reason: a part of the message, processor: normalize, kind: mapping}]
//!   never: [secret]                          # stands in no output and in no dead letter's reason
//! - name: an event of a kind that nobody wants
//!   input: [...]
//!   no_output: true
//! ```
//! Keys and values are written and read by the `codec` of their topic; `value: null` is a record without a value. A topic that a case
//! does not name must have nothing, and so must the dead letters; but what `repartition` and `table` write may go unnamed.
//!
//! Invariant: a case that was read names sources, tables, topics and processors that the topology has.

pub(super) mod compare;
mod document;
mod read;
mod read_by;
pub(super) mod shown;
#[cfg(test)]
mod tests;

pub use compare::{DeadLetter, Problem};
pub use read::read_folder;

use super::driver::Message;
use crate::codec::Reader;
use crate::expression::Expression;
use crate::yaml::{Node, Place};
use std::sync::Arc;

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub place: Place,
    /// Rows by table: name, key, value.
    pub rows: Vec<Row>,
    pub inputs: Vec<Input>,
    pub outputs: Vec<ExpectedTopic>,
    pub dead_letters: Vec<ExpectedDeadLetter>,
    pub never: Vec<(String, Place)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub table: String,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub source: String,
    pub message: Message,
    pub times: usize,
}

#[derive(Clone, Debug)]
pub struct ExpectedTopic {
    pub topic: String,
    pub place: Place,
    pub reader: Arc<Reader>,
    pub records: Vec<ExpectedRecord>,
}

#[derive(Clone, Debug)]
pub struct ExpectedRecord {
    pub place: Place,
    /// `Some(None)`: there must be no key.
    pub key: Option<Option<String>>,
    pub headers: Vec<(String, Option<String>)>,
    pub value: Option<ExpectedValue>,
    pub that: Vec<(String, Place, Expression)>,
}

#[derive(Clone, Debug)]
pub struct ExpectedValue {
    pub tree: Node,
    /// Nothing else may be there.
    pub whole: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedDeadLetter {
    pub place: Place,
    pub reason: Option<String>,
    pub processor: Option<String>,
    pub kind: Option<String>,
}
