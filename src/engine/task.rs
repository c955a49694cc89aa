//! A task: one topic's partition, the stores it owns, and how far it has come.

use super::shared::Shared;
use crate::broker::{Position, TopicPartition};
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::state::{Mark, StateError, StoreId, TaskStore, task_name};
use crate::topology::Guarantee;

pub struct Task {
    pub partition: TopicPartition,
    /// Index into the wiring's entries.
    pub entry: usize,
    /// The name of the one that it is a task of.
    pub sub_topology: String,
    /// In the order of the entry's stores.
    pub stores: Vec<OwnedStore>,
    /// A store of it failed: the transaction is aborted and the task's stores are opened again.
    pub failed: Option<StateError>,
    /// Where the last committed transaction left off; `None`: nothing was ever committed.
    committed: Option<i64>,
    /// The offset after the last record processed.
    position: Option<i64>,
    /// The oldest timestamp of the records that were read and are not committed. Kept when their transaction is aborted.
    oldest: Option<i64>,
}

/// How far a task has come, for the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    pub partition: TopicPartition,
    /// `None`: nothing was ever committed.
    pub committed: Option<i64>,
    /// Timestamp, in milliseconds since the epoch, of the oldest record that was read and is not committed.
    pub oldest: Option<i64>,
}

/// A store and where it stands in its changelog.
pub struct OwnedStore {
    pub id: StoreId,
    pub store: TaskStore,
    /// The changelog offset after the last committed transaction, or one before it: only what is certain is counted (our own
    /// committed records and their markers), not what aborted transactions left in between.
    next: Option<i64>,
    /// Changelog records in the open transaction.
    written: i64,
}

impl OwnedStore {
    fn new(id: StoreId, store: TaskStore) -> Self {
        let next = store.checkpoint();
        Self {
            id,
            store,
            next,
            written: 0,
        }
    }

    /// Changelog records were handed to the open transaction.
    pub fn wrote(&mut self, records: i64) {
        self.written += records;
    }

    /// There is nothing to restore.
    pub fn stands_at(&mut self, position: i64) {
        self.next = Some(position);
    }

    /// All that was taken from the changelog becomes the store's, up to `position`.
    pub fn restored(&mut self, position: i64) -> Result<(), StateError> {
        self.store.restored(position)?;
        self.next = Some(position);
        Ok(())
    }

    fn committed(&mut self, guarantee: Guarantee) -> Result<(), StateError> {
        let marker = i64::from(guarantee == Guarantee::ExactlyOnce);
        #[cfg(test)]
        let marker = marker + i64::from(sabotaged(Sabotage::CheckpointTooHigh));
        if self.written > 0 {
            self.next = self.next.map(|next| next + self.written + marker);
        }
        self.written = 0;
        self.store.commit(self.next)
    }

    fn discard(&mut self) {
        self.written = 0;
        #[cfg(test)]
        if sabotaged(Sabotage::KeepOverlay) {
            return;
        }
        self.store.discard();
    }
}

impl Task {
    /// A task with its stores as they were left, to be restored from there.
    ///
    /// # Errors
    /// Those of opening a store.
    pub fn open(
        partition: TopicPartition,
        entry: usize,
        committed: Option<i64>,
        shared: &Shared,
    ) -> Result<Self, StateError> {
        let sub_topology = shared.wiring.entries.get(entry).map(|entry| entry.sub_topology.clone());
        let mut task = Self {
            partition,
            entry,
            sub_topology: sub_topology.unwrap_or_default(),
            stores: Vec::new(),
            failed: None,
            committed,
            position: committed,
            oldest: None,
        };
        task.open_stores(shared)?;
        Ok(task)
    }

    /// What it is called in logs, as its folder is.
    pub fn id(&self) -> String {
        task_name(&self.partition.topic, self.partition.partition)
    }

    /// Opens the stores again, after one of them failed: what was damaged is put aside, so that it is restored from the start of
    /// its changelog. The task counts as failed still: it is whoever restores it that ends that.
    ///
    /// # Errors
    /// Those of opening a store; to be called again.
    pub fn reopen_stores(&mut self, shared: &Shared) -> Result<(), StateError> {
        // All are closed before any is opened again.
        self.stores.clear();
        if let Some(StateError::Damaged { path, why }) = &self.failed {
            tracing::error!(
                task = self.id(),
                sub_topology = self.sub_topology,
                topic = self.partition.topic,
                partition = self.partition.partition,
                path = %path.display(),
                why,
                "a store is damaged: it is put aside and restored from its changelog"
            );
            let mut wired = shared.wiring.stores_of(self.entry);
            wired.try_for_each(|wired| shared.stores.set_aside(&wired.id(&self.partition), &wired.spec))?;
        }
        self.open_stores(shared)
    }

    /// A copy that was kept warm goes before what the disk has: it is the same store, and open.
    fn open_stores(&mut self, shared: &Shared) -> Result<(), StateError> {
        let Shared {
            wiring,
            stores,
            standbys,
            ..
        } = shared;
        let mut opened = Vec::new();
        for wired in wiring.stores_of(self.entry) {
            let id = wired.id(&self.partition);
            let store = match standbys.take(&id) {
                Some(warm) => warm,
                None => stores.open(&id, &wired.spec)?,
            };
            opened.push(OwnedStore::new(id, store));
        }
        self.stores = opened;
        Ok(())
    }

    /// Where reading starts, or starts again after an abort.
    pub fn start(&self) -> Position {
        self.committed.map_or(Position::Beginning, Position::Offset)
    }

    /// A record with this timestamp is about to be processed; negative: it has none.
    pub fn reads(&mut self, timestamp: i64) {
        if timestamp >= 0 {
            self.oldest = Some(self.oldest.map_or(timestamp, |oldest| oldest.min(timestamp)));
        }
    }

    pub fn stand(&self) -> Stand {
        Stand {
            partition: self.partition.clone(),
            committed: self.committed,
            oldest: self.oldest,
        }
    }

    /// A record was processed.
    pub fn advance(&mut self, offset: i64) {
        self.position = Some(offset.saturating_add(1));
    }

    /// The offset to commit, where there is something to commit.
    pub fn to_commit(&self) -> Option<i64> {
        let offset = self.position.filter(|position| Some(*position) != self.committed);
        #[cfg(test)]
        let offset = offset.map(|offset| {
            offset + i64::from(sabotaged(Sabotage::OffsetTooHigh)) - i64::from(sabotaged(Sabotage::OffsetTooLow))
        });
        offset
    }

    /// The transaction is committed. What a store's disk has not taken is found in [`Self::failed`]; from then on the stores take
    /// nothing more, or they would stand behind what is missing in them.
    pub fn committed(&mut self, guarantee: Guarantee) {
        self.committed = self.position;
        self.oldest = None;
        if self.failed.is_none() {
            let mut stores = self.stores.iter_mut();
            self.failed = stores.find_map(|store| store.committed(guarantee).err());
        }
    }

    /// The transaction was aborted.
    pub fn discard(&mut self) {
        self.position = self.committed;
        self.stores.iter_mut().for_each(OwnedStore::discard);
    }

    pub fn marks(&self, into: &mut Vec<Mark>) {
        into.clear();
        into.extend(self.stores.iter().map(|owned| owned.store.mark()));
    }

    /// Undoes what one record wrote.
    pub fn undo_to(&mut self, marks: &[Mark]) {
        #[cfg(test)]
        if sabotaged(Sabotage::KeepFailedWrites) {
            return;
        }
        for (owned, mark) in self.stores.iter_mut().zip(marks) {
            owned.store.undo_to(*mark);
        }
    }
}
