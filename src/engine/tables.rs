//! Global tables: compacted topics, held whole in every process, loaded to the end before anything is processed and followed
//! afterwards.
//!
//! Workers look rows up under a read lock that they take once for a batch of records, so the path of a record meets no lock.

use crate::broker::{self, Broker, BrokerError, Position, TopicPartition};
use crate::codec::{CodecError, DecodeError, Reader};
use crate::processor::{Failure, kind};
use crate::record::Key;
use crate::registry::Registry;
use crate::topology::Table;
use crate::value::Value;
use ahash::AHashMap;
use bumpalo::Bump;
use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

type Rows = AHashMap<Box<[u8]>, Box<[u8]>>;

/// The rows of every table.
#[derive(Debug, Default)]
pub struct Tables {
    names: Vec<String>,
    formats: Vec<Reader>,
    rows: RwLock<Vec<Rows>>,
}

/// All tables as they stand while a batch is processed.
pub struct TablesView<'t> {
    names: &'t [String],
    formats: &'t [Reader],
    rows: RwLockReadGuard<'t, Vec<Rows>>,
}

impl Tables {
    /// # Errors
    /// A schema that can't be used.
    pub fn new(tables: &[Table], registry: &Arc<dyn Registry>) -> Result<Self, CodecError> {
        let rows = tables.iter().map(|_| Rows::default()).collect();
        let formats = tables.iter().map(|table| Reader::new(&table.format, registry));
        Ok(Self {
            names: tables.iter().map(|table| table.name.clone()).collect(),
            formats: formats.collect::<Result<_, _>>()?,
            rows: RwLock::new(rows),
        })
    }

    pub fn view(&self) -> TablesView<'_> {
        TablesView {
            names: &self.names,
            formats: &self.formats,
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
        let found = index.and_then(|index| Some((self.formats.get(index)?, self.rows.get(index)?)));
        let Some((format, rows)) = found else {
            return Ok(None);
        };
        let failure = |kind, message| Failure {
            kind,
            message,
            detail: None,
        };
        let key = if format.keeps_key_bytes() {
            Cow::Borrowed(key.bytes)
        } else {
            let mut bytes = Vec::new();
            let no_such = |error| failure(kind::ENCODE, format!("there is no such key in table {table}: {error}"));
            format.key_bytes(&key, &mut bytes).map_err(no_such)?;
            Cow::Owned(bytes)
        };
        let Some(row) = rows.get(key.as_ref()) else {
            return Ok(None);
        };
        let row = format.value(arena.alloc_slice_copy(row), arena);
        row.map(Some).map_err(|error| match error {
            DecodeError::Wrong(error) => failure("table_row", format!("the row of table {table} is {error}")),
            DecodeError::Away(why) => failure(Failure::REGISTRY_AWAY, why),
        })
    }
}

/// Reads one table's topic into memory.
pub struct TableReader {
    index: usize,
    reader: Box<dyn broker::Reader>,
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
