//! millstream: Kafka Streams-style pipelines that you configure instead of compile.
//!
//! Modules use those below them only; `tests/tidy` holds that, and the other rules of the house.

/// The allocator. Keeps: one for the whole process, librdkafka's buffers included; memory goes back when it is not used.
pub mod allocator;
/// An AsyncAPI document of a topology. Keeps: it says what the topology says, and its examples are real.
pub mod asyncapi;
/// The seam to Kafka, real and in memory. Keeps: one place that says what to do about an error; rdkafka in `broker/kafka` only.
pub mod broker;
/// The commands. Keeps: data to the standard output, talk to the standard error; exit codes 0, 1, 2.
pub mod cli;
/// Bytes to values and back. Keeps: the bytes of Kafka's own serializers; what does not fit is an error, never changed to fit.
pub mod codec;
/// Records that failed, as they are kept. Keeps: raw bytes and the reason; what is too large is cut, and says so.
pub mod dead_letter;
/// Workers, tasks, transactions, restoring. Keeps: exactly once; the only module that commits offsets.
pub mod engine;
/// CEL over a borrowed document. Keeps: pure (no clock, no chance, no I/O), an error that names the place and never a value.
pub mod expression;
/// Feeds: what fills source topics from outside of Kafka. Keeps: a sender hears that it is done only after Kafka has it; bodies untouched.
pub mod feed;
/// Mappings compiled to a plan. Keeps: what is absent is left out; a secret leaves only where the mapping says it reveals it.
pub mod mapping;
/// Metrics, logs, health, HTTP. Keeps: called from anywhere, calls nobody; every metric name in one file; no worker waits for it.
pub mod observe;
/// What is done to an application from outside. Keeps: looked at whole before it is done; what failed half-way can be done again.
pub mod ops;
/// The processor types, a file each. Keeps: pure and synchronous; a record in, records out, a store at hand.
pub mod processor;
/// Records, raw and decoded. Keeps: everything in one is borrowed from its bytes or its arena.
pub mod record;
/// The schema registry. Keeps: asked once for a schema, whoever needs it; what it does not say is not known, and waited for.
pub mod registry;
#[cfg(test)]
/// Ways to break the commit protocol, in tests only. Keeps: a thread breaks its own alone; the program has nothing of it.
mod sabotage;
/// Schemas, Avro's and JSON's, compiled. Keeps: what matches loses nothing; what it costs to decode is bounded; no value in a message.
pub mod schema;
/// Stores and their changelogs. Keeps: a transaction's writes are seen by it at once and by nobody else until it is committed.
pub mod state;
/// The test driver: topologies run without Kafka. Keeps: what is tested is the production task and transaction code; a seed repeats a run.
pub mod testkit;
/// YAML to a checked topology to a plan. Keeps: a `Topology` can't be wrong; every topic it writes to is known before it starts.
pub mod topology;
/// Percent-encoding. Keeps: what is encoded can't leave its part of a URI, and decodes to itself.
mod uri;
/// Documents. Keeps: a number is never changed; equal documents are equal bytes.
pub mod value;
/// YAML with places. Keeps: every mistake has a file, a line and a column; `${NAME}` is replaced after parsing only.
pub mod yaml;
