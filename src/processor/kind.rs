//! The kinds of failure of processors. They stand in dead letters (`__streams.errors.exception`) and label metrics, so
//! people build alerts and replays on them: a kind never changes its name or meaning.

/// An expression of a mapping failed.
pub const MAPPING: &str = "mapping";
/// An expression of the processor's own settings (`where`, `by`, `key`, `id`...) failed.
pub const EXPRESSION: &str = "expression";
/// An expression gave a value of a type that is of no use where it stands.
pub const WRONG_TYPE: &str = "wrong_type";
/// A switch met a value that it has no case for.
pub const UNKNOWN_CASE: &str = "unknown_case";
/// The topology sends such records to the dead letters: a case, or the `otherwise` of a filter.
pub const REJECTED: &str = "rejected";
/// The key to partition by is absent.
pub const MISSING_KEY: &str = "missing_key";
/// The id to tell duplicates by is absent or empty.
pub const MISSING_ID: &str = "missing_id";
/// The event time is no time.
pub const INVALID_TIME: &str = "invalid_time";
/// A table has no row for the key, and the topology says that this is a failure.
pub const MISSING_ROW: &str = "missing_row";
/// A sum or count is larger than there is room for.
pub const OVERFLOW: &str = "overflow";
/// What a store holds is not what the processor writes.
pub const STATE: &str = "state";
/// A key or value can't be written: its codec has no bytes for it.
pub const ENCODE: &str = "encode";
/// The value does not match its JSON Schema.
pub const VALIDATION: &str = "validation";
