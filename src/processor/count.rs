//! What processors count through [`super::Context::count`]: neither an output nor a failure. They label metrics, so they
//! never change their names.

/// Left out by a condition: a filter's, or a mapping's `where` or empty `each`.
pub const FILTERED: &str = "filtered";
/// Dropped by a switch, as its case says.
pub const DROPPED: &str = "dropped";
/// Seen before, and dropped.
pub const DUPLICATE: &str = "duplicate";
/// Older than the window of its dedupe, so it can't be known whether it was seen; passed on.
pub const LATE: &str = "late";
/// A table had no row for a key; passed on with `null`.
pub const MISSING_ROW: &str = "missing_row";
