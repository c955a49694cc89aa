//! An id store on disk: a cache of its changelog that survives the process, and whatever else happens to it.
//!
//! Ids on disk: 16 bytes for a UUID, a 128-bit hash for other ids (`src/processor/identity.rs`). Two UUIDs never share their
//! bits. Hashes have 122 bits of chance: among 30 million in one window some two collide with odds of 1 to 10^22
//! (n² / 2^123), among a thousand million with 1 to 10^19. With the filter, the page's trailer and the index an id takes
//! 17.6 bytes on disk and 1.6 in memory.
//!
//! - An id is *mixed* first ([`mix`]), and of a **segment** of event time, a sixteenth of the window.
//! - What is applied goes to the **log** ([`log`]), one frame an apply, and to the **memtable** ([`memtable`]).
//! - When the memtable has no room, its segments are written as **runs** ([`run`]), sorted files with a filter, a small
//!   segment's ids stay; runs alike are merged ([`plan`]), the log is begun anew, and the **manifest** ([`manifest`]) is
//!   replaced. Only then what it replaces is removed.
//! - Expiry drops whole runs.
//!
//! Invariants:
//! - ids and checkpoint change together: in one frame, or in one manifest. Whatever a crash loses is behind the checkpoint, for
//!   the manifest names only what is durable and the log is read up to its first frame that is not whole;
//! - of what is read every byte is under a checksum, so damage is [`StateError::Damaged`] and never a wrong answer;
//! - an id that is remembered twice is forgotten with the later segment;
//! - a look-up takes no memory and no lock.

mod filter;
mod log;
mod manifest;
mod memtable;
mod merge;
mod mix;
mod page;
mod place;
mod plan;
mod roll;
mod run;
mod runs;
#[cfg(test)]
mod tests;
mod writer;

use super::{IdStore, IdWrite, SEGMENTS};
use crate::state::budget::{Budget, Registered};
use crate::state::reads::ReadCounts;
use crate::state::{Disk, StateError};
use log::Log;
use manifest::Manifest;
use memtable::Memtable;
use mix::{mix, unmix};
use place::{Place, Sizes};
use runs::Runs;
use std::path::Path;
use std::sync::Arc;

/// An id store in a folder of its own.
pub struct DiskIds {
    place: Place,
    window: i64,
    /// The length of a segment.
    segment: i64,
    memtable: Memtable,
    runs: Runs,
    log: Log,
    /// The number of the next file.
    next: u32,
    stream_time: i64,
    checkpoint: Option<i64>,
    /// A write failed, so that memory and disk are not the same.
    failed: bool,
    reads: Arc<ReadCounts>,
    _registered: Registered,
}

impl DiskIds {
    /// Opens the store in `folder` as it was left, or an empty one. `window` in milliseconds of event time; it may be another
    /// than last time: what is in files keeps the segment that it was written with.
    ///
    /// # Errors
    /// `Damaged`: its files are not what was written. `Refused`: they are of another version.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path, window: i64, budget: &Arc<Budget>) -> Result<Self, StateError> {
        Self::open_in(
            Place {
                disk,
                folder: folder.to_owned(),
                budget: Arc::clone(budget),
                sizes: Sizes::USUAL,
            },
            window,
        )
    }

    /// The same, with everything so small that a few dozen ids come to runs, merges and new logs.
    ///
    /// # Errors
    /// As [`Self::open`].
    #[cfg(test)]
    pub fn open_small(
        disk: Arc<dyn Disk>,
        folder: &Path,
        window: i64,
        budget: &Arc<Budget>,
    ) -> Result<Self, StateError> {
        Self::open_in(
            Place {
                disk,
                folder: folder.to_owned(),
                budget: Arc::clone(budget),
                sizes: Sizes {
                    least_slots: 16,
                    most_slots: 16,
                    run: 40,
                    log: 1_000,
                },
            },
            window,
        )
    }

    fn open_in(place: Place, window: i64) -> Result<Self, StateError> {
        let budget = &place.budget;
        let registered = budget.register();
        if !place.list()?.iter().any(|name| manifest::is_name(name)) {
            place.create_folder()?;
            begin(&place)?;
        }
        let manifest = Manifest::read(&place)?;
        let mut runs = Runs::default();
        for info in &manifest.runs {
            runs.push(run::Run::open(&place, *info)?);
        }
        let segment = (window / SEGMENTS).max(1);
        let mut memtable = Memtable::new(budget, place.sizes);
        let (mut stream_time, mut checkpoint) = (manifest.stream_time, manifest.checkpoint);
        let log = Log::open(&place, manifest.log, manifest.log_size, |frame| {
            if !memtable.make_room(frame.writes.len()) {
                memtable.force_room(frame.writes.len());
            }
            for write in &frame.writes {
                memtable.insert(write.id, write.time.div_euclid(segment));
            }
            stream_time = stream_time.max(frame.stream_time);
            checkpoint = frame.checkpoint.or(checkpoint);
        })?;
        let mut store = Self {
            place,
            window,
            segment,
            memtable,
            runs,
            log,
            next: manifest.next,
            stream_time,
            checkpoint,
            failed: false,
            reads: Arc::default(),
            _registered: registered,
        };
        store.memtable.forget_before(store.first_segment());
        store.remove_leftovers(&manifest)?;
        store.runs.settle_filters(&store.place)?;
        Ok(store)
    }

    /// Counts its look-ups there from now on.
    pub(in crate::state) fn counted_by(mut self, reads: &Arc<ReadCounts>) -> Self {
        self.reads = Arc::clone(reads);
        self
    }

    /// Gives every id to `each`, with the end of the time that it is remembered by. In no order; an id may come twice.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn each(&self, mut each: impl FnMut(u128, i64)) -> Result<(), StateError> {
        for (id, segment) in self.memtable.others(&[]) {
            each(unmix(id), self.end_of(segment));
        }
        let horizon = self.horizon();
        for run in self.runs.iter().filter(|run| run.info().to > horizon) {
            let mut cursor = merge::Cursor::new(run);
            while let Some(id) = cursor.next()? {
                each(unmix(id), run.info().to);
            }
        }
        Ok(())
    }

    /// The end of the time that an id is remembered by. `None`: it is not remembered.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn until(&self, id: u128) -> Result<Option<i64>, StateError> {
        let id = mix(id);
        let mut until = self.memtable.segment_of(id).map(|segment| self.end_of(segment));
        let horizon = self.horizon();
        for run in self.runs.iter() {
            let end = run.info().to;
            let is_later = end > horizon && until.is_none_or(|until| until < end);
            if is_later && run.contains(id)? {
                until = Some(end);
            }
        }
        Ok(until)
    }

    /// When a segment ends.
    fn end_of(&self, segment: i64) -> i64 {
        segment.saturating_add(1).saturating_mul(self.segment)
    }

    /// The last time of a segment.
    fn last_of(&self, segment: i64) -> i64 {
        let end = (i128::from(segment) + 1) * i128::from(self.segment);
        (end - 1).clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// What ended then or before is forgotten.
    fn horizon(&self) -> i64 {
        self.stream_time.saturating_sub(self.window)
    }

    /// The first segment that is not forgotten.
    fn first_segment(&self) -> i64 {
        self.horizon().div_euclid(self.segment)
    }

    /// Files that no manifest names: what a crash left, or what could not be removed.
    fn remove_leftovers(&self, manifest: &Manifest) -> Result<(), StateError> {
        let named = |name: &String| {
            manifest::is_name(name)
                || *name == log::name(manifest.log)
                || manifest.runs.iter().any(|run| *name == run::name(run.number))
        };
        let ours = |name: &String| manifest::is_leftover(name) || name.starts_with("log-") || name.starts_with("run-");
        let mut names = self.place.list()?;
        names.retain(|name| ours(name) && !named(name));
        if !names.is_empty() {
            // The manifest may have been put in place by a process that ended before that was durable: should it be lost, the
            // one before needs its files.
            self.place.sync()?;
        }
        names.iter().try_for_each(|name| self.place.remove(name))
    }

    fn change(&mut self, writes: &[IdWrite], stream_time: i64, checkpoint: Option<i64>) -> Result<(), StateError> {
        let before = self.stream_time;
        self.stream_time = before.max(stream_time);
        let checkpoint = checkpoint.or(self.checkpoint);
        let expires = self.memtable.has_before(self.first_segment()) || self.has_expired_runs();
        if writes.is_empty() && checkpoint == self.checkpoint && !expires {
            return Ok(());
        }
        if !self.memtable.make_room(writes.len()) {
            let stream_time = std::mem::replace(&mut self.stream_time, before);
            self.roll()?;
            self.stream_time = stream_time;
            if !self.memtable.make_room(writes.len()) {
                self.memtable.force_room(writes.len());
            }
        }
        let mixed = writes.iter().map(|write| IdWrite {
            id: mix(write.id),
            time: write.time,
        });
        self.log.append(mixed.clone(), self.stream_time, checkpoint)?;
        self.checkpoint = checkpoint;
        for write in mixed {
            self.memtable.insert(write.id, write.time.div_euclid(self.segment));
        }
        self.memtable.forget_before(self.first_segment());
        if self.has_expired_runs() || self.log_is_long() {
            self.roll()?;
        }
        Ok(())
    }

    fn usable(&self) -> Result<(), StateError> {
        if self.failed {
            let folder = self.place.folder.display();
            return Err(StateError::Refused(format!(
                "the store in {folder} failed before: open it again"
            )));
        }
        Ok(())
    }

    /// Whether the id is remembered until `end` or longer.
    #[inline]
    fn remembers(&self, id: u128, end: i64) -> Result<bool, StateError> {
        self.usable()?;
        let id = mix(id);
        let mut from_disk = false;
        let found = match self.memtable.segment_of(id) {
            Some(segment) if self.end_of(segment) >= end => Ok(true),
            // What is forgotten may be there still.
            _ => {
                let end = end.max(self.horizon().saturating_add(1));
                self.runs.contain(id, end, &mut from_disk)
            }
        };
        self.reads.count(from_disk);
        found
    }
}

/// Makes the folder an empty store.
fn begin(place: &Place) -> Result<(), StateError> {
    let mut log = Log::create(place, 1)?;
    log.sync()?;
    place.sync()?;
    let manifest = Manifest {
        log: log.number(),
        log_size: log.size(),
        next: 2,
        stream_time: i64::MIN,
        checkpoint: None,
        runs: Vec::new(),
    };
    manifest.write(place)
}

impl IdStore for DiskIds {
    fn contains(&self, id: u128) -> Result<bool, StateError> {
        self.remembers(id, i64::MIN)
    }

    fn covers(&self, write: IdWrite) -> Result<bool, StateError> {
        self.remembers(write.id, self.end_of(write.time.div_euclid(self.segment)))
    }

    fn apply(&mut self, writes: &[IdWrite], stream_time: i64, checkpoint: Option<i64>) -> Result<(), StateError> {
        self.usable()?;
        let changed = self.change(writes, stream_time, checkpoint);
        self.failed = changed.is_err();
        changed
    }

    fn stream_time(&self) -> i64 {
        self.stream_time
    }

    fn checkpoint(&self) -> Option<i64> {
        self.checkpoint
    }

    fn len(&self) -> usize {
        let horizon = self.horizon();
        let runs = self.runs.infos().filter(|run| run.to > horizon);
        self.memtable.len() + runs.map(|run| run.ids).sum::<usize>()
    }
}
