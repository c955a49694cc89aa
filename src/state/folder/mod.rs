//! The state folder of an instance: its stores on disk, locked against other processes.
//!
//! `ROOT/APPLICATION/INSTANCE/` has `lock`, `format` (one line: version and application), `TOPIC-PARTITION/STORE/` for each id
//! store, and `values/`, a database with all key-value stores. An id store that was found damaged is kept beside, as
//! `STORE~damaged-N`, until the next one.

mod claims;
mod stopped;
#[cfg(test)]
mod tests;
mod values;

use super::budget::Budget;
use super::stores::millis;
use super::{
    Disk, DiskIds, DiskLock, Reads, StateError, StoreId, StoreKind, StoreSpec, Stores, TaskIds, TaskStore, TaskValues,
};
use crate::state::reads::ReadCounts;
use claims::{Claimed, Claims};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
pub use stopped::Stopped;
use values::Values;

/// Of the folder's own layout; each store has a version of its own.
const VERSION: u32 = 1;
const LOCK: &str = "lock";
const FORMAT: &str = "format";
const FIRST_WORD: &str = "millstream-state";
const DAMAGED: &str = "~damaged-";

/// The stores of one instance of an application.
pub struct StateFolder {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    budget: Arc<Budget>,
    values: Values,
    claims: Claims,
    /// Of the id stores, by their names.
    reads: Mutex<BTreeMap<String, Arc<ReadCounts>>>,
    _lock: Box<dyn DiskLock>,
}

impl StateFolder {
    /// Opens the folder and locks it for the life of what is given. `budget`: the memory of all its stores together, in bytes.
    ///
    /// # Errors
    /// `InUse`: another process runs as this instance. `Refused`: it is another application's, or of another version.
    pub fn open(
        root: &Path,
        application: &str,
        instance: &str,
        budget: usize,
        disk: Arc<dyn Disk>,
    ) -> Result<Arc<Self>, StateError> {
        let above = root.join(file_name(application));
        let path = above.join(file_name(instance));
        create_folder(&*disk, &path, &[&above, root])?;
        let lock = path.join(LOCK);
        let locked = disk.lock(&lock).map_err(|error| StateError::io("lock", &lock, error))?;
        let lock = locked.ok_or_else(|| StateError::InUse {
            path: path.clone(),
            by: "another process, which runs as this instance: choose another --instance or --state-dir".into(),
        })?;
        check_format(&*disk, &path, application)?;
        let budget = Budget::new(budget);
        Ok(Arc::new(Self {
            values: Values::new(&path, &budget),
            path,
            disk,
            budget,
            claims: Claims::default(),
            reads: Mutex::default(),
            _lock: lock,
        }))
    }

    /// `ROOT/APPLICATION/INSTANCE`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The memory of its stores.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// The id stores that are none of `known`, by topic and store, and the key-value stores: of processors that are no longer
    /// there.
    ///
    /// # Errors
    /// When a folder can't be read.
    pub fn unused(&self, known: &[(&str, &str)]) -> Result<Vec<PathBuf>, StateError> {
        let mut unused = Vec::new();
        for task in self.list(&self.path)? {
            let Some((topic, partition)) = task.rsplit_once('-') else {
                continue;
            };
            if partition.parse::<i32>().is_err() {
                continue;
            }
            let folder = self.path.join(&task);
            for store in self.list(&folder)? {
                let is_known = known.contains(&(topic, store.as_str()));
                if !is_known && !store.contains(DAMAGED) {
                    unused.push(folder.join(store));
                }
            }
        }
        for (topic, store) in self.values.found()? {
            if !known.contains(&(&topic, &store)) {
                unused.push(self.path.join("values").join(topic).join(store));
            }
        }
        unused.sort();
        unused.dedup();
        Ok(unused)
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, StateError> {
        self.disk
            .list(folder)
            .map_err(|error| StateError::io("list", folder, error))
    }

    fn task_folder(&self, id: &StoreId) -> PathBuf {
        self.path.join(format!("{}-{}", file_name(&id.topic), id.partition))
    }

    fn store_folder(&self, id: &StoreId) -> PathBuf {
        self.task_folder(id).join(file_name(&id.store))
    }

    fn claim(&self, id: &StoreId) -> Result<claims::Claim, StateError> {
        self.claims.claim(id).ok_or_else(|| StateError::InUse {
            path: self.store_folder(id),
            by: "another task of this process".into(),
        })
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, Arc<ReadCounts>>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_ids(&self, id: &StoreId, window: i64) -> Result<DiskIds, StateError> {
        let folder = self.store_folder(id);
        create_folder(&*self.disk, &folder, &[&self.task_folder(id), &self.path])?;
        let open = || DiskIds::open(Arc::clone(&self.disk), &folder, window, &self.budget);
        match open() {
            Err(StateError::Damaged { path, why }) => {
                tracing::error!(
                    task = id.task(),
                    store = id.store,
                    topic = id.topic,
                    partition = id.partition,
                    path = %path.display(),
                    why,
                    "a store is damaged: it is put aside and restored from its changelog"
                );
                self.move_aside(id)?;
                open()
            }
            opened => opened,
        }
    }

    /// Only the latest damaged one of a store is kept.
    fn move_aside(&self, id: &StoreId) -> Result<(), StateError> {
        let (above, folder) = (self.task_folder(id), self.store_folder(id));
        let prefix = format!("{}{DAMAGED}", file_name(&id.store));
        let before: Vec<String> = self
            .list(&above)?
            .into_iter()
            .filter(|name| name.starts_with(&prefix))
            .collect();
        let numbers = before
            .iter()
            .filter_map(|name| name.strip_prefix(&prefix)?.parse::<u64>().ok());
        let number = numbers.max().unwrap_or(0) + 1;
        let aside = above.join(format!("{prefix}{number}"));
        match self.disk.rename(&folder, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed.map_err(|error| StateError::io("rename", &folder, error))?,
        }
        for name in before {
            let old = above.join(name);
            self.disk
                .remove_folder(&old)
                .map_err(|error| StateError::io("remove", &old, error))?;
        }
        self.disk
            .sync_folder(&above)
            .map_err(|error| StateError::io("sync", &above, error))
    }
}

impl Stores for StateFolder {
    fn open(&self, id: &StoreId, spec: &StoreSpec) -> Result<TaskStore, StateError> {
        Ok(match spec.kind {
            StoreKind::Ids { window } => {
                let (claim, window) = (self.claim(id)?, millis(window));
                let counts = Arc::clone(self.counts().entry(id.store.clone()).or_default());
                let store = Claimed::new(self.open_ids(id, window)?.counted_by(&counts), claim);
                TaskStore::Ids(TaskIds::new(window, Box::new(store)))
            }
            StoreKind::Values => TaskStore::Values(TaskValues::new(self.values.store(id)?)),
        })
    }

    fn set_aside(&self, id: &StoreId, spec: &StoreSpec) -> Result<(), StateError> {
        match spec.kind {
            StoreKind::Ids { .. } => {
                let _claim = self.claim(id)?;
                self.move_aside(id)
            }
            StoreKind::Values => self.values.remove(id),
        }
    }

    /// Of the id stores' files, and of what the database says of the others.
    fn bytes(&self, store: &str) -> Option<u64> {
        let tasks = fs::read_dir(&self.path).ok()?.flatten();
        let folders = tasks.map(|task| task.path().join(file_name(store)));
        let ids: u64 = folders.filter_map(|folder| fs::read_dir(folder).ok()).map(size).sum();
        Some(ids + self.values.bytes(store))
    }

    fn reads(&self, store: &str) -> Option<Reads> {
        let mut reads = self.values.reads(store);
        if let Some(ids) = self.counts().get(store) {
            reads.add(ids.reads());
        }
        Some(reads)
    }
}

/// Files may go while they are looked at.
fn size(files: fs::ReadDir) -> u64 {
    let sizes = files.flatten().filter_map(|file| file.metadata().ok());
    sizes.filter(fs::Metadata::is_file).map(|file| file.len()).sum()
}

/// A folder that a crash does not take away; `above`: those above it that may be new.
fn create_folder(disk: &dyn Disk, path: &Path, above: &[&Path]) -> Result<(), StateError> {
    disk.create_folder(path)
        .map_err(|error| StateError::io("create", path, error))?;
    above.iter().try_for_each(|above| {
        disk.sync_folder(above)
            .map_err(|error| StateError::io("sync", above, error))
    })
}

/// Reads whose folder it is, or says so in a new one.
fn check_format(disk: &dyn Disk, path: &Path, application: &str) -> Result<(), StateError> {
    if is_of(disk, path, application)? {
        return Ok(());
    }
    let (file, new_file) = (path.join(FORMAT), path.join("format.new"));
    let write = || {
        let mut opened = disk.open(&new_file, true)?;
        opened.cut(0)?;
        opened.append(format_of(application).as_bytes())?;
        opened.sync()?;
        disk.rename(&new_file, &file)?;
        disk.sync_folder(path)
    };
    write().map_err(|error| StateError::io("write", &file, error))
}

/// What is in [`FORMAT`].
fn format_of(application: &str) -> String {
    format!("{FIRST_WORD} {VERSION} {application}\n")
}

/// Whether a folder says that it is this application's; `false`: it says nothing. Refused: it says something else.
fn is_of(disk: &dyn Disk, path: &Path, application: &str) -> Result<bool, StateError> {
    let (file, ours) = (path.join(FORMAT), format_of(application));
    let opened = match disk.open(&file, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(|error| StateError::io("open", &file, error))?,
    };
    let mut bytes = Vec::new();
    let read = opened.size().and_then(|size| {
        bytes.resize(usize::try_from(size).unwrap_or(0).min(ours.len() + 200), 0);
        opened.read_at(&mut bytes, 0)
    });
    read.map_err(|error| StateError::io("read", &file, error))?;
    if bytes == ours.as_bytes() {
        return Ok(true);
    }
    let found = String::from_utf8_lossy(&bytes);
    Err(StateError::Refused(not_ours(path, application, &found)))
}

/// Why a folder is refused, by what its `format` says.
fn not_ours(path: &Path, application: &str, found: &str) -> String {
    let path = path.display();
    let words: Vec<&str> = found.split_whitespace().collect();
    match words.as_slice() {
        [FIRST_WORD, version, _] if *version != VERSION.to_string() => format!(
            "the state folder {path} has format version {version}, and this program knows version {VERSION} only: run the version of \
             millstream that wrote it, or choose another --state-dir and the stores are restored from their changelogs"
        ),
        [FIRST_WORD, _, other] => format!(
            "the state folder {path} is of the application `{other}`, and this is `{application}`: choose another --state-dir"
        ),
        _ => format!(
            "{path}/format is not what this program wrote there: choose another --state-dir, or remove that folder and the stores are \
             restored from their changelogs"
        ),
    }
}

/// A name as a file's: what is neither letter nor digit nor one of `._-`, and a dot at the beginning, by its hexadecimal code.
fn file_name(name: &str) -> String {
    let mut file = String::with_capacity(name.len());
    for byte in name.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || byte == b'.' && !file.is_empty();
        if plain {
            file.push(char::from(byte));
        } else {
            file.push_str(&format!("%{byte:02X}"));
        }
    }
    file
}
