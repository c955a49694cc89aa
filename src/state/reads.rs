//! How often a store is asked, and how often that takes the disk.

use std::sync::atomic::{AtomicU64, Ordering};

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Answered by what is in memory.
    pub memory: u64,
    /// Read from a file, be it that the system had it at hand.
    pub disk: u64,
}

impl Reads {
    pub fn add(&mut self, other: Self) {
        self.memory += other.memory;
        self.disk += other.disk;
    }
}

/// Counted by all tasks of a store.
#[derive(Debug, Default)]
pub(super) struct ReadCounts {
    memory: AtomicU64,
    disk: AtomicU64,
}

impl ReadCounts {
    #[inline]
    pub fn count(&self, from_disk: bool) {
        let counter = if from_disk { &self.disk } else { &self.memory };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn reads(&self) -> Reads {
        Reads {
            memory: self.memory.load(Ordering::Relaxed),
            disk: self.disk.load(Ordering::Relaxed),
        }
    }
}
