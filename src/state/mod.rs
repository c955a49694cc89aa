//! Stores: what a task remembers between records.
//!
//! A store is a cache of its changelog topic. Writes of a transaction go to an overlay and, through the same producer, to the
//! changelog; only after the commit does the overlay become the store's, together with the changelog offset it belongs to.
//!
//! Invariants:
//! - reads see the overlay, then the committed store; a failed record's writes are undone ([`TaskStore::undo_to`]), an aborted
//!   transaction's writes are dropped ([`TaskStore::discard`]), stream time included;
//! - a store and the changelog offset it stands at change in one call ([`TaskStore::commit`]), which a store on disk does in one
//!   atomic write: whatever the moment of a crash, restoring from that offset gives the state that the changelog says;
//! - a recorded offset may be too low, never too high: to apply a changelog record again changes nothing;
//! - what a changelog record says does not depend on when it is read.
//!
//! Stores are in memory ([`MemoryStores`]) or on disk, in the folder of an instance ([`StateFolder`]), where all share one
//! [`Budget`] of memory. Files are reached through [`Disk`] alone, so that tests have a disk that fails.

mod budget;
mod disk;
mod error;
mod folder;
mod ids;
mod reads;
mod stores;
mod task;
mod values;

pub use budget::Budget;
#[cfg(test)]
pub(crate) use disk::simulated::SimulatedDisk;
pub use disk::{Disk, DiskFile, DiskLock, OsDisk};
pub use error::StateError;
pub use folder::{StateFolder, Stopped};
pub use ids::{DiskIds, IdStore, IdWrite, MemoryIds, Remembered, TaskIds, decode_id, encode_id};
pub use reads::Reads;
pub use stores::{MemoryStores, StoreId, Stores, task_name};
pub use task::{Mark, TaskStore};
pub use values::{LONGEST_KEY, MemoryValues, TaskValues, ValueStore, ValueWrite, ValuesDatabase};

use std::time::Duration;

/// What kind of store a processor needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// Remembers 128-bit ids for `window` of event time.
    Ids { window: Duration },
    /// The latest value of every key.
    Values,
}

/// A store that a processor needs: one a task, with a changelog of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSpec {
    pub name: String,
    pub kind: StoreKind,
}

/// A changelog record that is none of ours: somebody else wrote to the topic, or it is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: another program writes to this changelog")]
pub struct ChangelogError(String);
