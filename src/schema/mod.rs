//! Schemas: what a value must be like, and how Avro writes it.
//!
//! Invariants: a schema is read from files of the topology's folder or given as text, never fetched; what is wrong with a value is
//! said by place and type, never by value; decoding foreign bytes takes memory and time in proportion to them.

pub mod avro;
pub mod json;

use crate::value::{SecretNames, Value};
use crate::yaml::{Mistake, Place};
use avro::AvroSchema;
use bumpalo::Bump;
use json::JsonSchema;
use std::path::Path;
use std::sync::Arc;

/// A schema of a topology, of the file that its name says the language of. Cheap to clone.
#[derive(Clone)]
pub struct Schema {
    file: Arc<str>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Avro(AvroSchema),
    Json(Arc<JsonSchema>),
}

impl Schema {
    /// Of the file of that name in `folder`: Avro where it ends in `.avsc`, JSON Schema where it ends in `.json`. `place` is where the
    /// topology names it.
    ///
    /// # Errors
    /// A file that can't be read, or is no schema of its language.
    pub fn load(folder: &Path, name: &str, place: &Place) -> Result<Self, Mistake> {
        let kind = match Path::new(name).extension().and_then(|extension| extension.to_str()) {
            Some("avsc") => AvroSchema::load(folder, name).map(Kind::Avro).map_err(|error| {
                let help = "an Avro schema is a file that ends in .avsc, relative to the topology's folder";
                Mistake::new(place, error.to_string()).help(help)
            })?,
            Some("json") => Kind::Json(Arc::new(JsonSchema::load(folder, name, place)?)),
            _ => {
                let help = "name an Avro schema that ends in .avsc, or a JSON Schema that ends in .json";
                return Err(Mistake::new(place, "this is not the name of a schema").help(help));
            }
        };
        Ok(Self {
            file: name.into(),
            kind,
        })
    }

    /// The name of its file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The Avro schema that it is. `None`: it is a JSON Schema.
    pub fn avro(&self) -> Option<&AvroSchema> {
        match &self.kind {
            Kind::Avro(schema) => Some(schema),
            Kind::Json(_) => None,
        }
    }

    /// As a JSON Schema that needs no other file; made of the Avro schema, where it is one.
    ///
    /// # Errors
    /// The reference that it can't be without.
    pub fn to_json_schema(&self) -> Result<serde_json::Value, String> {
        match &self.kind {
            Kind::Avro(schema) => Ok(schema.to_json_schema()),
            Kind::Json(schema) => schema.alone(),
        }
    }

    /// The name of the record: an Avro schema's full name, a JSON Schema's `title`.
    pub fn record(&self) -> Option<&str> {
        match &self.kind {
            Kind::Avro(schema) => schema.name(),
            Kind::Json(schema) => schema.title(),
        }
    }

    /// What it says of itself, for people: an Avro schema's `doc`, a JSON Schema's `description`.
    pub fn description(&self) -> Option<&str> {
        match &self.kind {
            Kind::Avro(schema) => schema.doc(),
            Kind::Json(schema) => schema.description(),
        }
    }

    /// Whether a value matches, once its secrets are left out.
    ///
    /// # Errors
    /// Where it does not, and why.
    pub fn check<'a>(&self, value: &'a Value<'a>, secrets: &SecretNames, arena: &'a Bump) -> Result<(), String> {
        match &self.kind {
            Kind::Avro(schema) => schema.check(value, secrets).map_err(|error| error.to_string()),
            Kind::Json(schema) => {
                let value = arena.alloc(value.without(secrets, arena));
                schema.check(value, arena).map_err(|reasons| {
                    let reasons = reasons
                        .iter()
                        .map(|reason| format!("{}: {}", reason.at, reason.message));
                    reasons.collect::<Vec<_>>().join("; ")
                })
            }
        }
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Schema").field(&self.file).finish()
    }
}
