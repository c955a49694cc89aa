//! A key-value store in memory: gone with the process, restored from its changelog.

use super::{ValueStore, ValueWrite};
use crate::state::StateError;
use ahash::AHashMap;

#[derive(Debug, Default)]
pub struct MemoryValues {
    values: AHashMap<Vec<u8>, Vec<u8>>,
    checkpoint: Option<i64>,
}

impl ValueStore for MemoryValues {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.values.get(key).cloned())
    }

    fn apply(&mut self, writes: &[ValueWrite], checkpoint: Option<i64>) -> Result<(), StateError> {
        for (key, value) in writes {
            match value {
                Some(value) => self.values.insert(key.clone(), value.clone()),
                None => self.values.remove(key),
            };
        }
        self.checkpoint = checkpoint.or(self.checkpoint);
        Ok(())
    }

    fn checkpoint(&self) -> Option<i64> {
        self.checkpoint
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn each(&self, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StateError> {
        self.values.iter().for_each(|(key, value)| each(key, value));
        Ok(())
    }
}
