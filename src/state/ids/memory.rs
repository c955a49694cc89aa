//! An id store in memory: gone with the process, restored from its changelog.

use super::{IdStore, IdWrite, SEGMENTS};
use crate::state::StateError;
use ahash::AHashMap;
use std::collections::BTreeMap;

/// Ids by segment of event time.
#[derive(Debug)]
pub struct MemoryIds {
    window: i64,
    segment: i64,
    /// The segment of each.
    ids: AHashMap<u128, i64>,
    /// An id that was remembered again is in several; the last of them counts.
    by_time: BTreeMap<i64, Vec<u128>>,
    stream_time: i64,
    checkpoint: Option<i64>,
}

impl MemoryIds {
    /// An empty store that remembers ids for `window` milliseconds of event time.
    pub fn new(window: i64) -> Self {
        let segment = (window / SEGMENTS).max(1);
        Self {
            window,
            segment,
            ids: AHashMap::new(),
            by_time: BTreeMap::new(),
            stream_time: i64::MIN,
            checkpoint: None,
        }
    }

    fn expire(&mut self) {
        let horizon = self.stream_time.saturating_sub(self.window);
        while let Some(first) = self.by_time.first_entry() {
            if first.key().saturating_add(1).saturating_mul(self.segment) > horizon {
                break;
            }
            let (segment, ids) = first.remove_entry();
            for id in ids {
                if self.ids.get(&id) == Some(&segment) {
                    self.ids.remove(&id);
                }
            }
        }
    }
}

impl IdStore for MemoryIds {
    fn contains(&self, id: u128) -> Result<bool, StateError> {
        Ok(self.ids.contains_key(&id))
    }

    fn covers(&self, write: IdWrite) -> Result<bool, StateError> {
        let known = self.ids.get(&write.id);
        Ok(known.is_some_and(|known| *known >= write.time.div_euclid(self.segment)))
    }

    fn apply(&mut self, writes: &[IdWrite], stream_time: i64, checkpoint: Option<i64>) -> Result<(), StateError> {
        for write in writes {
            let segment = write.time.div_euclid(self.segment);
            let known = self.ids.get(&write.id);
            if known.is_none_or(|known| *known < segment) {
                self.ids.insert(write.id, segment);
                self.by_time.entry(segment).or_default().push(write.id);
            }
        }
        self.stream_time = self.stream_time.max(stream_time);
        self.checkpoint = checkpoint.or(self.checkpoint);
        self.expire();
        Ok(())
    }

    fn stream_time(&self) -> i64 {
        self.stream_time
    }

    fn checkpoint(&self) -> Option<i64> {
        self.checkpoint
    }

    fn len(&self) -> usize {
        self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(id: u128, time: i64) -> IdWrite {
        IdWrite { id, time }
    }

    #[test]
    fn an_id_is_there_until_its_whole_segment_is_older_than_the_window() {
        let mut store = MemoryIds::new(160);
        store.apply(&[write(1, 5), write(2, 95)], 100, Some(2)).unwrap();
        store.apply(&[], 165, Some(3)).unwrap();
        assert!(store.contains(1).unwrap(), "its segment ends at 10, the window at 5");
        store.apply(&[], 170, Some(4)).unwrap();
        assert!(!store.contains(1).unwrap());
        assert!(store.contains(2).unwrap());
        assert_eq!((store.len(), store.checkpoint()), (1, Some(4)));
    }

    #[test]
    fn an_id_that_is_remembered_again_is_forgotten_with_the_later_segment() {
        let mut store = MemoryIds::new(160);
        store
            .apply(&[write(1, 5), write(1, 95), write(1, 15)], 100, None)
            .unwrap();
        store.apply(&[], 250, None).unwrap();
        assert!(store.contains(1).unwrap() && store.covers(write(1, 99)).unwrap());
        assert!(!store.covers(write(1, 100)).unwrap());
        store.apply(&[], 260, None).unwrap();
        assert!(store.is_empty());
    }

    #[test]
    fn stream_time_never_goes_back() {
        let mut store = MemoryIds::new(100);
        store.apply(&[write(1, 50)], 50, None).unwrap();
        store.apply(&[write(2, 10)], 10, None).unwrap();
        assert_eq!(store.stream_time(), 50);
    }
}
