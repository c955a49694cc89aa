//! Key-value stores on disk: one database a process, one keyspace a store, on the LSM engine `fjall`.
//!
//! Why `fjall`: 3 million random 16-byte keys, each looked up and written, cost 5.5 to 6.2 µs of CPU a key, and 5.4 µs with
//! `rocksdb`, which takes 12 minutes to build on two cores where this takes 27 seconds. Its journal and blocks are checksummed, and
//! a batch is atomic.
//!
//! Invariants:
//! - a transaction's writes, the changelog offset after it and the number of keys are one batch of the journal: whatever the moment
//!   of a crash, all of it is there or nothing;
//! - nothing is synced to the disk at a commit. A process that dies loses nothing. A machine that does loses the last batches, the
//!   offset with them, and the changelog gives them back;
//! - block cache and write buffers of all stores together stay within what [`ValuesDatabase::open`] was given: half for the cache, a
//!   quarter for buffers that are filled, a quarter for those on their way to the disk. Indices and filters (10 bits a key, 20 where
//!   it was written last) of the upper levels come on top;
//! - a store is open once at a time.
//!
//! Deliberately not here: mending. What is damaged is said to be, and whoever owns the folder puts it aside.

mod errors;
mod meta;
#[cfg(test)]
mod tests;

use super::{LONGEST_KEY, ValueStore, ValueWrite};
use crate::state::{Reads, StateError};
use ahash::AHashMap;
use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use meta::Meta;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where what a store knows of itself is kept: the only key of one byte of this kind.
const META: [u8; 1] = [0];
/// Before every key of the user's: keys of no bytes are no keys to the engine.
const DATA: u8 = 1;
const LONGEST_NAME: usize = u8::MAX as usize;
/// Less would be written in files that are too small to be worth their names.
const LEAST_BUFFER: usize = 256 * 1024;
const LEAST_JOURNAL: u64 = 64 * 1024 * 1024;
/// Librdkafka needs files, too.
const OPEN_FILES: usize = 256;
/// One may flush while the other merges.
const THREADS: usize = 2;

/// The database of a process: all its key-value stores. `Clone` shares it.
#[derive(Clone)]
pub struct ValuesDatabase(Arc<Shared>);

struct Shared {
    database: Database,
    path: PathBuf,
    stores: Mutex<BTreeMap<String, Known>>,
    /// Of stores that were removed: a total never falls.
    gone: Mutex<BTreeMap<String, Reads>>,
    /// For the write buffers of all stores, in bytes.
    buffers: usize,
}

/// A store that was opened since the start.
struct Known {
    keyspace: Keyspace,
    /// In its write buffer, in bytes.
    buffered: usize,
    open: bool,
}

impl Known {
    fn reads(&self) -> Reads {
        let metrics = self.keyspace.metrics();
        Reads {
            memory: metrics.block_load_cached_count() as u64,
            disk: metrics.block_load_io_count() as u64,
        }
    }
}

impl ValuesDatabase {
    /// Opens the database in a folder of its own, or makes a new one. Its block cache and write buffers take `memory_bytes`.
    ///
    /// # Errors
    /// `Damaged`: the whole folder is to be put aside. `InUse`: another process has it. `Refused`: another format. `Io`: the disk.
    pub fn open(path: &Path, memory_bytes: usize) -> Result<Self, StateError> {
        let database = Database::builder(path)
            .cache_size((memory_bytes / 2) as u64)
            .worker_threads(THREADS)
            .max_cached_files(Some(OPEN_FILES))
            .max_journaling_size(LEAST_JOURNAL)
            .open()
            .map_err(|error| errors::state_error("open", path, error))?;
        Ok(Self(Arc::new(Shared {
            database,
            path: path.to_owned(),
            stores: Mutex::default(),
            gone: Mutex::default(),
            buffers: (memory_bytes / 4).max(LEAST_BUFFER),
        })))
    }

    /// Size on disk of the stores whose names begin so, of those that were opened since the start. What is in the journal alone is
    /// not counted: that is all stores' together.
    pub fn bytes(&self, prefix: &str) -> u64 {
        let stores = self.0.stores();
        let named = stores.iter().filter(|(name, _)| name.starts_with(prefix));
        named.map(|(_, known)| known.keyspace.disk_space()).sum()
    }

    /// Blocks that were read since the start, of the stores whose names begin so: from the block cache, and from files. What write buffers
    /// answer takes no block.
    pub fn reads(&self, prefix: &str) -> Reads {
        let mut reads = Reads::default();
        let stores = self.0.stores();
        let named = stores.iter().filter(|(name, _)| name.starts_with(prefix));
        named.for_each(|(_, known)| reads.add(known.reads()));
        let gone = self.0.gone.lock().unwrap_or_else(PoisonError::into_inner);
        let named = gone.iter().filter(|(name, _)| name.starts_with(prefix));
        named.for_each(|(_, gone)| reads.add(*gone));
        reads
    }

    /// Opens a store as it was left, or an empty one. It is closed by being dropped.
    ///
    /// # Errors
    /// `InUse`: it is open. `Damaged`: [`Self::remove`] it. `Refused`: a format that this version does not know, or no name.
    pub fn store(&self, name: &str) -> Result<Box<dyn ValueStore>, StateError> {
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(StateError::Refused(format!(
                "`{name}` can't be a store's name: it must have 1 to {LONGEST_NAME} bytes"
            )));
        }
        let mut stores = self.0.stores();
        if stores.get(name).is_some_and(|known| known.open) {
            return Err(self.0.in_use(name));
        }
        let keyspace = self
            .0
            .database
            .keyspace(name, KeyspaceCreateOptions::default)
            .map_err(|error| self.0.error("open a store in", error))?;
        let meta = self.0.meta(name, &keyspace)?;
        let known = stores.entry(name.to_owned()).or_insert_with(|| Known {
            keyspace: keyspace.clone(),
            buffered: 0,
            open: true,
        });
        known.open = true;
        Ok(Box::new(DiskValues {
            shared: Arc::clone(&self.0),
            name: name.to_owned(),
            keyspace,
            meta,
        }))
    }

    /// The stores that are there, open or not, in the order of their names.
    pub fn names(&self) -> Vec<String> {
        let names = self.0.database.list_keyspace_names();
        let mut names: Vec<String> = names.iter().map(|name| (**name).to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// Removes a store and what is in it. One that is not there is fine.
    ///
    /// # Errors
    /// `InUse`: it is open. `Io`: the disk.
    pub fn remove(&self, name: &str) -> Result<(), StateError> {
        let mut stores = self.0.stores();
        if stores.get(name).is_some_and(|known| known.open) {
            return Err(self.0.in_use(name));
        }
        if let Some(known) = stores.remove(name) {
            let mut gone = self.0.gone.lock().unwrap_or_else(PoisonError::into_inner);
            gone.entry(name.to_owned()).or_default().add(known.reads());
        }
        if !self.0.database.keyspace_exists(name) {
            return Ok(());
        }
        let removed = self
            .0
            .database
            .keyspace(name, KeyspaceCreateOptions::default)
            .and_then(|keyspace| self.0.database.delete_keyspace(keyspace));
        removed.map_err(|error| self.0.error("remove a store from", error))
    }
}

impl Shared {
    fn stores(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, operation: &'static str, error: fjall::Error) -> StateError {
        errors::state_error(operation, &self.path, error)
    }

    fn in_use(&self, name: &str) -> StateError {
        StateError::InUse {
            path: self.path.join(name),
            by: "another task of this process".into(),
        }
    }

    fn meta(&self, name: &str, keyspace: &Keyspace) -> Result<Meta, StateError> {
        let meta = keyspace
            .get(META)
            .map_err(|error| self.error("read a store in", error))?;
        match meta {
            Some(meta) => Meta::decode(&meta, name, &self.path),
            // Whatever is written is written with it.
            None => match keyspace.first_key_value() {
                None => Ok(Meta::default()),
                Some(_) => Err(StateError::damaged(
                    &self.path,
                    format!("store `{name}` does not say where it stands"),
                )),
            },
        }
    }

    /// A store has so many bytes more in its write buffer. When all buffers together are full, the largest goes to the disk.
    fn buffered(&self, name: &str, bytes: usize) -> Result<(), StateError> {
        let mut stores = self.stores();
        if let Some(known) = stores.get_mut(name) {
            known.buffered += bytes;
        }
        if stores.values().map(|known| known.buffered).sum::<usize>() <= self.buffers {
            return Ok(());
        }
        let Some(largest) = stores.values_mut().max_by_key(|known| known.buffered) else {
            return Ok(());
        };
        largest.buffered = 0;
        let keyspace = largest.keyspace.clone();
        drop(stores);
        let rotated = keyspace.rotate_memtable();
        rotated.map(|_| ()).map_err(|error| self.error("write to", error))
    }
}

/// One store of the database.
struct DiskValues {
    shared: Arc<Shared>,
    name: String,
    keyspace: Keyspace,
    meta: Meta,
}

/// About what the engine needs for an entry of its write buffer, beside key and value.
const ENTRY_BYTES: usize = 64;

impl DiskValues {
    fn has(&self, key: &[u8]) -> Result<bool, StateError> {
        let found = self.keyspace.contains_key(data_key(key));
        found.map_err(|error| self.shared.error("read", error))
    }
}

impl ValueStore for DiskValues {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        if key.len() > LONGEST_KEY {
            return Ok(None);
        }
        let value = self.keyspace.get(data_key(key));
        let value = value.map_err(|error| self.shared.error("read", error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn apply(&mut self, writes: &[ValueWrite], checkpoint: Option<i64>) -> Result<(), StateError> {
        let mut latest: AHashMap<&[u8], Option<&[u8]>> = AHashMap::with_capacity(writes.len());
        for (key, value) in writes {
            latest.insert(key, value.as_deref());
        }
        let mut meta = self.meta;
        meta.checkpoint = checkpoint.or(meta.checkpoint);
        let mut batch = self.shared.database.batch();
        let mut bytes = 0;
        for (key, value) in latest {
            if key.len() > LONGEST_KEY {
                return Err(StateError::Refused(format!(
                    "store `{}` can't have a key of {} bytes: {LONGEST_KEY} are the most",
                    self.name,
                    key.len()
                )));
            }
            let there = self.has(key)?;
            bytes += ENTRY_BYTES + key.len() + value.map_or(0, <[u8]>::len);
            match value {
                Some(value) => {
                    meta.keys += u64::from(!there);
                    batch.insert(&self.keyspace, data_key(key), value);
                }
                None if there => {
                    meta.keys = meta.keys.saturating_sub(1);
                    batch.remove(&self.keyspace, data_key(key));
                }
                None => {}
            }
        }
        batch.insert(&self.keyspace, META, meta.encode());
        batch.commit().map_err(|error| self.shared.error("write to", error))?;
        self.meta = meta;
        self.shared.buffered(&self.name, bytes + ENTRY_BYTES)
    }

    fn checkpoint(&self) -> Option<i64> {
        self.meta.checkpoint
    }

    fn len(&self) -> usize {
        usize::try_from(self.meta.keys).unwrap_or(usize::MAX)
    }

    fn each(&self, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StateError> {
        for entry in self.keyspace.prefix([DATA]) {
            let (key, value) = entry.into_inner().map_err(|error| self.shared.error("read", error))?;
            each(key.get(1..).unwrap_or_default(), &value);
        }
        Ok(())
    }
}

impl Drop for DiskValues {
    fn drop(&mut self) {
        if let Some(known) = self.shared.stores().get_mut(&self.name) {
            known.open = false;
        }
    }
}

fn data_key(key: &[u8]) -> Vec<u8> {
    let mut own = Vec::with_capacity(key.len() + 1);
    own.push(DATA);
    own.extend_from_slice(key);
    own
}
