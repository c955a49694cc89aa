//! Which stores of a process are open: each at most once.

use crate::state::{IdStore, IdWrite, StateError, StoreId};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The stores that are open.
#[derive(Clone, Default)]
pub(super) struct Claims(Arc<Mutex<BTreeSet<StoreId>>>);

impl Claims {
    /// Claims a store until what is given is dropped. `None`: somebody has it.
    pub fn claim(&self, id: &StoreId) -> Option<Claim> {
        self.open().insert(id.clone()).then(|| Claim {
            claims: self.clone(),
            id: id.clone(),
        })
    }

    fn open(&self) -> MutexGuard<'_, BTreeSet<StoreId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Claim {
    claims: Claims,
    id: StoreId,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.open().remove(&self.id);
    }
}

/// A store and the claim to it, which ends after the store.
pub(super) struct Claimed<S> {
    store: S,
    _claim: Claim,
}

impl<S> Claimed<S> {
    pub fn new(store: S, claim: Claim) -> Self {
        Self { store, _claim: claim }
    }
}

impl<S: IdStore> IdStore for Claimed<S> {
    fn contains(&self, id: u128) -> Result<bool, StateError> {
        self.store.contains(id)
    }

    fn covers(&self, write: IdWrite) -> Result<bool, StateError> {
        self.store.covers(write)
    }

    fn apply(&mut self, writes: &[IdWrite], stream_time: i64, checkpoint: Option<i64>) -> Result<(), StateError> {
        self.store.apply(writes, stream_time, checkpoint)
    }

    fn stream_time(&self) -> i64 {
        self.store.stream_time()
    }

    fn checkpoint(&self) -> Option<i64> {
        self.store.checkpoint()
    }

    fn len(&self) -> usize {
        self.store.len()
    }
}
