//! Samples: the last few records that passed a part of the topology, for as long as somebody looks at it.
//!
//! Invariants:
//! - while nobody asks, a record costs one relaxed load; a part that is looked at takes a record now and then, and no worker ever waits
//!   for another, or for whoever looks;
//! - what is kept is bounded, whatever records are like, and is made without secrets ([`redacted`]) before it is kept;
//! - a record is seen before its transaction is committed: one that is aborted is read, and perhaps seen, again.

mod redacted;
#[cfg(test)]
mod tests;

use crate::record::{RawRecord, Record};
use crate::topology::Topology;
use redacted::Redaction;
pub use redacted::Text;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime};

/// So many of each part are kept.
pub const KEPT: usize = 5;
/// So many parts are looked at, at a time: another one takes the place of the one that was asked for the longest ago.
const LOOKED_AT: usize = 32;
/// For so long after it was asked for a part is looked at.
const ATTENTION: Duration = Duration::from_secs(10);
/// Between two samples of one part: to write one costs as much as to process a few.
const PAUSE: Duration = Duration::from_millis(200);

/// A part of the topology, by its index in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Source(usize),
    Processor(usize),
    Sink(usize),
}

/// A record as it is shown.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Where the record was read that it was, or became of.
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since the epoch; negative: it has none.
    pub timestamp: i64,
    pub at: SystemTime,
    pub key: Option<Text>,
    pub headers: Vec<(String, Text)>,
    pub value: Text,
}

/// Shared by all workers, and by whoever looks.
#[derive(Debug, Default)]
pub struct Samples {
    /// Something is looked at.
    armed: AtomicBool,
    looked_at: Mutex<Vec<Looked>>,
    redaction: Redaction,
}

/// A part that is looked at.
#[derive(Debug)]
struct Looked {
    part: Part,
    asked: Instant,
    last: Option<Instant>,
    samples: VecDeque<Sample>,
}

impl Samples {
    pub(super) fn of(topology: &Topology) -> Self {
        Self {
            redaction: Redaction::of(topology),
            ..Self::default()
        }
    }

    /// `None`: nobody looks at anything.
    pub(super) fn wanted(&self) -> Option<&Self> {
        self.armed.load(Ordering::Relaxed).then_some(self)
    }

    /// What passed a part since it is looked at, the newest first; from now on, and for a while, it is.
    pub fn look_at(&self, part: Part) -> Vec<Sample> {
        let now = Instant::now();
        let mut all = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut all, now);
        let found = match all.iter_mut().find(|looked| looked.part == part) {
            Some(looked) => {
                looked.asked = now;
                looked.samples.iter().cloned().collect()
            }
            None => {
                if all.len() >= LOOKED_AT
                    && let Some(oldest) = (0..all.len()).min_by_key(|at| all.get(*at).map(|looked| looked.asked))
                {
                    all.swap_remove(oldest);
                }
                all.push(Looked {
                    part,
                    asked: now,
                    last: None,
                    samples: VecDeque::new(),
                });
                Vec::new()
            }
        };
        self.armed.store(true, Ordering::Relaxed);
        found
    }

    /// A record came out of a source or a processor, or went into a sink.
    pub(super) fn passed(&self, part: Part, record: &Record<'_>) {
        self.note(part, || self.redaction.sample(record));
    }

    /// A record came that its source can't read.
    pub(super) fn unreadable(&self, part: Part, record: &RawRecord<'_>, why: &str) {
        self.note(part, || self.redaction.unreadable(record, why));
    }

    fn note(&self, part: Part, sample: impl FnOnce() -> Sample) {
        let Some(mut all) = self.without_waiting() else { return };
        let now = Instant::now();
        forget_old(&mut all, now);
        if all.is_empty() {
            self.armed.store(false, Ordering::Relaxed);
            return;
        }
        let is_due = |looked: &&mut Looked| {
            looked.part == part && looked.last.is_none_or(|last| now.duration_since(last) >= PAUSE)
        };
        if let Some(looked) = all.iter_mut().find(is_due) {
            looked.last = Some(now);
            looked.samples.push_front(sample());
            looked.samples.truncate(KEPT);
        }
    }

    /// `None`: another has it, and this record is not worth waiting for.
    fn without_waiting(&self) -> Option<MutexGuard<'_, Vec<Looked>>> {
        match self.looked_at.try_lock() {
            Ok(all) => Some(all),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

fn forget_old(all: &mut Vec<Looked>, now: Instant) {
    all.retain(|looked| now.saturating_duration_since(looked.asked) < ATTENTION);
}
