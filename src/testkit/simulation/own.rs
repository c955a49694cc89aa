//! The program's own id store on a simulated file system, with files that are torn, lost where they were not synced, damaged,
//! and volumes that are full.

use super::kept::Seen;
use super::place::Place;
use crate::state::{Budget, Disk, DiskIds, IdStore, IdWrite, SimulatedDisk, StateError};
use std::path::Path;
use std::sync::Arc;

const MEMORY: usize = 1 << 20;

/// Opens a store as it was left, or an empty one where it is damaged.
pub fn open(files: &SimulatedDisk, folder: &Path, window: i64) -> Result<DiskIds, StateError> {
    let budget = Budget::new(MEMORY);
    let open = || DiskIds::open_small(Arc::new(files.clone()), folder, window, &budget);
    match open() {
        Err(StateError::Damaged { .. }) => {
            let removed = files.remove_folder(folder);
            removed.map_err(|error| StateError::io("remove", folder, error))?;
            open()
        }
        opened => opened,
    }
}

pub struct OwnIds {
    place: Place,
    files: SimulatedDisk,
    ids: DiskIds,
}

/// What happens to a write.
enum Trouble {
    /// The process dies in the middle.
    Dies,
    Fails,
    /// The volume is full.
    Full,
}

impl OwnIds {
    pub fn new(place: Place, files: SimulatedDisk, ids: DiskIds) -> OwnIds {
        OwnIds { place, files, ids }
    }

    /// Prepares what happens to the next write.
    fn trouble(&self) -> Option<Trouble> {
        let contents = &mut *self.place.disk.contents();
        let faults = contents.faults;
        let random = &mut contents.random;
        if !random.chance(faults) {
            return None;
        }
        Some(match random.below(4) {
            0 => {
                self.files.fail_after(random.below(3));
                Trouble::Fails
            }
            1 => {
                self.files.set_room(Some(random.below(100) as usize));
                Trouble::Full
            }
            _ => {
                self.files.stop_after(random.below(6));
                Trouble::Dies
            }
        })
    }
}

impl IdStore for OwnIds {
    fn contains(&self, id: u128) -> Result<bool, StateError> {
        self.ids.contains(id)
    }

    fn covers(&self, write: IdWrite) -> Result<bool, StateError> {
        self.ids.covers(write)
    }

    fn apply(&mut self, writes: &[IdWrite], stream_time: i64, checkpoint: Option<i64>) -> Result<(), StateError> {
        if !self.place.process.is_alive() {
            return Err(self.place.io("write", "the process is dead"));
        }
        let trouble = self.trouble();
        let applied = self.ids.apply(writes, stream_time, checkpoint);
        match trouble {
            Some(Trouble::Dies) => {
                self.place.process.kill();
                return Err(self.place.io("write", "the process is dead"));
            }
            Some(Trouble::Full) => self.files.set_room(None),
            Some(Trouble::Fails) | None => {}
        }
        if applied.is_ok()
            && let Ok(seen) = Seen::of(&self.ids)
        {
            self.place.saw(seen);
        }
        applied
    }

    fn stream_time(&self) -> i64 {
        self.ids.stream_time()
    }

    fn checkpoint(&self) -> Option<i64> {
        self.ids.checkpoint()
    }

    fn len(&self) -> usize {
        self.ids.len()
    }
}
