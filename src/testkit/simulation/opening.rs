//! Opens a process's stores on a simulated disk, and puts aside what is damaged.

use super::disk::{Disk, folder};
use super::kept::{Kept, Seen};
use super::own::{self, OwnIds};
use super::place::Place;
use super::store::{SimulatedIds, SimulatedValues};
use crate::broker::memory::MemoryBroker;
use crate::state::{
    Disk as _, IdStore as _, StateError, StoreId, StoreKind, StoreSpec, Stores, TaskIds, TaskStore, TaskValues,
};

/// The stores of one process on a disk.
pub struct DiskStores {
    pub disk: Disk,
    pub process: MemoryBroker,
}

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
            let ids = own::open(files, &folder(id), window)?;
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
