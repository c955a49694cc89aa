//! Id stores: which 128-bit ids were seen within a window of event time.
//!
//! [`TaskIds`] is a task's view: the committed store under the overlay of the open transaction.

mod changelog;
mod disk;
mod memory;

pub use changelog::{decode_id, encode_id};
pub use disk::DiskIds;
pub use memory::MemoryIds;

use super::{ChangelogError, Mark, StateError};
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use ahash::AHashSet;

/// How many segments a window is cut into. Expiry drops whole segments, so an id lives at most 1/16 longer than the window.
const SEGMENTS: i64 = 16;

/// What an id store says of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    New,
    Duplicate,
    /// Older than the window, so it can't be known whether it was seen; remembered from now on.
    Late,
}

/// An id to be remembered, and the event time (ms since the epoch) that decides when it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdWrite {
    pub id: u128,
    pub time: i64,
}

/// Committed ids, wherever they are kept.
pub trait IdStore: Send {
    fn contains(&self, id: u128) -> Result<bool, StateError>;
    /// Whether the id is remembered already, for as long as this write would have it.
    fn covers(&self, write: IdWrite) -> Result<bool, StateError>;
    /// One committed transaction (or a batch of the changelog), atomically: ids that are not covered, the stream time after
    /// it, and the changelog offset that the store then stands at (`None`: it stands where it stood). Of an id that is
    /// remembered twice the later time counts.
    fn apply(&mut self, writes: &[IdWrite], stream_time: i64, checkpoint: Option<i64>) -> Result<(), StateError>;
    /// The highest time seen by what was applied; `i64::MIN` when empty.
    fn stream_time(&self) -> i64;
    /// The changelog offset to restore from; `None`: from the beginning.
    fn checkpoint(&self) -> Option<i64>;
    /// How many ids there are. One that is remembered again, while its older time is not yet forgotten, may count twice.
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The ids of one task: overlay over store.
pub struct TaskIds {
    window: i64,
    store: Box<dyn IdStore>,
    overlay: AHashSet<u128>,
    writes: Vec<IdWrite>,
    stream_time: i64,
    /// Read from the changelog and not yet the store's.
    restoring: Vec<IdWrite>,
}

impl TaskIds {
    /// `window` in milliseconds.
    pub fn new(window: i64, store: Box<dyn IdStore>) -> Self {
        let stream_time = store.stream_time();
        Self {
            window,
            store,
            overlay: AHashSet::new(),
            writes: Vec::new(),
            stream_time,
            restoring: Vec::new(),
        }
    }

    /// Looks an id up and remembers it.
    ///
    /// Stream time follows the event time, but never runs ahead of the record's own timestamp: one event dated into the future
    /// must not expire the rest of the window.
    ///
    /// # Errors
    /// When the store can't be read; then nothing was remembered.
    pub fn remember(&mut self, id: u128, event_time: i64, record_time: i64) -> Result<Remembered, StateError> {
        let trusted = if record_time >= 0 {
            event_time.min(record_time)
        } else {
            event_time
        };
        self.stream_time = self.stream_time.max(trusted);
        if self.overlay.contains(&id) || self.store.contains(id)? {
            return Ok(Remembered::Duplicate);
        }
        let horizon = self.stream_time.saturating_sub(self.window);
        let time = event_time.clamp(horizon, self.stream_time);
        self.overlay.insert(id);
        self.writes.push(IdWrite { id, time });
        Ok(if event_time < horizon {
            Remembered::Late
        } else {
            Remembered::New
        })
    }

    /// Here and now, for [`Self::undo_to`] and [`Self::written_since`].
    pub fn mark(&self) -> Mark {
        Mark {
            writes: self.writes.len(),
            stream_time: self.stream_time,
        }
    }

    /// Undoes what a record wrote.
    pub fn undo_to(&mut self, mark: Mark) {
        for write in self.writes.drain(mark.writes.min(self.writes.len())..) {
            self.overlay.remove(&write.id);
        }
        self.stream_time = mark.stream_time;
    }

    /// What a record wrote, as changelog records.
    pub fn each_written<E>(
        &self,
        mark: Mark,
        mut each: impl FnMut(&[u8], Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        for write in self.writes.get(mark.writes..).unwrap_or_default() {
            let (key, value) = encode_id(*write);
            each(&key, Some(&value))?;
        }
        Ok(())
    }

    /// The transaction is committed: the overlay becomes the store's. `checkpoint`: the changelog offset after the transaction.
    pub fn commit(&mut self, checkpoint: Option<i64>) -> Result<(), StateError> {
        let applied = self.store.apply(&self.writes, self.stream_time, checkpoint);
        self.overlay.clear();
        self.writes.clear();
        applied
    }

    /// The transaction was aborted: as if it had not been.
    pub fn discard(&mut self) {
        self.overlay.clear();
        self.writes.clear();
        #[cfg(test)]
        if sabotaged(Sabotage::KeepStreamTime) {
            return;
        }
        self.stream_time = self.store.stream_time();
    }

    /// Takes a record of the changelog, while restoring.
    pub fn restore(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), ChangelogError> {
        self.restoring.push(decode_id(key, value)?);
        Ok(())
    }

    /// All that was taken becomes the store's, which then stands at `checkpoint`.
    pub fn restored(&mut self, checkpoint: i64) -> Result<(), StateError> {
        let newest = self.restoring.iter().map(|write| write.time).max();
        self.stream_time = self.stream_time.max(newest.unwrap_or(i64::MIN));
        let mut failed = None;
        self.restoring.retain(|write| match self.store.covers(*write) {
            Ok(covered) => !covered,
            Err(error) => {
                failed = Some(error);
                false
            }
        });
        if let Some(error) = failed {
            self.restoring.clear();
            return Err(error);
        }
        let applied = self.store.apply(&self.restoring, self.stream_time, Some(checkpoint));
        self.restoring.clear();
        applied
    }

    /// Where restoring goes on; `None`: from the beginning of the changelog.
    pub fn checkpoint(&self) -> Option<i64> {
        self.store.checkpoint()
    }

    /// How many ids are committed.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::MemoryIds;

    fn ids(window: i64) -> TaskIds {
        TaskIds::new(window, Box::new(MemoryIds::new(window)))
    }

    fn written_since(ids: &TaskIds, mark: Mark) -> usize {
        let mut count = 0;
        ids.each_written(mark, |_, _| {
            count += 1;
            Ok::<_, ()>(())
        })
        .unwrap();
        count
    }

    #[test]
    fn an_id_is_new_once_before_and_after_the_commit() {
        let mut ids = ids(1_000);
        assert_eq!(ids.remember(1, 10, 10).unwrap(), Remembered::New);
        assert_eq!(ids.remember(1, 11, 11).unwrap(), Remembered::Duplicate);
        ids.commit(Some(1)).unwrap();
        assert_eq!(ids.remember(1, 12, 12).unwrap(), Remembered::Duplicate);
        assert_eq!(ids.checkpoint(), Some(1));
    }

    #[test]
    fn an_aborted_transaction_leaves_nothing_not_even_stream_time() {
        let mut ids = ids(1_000);
        ids.remember(1, 10, 10).unwrap();
        ids.commit(None).unwrap();
        ids.remember(2, 900_000, 900_000).unwrap();
        ids.discard();
        assert_eq!(ids.remember(2, 20, 20).unwrap(), Remembered::New);
        assert_eq!(
            ids.remember(3, 15, 20).unwrap(),
            Remembered::New,
            "not late: the aborted stream time is gone"
        );
    }

    #[test]
    fn a_failed_record_is_undone_and_the_ones_before_it_stay() {
        let mut ids = ids(1_000);
        ids.remember(1, 10, 10).unwrap();
        let mark = ids.mark();
        ids.remember(2, 10, 10).unwrap();
        assert_eq!(written_since(&ids, mark), 1);
        ids.undo_to(mark);
        assert_eq!(written_since(&ids, mark), 0);
        assert_eq!(ids.remember(2, 10, 10).unwrap(), Remembered::New);
        assert_eq!(ids.remember(1, 10, 10).unwrap(), Remembered::Duplicate);
    }

    #[test]
    fn an_event_older_than_the_window_passes_as_late_and_is_then_remembered() {
        let mut ids = ids(100);
        ids.remember(1, 1_000, 1_000).unwrap();
        assert_eq!(ids.remember(2, 899, 1_000).unwrap(), Remembered::Late);
        ids.commit(None).unwrap();
        assert_eq!(ids.remember(2, 899, 1_000).unwrap(), Remembered::Duplicate);
    }

    /// A changelog that is not yet compacted has both times of an id that was forgotten and seen again.
    #[test]
    fn what_was_remembered_again_is_restored_with_its_later_time() {
        for batches in [1, 2] {
            let mut ids = ids(160);
            for (id, time) in [(1_u128, 0_i64), (2, 500), (1, 500), (1, 0)] {
                ids.restore(Some(&id.to_be_bytes()), Some(&time.to_be_bytes())).unwrap();
                if batches == 2 && id == 1 {
                    ids.restored(time).unwrap();
                }
            }
            ids.restored(9).unwrap();
            assert_eq!(
                ids.remember(1, 510, 510).unwrap(),
                Remembered::Duplicate,
                "in {batches} batches"
            );
        }
    }

    #[test]
    fn an_event_dated_into_the_future_does_not_expire_the_others() {
        let mut ids = ids(100);
        ids.remember(1, 1_000, 1_000).unwrap();
        ids.remember(2, 9_999_999, 1_001).unwrap();
        ids.commit(None).unwrap();
        assert_eq!(ids.remember(1, 1_000, 1_002).unwrap(), Remembered::Duplicate);
    }
}
