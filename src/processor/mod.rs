//! The processors: one file a type, which reads its own part of the YAML and runs it.
//!
//! Processors are synchronous and pure: a record in, records out, a store and the tables at hand. They know nothing of
//! Kafka. A new type is one file here and one line in [`registry`].

mod aggregate;
pub mod count;
mod dedupe;
mod enrich;
mod filter;
mod identity;
pub mod kind;
mod map;
mod read;
mod redact;
mod repartition;
mod switch;
mod table;
#[cfg(test)]
mod testing;
mod validate;

use crate::codec::{Codec, Codecs};
use crate::expression::{Expression, ExpressionError, Names, Scope};
use crate::record::{Key, Record};
use crate::state::{Remembered, StoreSpec};
use crate::value::{SecretNames, Value};
use crate::yaml::{Fields, Place};
use bumpalo::Bump;
use std::path::Path;
use std::sync::Arc;

/// Every processor type: its name in YAML and what reads it.
pub fn registry() -> &'static [(&'static str, Reader)] {
    &[
        ("map", map::read),
        ("switch", switch::read),
        ("filter", filter::read),
        ("repartition", repartition::read),
        ("dedupe", dedupe::read),
        ("enrich", enrich::read),
        ("redact", redact::read),
        ("validate", validate::read),
        ("aggregate", aggregate::read),
        ("table", table::read),
    ]
}

/// A record that a processor could not process; becomes a dead letter (or what `on_error` says).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind, for `__streams.errors.exception` and metrics: one of [`kind`].
    pub kind: &'static str,
    /// Says what, where and the types met; never a secret's value.
    pub message: String,
    /// Expression and place, where there is one.
    pub detail: Option<String>,
}

impl Failure {
    /// The kind of what is no fault of the record, and in no dead letter: what is needed to read it is in a schema registry that
    /// does not answer.
    pub const REGISTRY_AWAY: &str = "registry_away";

    fn new(kind: &'static str, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            message: message.into(),
            detail: None,
        }
    }

    /// Of an expression, which says itself where it stands and what types it met.
    fn of(kind: &'static str, error: &ExpressionError) -> Failure {
        let detail = format!("{} `{}`", error.place, error.expression);
        Failure {
            kind,
            message: error.to_string(),
            detail: Some(detail),
        }
    }

    /// The expression under a key of the processor gave a value that is of no use there.
    fn wrong_type(key: &str, needed: &str, value: Value<'_>) -> Failure {
        let message = format!(
            "`{key}` must give {needed}, and gave a value of type {}",
            value.type_name()
        );
        Failure::new(kind::WRONG_TYPE, message)
    }
}

/// Whether an expression reads a secret by its name, so that what it gives stands in no message.
fn is_secret(expression: &Expression, secrets: &SecretNames) -> bool {
    !expression.secrets_read(secrets).is_empty()
}

/// Evaluates an expression of a processor's own settings.
fn evaluate<'a>(expression: &Expression, scope: &Scope<'a>) -> Result<Option<Value<'a>>, Failure> {
    expression
        .evaluate(scope)
        .map_err(|error| Failure::of(kind::EXPRESSION, &error))
}

/// The key to look up or to partition by: a text or number, of which `7` and `"7"` are the same. `None`: absent or null.
fn key<'a>(name: &str, value: Option<Value<'a>>) -> Result<Option<Key<'a>>, Failure> {
    let text = word(name, value)?;
    Ok(text.map(|text| Key {
        bytes: text.as_bytes(),
        value,
    }))
}

/// The text of a text or number: for keys and ids, of which `7` and `"7"` are the same. `None`: absent or null.
fn word<'a>(key: &str, value: Option<Value<'a>>) -> Result<Option<&'a str>, Failure> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text) | Value::Number(text)) => Ok(Some(text)),
        Some(other) => Err(Failure::wrong_type(key, "a text or a number", other)),
    }
}

/// What a processor declares about itself, from its checked YAML. Shared by all workers.
pub trait Definition: Send + Sync {
    /// The type's name in YAML.
    fn type_name(&self) -> &'static str;
    /// Stores that every task of it needs.
    fn stores(&self) -> Vec<StoreSpec> {
        Vec::new()
    }
    /// Tables that it looks up, by name and where each is named.
    fn tables(&self) -> Vec<(String, Place)> {
        Vec::new()
    }
    /// The topic that it passes its records through: what comes after is another sub-topology.
    fn through(&self) -> Option<Through> {
        None
    }
    /// The topic in which it keeps the latest value of every key, for others to look up.
    fn keeps(&self) -> Option<Kept> {
        None
    }
    /// What the processor's id store remembers an id by, given as its parts (`None`: an absent one).
    ///
    /// # Errors
    /// Why these are no id of this processor, or that it has no ids.
    fn id(&self, parts: &[Option<&str>]) -> Result<u128, String> {
        let count = parts.len();
        Err(format!(
            "a `{}` keeps no ids, and here are {count} parts of one",
            self.type_name()
        ))
    }
    /// The JSON Schema that a record's value must match to pass, as one document.
    fn validates(&self) -> Option<serde_json::Value> {
        None
    }
    /// Under which names what comes out has what stands under these names in what goes in, where a mapping gives it another name.
    fn carries(&self, _names: &SecretNames) -> Vec<String> {
        Vec::new()
    }
    /// Named ways out, for coverage and the graph: the cases of a switch.
    fn branches(&self) -> Vec<String> {
        Vec::new()
    }
    /// The running processor, one a worker.
    fn build(&self) -> Box<dyn Processor>;
}

/// A topic in the middle of a topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Through {
    pub topic: String,
    pub partitions: Option<i32>,
    pub codec: Codecs,
}

/// The topic of a table. Its keys are the records' own, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub topic: String,
    pub codec: Codec,
}

/// A running processor.
pub trait Processor: Send {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure>;
}

/// What a processor has at hand while it processes one record. The engine implements it.
pub trait Context<'a> {
    fn arena(&self) -> &'a Bump;
    /// Hands a record on to whatever follows.
    fn forward(&mut self, record: Record<'a>);
    /// The row of a table, decoded into the arena. `None`: no such row. An error: the row is none of the table's codec.
    fn row(&mut self, table: &str, key: Key<'a>) -> Result<Option<Value<'a>>, Failure>;
    /// Sets the row of a key in the table that the processor [keeps](Definition::keeps), or removes it. An error: the table's codec
    /// has no bytes for the value.
    fn keep(&mut self, key: Key<'a>, value: Option<Value<'a>>) -> Result<(), Failure>;
    /// Remembers an id in the processor's id store number `store` (in the order of [`Definition::stores`]).
    /// A store that can't be read ends the record's transaction, whatever is made of the answer.
    fn remember(&mut self, store: usize, id: u128, event_time: i64) -> Remembered;
    /// The value of a key in the processor's key-value store number `store`, as this transaction sees it.
    fn get(&mut self, store: usize, key: &[u8]) -> Option<&'a [u8]>;
    /// Sets the value of a key, or removes it.
    fn put(&mut self, store: usize, key: &[u8], value: Option<&[u8]>);
    /// Counts something that is neither an output nor a failure: one of [`count`].
    fn count(&mut self, what: &'static str);
    /// Marks a branch as taken, by its index in [`Definition::branches`], for coverage.
    fn branch(&mut self, index: usize);
}

/// What a processor's reader may use.
pub struct Reading<'r> {
    pub name: &'r str,
    pub folder: &'r Path,
    pub names: &'r Names,
    pub secrets: &'r SecretNames,
}

/// Reads one type's part of the YAML. Asks `fields` for every key of the type (`type`, `from` and `on_error` are read already)
/// and puts every mistake into `fields.mistakes`; gives nothing if there was one. Whoever called it finishes `fields`.
pub type Reader = fn(&mut Fields<'_>, &Reading<'_>) -> Option<Arc<dyn Definition>>;
