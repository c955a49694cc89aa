//! The messages that were received and not deleted yet: the receipt of each, and since when others can't see it.

use crate::feed::FeedState;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// A message's name among those held.
pub type Id = u64;

pub struct Held {
    messages: RefCell<BTreeMap<Id, One>>,
    next: Cell<Id>,
    state: Arc<FeedState>,
}

struct One {
    receipt: String,
    /// When it was last hidden from others.
    hidden: Instant,
    /// Its place among those that may be in flight.
    _place: Option<OwnedSemaphorePermit>,
}

impl Held {
    pub fn new(state: &Arc<FeedState>) -> Self {
        Self {
            messages: RefCell::default(),
            next: Cell::new(0),
            state: Arc::clone(state),
        }
    }

    pub fn add(&self, receipt: String, place: Option<OwnedSemaphorePermit>) -> Id {
        let id = self.next.get();
        self.next.set(id + 1);
        let one = One {
            receipt,
            hidden: Instant::now(),
            _place: place,
        };
        self.messages.borrow_mut().insert(id, one);
        self.count();
        id
    }

    pub fn remove(&self, id: Id) {
        self.messages.borrow_mut().remove(&id);
        self.count();
    }

    /// The receipt of each; of `ids`, those stay that are still held.
    pub fn receipts(&self, ids: &mut Vec<Id>) -> Vec<String> {
        let messages = self.messages.borrow();
        ids.retain(|id| messages.contains_key(id));
        let receipts = ids.iter().filter_map(|id| messages.get(id));
        receipts.map(|one| one.receipt.clone()).collect()
    }

    pub fn all(&self) -> Vec<Id> {
        self.messages.borrow().keys().copied().collect()
    }

    /// Those hidden for as long as `age` already.
    pub fn older(&self, age: Duration) -> Vec<Id> {
        let messages = self.messages.borrow();
        let older = messages.iter().filter(|(_, one)| one.hidden.elapsed() >= age);
        older.map(|(id, _)| *id).collect()
    }

    /// They were hidden anew, when `at`.
    pub fn hidden(&self, ids: &[Id], at: Instant) {
        let mut messages = self.messages.borrow_mut();
        for id in ids {
            if let Some(one) = messages.get_mut(id) {
                one.hidden = at;
            }
        }
    }

    fn count(&self) {
        self.state.unacknowledged(self.messages.borrow().len());
    }
}
