//! Avro schemas, compiled: to decode by, to encode by, and to say what does not fit.
//!
//! | Avro | value |
//! | --- | --- |
//! | `null`, `boolean` | null, true and false |
//! | `int`, `long` | a whole number |
//! | `float`, `double` | a number, in as few digits as keep it whole; not a number and infinities are errors |
//! | `string` | a text |
//! | `bytes`, `fixed` | a text of one character a byte, U+0000 to U+00FF |
//! | `enum` | a text |
//! | `array`, `map`, `record` | a list, an object, an object in the order of the fields |
//! | union | the value of the branch; the first that takes the value is written |
//! | `date` | a text as in `2024-05-22` |
//! | `time-millis`, `time-micros` | a text as in `05:58:15.978` |
//! | `timestamp-…`, `local-timestamp-…` | a text as in `2024-05-22T05:58:15.978Z`, the local ones without the `Z` |
//! | `decimal` | a number with as many digits after the point as its scale |
//! | `uuid` | a text |
//! | `duration` | an object of `months`, `days` and `millis` |
//! | `json`, ours, on a `string` | whatever the text says: for what has no shape |
//! | a field with `"flatten": true`, ours, of a `map` | members that no other field of the record has |
//!
//! Invariants:
//! - what is decoded and encoded again with the same schema is the same value, and a number is never changed to fit;
//! - bytes are foreign: they cost memory and time in proportion to themselves, whatever they promise;
//! - a message says what was found by place and type, never by value.

mod calendar;
mod compile;
mod decimal;
mod decode;
mod defaults;
mod encode;
mod error;
mod failure;
mod files;
mod json_schema;
mod logical;
mod node;
mod numbers;
mod resolve;
#[cfg(test)]
mod tests;
mod varint;

pub use error::SchemaError;

use crate::value::{SecretNames, Value};
use bumpalo::Bump;
use std::path::Path;
use std::sync::Arc;

/// A compiled Avro schema. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AvroSchema(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    text: String,
    name: Option<String>,
    doc: Option<String>,
    nodes: node::Nodes,
}

/// Bytes that are not of the schema, or a value that does not match it: where in the value, and what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub struct AvroError {
    /// The place in the value, as a JSON pointer; `/` is the whole.
    pub at: String,
    pub message: String,
}

impl AvroSchema {
    /// Of a schema's text, and the texts of named types that it refers to, each after those that it needs itself.
    ///
    /// # Errors
    /// Text that is no Avro schema.
    pub fn parse(text: &str, references: &[&str]) -> Result<Self, SchemaError> {
        let json = compile::json(text)?;
        let references = references.iter().map(|text| compile::json(text));
        let references: Vec<serde_json::Value> = references.collect::<Result<_, _>>()?;
        Self::compiled(&json, &references, &mut |_| Ok(None))
    }

    fn compiled(
        json: &serde_json::Value,
        references: &[serde_json::Value],
        find: compile::Find<'_>,
    ) -> Result<Self, SchemaError> {
        let mut compiler = compile::Compiler::new(find);
        for reference in references {
            compiler.learn(reference)?;
        }
        Ok(Self(Arc::new(compiler.compile(json)?)))
    }

    /// Of the file of that name in `folder`. A named type that the file does not define is read from the file beside it that is named
    /// as the type: `Customer` or `com.acme.Customer` from `Customer.avsc` or `com.acme.Customer.avsc`.
    ///
    /// # Errors
    /// A file that can't be read or is no schema, said with the file's name.
    pub fn load(folder: &Path, name: &str) -> Result<Self, SchemaError> {
        files::load(folder, name)
    }

    /// The full name of the type, where it has one.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The `doc` of the type.
    pub fn doc(&self) -> Option<&str> {
        self.0.doc.as_deref()
    }

    /// The schema as one text that needs no other: each named type is defined where it comes first.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Appends the value, as Avro's binary encoding has it.
    ///
    /// # Errors
    /// A value that does not match; `out` is as it was.
    pub fn encode(&self, value: &Value<'_>, secrets: &SecretNames, out: &mut Vec<u8>) -> Result<(), AvroError> {
        Ok(encode::Encoder::encode(&self.0.nodes, secrets, value, out)?)
    }

    /// Whether a value can be encoded.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn check(&self, value: &Value<'_>, secrets: &SecretNames) -> Result<(), AvroError> {
        Ok(encode::Encoder::encode(&self.0.nodes, secrets, value, encode::Nowhere)?)
    }

    /// The same as a JSON Schema (2020-12): it takes the values that [`Self::check`] takes.
    pub fn to_json_schema(&self) -> serde_json::Value {
        json_schema::of(&self.0.nodes)
    }
}

/// Decodes what was written with one schema into the shape of another.
#[derive(Debug)]
pub struct Decoder(resolve::Plan);

impl Decoder {
    /// Of the schema that the bytes were written with, and the one that the value is to have.
    ///
    /// # Errors
    /// Two schemas that Avro's rules do not resolve: which type, and why.
    pub fn new(writer: &AvroSchema, reader: &AvroSchema) -> Result<Self, SchemaError> {
        resolve::Plan::new(&writer.0.nodes, &reader.0.nodes).map(Self)
    }

    /// The value of some bytes, all of them.
    ///
    /// # Errors
    /// Bytes that were not written with the writer's schema.
    pub fn decode<'a>(&self, bytes: &'a [u8], arena: &'a Bump) -> Result<Value<'a>, AvroError> {
        Ok(decode::whole(&self.0, self.0.root, bytes, arena)?)
    }
}
