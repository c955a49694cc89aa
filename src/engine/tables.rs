//! Global tables: compacted topics, held whole in every process, loaded to the end before anything is processed and followed
//! afterwards.
//!
//! Workers look rows up under a read lock that they take once for a batch of records, so the path of a record meets no lock.

use crate::broker::{Broker, BrokerError, Position, Reader, TopicPartition};
use crate::processor::Failure;
use crate::value::{Value, parse};
use ahash::AHashMap;
use bumpalo::Bump;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

type Rows = AHashMap<Box<[u8]>, Box<[u8]>>;

/// The rows of every table.
#[derive(Debug, Default)]
pub struct Tables {
    names: Vec<String>,
    rows: RwLock<Vec<Rows>>,
}

/// All tables as they stand while a batch is processed.
pub struct TablesView<'t> {
    names: &'t [String],
    rows: RwLockReadGuard<'t, Vec<Rows>>,
}

impl Tables {
    pub fn new(names: Vec<String>) -> Self {
        let rows = names.iter().map(|_| Rows::default()).collect();
        Self {
            names,
            rows: RwLock::new(rows),
        }
    }

    pub fn view(&self) -> TablesView<'_> {
        TablesView {
            names: &self.names,
            rows: self.rows.read().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Sets a row, or removes it where `value` is null.
    pub fn set(&self, table: usize, key: &[u8], value: Option<&[u8]>) {
        let mut rows: RwLockWriteGuard<'_, Vec<Rows>> = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let Some(rows) = rows.get_mut(table) else { return };
        match value {
            Some(value) => rows.insert(key.into(), value.into()),
            None => rows.remove(key),
        };
    }

    /// How many rows each table has, by name.
    pub fn sizes(&self) -> Vec<(String, usize)> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        self.names
            .iter()
            .cloned()
            .zip(rows.iter().map(|rows| rows.len()))
            .collect()
    }
}

impl TablesView<'_> {
    /// The row, parsed into the arena.
    pub fn row<'a>(&self, table: &str, key: &[u8], arena: &'a Bump) -> Result<Option<Value<'a>>, Failure> {
        let index = self.names.iter().position(|name| name == table);
        let Some(row) = index
            .and_then(|index| self.rows.get(index))
            .and_then(|rows| rows.get(key))
        else {
            return Ok(None);
        };
        parse(arena.alloc_slice_copy(row), arena)
            .map(Some)
            .map_err(|error| Failure {
                kind: "table_row",
                message: format!("the row of table {table} is not JSON: {error}"),
                detail: None,
            })
    }
}

/// Reads one table's topic into memory.
pub struct TableReader {
    index: usize,
    reader: Box<dyn Reader>,
    /// Partitions and the offsets that make the table complete.
    ends: Vec<(TopicPartition, i64)>,
}

const BATCH: usize = 1_000;

impl TableReader {
    /// Starts at the beginning of every partition of `topic`.
    pub fn start(broker: &dyn Broker, index: usize, topic: &str, partitions: i32) -> Result<Self, BrokerError> {
        let mut reader = broker.reader()?;
        let partitions: Vec<TopicPartition> = (0..partitions)
            .map(|partition| TopicPartition {
                topic: topic.to_owned(),
                partition,
            })
            .collect();
        let mut ends = Vec::with_capacity(partitions.len());
        for partition in &partitions {
            let (first, end) = reader.offsets(partition)?;
            if end > first {
                ends.push((partition.clone(), end));
            }
        }
        let start: Vec<_> = partitions
            .into_iter()
            .map(|partition| (partition, Position::Beginning))
            .collect();
        reader.assign(&start)?;
        Ok(Self { index, reader, ends })
    }

    /// Reads on; `true` once everything that was there at the start is loaded.
    pub fn follow(&mut self, tables: &Tables, timeout: Duration) -> Result<bool, BrokerError> {
        let index = self.index;
        self.reader.poll(timeout, BATCH, &mut |record| {
            if let Some(key) = record.key {
                tables.set(index, key, record.value);
            }
        })?;
        let mut open = Vec::new();
        for (partition, end) in self.ends.drain(..) {
            if self.reader.position(&partition)?.is_none_or(|position| position < end) {
                open.push((partition, end));
            }
        }
        self.ends = open;
        Ok(self.ends.is_empty())
    }
}
