//! A JSON Schema (2020-12) of a topology, compiled, and what it says of a value.
//!
//! Invariants: nothing is fetched from anywhere but files inside the topology's folder; nothing of a value stands in a
//! [`Reason`] but names of members and positions in lists; what a wrong value costs is bounded.

mod document;

use crate::uri;
use crate::value::Value;
use crate::yaml::{Mistake, Place, shortened};
use bumpalo::Bump;
use document::{Document, distinct};
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{Draft, Retrieve, Uri, ValidationError, Validator};
use std::path::{Component, Path, PathBuf};

/// How many reasons are given for one value.
const MOST_REASONS: usize = 3;
/// Values with more parts than this get one reason: to find all of them takes time and memory with each part.
const MOST_PARTS: usize = 2_000;
/// The longest name of a member, path and reason, in characters.
const LONGEST_NAME: usize = 64;
const LONGEST_PATH: usize = 200;
const LONGEST_REASON: usize = 300;

/// Files have URIs under this, so that references between them can be followed.
const BASE: &str = "topology:///";

/// A compiled JSON Schema.
pub struct JsonSchema {
    name: String,
    schema: serde_json::Value,
    validator: Validator<Document>,
}

/// Why a value does not match.
pub struct Reason {
    /// The place in the value, as a JSON pointer.
    pub at: String,
    pub message: String,
    /// The keyword that said so, as a JSON pointer into the schema.
    pub schema_path: String,
}

impl JsonSchema {
    /// Reads and compiles the schema in the file of that name in `folder`. `place` is where the topology names it.
    pub fn load(folder: &Path, name: &str, place: &Place) -> Result<JsonSchema, Mistake> {
        let in_file = |line, column| Place {
            line,
            column,
            ..Place::start_of(name)
        };
        let bytes = std::fs::read(folder.join(name)).map_err(|error| {
            let message = format!("can't read the schema `{name}`: {error}");
            Mistake::new(place, message).help("name a file, relative to the topology's folder")
        })?;
        let schema: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
            let column = u32::try_from(error.column()).unwrap_or(u32::MAX);
            Mistake::new(&in_file(line, column), format!("the schema is not JSON: {error}"))
                .help("a schema is a JSON file")
        })?;
        let options = jsonschema::options_for::<Document>()
            .with_draft(Draft::Draft202012)
            .with_base_uri(format!("{BASE}{}", uri::path(name).collect::<String>()))
            .with_retriever(Files {
                folder: folder.to_owned(),
            })
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false);
        let validator = options.build(&schema).map_err(|error| {
            let path = error.instance_path().as_str();
            let at = if path.is_empty() {
                String::new()
            } else {
                format!(" at {path}")
            };
            let message = format!(
                "not a valid JSON Schema{at}: {}",
                shortened(&error.to_string(), LONGEST_REASON)
            );
            Mistake::new(&in_file(1, 1), message).help("JSON Schema 2020-12 is the language here")
        })?;
        Ok(JsonSchema {
            name: name.to_owned(),
            schema,
            validator,
        })
    }

    /// Of a schema that stands in no file and refers to none.
    ///
    /// # Errors
    /// What is no JSON Schema, in words.
    pub fn of(name: &str, schema: &serde_json::Value) -> Result<JsonSchema, String> {
        let validator = jsonschema::options_for::<Document>()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .build(schema)
            .map_err(|error| shortened(&error.to_string(), LONGEST_REASON))?;
        Ok(JsonSchema {
            name: name.to_owned(),
            schema: schema.clone(),
            validator,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its own `title`.
    pub fn title(&self) -> Option<&str> {
        self.schema.get("title").and_then(serde_json::Value::as_str)
    }

    /// Its own `description`.
    pub fn description(&self) -> Option<&str> {
        self.schema.get("description").and_then(serde_json::Value::as_str)
    }

    /// The schema itself, where it needs no other file.
    ///
    /// # Errors
    /// The first reference to another.
    pub fn alone(&self) -> Result<serde_json::Value, String> {
        match outside(&self.schema) {
            None => Ok(self.schema.clone()),
            Some(reference) => Err(shortened(reference, LONGEST_PATH)),
        }
    }

    /// Whether the value matches; else the first few reasons why not.
    pub fn check<'a>(&self, value: &'a Value<'a>, arena: &'a Bump) -> Result<(), Vec<Reason>> {
        let value = distinct(value, arena).map_or(value, |value| arena.alloc(value));
        if self.validator.is_valid(value) {
            return Ok(());
        }
        if parts(value, MOST_PARTS) < MOST_PARTS {
            let errors = self.validator.iter_errors(value);
            return Err(errors.take(MOST_REASONS).map(|error| reason(&error)).collect());
        }
        match self.validator.validate(value) {
            Ok(()) => Ok(()),
            Err(error) => Err(vec![reason(&error)]),
        }
    }
}

/// A reference that leads out of the schema.
fn outside(schema: &serde_json::Value) -> Option<&str> {
    use serde_json::Value::{Array, Object, String};
    match schema {
        Object(members) => members.iter().find_map(|(name, value)| match (name.as_str(), value) {
            ("$ref" | "$dynamicRef", String(reference)) if !reference.starts_with('#') => Some(reference.as_str()),
            (_, value) => outside(value),
        }),
        Array(elements) => elements.iter().find_map(outside),
        _ => None,
    }
}

/// How many values a value is made of, up to `most`.
fn parts(value: &Value<'_>, most: usize) -> usize {
    let sum = |sum: usize, value: &Value<'_>| match most.checked_sub(sum) {
        None | Some(0) => sum,
        Some(left) => sum + parts(value, left),
    };
    match value {
        Value::Array(elements) => elements.iter().fold(1, sum),
        Value::Object(members) => members.iter().map(|(_, value)| value).fold(1, sum),
        _ => 1,
    }
}

fn reason(error: &ValidationError<'_>) -> Reason {
    let at = match error.instance_path().as_str() {
        "" => "/",
        path => path,
    };
    Reason {
        at: shortened(at, LONGEST_PATH),
        message: shortened(&message(error), LONGEST_REASON),
        schema_path: shortened(error.schema_path().as_str(), LONGEST_PATH),
    }
}

/// The reason without the value. What the library says when told to mask is near it, but it shows names without bound and
/// the whole of a name that is wrong itself.
fn message(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names = unexpected.iter().take(MOST_REASONS);
            let names: Vec<String> = names
                .map(|name| format!("`{}`", shortened(name, LONGEST_NAME)))
                .collect();
            let more = if unexpected.len() > names.len() { ", …" } else { "" };
            format!("unknown member {}{more}", names.join(", "))
        }
        Kind::Required { property } => match property.as_str() {
            Some(name) => format!("no member `{}`", shortened(name, LONGEST_NAME)),
            None => "a member is missing".to_owned(),
        },
        Kind::PropertyNames { error } => format!("the name of a member is wrong: {}", error.masked_with("the name")),
        Kind::FalseSchema if error.schema_path().as_str().ends_with("Properties") => "an unknown member".to_owned(),
        Kind::FalseSchema => "nothing may stand here".to_owned(),
        _ => error.masked_with("the value").to_string(),
    }
}

/// Follows references to files inside the topology's folder.
struct Files {
    folder: PathBuf,
}

impl Retrieve for Files {
    fn retrieve(&self, address: &Uri<String>) -> Result<serde_json::Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = address.as_str().strip_prefix(BASE).and_then(uri::decoded);
        let name = name.ok_or("a schema may refer to files inside the topology's folder only")?;
        let plain = |component| matches!(component, Component::Normal(_));
        if !Path::new(&name).components().all(plain) {
            return Err("a schema may refer to files inside the topology's folder only".into());
        }
        let bytes = std::fs::read(self.folder.join(&name)).map_err(|error| format!("can't read `{name}`: {error}"))?;
        Ok(serde_json::from_slice(&bytes).map_err(|error| format!("`{name}` is not JSON: {error}"))?)
    }
}
