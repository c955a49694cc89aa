//! How the feed stands: it takes messages only while it can receive, Kafka takes them, and they can be deleted.

use crate::feed::FeedState;
use std::cell::RefCell;
use std::sync::Arc;

/// What may be wrong, and stays so until that very thing works.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    Receiving,
    Writing,
    Deleting,
}

pub struct Standing {
    state: Arc<FeedState>,
    wrong: RefCell<[Option<String>; 3]>,
}

impl Standing {
    pub fn new(state: &Arc<FeedState>) -> Self {
        Self {
            state: Arc::clone(state),
            wrong: RefCell::default(),
        }
    }

    pub fn works(&self, part: Part) {
        self.set(part, None);
    }

    pub fn fails(&self, part: Part, why: String) {
        self.set(part, Some(why));
    }

    fn set(&self, part: Part, why: Option<String>) {
        let mut wrong = self.wrong.borrow_mut();
        let [receiving, writing, deleting] = &mut *wrong;
        *match part {
            Part::Receiving => receiving,
            Part::Writing => writing,
            Part::Deleting => deleting,
        } = why;
        match wrong.iter().flatten().next() {
            Some(why) => self.state.down(why),
            None => self.state.up(),
        }
    }
}
