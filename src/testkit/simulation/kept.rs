//! A store as it lies on a simulated disk.

use crate::state::{DiskIds, IdStore as _, StateError};
use std::collections::{BTreeMap, BTreeSet};

/// A committed transaction, or a piece of the changelog.
#[derive(Clone, Debug)]
pub struct Batch {
    pub writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub stream_time: i64,
    pub checkpoint: Option<i64>,
}

/// A store as it lies on the disk.
#[derive(Default)]
pub struct Kept {
    pub batches: Vec<Batch>,
    /// What the batches come to.
    pub values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Instead of all that: what the program's own store has, as it was last seen.
    pub seen: Option<Seen>,
    pub open: bool,
    pub damaged: bool,
}

/// What the program's own store has.
pub struct Seen {
    pub ids: BTreeSet<u128>,
    pub stream_time: i64,
    pub checkpoint: Option<i64>,
}

impl Seen {
    pub fn of(store: &DiskIds) -> Result<Seen, StateError> {
        let mut ids = BTreeSet::new();
        store.each(|id, _| {
            ids.insert(id);
        })?;
        Ok(Seen {
            ids,
            stream_time: store.stream_time(),
            checkpoint: store.checkpoint(),
        })
    }
}

impl Kept {
    pub fn checkpoint(&self) -> Option<i64> {
        if let Some(seen) = &self.seen {
            return seen.checkpoint;
        }
        self.batches.iter().rev().find_map(|batch| batch.checkpoint)
    }

    pub fn add(&mut self, batch: Batch) {
        fold(&mut self.values, &batch.writes);
        self.batches.push(batch);
    }

    /// Loses the batches after the first `left`.
    pub fn lose(&mut self, left: usize) {
        let mut batches = std::mem::take(&mut self.batches);
        batches.truncate(left);
        self.values.clear();
        batches.into_iter().for_each(|batch| self.add(batch));
    }
}

/// The later write of a key counts, none removes it.
pub fn fold(values: &mut BTreeMap<Vec<u8>, Vec<u8>>, writes: &[(Vec<u8>, Option<Vec<u8>>)]) {
    for (key, value) in writes {
        match value {
            Some(value) => values.insert(key.clone(), value.clone()),
            None => values.remove(key),
        };
    }
}
