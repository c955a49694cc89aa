//! The ids that are not yet in a sorted file, with the segment of event time that each is of.

use super::place::Sizes;
use crate::state::budget::{Budget, Held, Use};
use ahash::AHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a slot of the table takes: an id, its segment, the table's own byte.
const SLOT: usize = 25;
/// So many ids at most are sorted at once.
const PART: usize = 64 << 10;

/// Two halves, for a `u128` would make a slot of 33 bytes.
type Key = (u64, u64);

pub(super) struct Memtable {
    budget: Arc<Budget>,
    sizes: Sizes,
    segments_of: AHashMap<Key, i64>,
    /// How many ids each segment has.
    waiting: BTreeMap<i64, usize>,
    held: Held,
}

impl Memtable {
    pub fn new(budget: &Arc<Budget>, sizes: Sizes) -> Self {
        Self {
            budget: Arc::clone(budget),
            sizes,
            segments_of: AHashMap::new(),
            waiting: BTreeMap::new(),
            held: budget.hold(Use::Work, 0),
        }
    }

    pub fn len(&self) -> usize {
        self.segments_of.len()
    }

    /// How many ids each segment has.
    pub fn waiting(&self) -> &BTreeMap<i64, usize> {
        &self.waiting
    }

    /// The segment that an id is of, if it is here.
    #[inline]
    pub fn segment_of(&self, id: u128) -> Option<i64> {
        self.segments_of.get(&key(id)).copied()
    }

    /// Makes room for so many more ids. `false`: there is none; what is here should go to files.
    pub fn make_room(&mut self, more: usize) -> bool {
        if self.segments_of.capacity() - self.len() >= more {
            return true;
        }
        let slots = slots_for(self.len() + more);
        let bytes = slots * SLOT;
        let least = slots <= self.sizes.least_slots;
        if !least && (slots > self.sizes.most_slots || bytes > self.budget.share()) {
            return false;
        }
        let missing = bytes.saturating_sub(self.held.bytes());
        if !least && !self.held.try_grow(missing) {
            return false;
        }
        self.force_room(more);
        true
    }

    /// Makes room whatever it takes: one transaction is not divided.
    pub fn force_room(&mut self, more: usize) {
        let slots = slots_for(self.len() + more);
        let old = self.held.bytes();
        self.held.grow((slots * SLOT).saturating_sub(old));
        // A new table, of which we know how large it is; both are there while ids move from one to the other.
        let _both = self.budget.hold(Use::Work, old);
        let mut table = AHashMap::with_capacity(slots / 8 * 7);
        table.extend(self.segments_of.drain());
        self.segments_of = table;
        self.held.shrink_to(slots * SLOT);
    }

    /// Remembers an id; of two segments the later counts.
    pub fn insert(&mut self, id: u128, segment: i64) {
        let before = self.segments_of.insert(key(id), segment);
        if before == Some(segment) {
            return;
        }
        let later = before.map_or(segment, |before| before.max(segment));
        if later != segment {
            self.segments_of.insert(key(id), later);
            return;
        }
        *self.waiting.entry(segment).or_default() += 1;
        if let Some(before) = before {
            match self.waiting.get_mut(&before) {
                Some(count) if *count > 1 => *count -= 1,
                _ => _ = self.waiting.remove(&before),
            }
        }
    }

    /// Forgets the segments before `first`.
    pub fn forget_before(&mut self, first: i64) {
        if self.has_before(first) {
            self.waiting = self.waiting.split_off(&first);
            self.segments_of.retain(|_, segment| *segment >= first);
        }
    }

    pub fn has_before(&self, first: i64) -> bool {
        self.waiting.keys().next().is_some_and(|segment| *segment < first)
    }

    /// Gives the ids of a segment to `each`, in their order, a part at a time.
    pub fn sorted<E>(&self, segment: i64, mut each: impl FnMut(u128) -> Result<(), E>) -> Result<(), E> {
        let count = self.waiting.get(&segment).copied().unwrap_or(0);
        let parts = count.div_ceil(PART).max(1);
        let about = count / parts + count / parts / 4;
        let _held = self.budget.hold(Use::Work, about * 16);
        let mut ids = Vec::with_capacity(about);
        for part in 0..parts {
            ids.clear();
            let here = |key: &Key| ((u128::from(key.0) * parts as u128) >> 64) as usize == part;
            let of_segment = self.segments_of.iter().filter(|(_, of)| **of == segment);
            ids.extend(of_segment.filter(|(key, _)| here(key)).map(|(key, _)| id(*key)));
            ids.sort_unstable();
            ids.iter().try_for_each(|id| each(*id))?;
        }
        Ok(())
    }

    /// The ids that are in none of `segments`, with the segment of each.
    pub fn others<'a>(&'a self, segments: &'a [i64]) -> impl Iterator<Item = (u128, i64)> + 'a {
        let others = self
            .segments_of
            .iter()
            .filter(|(_, of)| segments.binary_search(of).is_err());
        others.map(|(key, segment)| (id(*key), *segment))
    }

    /// Empties it but for `stay`. The table stays as large as it may be.
    pub fn restart(&mut self, stay: &[(u128, i64)]) {
        let allowed = self.budget.share().max(self.sizes.least_slots * SLOT);
        if self.held.bytes() > allowed.min(self.sizes.most_slots * SLOT) {
            self.segments_of = AHashMap::new();
            self.held.shrink_to(0);
        }
        self.segments_of.clear();
        self.waiting.clear();
        if !self.make_room(stay.len()) {
            self.force_room(stay.len());
        }
        for (id, segment) in stay {
            self.insert(*id, *segment);
        }
    }
}

/// The slots of a table for so many ids, as the table counts them.
fn slots_for(ids: usize) -> usize {
    (ids * 8).div_ceil(7).next_power_of_two().max(8)
}

fn key(id: u128) -> Key {
    ((id >> 64) as u64, id as u64)
}

fn id(key: Key) -> u128 {
    u128::from(key.0) << 64 | u128::from(key.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(table: &Memtable, segment: i64) -> Vec<u128> {
        let mut ids = Vec::new();
        table
            .sorted(segment, |id| {
                ids.push(id);
                Ok::<_, ()>(())
            })
            .unwrap();
        ids
    }

    #[test]
    fn an_id_is_of_the_latest_segment_that_it_was_given() {
        let mut table = Memtable::new(&Budget::new(1 << 20), Sizes::USUAL);
        for (id, segment) in [(1, 5), (2, 5), (1, 7), (1, 6), (2, 5)] {
            table.insert(id, segment);
        }
        assert_eq!((table.segment_of(1), table.segment_of(2)), (Some(7), Some(5)));
        assert_eq!(table.waiting(), &BTreeMap::from([(5, 1), (7, 1)]));
        table.forget_before(7);
        assert_eq!((table.len(), table.segment_of(2)), (1, None));
    }

    #[test]
    fn ids_come_out_sorted_also_when_they_are_more_than_one_part() {
        let mut table = Memtable::new(&Budget::new(64 << 20), Sizes::USUAL);
        let ids: Vec<u128> = (0..PART as u128 * 2).map(super::super::mix::mix).collect();
        ids.iter().for_each(|id| table.insert(*id, 3));
        table.insert(1, 4);
        let mut expected = ids;
        expected.sort_unstable();
        assert_eq!(sorted(&table, 3), expected);
        assert_eq!(sorted(&table, 4), [1]);
    }

    #[test]
    fn its_memory_is_what_was_taken_for_it() {
        let budget = Budget::new(32 << 20);
        let _store = budget.register();
        let mut table = Memtable::new(&budget, Sizes::USUAL);
        let mut next = 0;
        while table.make_room(1) {
            table.insert(next, 0);
            next += 1;
            assert!(table.segments_of.capacity() <= budget.used() / SLOT / 8 * 7);
        }
        assert_eq!(next, 114_688, "4 MB are an eighth; twice as many slots would not fit");
        table.restart(&[]);
        assert!(table.make_room(114_688), "the table is kept");
        let _others: Vec<_> = (0..100).map(|_| budget.register()).collect();
        table.restart(&[(1, 1)]);
        assert_eq!(
            (table.len(), table.make_room(14_000), table.make_room(20_000)),
            (1, true, false)
        );
        assert!(budget.used() <= Sizes::USUAL.least_slots * SLOT);
    }
}
