//! The disks of the simulated instances: a store on one is the list of its committed batches, each atomic, that outlives its
//! process.
//!
//! What happens to them: a process dies while it writes, with the batch or without it; a machine dies, and the last batches
//! are gone, as they were not synced; a whole disk is lost, or comes back in another instance's place; a write fails; a store is
//! damaged, which shows at some reads and not at others, until it is put aside.

use super::kept::{Batch, Kept};
use super::log::Log;
use super::own::{self, OwnIds, Seen};
use super::store::{SimulatedIds, SimulatedValues};
use crate::broker::memory::{MemoryBroker, Random};
use crate::state::{
    Disk as _, IdStore, SimulatedDisk, StateError, StoreId, StoreKind, StoreSpec, Stores, TaskIds, TaskStore,
    TaskValues,
};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// A disk; its clones are the same disk.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<Contents>>);

pub struct Contents {
    name: String,
    pub random: Random,
    /// Of a thousand writes, how many fail.
    pub faults: u64,
    stores: BTreeMap<StoreId, Kept>,
    /// What the id stores are on, where those are the program's own.
    files: Option<SimulatedDisk>,
    /// What was written to since somebody looked.
    touched: Vec<StoreId>,
    log: Log,
}

impl Disk {
    /// `own_ids`: the id stores are the program's own, on a simulated file system.
    pub fn new(name: &str, seed: u64, faults: u64, own_ids: bool, log: &Log) -> Disk {
        Disk(Arc::new(Mutex::new(Contents {
            name: name.to_owned(),
            random: Random::new(seed),
            faults,
            stores: BTreeMap::new(),
            files: own_ids.then(|| SimulatedDisk::new(seed)),
            touched: Vec::new(),
            log: log.clone(),
        })))
    }

    pub fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    /// Another process begins on it.
    pub fn begin(&self) {
        if let Some(files) = &self.contents().files {
            files.kill();
        }
    }

    /// The machine died: of each store the last batches may be gone.
    pub fn power_cut(&self) {
        let contents = &mut *self.contents();
        if let Some(files) = &contents.files {
            files.crash();
        }
        for (id, kept) in &mut contents.stores {
            let lost = contents.random.below(4).min(kept.batches.len() as u64) as usize;
            if lost > 0 {
                kept.lose(kept.batches.len() - lost);
                contents.touched.push(id.clone());
            }
        }
    }

    /// Nothing is left.
    pub fn lose(&self) {
        let contents = &mut *self.contents();
        contents.stores.clear();
        if let Some(files) = &mut contents.files {
            *files = SimulatedDisk::new(contents.random.next_u64());
        }
    }

    /// Something of some store is not any more what was written.
    pub fn damage(&self) -> Option<StoreId> {
        let contents = &mut *self.contents();
        if let Some(files) = &contents.files {
            files.damage(Path::new(ROOT));
        }
        let mut ids: Vec<&StoreId> = contents.stores.keys().collect();
        // That of one in use shows sooner.
        if contents.stores.values().any(|kept| kept.open) {
            ids.retain(|id| contents.stores[*id].open);
        }
        let id = contents.random.pick(&ids).copied()?.clone();
        contents.stores.get_mut(&id)?.damaged = true;
        Some(id)
    }

    /// Gives every store that was written to since the last time to `check`.
    pub fn check<E>(&self, mut check: impl FnMut(&StoreId, &Kept) -> Result<(), E>) -> Result<(), E> {
        let contents = &mut *self.contents();
        for id in std::mem::take(&mut contents.touched) {
            if let Some(kept) = contents.stores.get(&id) {
                check(&id, kept)?;
            }
        }
        Ok(())
    }
}

/// The stores of one process on a disk.
pub struct DiskStores {
    pub disk: Disk,
    pub process: MemoryBroker,
}

/// Of the id stores that are the program's own.
const ROOT: &str = "/ids";

impl Stores for DiskStores {
    fn open(&self, id: &StoreId, spec: &StoreSpec) -> Result<TaskStore, StateError> {
        let place = Place {
            disk: self.disk.clone(),
            process: self.process.clone(),
            id: id.clone(),
        };
        let contents = &mut *self.disk.contents();
        let kept = contents.stores.entry(id.clone()).or_default();
        if kept.open {
            return Err(place.in_use());
        }
        if let (StoreKind::Ids { window }, Some(files)) = (&spec.kind, &contents.files) {
            let window = window.as_millis() as i64;
            let ids = own::open(files, &place.folder(), window)?;
            kept.open = true;
            kept.seen = Some(Seen::of(&ids)?);
            contents.touched.push(id.clone());
            contents.log.add(|| {
                let (name, path, checkpoint) = (&contents.name, place.path(), ids.checkpoint());
                format!("    disk {name} opens its own {path} at {checkpoint:?}")
            });
            let store = OwnIds::new(place, files.clone(), ids);
            return Ok(TaskStore::Ids(TaskIds::new(window, Box::new(store))));
        }
        // Some damage is seen at once: then it is an empty store.
        if kept.damaged && contents.random.chance(500) {
            *kept = Kept::default();
        }
        kept.open = true;
        contents.log.add(|| {
            let (name, checkpoint) = (&contents.name, kept.checkpoint());
            format!("    disk {name} opens {} {} at {checkpoint:?}", id.store, id.partition)
        });
        Ok(match spec.kind {
            StoreKind::Ids { window } => {
                let window = window.as_millis() as i64;
                TaskStore::Ids(TaskIds::new(
                    window,
                    Box::new(SimulatedIds::new(window, place, &kept.batches)),
                ))
            }
            StoreKind::Values => TaskStore::Values(TaskValues::new(Box::new(SimulatedValues::new(place)))),
        })
    }

    fn set_aside(&self, id: &StoreId, _: &StoreSpec) -> Result<(), StateError> {
        let contents = &mut *self.disk.contents();
        contents
            .log
            .add(|| format!("    {} {} is put aside", id.store, id.partition));
        contents.stores.remove(id);
        if let Some(files) = &contents.files {
            let folder = folder(id);
            let removed = files.remove_folder(&folder);
            removed.map_err(|error| StateError::io("remove", &folder, error))?;
        }
        Ok(())
    }
}

fn folder(id: &StoreId) -> PathBuf {
    Path::new(ROOT).join(format!("{}-{}", id.store, id.partition))
}

/// An open store; closed by being dropped.
pub struct Place {
    pub disk: Disk,
    pub process: MemoryBroker,
    id: StoreId,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(kept) = self.disk.contents().stores.get_mut(&self.id) {
            kept.open = false;
        }
    }
}

impl Place {
    fn folder(&self) -> PathBuf {
        folder(&self.id)
    }

    /// What the program's own store has now.
    pub fn saw(&self, seen: Seen) {
        let contents = &mut *self.disk.contents();
        if let Some(kept) = contents.stores.get_mut(&self.id) {
            kept.seen = Some(seen);
            contents.touched.push(self.id.clone());
        }
    }

    pub fn path(&self) -> String {
        format!("{}-{}", self.id.store, self.id.partition)
    }

    fn in_use(&self) -> StateError {
        StateError::InUse {
            path: self.path().into(),
            by: "another task".into(),
        }
    }

    pub fn io(&self, operation: &'static str, why: &str) -> StateError {
        StateError::io(operation, Path::new(&self.path()), io::Error::other(why.to_owned()))
    }

    /// What the store knows of itself without reading; `None`: its disk was lost.
    pub fn look<R>(&self, look: impl FnOnce(&Kept) -> R) -> Option<R> {
        self.disk.contents().stores.get(&self.id).map(look)
    }

    /// Reads the store.
    pub fn read<R>(&self, read: impl FnOnce(&Kept) -> R) -> Result<R, StateError> {
        let contents = &mut *self.disk.contents();
        let Some(kept) = contents.stores.get(&self.id) else {
            return Err(self.io("read", "the disk was lost"));
        };
        if kept.damaged && contents.random.chance(300) {
            contents.log.add(|| format!("    {} is found damaged", self.path()));
            return Err(StateError::damaged(Path::new(&self.path()), "simulated"));
        }
        Ok(read(kept))
    }

    /// Writes a batch: all of it or nothing.
    pub fn write(&self, batch: Batch) -> Result<(), StateError> {
        if !self.process.is_alive() {
            return Err(self.io("write", "the process is dead"));
        }
        self.read(|_| ())?;
        let contents = &mut *self.disk.contents();
        let fails = contents.random.chance(contents.faults);
        let (happens, dies) = (!fails || contents.random.chance(500), contents.random.chance(500));
        contents.log.add(|| {
            let (path, at, count) = (self.path(), batch.checkpoint, batch.writes.len());
            let fate = match (fails, dies) {
                (false, _) => "",
                (true, true) => ", and the process dies",
                (true, false) => ", and it fails",
            };
            format!("    {path} takes {count} writes at {at:?}: {happens}{fate}")
        });
        if happens && let Some(kept) = contents.stores.get_mut(&self.id) {
            kept.add(batch);
            contents.touched.push(self.id.clone());
        }
        match (fails, dies) {
            (false, _) => Ok(()),
            (true, true) => {
                self.process.kill();
                Err(self.io("write", "the process is dead"))
            }
            (true, false) => Err(self.io("write", "simulated")),
        }
    }
}
