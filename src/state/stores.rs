//! Where stores come from: in memory, or in the folder of this process.

use super::{MemoryIds, MemoryValues, Reads, StateError, StoreKind, StoreSpec, TaskIds, TaskStore, TaskValues};
use std::sync::Arc;
use std::time::Duration;

/// Whose store: the store's name, and the partition of the topic that its task reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreId {
    pub store: String,
    pub topic: String,
    pub partition: i32,
}

/// What the task that reads a partition is called in logs.
pub fn task_name(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}

impl StoreId {
    /// The task that it is of, as logs call it.
    pub fn task(&self) -> String {
        task_name(&self.topic, self.partition)
    }
}

/// Opens the stores of tasks. A store is closed by being dropped.
pub trait Stores: Send + Sync {
    /// Opens a store as it was left, or an empty one where there is none or where it was damaged.
    ///
    /// # Errors
    /// `InUse`: another task of this process has it still, try again. Others: a person must mend it.
    fn open(&self, id: &StoreId, spec: &StoreSpec) -> Result<TaskStore, StateError>;
    /// Puts a store that was found damaged out of the way, so that the next [`Stores::open`] gives an empty one.
    ///
    /// # Errors
    /// As [`Stores::open`].
    fn set_aside(&self, id: &StoreId, spec: &StoreSpec) -> Result<(), StateError>;
    /// Size on disk of all parts of a store that are here; `None`: it is not on disk, or can't be told.
    fn bytes(&self, _store: &str) -> Option<u64> {
        None
    }
    /// How a store that is on disk was read since the start, over all its parts that were here: id stores count look-ups, others
    /// blocks of files. `None`: it is not on disk.
    fn reads(&self, _store: &str) -> Option<Reads> {
        None
    }
}

impl<S: Stores + ?Sized> Stores for Arc<S> {
    fn open(&self, id: &StoreId, spec: &StoreSpec) -> Result<TaskStore, StateError> {
        self.as_ref().open(id, spec)
    }

    fn set_aside(&self, id: &StoreId, spec: &StoreSpec) -> Result<(), StateError> {
        self.as_ref().set_aside(id, spec)
    }

    fn bytes(&self, store: &str) -> Option<u64> {
        self.as_ref().bytes(store)
    }

    fn reads(&self, store: &str) -> Option<Reads> {
        self.as_ref().reads(store)
    }
}

/// Stores in memory: empty whenever they are opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryStores;

impl Stores for MemoryStores {
    fn open(&self, _: &StoreId, spec: &StoreSpec) -> Result<TaskStore, StateError> {
        Ok(match spec.kind {
            StoreKind::Ids { window } => {
                let window = millis(window);
                TaskStore::Ids(TaskIds::new(window, Box::new(MemoryIds::new(window))))
            }
            StoreKind::Values => TaskStore::Values(TaskValues::new(Box::<MemoryValues>::default())),
        })
    }

    fn set_aside(&self, _: &StoreId, _: &StoreSpec) -> Result<(), StateError> {
        Ok(())
    }
}

/// A window in milliseconds of event time.
pub(super) fn millis(window: Duration) -> i64 {
    i64::try_from(window.as_millis()).unwrap_or(i64::MAX)
}
