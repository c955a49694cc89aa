//! Avro against the library that others use, and against bytes that nobody wrote.

mod evolution;
mod examples;
mod open;
mod oracle;
mod random;
mod resolution;
mod schemas;

use super::{AvroError, AvroSchema, Decoder};
use crate::value::{SecretNames, parse, to_text};
use bumpalo::Bump;

fn schema(text: &str) -> AvroSchema {
    AvroSchema::parse(text, &[]).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn encode(schema: &AvroSchema, json: &str) -> Result<Vec<u8>, AvroError> {
    let arena = Bump::new();
    let mut out = Vec::new();
    schema.encode(
        &parse(json.as_bytes(), &arena).unwrap(),
        &SecretNames::default(),
        &mut out,
    )?;
    Ok(out)
}

fn decode(schema: &AvroSchema, bytes: &[u8]) -> Result<String, AvroError> {
    resolve(schema, schema, bytes)
}

fn resolve(writer: &AvroSchema, reader: &AvroSchema, bytes: &[u8]) -> Result<String, AvroError> {
    let arena = Bump::new();
    let decoder = Decoder::new(writer, reader).unwrap();
    let value = decoder.decode(bytes, &arena)?;
    Ok(to_text(&value))
}

/// The place and the words of a refusal, after which nothing has been written.
fn refused_value(schema: &AvroSchema, json: &str) -> (String, String) {
    let arena = Bump::new();
    let value = parse(json.as_bytes(), &arena).unwrap();
    let mut out = vec![1, 2, 3];
    let error = schema.encode(&value, &SecretNames::default(), &mut out).unwrap_err();
    assert_eq!(out, [1, 2, 3]);
    assert_eq!(schema.check(&value, &SecretNames::default()), Err(error.clone()));
    assert!(!error.to_string().contains("4711"), "{error}");
    (error.at, error.message)
}

fn refused_bytes(schema: &AvroSchema, bytes: &[u8]) -> (String, String) {
    let error = decode(schema, bytes).unwrap_err();
    (error.at, error.message)
}
