//! The state of an instance that does not run: for looking at, or to be deleted.

use super::{LOCK, file_name, is_of, values};
use crate::state::budget::Budget;
use crate::state::stores::millis;
use crate::state::{Disk, DiskIds, DiskLock, OsDisk, StateError, StoreId, ValueStore, ValuesDatabase};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// For the caches of what is only looked at.
const MEMORY: usize = 64 << 20;

/// The folder of an instance, locked: nobody runs as it meanwhile.
pub struct Stopped {
    path: PathBuf,
    values: OnceLock<ValuesDatabase>,
    _lock: Box<dyn DiskLock>,
}

impl Stopped {
    /// The names of the application's instances that have state in `root`, in their order.
    ///
    /// # Errors
    /// When a folder can't be read.
    pub fn instances(root: &Path, application: &str) -> Result<Vec<String>, StateError> {
        let above = root.join(file_name(application));
        let mut names = list(&above)?;
        let mut failed = None;
        names.retain(|name| {
            let found = has_state(&above.join(name));
            found.unwrap_or_else(|error| {
                failed.get_or_insert(error);
                false
            })
        });
        names.sort();
        failed.map_or_else(|| Ok(names.iter().map(|name| name_of(name)).collect()), Err)
    }

    /// Locks the folder of an instance. `None`: it has no state in `root`.
    ///
    /// # Errors
    /// `InUse`: a process runs as this instance. `Refused`: the folder is none of this application's.
    pub fn open(root: &Path, application: &str, instance: &str) -> Result<Option<Stopped>, StateError> {
        let path = root.join(file_name(application)).join(file_name(instance));
        if !has_state(&path)? {
            return Ok(None);
        }
        let lock = path.join(LOCK);
        let locked = OsDisk
            .lock(&lock)
            .map_err(|error| StateError::io("lock", &lock, error))?;
        let lock = locked.ok_or_else(|| StateError::InUse {
            path: path.clone(),
            by: "a process that runs as this instance: stop it first, or work with a copy of the folder".into(),
        })?;
        is_of(&OsDisk, &path, application)?;
        Ok(Some(Stopped {
            path,
            values: OnceLock::new(),
            _lock: lock,
        }))
    }

    /// The folder of the instance.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The partitions of a topic for which there is an id store of this name, in their order.
    ///
    /// # Errors
    /// When a folder can't be read.
    pub fn partitions_of_ids(&self, topic: &str, store: &str) -> Result<Vec<i32>, StateError> {
        let (topic, store) = (file_name(topic), file_name(store));
        let mut partitions: Vec<i32> = list(&self.path)?
            .iter()
            .filter_map(|task| task.rsplit_once('-').filter(|(name, _)| *name == topic))
            .filter_map(|(_, partition)| partition.parse().ok())
            .collect();
        partitions.retain(|partition| self.path.join(format!("{topic}-{partition}")).join(&store).is_dir());
        partitions.sort_unstable();
        Ok(partitions)
    }

    /// As [`Stopped::partitions_of_ids`], of key-value stores.
    ///
    /// # Errors
    /// When the database can't be opened.
    pub fn partitions_of_values(&self, topic: &str, store: &str) -> Result<Vec<i32>, StateError> {
        let Some(database) = self.database()? else {
            return Ok(Vec::new());
        };
        let prefix = values::prefix(topic, store);
        let mut partitions: Vec<i32> = database
            .names()
            .iter()
            .filter_map(|name| name.strip_prefix(&prefix)?.parse().ok())
            .collect();
        partitions.sort_unstable();
        Ok(partitions)
    }

    /// Opens an id store that is there, as the next start would: what a crash left half written goes.
    ///
    /// # Errors
    /// `Damaged`: its files are not what was written.
    pub fn ids(&self, id: &StoreId, window: Duration) -> Result<DiskIds, StateError> {
        let task = format!("{}-{}", file_name(&id.topic), id.partition);
        let folder = self.path.join(task).join(file_name(&id.store));
        DiskIds::open(Arc::new(OsDisk), &folder, millis(window), &Budget::new(MEMORY))
    }

    /// Opens a key-value store that is there, as the next start would.
    ///
    /// # Errors
    /// `Damaged`: the database is not what was written.
    pub fn values(&self, id: &StoreId) -> Result<Box<dyn ValueStore>, StateError> {
        let name = values::name(id);
        match self.database()? {
            Some(database) => database.store(&name),
            None => Err(StateError::Refused(format!(
                "there is no store {name} in {}",
                self.path.display()
            ))),
        }
    }

    /// `None`: there is none, and none is made.
    fn database(&self) -> Result<Option<&ValuesDatabase>, StateError> {
        let path = self.path.join(values::FOLDER);
        if self.values.get().is_none() && path.is_dir() {
            let _ = self.values.set(ValuesDatabase::open(&path, MEMORY)?);
        }
        Ok(self.values.get())
    }

    /// Deletes all but the lock, as who has it open has the lock. What is gone already is fine.
    ///
    /// # Errors
    /// `Io`: the disk. What could not be deleted can be tried again.
    pub fn remove(&self) -> Result<(), StateError> {
        for name in list(&self.path)? {
            if name == LOCK {
                continue;
            }
            let path = self.path.join(name);
            let removed = if path.is_dir() {
                OsDisk.remove_folder(&path)
            } else {
                OsDisk.remove_file(&path)
            };
            removed.map_err(|error| StateError::io("remove", &path, error))?;
        }
        OsDisk
            .sync_folder(&self.path)
            .map_err(|error| StateError::io("sync", &self.path, error))
    }
}

/// Whether a folder is an instance's, with more in it than its lock.
fn has_state(path: &Path) -> Result<bool, StateError> {
    if !path.is_dir() {
        return Ok(false);
    }
    let names = list(path)?;
    Ok(names.len() > 1 && names.iter().any(|name| name == LOCK))
}

/// What [`file_name`] made a file's name of.
fn name_of(file: &str) -> String {
    let mut bytes = Vec::with_capacity(file.len());
    let mut rest = file.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = after.get(if code.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn list(folder: &Path) -> Result<Vec<String>, StateError> {
    OsDisk
        .list(folder)
        .map_err(|error| StateError::io("list", folder, error))
}

#[cfg(test)]
mod tests;
