//! The disks of the simulated instances: a store on one is the list of its committed batches, each atomic, that outlives its
//! process.
//!
//! What happens to them: a process dies while it writes, with the batch or without it; a machine dies, and the last batches
//! are gone, as they were not synced; a whole disk is lost, or comes back in another instance's place; a write fails; a store is
//! damaged, which shows at some reads and not at others, until it is put aside.

use super::kept::Kept;
use super::log::Log;
use crate::broker::memory::Random;
use crate::state::{SimulatedDisk, StoreId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// A disk; its clones are the same disk.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<Contents>>);

pub struct Contents {
    pub name: String,
    pub random: Random,
    /// Of a thousand writes, how many fail.
    pub faults: u64,
    pub stores: BTreeMap<StoreId, Kept>,
    /// What the id stores are on, where those are the program's own.
    pub files: Option<SimulatedDisk>,
    /// What was written to since somebody looked.
    pub touched: Vec<StoreId>,
    pub log: Log,
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

/// Where the id stores are that are the program's own.
const ROOT: &str = "/ids";

/// Where one of them is.
pub fn folder(id: &StoreId) -> PathBuf {
    Path::new(ROOT).join(format!("{}-{}", id.store, id.partition))
}
