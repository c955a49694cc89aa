//! The memory that all stores of the process may use, counted where it is taken and given back.
//!
//! What stores hold is of two kinds. *Caches* (filters, indexes) make look-ups fast and can be done without; they get at most
//! three quarters. *Work* (ids that are not yet in a sorted file, buffers while one is written) can't be done without: a quarter
//! is kept free for it. A store's table of new ids grows beyond its least size only as long as all such work stays below an
//! eighth; the other eighth is for the least sizes and for buffers. So the limit holds as long as the least sizes fit in: an
//! id store that is written to has 0.4 MB at least.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Filters and indexes.
    Cache,
    /// What is not yet in a file, and buffers.
    Work,
}

/// Memory for all stores of a process.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    counts: Mutex<Counts>,
    warned: AtomicBool,
}

#[derive(Debug, Default)]
struct Counts {
    cache: usize,
    work: usize,
    stores: usize,
    highest: usize,
}

impl Budget {
    /// `limit` in bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            counts: Mutex::default(),
            warned: AtomicBool::new(false),
        })
    }

    /// In bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// What all stores hold now, in bytes.
    pub fn used(&self) -> usize {
        let counts = self.counts();
        counts.cache + counts.work
    }

    /// What of it is filters and indexes, in bytes.
    pub fn caches(&self) -> usize {
        self.counts().cache
    }

    /// The most that they ever held together, in bytes.
    pub fn highest(&self) -> usize {
        self.counts().highest
    }

    /// Counts one more store, until what is given is dropped.
    pub(super) fn register(self: &Arc<Self>) -> Registered {
        self.counts().stores += 1;
        Registered(Arc::clone(self))
    }

    /// How much the new ids of one store may take, in bytes, when all stores have the same.
    pub(super) fn share(&self) -> usize {
        self.limit / 8 / self.counts().stores.max(1)
    }

    /// Takes memory if it is to be had.
    pub(super) fn try_hold(self: &Arc<Self>, purpose: Use, bytes: usize) -> Option<Held> {
        let mut held = self.hold(purpose, 0);
        held.try_grow(bytes).then_some(held)
    }

    /// Takes memory that can't be done without.
    pub(super) fn hold(self: &Arc<Self>, purpose: Use, bytes: usize) -> Held {
        let mut held = Held {
            budget: Arc::clone(self),
            purpose,
            bytes: 0,
        };
        held.grow(bytes);
        held
    }

    /// `true` once: the first who finds the budget too small for all filters says so.
    pub(super) fn first_to_warn(&self) -> bool {
        !self.warned.swap(true, Ordering::Relaxed)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grants(&self, counts: &Counts, purpose: Use, bytes: usize) -> bool {
        match purpose {
            Use::Cache => {
                let kept_free = (self.limit / 4).saturating_sub(counts.work);
                counts.cache + counts.work + bytes + kept_free <= self.limit
            }
            Use::Work => counts.work + bytes <= self.limit / 8 && counts.cache + counts.work + bytes <= self.limit,
        }
    }
}

impl Counts {
    fn of(&mut self, purpose: Use) -> &mut usize {
        match purpose {
            Use::Cache => &mut self.cache,
            Use::Work => &mut self.work,
        }
    }

    fn take(&mut self, purpose: Use, bytes: usize) {
        *self.of(purpose) += bytes;
        self.highest = self.highest.max(self.cache + self.work);
    }
}

/// A store that is counted.
#[derive(Debug)]
pub(super) struct Registered(Arc<Budget>);

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.counts().stores -= 1;
    }
}

/// Memory that somebody has; given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    budget: Arc<Budget>,
    purpose: Use,
    bytes: usize,
}

impl Held {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes more if it is to be had.
    pub fn try_grow(&mut self, by: usize) -> bool {
        let granted = {
            let mut counts = self.budget.counts();
            let granted = self.budget.grants(&counts, self.purpose, by);
            if granted {
                counts.take(self.purpose, by);
            }
            granted
        };
        if granted {
            self.bytes += by;
        }
        granted
    }

    /// Takes more that can't be done without.
    pub fn grow(&mut self, by: usize) {
        self.budget.counts().take(self.purpose, by);
        self.bytes += by;
    }

    pub fn shrink_to(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        *self.budget.counts().of(self.purpose) -= less;
        self.bytes -= less;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_leave_a_quarter_to_work() {
        let budget = Budget::new(1_000);
        let filters = budget.try_hold(Use::Cache, 750);
        assert!(filters.is_some());
        assert!(budget.try_hold(Use::Cache, 1).is_none());
        let table = budget.hold(Use::Work, 250);
        assert_eq!((budget.used(), budget.highest()), (1_000, 1_000));
        drop((filters, table));
        assert_eq!((budget.used(), budget.highest()), (0, 1_000));
    }

    #[test]
    fn work_grows_up_to_an_eighth_and_what_it_needs_at_least_it_gets() {
        let budget = Budget::new(800);
        let mut table = budget.hold(Use::Work, 0);
        assert!(table.try_grow(100));
        assert!(!table.try_grow(1));
        table.grow(100);
        table.shrink_to(50);
        assert_eq!((table.bytes(), budget.used()), (50, 50));
    }

    #[test]
    fn the_share_is_the_smaller_the_more_stores_there_are() {
        let budget = Budget::new(8_000);
        let first = budget.register();
        assert_eq!(budget.share(), 1_000);
        let second = budget.register();
        assert_eq!(budget.share(), 500);
        drop((first, second));
        assert_eq!(budget.share(), 1_000);
    }
}
