//! Stores on a simulated disk, as the engine has them.

use super::kept::{Batch, Kept};
use super::place::Place;
use crate::state::{IdStore, IdWrite, MemoryIds, StateError, ValueStore, ValueWrite, encode_id};

/// Ids. What is expired is known by the store in memory that reads what is on the disk when it is opened.
pub struct SimulatedIds {
    place: Place,
    ids: MemoryIds,
}

impl SimulatedIds {
    pub fn new(window: i64, place: Place, batches: &[Batch]) -> SimulatedIds {
        let mut ids = MemoryIds::new(window);
        for batch in batches {
            let write = |(key, value): &(Vec<u8>, Option<Vec<u8>>)| IdWrite {
                id: u128::from_be_bytes(key.as_slice().try_into().unwrap()),
                time: i64::from_be_bytes(value.as_deref().unwrap().try_into().unwrap()),
            };
            let writes: Vec<IdWrite> = batch.writes.iter().map(write).collect();
            ids.apply(&writes, batch.stream_time, batch.checkpoint).unwrap();
        }
        SimulatedIds { place, ids }
    }
}

impl IdStore for SimulatedIds {
    fn contains(&self, id: u128) -> Result<bool, StateError> {
        self.place.read(|_| ())?;
        self.ids.contains(id)
    }

    fn covers(&self, write: IdWrite) -> Result<bool, StateError> {
        self.place.read(|_| ())?;
        self.ids.covers(write)
    }

    fn apply(&mut self, writes: &[IdWrite], stream_time: i64, checkpoint: Option<i64>) -> Result<(), StateError> {
        let write = |write: &IdWrite| {
            let (key, value) = encode_id(*write);
            (key.to_vec(), Some(value.to_vec()))
        };
        self.place.write(Batch {
            writes: writes.iter().map(write).collect(),
            stream_time,
            checkpoint,
        })?;
        self.ids.apply(writes, stream_time, checkpoint)
    }

    fn stream_time(&self) -> i64 {
        self.ids.stream_time()
    }

    fn checkpoint(&self) -> Option<i64> {
        self.ids.checkpoint()
    }

    fn len(&self) -> usize {
        self.ids.len()
    }
}

/// Values, read from the disk itself.
pub struct SimulatedValues {
    place: Place,
}

impl SimulatedValues {
    pub fn new(place: Place) -> SimulatedValues {
        SimulatedValues { place }
    }
}

impl ValueStore for SimulatedValues {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.place.read(|kept| kept.values.get(key).cloned())
    }

    fn apply(&mut self, writes: &[ValueWrite], checkpoint: Option<i64>) -> Result<(), StateError> {
        self.place.write(Batch {
            writes: writes.to_vec(),
            stream_time: i64::MIN,
            checkpoint,
        })
    }

    fn checkpoint(&self) -> Option<i64> {
        self.place.look(Kept::checkpoint).flatten()
    }

    fn len(&self) -> usize {
        self.place.look(|kept| kept.values.len()).unwrap_or(0)
    }

    fn each(&self, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StateError> {
        self.place
            .read(|kept| kept.values.iter().for_each(|(key, value)| each(key, value)))
    }
}
