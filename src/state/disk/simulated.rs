//! A disk in memory that does to files what power cuts, full volumes and bad sectors do, decided by a seed.
//!
//! What is not synced may be lost: of a file, a part of what was appended, the last of it torn, zeros or garbage; a cut; of a
//! folder, each creation, renaming and removal by itself. Folders as such are durable at once.

mod node;

use super::{Disk, DiskFile, DiskLock};
use node::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// The disk; its clones are the same disk.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

struct State {
    random: Random,
    nodes: Vec<Node>,
    /// What a program sees, and what a crash leaves for certain.
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    pending: Vec<Change>,
    locked: BTreeSet<PathBuf>,
    /// Files and locks of an earlier one are of a process that is dead.
    generation: u64,
    operations: u64,
    fails_at: Option<u64>,
    stops_at: Option<u64>,
    room: Option<usize>,
    read_only: bool,
}

/// A change to a folder that is not synced: names that go, and names that come.
struct Change {
    folder: PathBuf,
    gone: Vec<PathBuf>,
    come: Vec<(PathBuf, usize)>,
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        for path in &self.gone {
            names.remove(path);
        }
        names.extend(self.come.iter().cloned());
    }
}

impl SimulatedDisk {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Random(seed),
            nodes: Vec::new(),
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            pending: Vec::new(),
            locked: BTreeSet::new(),
            generation: 0,
            operations: 0,
            fails_at: None,
            stops_at: None,
            room: None,
            read_only: false,
        })))
    }

    /// The power goes and comes back.
    pub fn crash(&self) {
        let state = &mut *self.state();
        for change in std::mem::take(&mut state.pending) {
            if state.random.one_in(2) {
                change.apply(&mut state.durable);
            }
        }
        state.names = state.durable.clone();
        for node in &mut state.nodes {
            node.crash(&mut state.random);
        }
        state.begin();
    }

    /// The process ends and another begins: what it wrote is there.
    pub fn kill(&self) {
        self.state().begin();
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The operation so many from now fails; those after it don't.
    pub fn fail_after(&self, operations: u64) {
        let state = &mut *self.state();
        state.fails_at = Some(state.operations + operations);
    }

    /// From the operation so many from now on all fail, until [`Self::crash`] or [`Self::kill`].
    pub fn stop_after(&self, operations: u64) {
        let state = &mut *self.state();
        state.stops_at = Some(state.operations + operations);
    }

    /// There is room for so many bytes more; `None`: for any.
    pub fn set_room(&self, bytes: Option<usize>) {
        self.state().room = bytes;
    }

    pub fn set_read_only(&self, read_only: bool) {
        self.state().read_only = read_only;
    }

    /// Flips a bit somewhere in a file below `folder`; tells which file.
    pub fn damage(&self, folder: &Path) -> Option<PathBuf> {
        let state = &mut *self.state();
        let below = state.names.iter().filter(|(path, _)| path.starts_with(folder));
        let files: Vec<_> = below.filter(|(_, node)| !state.nodes[**node].is_empty()).collect();
        let (path, node) = *files.get(state.random.below(files.len()))?;
        state.nodes[*node].flip(&mut state.random);
        Some(path.clone())
    }

    /// The files below `folder` and their sizes.
    pub fn files(&self, folder: &Path) -> Vec<(PathBuf, usize)> {
        let state = self.state();
        let below = state.names.iter().filter(|(path, _)| path.starts_with(folder));
        below
            .map(|(path, node)| (path.clone(), state.nodes[*node].len()))
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    /// A new process on what there is.
    fn begin(&mut self) {
        self.generation += 1;
        self.locked.clear();
        (self.fails_at, self.stops_at) = (None, None);
    }

    fn operation(&mut self) -> io::Result<()> {
        let number = self.operations;
        self.operations += 1;
        if self.fails_at == Some(number) || self.stops_at.is_some_and(|stops| stops <= number) {
            return Err(io::Error::other("simulated"));
        }
        Ok(())
    }

    fn change(&mut self) -> io::Result<()> {
        self.operation()?;
        if self.read_only {
            return Err(ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(())
    }

    fn record(&mut self, place: &Path, gone: Vec<PathBuf>, come: Vec<(PathBuf, usize)>) {
        let folder = place.parent().unwrap_or(Path::new("/")).to_owned();
        let change = Change { folder, gone, come };
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    fn below(&self, path: &Path) -> Vec<(PathBuf, usize)> {
        let below = self.names.iter().filter(|(name, _)| name.starts_with(path));
        below.map(|(name, node)| (name.clone(), *node)).collect()
    }
}

impl Disk for SimulatedDisk {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        self.state().change()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = &mut *self.state();
        state.operation()?;
        let names: BTreeSet<String> = state
            .names
            .keys()
            .filter_map(|name| name.strip_prefix(path).ok()?.components().next())
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .collect();
        Ok(names.into_iter().collect())
    }

    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn DiskFile>> {
        let state = &mut *self.state();
        state.operation()?;
        let node = match state.names.get(path) {
            Some(node) => *node,
            None if !create => return Err(ErrorKind::NotFound.into()),
            None if state.read_only => return Err(ErrorKind::ReadOnlyFilesystem.into()),
            None => {
                state.nodes.push(Node::default());
                let node = state.nodes.len() - 1;
                state.record(path, Vec::new(), vec![(path.to_owned(), node)]);
                node
            }
        };
        Ok(Box::new(SimulatedFile {
            disk: self.clone(),
            node,
            generation: state.generation,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let state = &mut *self.state();
        state.change()?;
        let moved = state.below(from);
        if moved.is_empty() {
            return Err(ErrorKind::NotFound.into());
        }
        let new_name = |path: &Path| match path.strip_prefix(from) {
            Ok(rest) if !rest.as_os_str().is_empty() => to.join(rest),
            _ => to.to_owned(),
        };
        let come = moved.iter().map(|(path, node)| (new_name(path), *node)).collect();
        let gone = moved.into_iter().map(|(path, _)| path).collect();
        state.record(to, gone, come);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let state = &mut *self.state();
        state.change()?;
        if !state.names.contains_key(path) {
            return Err(ErrorKind::NotFound.into());
        }
        state.record(path, vec![path.to_owned()], Vec::new());
        Ok(())
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let state = &mut *self.state();
        state.change()?;
        let gone = state.below(path).into_iter().map(|(name, _)| name).collect();
        state.record(path, gone, Vec::new());
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        let generation = {
            let state = &mut *self.state();
            state.change()?;
            if !state.locked.insert(path.to_owned()) {
                return Ok(None);
            }
            state.generation
        };
        Ok(Some(Box::new(SimulatedLock {
            disk: self.clone(),
            path: path.to_owned(),
            generation,
        })))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let state = &mut *self.state();
        state.operation()?;
        for change in std::mem::take(&mut state.pending) {
            if change.folder == path {
                change.apply(&mut state.durable);
            } else {
                state.pending.push(change);
            }
        }
        Ok(())
    }
}

struct SimulatedLock {
    disk: SimulatedDisk,
    path: PathBuf,
    generation: u64,
}

impl DiskLock for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        let state = &mut *self.disk.state();
        if state.generation == self.generation {
            state.locked.remove(&self.path);
        }
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    node: usize,
    generation: u64,
}

impl SimulatedFile {
    fn with<R>(&self, does: impl FnOnce(&mut State, usize) -> io::Result<R>) -> io::Result<R> {
        let state = &mut *self.disk.state();
        if state.generation != self.generation {
            return Err(io::Error::other("a file of a process that is dead"));
        }
        does(state, self.node)
    }
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|state, node| {
            state.operation()?;
            state.nodes[node].read(buffer, offset)
        })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with(|state, node| {
            if let Err(error) = state.change() {
                // What a write that fails has written nobody knows.
                let part = state.random.below(bytes.len() + 1);
                if !state.read_only {
                    state.nodes[node].append(&bytes[..part]);
                }
                return Err(error);
            }
            let room = state.room.unwrap_or(usize::MAX).min(bytes.len());
            state.nodes[node].append(&bytes[..room]);
            state.room = state.room.map(|all| all - room);
            if room < bytes.len() {
                return Err(ErrorKind::StorageFull.into());
            }
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.with(|state, node| {
            state.operation()?;
            state.nodes[node].sync();
            Ok(())
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.with(|state, node| Ok(state.nodes[node].len() as u64))
    }

    fn cut(&mut self, size: u64) -> io::Result<()> {
        self.with(|state, node| {
            state.change()?;
            state.nodes[node].cut(size as usize);
            Ok(())
        })
    }
}

/// Numbers that only look random: SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Less than `end`; 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}
