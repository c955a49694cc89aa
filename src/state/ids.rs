//! A task's view of an id store: the committed store under the overlay of the open transaction.

use ahash::AHashSet;

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
    fn contains(&self, id: u128) -> bool;
    /// One committed transaction (or a batch of the changelog), atomically: its ids, the stream time after it, and the changelog
    /// offset that the store then stands at (`None`: nothing of the changelog was written or read).
    fn apply(&mut self, writes: &[IdWrite], stream_time: i64, checkpoint: Option<i64>);
    /// The highest time seen by what was applied; `i64::MIN` when empty.
    fn stream_time(&self) -> i64;
    /// The changelog offset to restore from; `None`: from the beginning.
    fn checkpoint(&self) -> Option<i64>;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A point within a transaction to which a failed record's writes are undone.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    writes: usize,
    stream_time: i64,
}

/// The ids of one task: overlay over store.
pub struct TaskIds {
    window: i64,
    store: Box<dyn IdStore>,
    overlay: AHashSet<u128>,
    writes: Vec<IdWrite>,
    stream_time: i64,
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
        }
    }

    /// Looks an id up and remembers it.
    ///
    /// Stream time follows the event time, but never runs ahead of the record's own timestamp: one event dated into the future
    /// must not expire the rest of the window.
    pub fn remember(&mut self, id: u128, event_time: i64, record_time: i64) -> Remembered {
        let trusted = if record_time >= 0 {
            event_time.min(record_time)
        } else {
            event_time
        };
        self.stream_time = self.stream_time.max(trusted);
        if self.overlay.contains(&id) || self.store.contains(id) {
            return Remembered::Duplicate;
        }
        let horizon = self.stream_time.saturating_sub(self.window);
        let time = event_time.clamp(horizon, self.stream_time);
        self.overlay.insert(id);
        self.writes.push(IdWrite { id, time });
        if event_time < horizon {
            Remembered::Late
        } else {
            Remembered::New
        }
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

    /// What a record wrote, for the changelog.
    pub fn written_since(&self, mark: Mark) -> &[IdWrite] {
        self.writes.get(mark.writes..).unwrap_or_default()
    }

    /// The transaction is committed: the overlay becomes the store's. `checkpoint`: the changelog offset after the transaction.
    pub fn commit(&mut self, checkpoint: Option<i64>) {
        self.store.apply(&self.writes, self.stream_time, checkpoint);
        self.overlay.clear();
        self.writes.clear();
    }

    /// The transaction was aborted: as if it had not been.
    pub fn discard(&mut self) {
        self.overlay.clear();
        self.writes.clear();
        self.stream_time = self.store.stream_time();
    }

    /// A batch of the changelog, while restoring.
    pub fn restore(&mut self, writes: &[IdWrite], checkpoint: i64) {
        let newest = writes.iter().map(|write| write.time).max().unwrap_or(i64::MIN);
        self.stream_time = self.stream_time.max(newest);
        self.store.apply(writes, self.stream_time, Some(checkpoint));
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

    #[test]
    fn an_id_is_new_once_before_and_after_the_commit() {
        let mut ids = ids(1_000);
        assert_eq!(ids.remember(1, 10, 10), Remembered::New);
        assert_eq!(ids.remember(1, 11, 11), Remembered::Duplicate);
        ids.commit(Some(1));
        assert_eq!(ids.remember(1, 12, 12), Remembered::Duplicate);
        assert_eq!(ids.checkpoint(), Some(1));
    }

    #[test]
    fn an_aborted_transaction_leaves_nothing_not_even_stream_time() {
        let mut ids = ids(1_000);
        ids.remember(1, 10, 10);
        ids.commit(None);
        ids.remember(2, 900_000, 900_000);
        ids.discard();
        assert_eq!(ids.remember(2, 20, 20), Remembered::New);
        assert_eq!(
            ids.remember(3, 15, 20),
            Remembered::New,
            "not late: the aborted stream time is gone"
        );
    }

    #[test]
    fn a_failed_record_is_undone_and_the_ones_before_it_stay() {
        let mut ids = ids(1_000);
        ids.remember(1, 10, 10);
        let mark = ids.mark();
        ids.remember(2, 10, 10);
        assert_eq!(ids.written_since(mark).len(), 1);
        ids.undo_to(mark);
        assert!(ids.written_since(mark).is_empty());
        assert_eq!(ids.remember(2, 10, 10), Remembered::New);
        assert_eq!(ids.remember(1, 10, 10), Remembered::Duplicate);
    }

    #[test]
    fn an_event_older_than_the_window_passes_as_late_and_is_then_remembered() {
        let mut ids = ids(100);
        ids.remember(1, 1_000, 1_000);
        assert_eq!(ids.remember(2, 899, 1_000), Remembered::Late);
        ids.commit(None);
        assert_eq!(ids.remember(2, 899, 1_000), Remembered::Duplicate);
    }

    #[test]
    fn an_event_dated_into_the_future_does_not_expire_the_others() {
        let mut ids = ids(100);
        ids.remember(1, 1_000, 1_000);
        ids.remember(2, 9_999_999, 1_001);
        ids.commit(None);
        assert_eq!(ids.remember(1, 1_000, 1_002), Remembered::Duplicate);
    }
}
