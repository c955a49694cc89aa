//! Key-value stores: the latest value of every key.
//!
//! [`TaskValues`] is a task's view: the committed store under the overlay of the open transaction. Its changelog is the writes
//! themselves, key and value as they are; no value removes the key.

mod disk;
mod memory;

pub use disk::ValuesDatabase;
pub use memory::MemoryValues;

use super::{ChangelogError, Mark, StateError};
use ahash::AHashMap;

/// The longest key that every store takes, in bytes: what the engine on disk can, less our own byte.
pub const LONGEST_KEY: usize = u16::MAX as usize - 1;

/// A key and its new value; `None` removes it.
pub type ValueWrite = (Vec<u8>, Option<Vec<u8>>);

/// Committed values, wherever they are kept.
pub trait ValueStore: Send {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;
    /// One committed transaction (or a batch of the changelog), atomically: its writes in order, and the changelog offset that
    /// the store then stands at (`None`: it stands where it stood).
    fn apply(&mut self, writes: &[ValueWrite], checkpoint: Option<i64>) -> Result<(), StateError>;
    /// The changelog offset to restore from; `None`: from the beginning.
    fn checkpoint(&self) -> Option<i64>;
    /// How many keys there are.
    fn len(&self) -> usize;
    /// Hands over every key and its value, in no promised order.
    ///
    /// # Errors
    /// When the store can't be read to its end.
    fn each(&self, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StateError>;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The values of one task: overlay over store.
pub struct TaskValues {
    store: Box<dyn ValueStore>,
    /// By key, the position of its latest write.
    overlay: AHashMap<Vec<u8>, usize>,
    writes: Vec<ValueWrite>,
    /// Read from the changelog and not yet the store's.
    restoring: Vec<ValueWrite>,
}

impl TaskValues {
    pub fn new(store: Box<dyn ValueStore>) -> Self {
        Self {
            store,
            overlay: AHashMap::new(),
            writes: Vec::new(),
            restoring: Vec::new(),
        }
    }

    /// Gives the value of a key to `with`, as the open transaction sees it.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn get<R>(&self, key: &[u8], with: impl FnOnce(Option<&[u8]>) -> R) -> Result<R, StateError> {
        if let Some((_, value)) = self.overlay.get(key).and_then(|position| self.writes.get(*position)) {
            return Ok(with(value.as_deref()));
        }
        Ok(with(self.store.get(key)?.as_deref()))
    }

    /// Sets the value of a key, or removes it.
    pub fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.overlay.insert(key.to_vec(), self.writes.len());
        self.writes.push((key.to_vec(), value.map(<[u8]>::to_vec)));
    }

    /// Here and now, for [`Self::undo_to`] and [`Self::each_written`].
    pub fn mark(&self) -> Mark {
        Mark {
            writes: self.writes.len(),
            stream_time: i64::MIN,
        }
    }

    /// Undoes what a record wrote.
    pub fn undo_to(&mut self, mark: Mark) {
        if mark.writes >= self.writes.len() {
            return;
        }
        self.writes.truncate(mark.writes);
        // Failures are rare, so what a write covered is not kept but found again.
        self.overlay.clear();
        for (position, (key, _)) in self.writes.iter().enumerate() {
            self.overlay.insert(key.clone(), position);
        }
    }

    /// What a record wrote, as changelog records.
    pub fn each_written<E>(
        &self,
        mark: Mark,
        mut each: impl FnMut(&[u8], Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        let written = self.writes.get(mark.writes..).unwrap_or_default();
        written.iter().try_for_each(|(key, value)| each(key, value.as_deref()))
    }

    /// The transaction is committed: the overlay becomes the store's. `checkpoint`: the changelog offset after the transaction.
    pub fn commit(&mut self, checkpoint: Option<i64>) -> Result<(), StateError> {
        let applied = self.store.apply(&self.writes, checkpoint);
        self.discard();
        applied
    }

    /// The transaction was aborted: as if it had not been.
    pub fn discard(&mut self) {
        self.overlay.clear();
        self.writes.clear();
    }

    /// Takes a record of the changelog, while restoring.
    pub fn restore(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), ChangelogError> {
        let Some(key) = key else {
            return Err(ChangelogError("a record without a key".into()));
        };
        self.restoring.push((key.to_vec(), value.map(<[u8]>::to_vec)));
        Ok(())
    }

    /// All that was taken becomes the store's, which then stands at `checkpoint`.
    pub fn restored(&mut self, checkpoint: i64) -> Result<(), StateError> {
        let applied = self.store.apply(&self.restoring, Some(checkpoint));
        self.restoring.clear();
        applied
    }

    /// Where restoring goes on; `None`: from the beginning of the changelog.
    pub fn checkpoint(&self) -> Option<i64> {
        self.store.checkpoint()
    }

    /// How many keys are committed.
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

    fn values() -> TaskValues {
        TaskValues::new(Box::new(MemoryValues::default()))
    }

    fn get(values: &TaskValues, key: &str) -> Option<String> {
        let text = |value: Option<&[u8]>| value.map(|value| String::from_utf8_lossy(value).into_owned());
        values.get(key.as_bytes(), text).unwrap()
    }

    #[test]
    fn a_transaction_sees_its_own_writes_and_an_abort_forgets_them() {
        let mut values = values();
        values.put(b"a", Some(b"1"));
        values.commit(Some(5)).unwrap();
        values.put(b"a", Some(b"2"));
        values.put(b"b", Some(b"3"));
        assert_eq!(
            (get(&values, "a"), get(&values, "b")),
            (Some("2".into()), Some("3".into()))
        );
        values.discard();
        assert_eq!((get(&values, "a"), get(&values, "b")), (Some("1".into()), None));
        assert_eq!(values.checkpoint(), Some(5));
    }

    #[test]
    fn a_failed_record_is_undone_down_to_what_it_covered() {
        let mut values = values();
        values.put(b"a", Some(b"1"));
        let mark = values.mark();
        values.put(b"a", Some(b"2"));
        values.put(b"a", None);
        assert_eq!(get(&values, "a"), None);
        values.undo_to(mark);
        assert_eq!(get(&values, "a"), Some("1".into()));
        let mut written = Vec::new();
        let start = Mark {
            writes: 0,
            stream_time: 0,
        };
        let seen = values.each_written(start, |key, value| {
            written.push((key.to_vec(), value.map(<[u8]>::to_vec)));
            Ok::<_, ()>(())
        });
        assert_eq!((seen, written), (Ok(()), vec![(b"a".to_vec(), Some(b"1".to_vec()))]));
    }

    #[test]
    fn a_key_without_a_value_is_removed_also_while_restoring() {
        let mut values = values();
        values.restore(Some(b"a"), Some(b"1")).unwrap();
        values.restore(Some(b"b"), Some(b"1")).unwrap();
        values.restore(Some(b"a"), None).unwrap();
        assert!(values.restore(None, Some(b"1")).is_err());
        values.restored(9).unwrap();
        assert_eq!((get(&values, "a"), get(&values, "b")), (None, Some("1".into())));
        assert_eq!((values.len(), values.checkpoint()), (1, Some(9)));
    }
}
