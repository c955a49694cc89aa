//! Global tables: compacted topics, held whole in every process, loaded to the end before anything is processed and followed
//! afterwards.
//!
//! Workers look rows up under a read lock that they take once for a batch of records, so the path of a record meets no lock.

use crate::broker::{Broker, BrokerError, Position, Reader, TopicPartition};
use crate::codec::Codecs;
use crate::processor::{Failure, kind};
use crate::record::Key;
use crate::topology::Table;
use crate::value::{SecretNames, Value};
use ahash::AHashMap;
use bumpalo::Bump;
use std::borrow::Cow;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

type Rows = AHashMap<Box<[u8]>, Box<[u8]>>;

/// The rows of every table.
#[derive(Debug, Default)]
pub struct Tables {
    names: Vec<String>,
    codecs: Vec<Codecs>,
    rows: RwLock<Vec<Rows>>,
}

/// All tables as they stand while a batch is processed.
pub struct TablesView<'t> {
    names: &'t [String],
    codecs: &'t [Codecs],
    rows: RwLockReadGuard<'t, Vec<Rows>>,
}

impl Tables {
    pub fn new(tables: &[Table]) -> Self {
        let rows = tables.iter().map(|_| Rows::default()).collect();
        Self {
            names: tables.iter().map(|table| table.name.clone()).collect(),
            codecs: tables.iter().map(|table| table.codec).collect(),
            rows: RwLock::new(rows),
        }
    }

    pub fn view(&self) -> TablesView<'_> {
        TablesView {
            names: &self.names,
            codecs: &self.codecs,
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
    /// The row, decoded into the arena.
    ///
    /// # Errors
    /// A key that the table's codec has no bytes for, a row that is none of its codec's.
    pub fn row<'a>(&self, table: &str, key: Key<'a>, arena: &'a Bump) -> Result<Option<Value<'a>>, Failure> {
        let index = self.names.iter().position(|name| name == table);
        let found = index.and_then(|index| Some((self.codecs.get(index)?, self.rows.get(index)?)));
        let Some((codec, rows)) = found else {
            return Ok(None);
        };
        let failure = |kind, message| Failure {
            kind,
            message,
            detail: None,
        };
        let key = match codec.key {
            None => Cow::Borrowed(key.bytes),
            Some(_) => {
                let mut bytes = Vec::new();
                codec
                    .encode_key(&key, &SecretNames::default(), &mut bytes)
                    .map_err(|error| {
                        failure(kind::ENCODE, format!("there is no such key in table {table}: {error}"))
                    })?;
                Cow::Owned(bytes)
            }
        };
        let Some(row) = rows.get(key.as_ref()) else {
            return Ok(None);
        };
        let row = codec.value.decode(arena.alloc_slice_copy(row), arena);
        row.map(Some)
            .map_err(|error| failure("table_row", format!("the row of table {table} is {error}")))
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
        for (partition, end) in &self.ends {
            if self.reader.position(partition)?.is_none_or(|position| position < *end) {
                open.push((partition.clone(), *end));
            }
        }
        self.ends = open;
        Ok(self.ends.is_empty())
    }
}
