//! A task: one topic's partition, the stores it owns, and how far it has come.

use super::wiring::Wiring;
use crate::broker::{Position, TopicPartition};
use crate::state::{Mark, MemoryIds, StoreKind, TaskIds};

/// How long until a window's ids are forgotten, in milliseconds.
fn millis(window: std::time::Duration) -> i64 {
    i64::try_from(window.as_millis()).unwrap_or(i64::MAX)
}

pub struct Task {
    pub partition: TopicPartition,
    /// Index into [`Wiring::entries`].
    pub entry: usize,
    /// In the order of the entry's stores.
    pub stores: Vec<TaskIds>,
    /// Where the last committed transaction left off; `None`: nothing was ever committed.
    committed: Option<i64>,
    /// The offset after the last record processed.
    position: Option<i64>,
}

impl Task {
    /// A task with empty stores, to be restored from their changelogs.
    pub fn new(partition: TopicPartition, entry: usize, committed: Option<i64>, wiring: &Wiring) -> Self {
        let stores = wiring
            .entries
            .get(entry)
            .map(|entry| entry.stores.as_slice())
            .unwrap_or_default();
        let stores = stores
            .iter()
            .filter_map(|index| wiring.stores.get(*index))
            .map(|store| match store.spec.kind {
                StoreKind::Ids { window } => TaskIds::new(millis(window), Box::new(MemoryIds::new(millis(window)))),
            })
            .collect();
        Self {
            partition,
            entry,
            stores,
            committed,
            position: committed,
        }
    }

    /// Where reading starts, or starts again after an abort.
    pub fn start(&self) -> Position {
        self.committed.map_or(Position::Beginning, Position::Offset)
    }

    /// A record was processed.
    pub fn advance(&mut self, offset: i64) {
        self.position = Some(offset.saturating_add(1));
    }

    /// The offset to commit, where there is something to commit.
    pub fn to_commit(&self) -> Option<i64> {
        self.position.filter(|position| Some(*position) != self.committed)
    }

    /// The transaction is committed.
    pub fn committed(&mut self) {
        self.committed = self.position;
        for store in &mut self.stores {
            store.commit(None);
        }
    }

    /// The transaction was aborted.
    pub fn discard(&mut self) {
        self.position = self.committed;
        for store in &mut self.stores {
            store.discard();
        }
    }

    pub fn marks(&self, into: &mut Vec<Mark>) {
        into.clear();
        into.extend(self.stores.iter().map(TaskIds::mark));
    }

    /// Undoes what one record wrote.
    pub fn undo_to(&mut self, marks: &[Mark]) {
        for (store, mark) in self.stores.iter_mut().zip(marks) {
            store.undo_to(*mark);
        }
    }
}
