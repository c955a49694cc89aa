//! What became of records, gathered for the feed that waits for it: the producer tells from a thread of its own, and wakes the feed once for
//! all that it tells at a time, not for each.

use super::outlet::closed;
use crate::broker::{BrokerError, Done};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Of one record.
pub type Outcome = Result<(), BrokerError>;

/// `T` is what a feed knows a record by.
pub struct Returns<T> {
    came: Mutex<Vec<(T, Outcome)>>,
    some: Notify,
}

impl<T: Send + Sync + 'static> Returns<T> {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            came: Mutex::new(Vec::new()),
            some: Notify::new(),
        })
    }

    /// For one record. What is never told is told as an error when it is dropped.
    pub fn done(self: &Arc<Self>, record: T) -> Done {
        let ticket = Ticket {
            returns: Arc::clone(self),
            record: Some(record),
        };
        Box::new(move |outcome| ticket.tell(outcome))
    }

    /// Waits until there are some, and gives all of them, in the order in which they were told, instead of what is in `all`.
    pub async fn next(&self, all: &mut Vec<(T, Outcome)>) {
        all.clear();
        loop {
            mem::swap(&mut *self.came(), all);
            if !all.is_empty() {
                return;
            }
            self.some.notified().await;
        }
    }

    fn came(&self) -> MutexGuard<'_, Vec<(T, Outcome)>> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Returns<T> {
    fn add(&self, record: T, outcome: Outcome) {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        let first = came.is_empty();
        came.push((record, outcome));
        drop(came);
        if first {
            self.some.notify_one();
        }
    }
}

struct Ticket<T> {
    returns: Arc<Returns<T>>,
    record: Option<T>,
}

impl<T> Ticket<T> {
    fn tell(mut self, outcome: Outcome) {
        if let Some(record) = self.record.take() {
            self.returns.add(record, outcome);
        }
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            self.returns.add(record, Err(closed()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Reaction;
    use futures_util::FutureExt;

    #[test]
    fn what_was_told_meanwhile_comes_at_once_and_in_order_and_nothing_twice() {
        let returns = Returns::new();
        let mut all = Vec::new();
        let dones: Vec<Done> = (0..3).map(|number| returns.done(number)).collect();
        assert!(returns.next(&mut all).now_or_never().is_none());
        for done in dones {
            done(Ok(()));
        }
        returns.next(&mut all).now_or_never().unwrap();
        assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(returns.next(&mut all).now_or_never().is_none());
    }

    #[test]
    fn what_nobody_tells_is_told_as_an_error() {
        let returns = Returns::new();
        drop(returns.done(7));
        let mut all = Vec::new();
        returns.next(&mut all).now_or_never().unwrap();
        let (number, outcome) = all.pop().unwrap();
        assert_eq!((number, outcome.unwrap_err().reaction), (7, Reaction::Retry));
    }

    #[test]
    fn who_waits_is_woken_from_another_thread() {
        let returns = Returns::new();
        let done = returns.done(1);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let thread = std::thread::spawn(move || done(Ok(())));
        let mut all = Vec::new();
        runtime.block_on(returns.next(&mut all));
        assert_eq!(all.len(), 1);
        thread.join().unwrap();
    }
}
