//! An open store's place on a simulated disk, where its reads and writes go through what happens to disks.

use super::disk::Disk;
use super::kept::{Batch, Kept, Seen};
use crate::broker::memory::MemoryBroker;
use crate::state::{StateError, StoreId};
use std::io;
use std::path::Path;

/// An open store; closed by being dropped.
pub struct Place {
    pub disk: Disk,
    pub process: MemoryBroker,
    pub id: StoreId,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(kept) = self.disk.contents().stores.get_mut(&self.id) {
            kept.open = false;
        }
    }
}

impl Place {
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

    pub fn in_use(&self) -> StateError {
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
