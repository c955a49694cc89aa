//! The warm copies of other instances' stores: who follows their changelogs puts them here, and a task that moves here takes its own.

use crate::state::{StoreId, TaskStore};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The warm copies of this process.
#[derive(Default)]
pub struct Standbys {
    warm: Mutex<Vec<Warm>>,
}

pub(super) struct Warm {
    pub id: StoreId,
    pub store: TaskStore,
}

impl Standbys {
    /// Gives a copy to the task that it is a copy of; `None`: there is none.
    pub fn take(&self, id: &StoreId) -> Option<TaskStore> {
        let mut warm = self.lock();
        let position = warm.iter().position(|copy| copy.id == *id)?;
        Some(warm.swap_remove(position).store)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Warm>> {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
