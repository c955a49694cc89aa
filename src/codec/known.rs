//! What is known by the ids of schemas: looked up without a lock, for every record.

use std::sync::OnceLock;

/// A list that only grows. There are as many entries as schemas were met, which is few.
pub(super) struct Known<T>(OnceLock<Box<Entry<T>>>);

struct Entry<T> {
    id: u32,
    item: T,
    next: Known<T>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Known<T> {
    pub fn get(&self, id: u32) -> Option<&T> {
        let mut list = self;
        loop {
            let entry = list.0.get()?;
            if entry.id == id {
                return Some(&entry.item);
            }
            list = &entry.next;
        }
    }

    /// What is known from now on: this, or what another was faster with. `None` never, for an id that was learnt.
    pub fn learn(&self, id: u32, item: T) -> Option<&T> {
        let mut new = Box::new(Entry {
            id,
            item,
            next: Known::default(),
        });
        let mut list = self;
        loop {
            match list.0.set(new) {
                Ok(()) => return list.0.get().map(|entry| &entry.item),
                Err(taken) => new = taken,
            }
            let entry = list.0.get()?;
            if entry.id == id {
                return Some(&entry.item);
            }
            list = &entry.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_first_is_what_everybody_knows() {
        let known = Known::default();
        assert_eq!(known.get(1), None);
        assert_eq!(known.learn(1, "one"), Some(&"one"));
        assert_eq!(known.learn(2, "two"), Some(&"two"));
        assert_eq!(known.learn(1, "another"), Some(&"one"));
        assert_eq!(
            (known.get(1), known.get(2), known.get(3)),
            (Some(&"one"), Some(&"two"), None)
        );
    }

    #[test]
    fn many_threads_learn_each_id_once() {
        let known = Known::default();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let known = &known;
                scope.spawn(move || (0..100).for_each(|id| _ = known.learn(id, thread)));
            }
        });
        let first: Vec<_> = (0..100).map(|id| known.get(id).copied()).collect();
        assert!(first.iter().all(Option::is_some));
        (0..100).for_each(|id| _ = known.learn(id, 9));
        assert_eq!(first, (0..100).map(|id| known.get(id).copied()).collect::<Vec<_>>());
    }
}
