//! A store as a task has it, of whatever kind.

use super::{ChangelogError, StateError, TaskIds, TaskValues};

/// A point within a transaction to which a failed record's writes are undone.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub(super) writes: usize,
    pub(super) stream_time: i64,
}

impl Mark {
    /// Before the first write of a transaction: for reading what was written since, not for undoing it.
    pub const BEGINNING: Mark = Mark {
        writes: 0,
        stream_time: i64::MIN,
    };
}

/// One store of one task: overlay over what is committed.
pub enum TaskStore {
    Ids(TaskIds),
    Values(TaskValues),
}

/// Does the same with either kind.
macro_rules! either {
    ($store:expr, $name:ident => $does:expr) => {
        match $store {
            TaskStore::Ids($name) => $does,
            TaskStore::Values($name) => $does,
        }
    };
}

impl TaskStore {
    /// Here and now, for [`Self::undo_to`] and [`Self::each_written`].
    pub fn mark(&self) -> Mark {
        either!(self, store => store.mark())
    }

    /// Undoes what a record wrote.
    pub fn undo_to(&mut self, mark: Mark) {
        either!(self, store => store.undo_to(mark));
    }

    /// What a record wrote, as changelog records: key and value.
    ///
    /// # Errors
    /// The first of `each`.
    pub fn each_written<E>(
        &self,
        mark: Mark,
        each: impl FnMut(&[u8], Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        either!(self, store => store.each_written(mark, each))
    }

    /// The transaction is committed: the overlay becomes the store's. `checkpoint`: the changelog offset after the transaction;
    /// `None`: where it was.
    ///
    /// # Errors
    /// When the disk has not taken it. The transaction is committed all the same: the changelog has it.
    pub fn commit(&mut self, checkpoint: Option<i64>) -> Result<(), StateError> {
        either!(self, store => store.commit(checkpoint))
    }

    /// The transaction was aborted: as if it had not been.
    pub fn discard(&mut self) {
        either!(self, store => store.discard());
    }

    /// Takes a record of the changelog, while restoring.
    ///
    /// # Errors
    /// When it is no record of such a store.
    pub fn restore(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), ChangelogError> {
        either!(self, store => store.restore(key, value))
    }

    /// All that was taken becomes the store's, which then stands at `checkpoint`.
    ///
    /// # Errors
    /// When the disk has not taken it.
    pub fn restored(&mut self, checkpoint: i64) -> Result<(), StateError> {
        either!(self, store => store.restored(checkpoint))
    }

    /// Where restoring goes on; `None`: from the beginning of the changelog.
    pub fn checkpoint(&self) -> Option<i64> {
        either!(self, store => store.checkpoint())
    }

    /// How many ids or keys are committed.
    pub fn len(&self) -> usize {
        either!(self, store => store.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
