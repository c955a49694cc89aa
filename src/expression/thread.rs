//! A borrow of what is bound to its thread, inside of values that must be `Send` and `Sync`.
//!
//! CEL's interpreter wants `Send + Sync` of every value, while ours borrow the arena of the worker that evaluates. The
//! interpreter never leaves that thread; should it ever, there is nothing to be had.

use std::thread::ThreadId;

/// Hands its value out on the thread that made it, and nowhere else.
#[derive(Clone, Copy)]
pub(super) struct OnThread<T: Copy> {
    value: T,
    thread: ThreadId,
}

// SAFETY: the only way to the value is `get`, which checks the thread, so no other thread ever touches it; being `Copy`,
// it has no destructor that could run elsewhere.
unsafe impl<T: Copy> Send for OnThread<T> {}
// SAFETY: as above.
unsafe impl<T: Copy> Sync for OnThread<T> {}

impl<T: Copy> OnThread<T> {
    pub(super) fn new(value: T) -> OnThread<T> {
        OnThread {
            value,
            thread: std::thread::current().id(),
        }
    }

    #[inline]
    pub(super) fn get(&self) -> Option<T> {
        (std::thread::current().id() == self.thread).then_some(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn it_is_handed_out_on_its_own_thread_only() {
        let cell = Cell::new(1);
        let held = OnThread::new(&cell);
        assert_eq!(held.get().map(Cell::get), Some(1));
        std::thread::scope(|scope| {
            assert!(scope.spawn(move || held.get().is_none()).join().unwrap());
        });
    }
}
