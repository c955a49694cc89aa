//! Traces: what a record's headers say of one, and spans of ours on their way to a collector.
//!
//! What must hold: a worker never waits for a collector, nor for whoever talks to it. Spans that there is no room for, or that the
//! collector does not take, are gone, and counted. A span has names of the topology and places in topics in it, and nothing of a
//! record.

#[cfg(test)]
#[path = "../../../tests/harness/collector.rs"]
pub mod collector;
mod export;
mod parent;
mod settings;
mod span;
#[cfg(test)]
mod tests;

pub use export::{Exporter, Traces};
pub use parent::{Context, LENGTH, Parent, TRACEPARENT, TRACESTATE, state};
pub use settings::Settings;
pub use span::{Place, Span};

/// Spans that wait to be exported, and those of one transaction: a few megabytes.
pub const ROOM: usize = 16 * 1024;
