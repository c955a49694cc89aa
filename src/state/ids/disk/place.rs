//! Where a store's files are, and what their errors mean to a store.

use crate::state::budget::Budget;
use crate::state::{Disk, DiskFile, StateError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of a store, on a disk, with the memory for it.
pub(super) struct Place {
    pub disk: Arc<dyn Disk>,
    pub folder: PathBuf,
    pub budget: Arc<Budget>,
    pub sizes: Sizes,
}

/// How large things become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Slots of a memtable: so many can always be had; a power of two.
    pub least_slots: usize,
    /// A memtable never has more, so that what a flush writes at once stays small; a power of two.
    pub most_slots: usize,
    /// No run is made that has more ids.
    pub run: usize,
    /// A log of so many bytes is begun anew even if the memtable has room: ids expire, and checkpoints alone add up.
    pub log: u64,
}

impl Sizes {
    /// A memtable of 14 336 ids and 0.4 MB at least, 229 376 ids and 6.6 MB at most.
    pub const USUAL: Self = Self {
        least_slots: 16 << 10,
        most_slots: 256 << 10,
        run: 2 << 20,
        log: 16 << 20,
    };
}

impl Place {
    /// A new file. What a crash brought back of an older file of that name is cut off.
    pub fn create(&self, name: &str) -> Result<PlacedFile, StateError> {
        let mut placed = self.open_or(name, true)?;
        if placed.size()? > 0 {
            placed.cut(0)?;
        }
        Ok(placed)
    }

    /// A file that must be there.
    pub fn open(&self, name: &str) -> Result<PlacedFile, StateError> {
        self.open_or(name, false)
    }

    fn open_or(&self, name: &str, create: bool) -> Result<PlacedFile, StateError> {
        let path = self.folder.join(name);
        match self.disk.open(&path, create) {
            Ok(file) => Ok(PlacedFile { file, path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !create => {
                Err(StateError::damaged(&self.folder, format!("{name} is missing")))
            }
            Err(error) => Err(StateError::io("open", &path, error)),
        }
    }

    pub fn create_folder(&self) -> Result<(), StateError> {
        self.disk
            .create_folder(&self.folder)
            .map_err(|error| StateError::io("create", &self.folder, error))
    }

    /// The files that are there.
    pub fn list(&self) -> Result<Vec<String>, StateError> {
        self.disk
            .list(&self.folder)
            .map_err(|error| StateError::io("list", &self.folder, error))
    }

    pub fn remove(&self, name: &str) -> Result<(), StateError> {
        let path = self.folder.join(name);
        self.disk
            .remove_file(&path)
            .map_err(|error| StateError::io("remove", &path, error))
    }

    /// Makes what was created, renamed and removed durable.
    pub fn sync(&self) -> Result<(), StateError> {
        self.disk
            .sync_folder(&self.folder)
            .map_err(|error| StateError::io("sync", &self.folder, error))
    }
}

/// A file whose errors name it.
pub(super) struct PlacedFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
}

impl PlacedFile {
    /// Fills `buffer` from `offset`; a file that is shorter is damaged.
    pub fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), StateError> {
        self.file.read_at(buffer, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged("the file is cut off"),
            _ => StateError::io("read", &self.path, error),
        })
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.file
            .append(bytes)
            .map_err(|error| StateError::io("write to", &self.path, error))
    }

    pub fn sync(&mut self) -> Result<(), StateError> {
        self.file
            .sync()
            .map_err(|error| StateError::io("sync", &self.path, error))
    }

    pub fn cut(&mut self, size: u64) -> Result<(), StateError> {
        self.file
            .cut(size)
            .map_err(|error| StateError::io("cut", &self.path, error))
    }

    pub fn size(&self) -> Result<u64, StateError> {
        self.file
            .size()
            .map_err(|error| StateError::io("measure", &self.path, error))
    }

    /// The error of a file that is not what was written.
    pub fn damaged(&self, why: &str) -> StateError {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        StateError::damaged(folder, format!("{name}: {why}"))
    }
}
