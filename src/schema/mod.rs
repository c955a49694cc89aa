//! Schemas: what a value must be like, and how Avro writes it.
//!
//! Invariants: a schema is read from files of the topology's folder or given as text, never fetched; what is wrong with a value is
//! said by place and type, never by value; decoding foreign bytes takes memory and time in proportion to them.

pub mod avro;
pub mod json;
