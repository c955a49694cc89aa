//! Stores: what a task remembers between records.
//!
//! A store is a cache of its changelog topic. Writes of a transaction go to an overlay and, through the same producer, to the
//! changelog; only after the commit does the overlay become the store's, together with the changelog offset it belongs to.
//!
//! Invariants:
//! - reads see the overlay, then the committed store; a failed record's writes are undone ([`TaskIds::undo_to`]), an aborted
//!   transaction's writes are dropped ([`TaskIds::discard`]), stream time included;
//! - a store and the changelog offset it stands at change in one call ([`IdStore::apply`]), so that a store on disk can do both
//!   in one atomic write;
//! - what a changelog record says does not depend on when it is read.

mod changelog;
mod ids;
mod memory;

pub use changelog::{ChangelogError, decode_id, encode_id};
pub use ids::{IdStore, IdWrite, Mark, Remembered, TaskIds};
pub use memory::MemoryIds;

use std::time::Duration;

/// What kind of store a processor needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// Remembers 128-bit ids for `window` of event time.
    Ids { window: Duration },
}

/// A store that a processor needs: one a task, with a changelog of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSpec {
    pub name: String,
    pub kind: StoreKind,
}
