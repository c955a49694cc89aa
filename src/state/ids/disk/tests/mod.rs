//! The store as a whole: against the one in memory, over reopenings, crashes, damage and a changed window.

mod crashes;
mod limits;
mod model;

use super::place::{Place, Sizes};
use super::{Budget, DiskIds};
use crate::state::{IdStore, IdWrite, MemoryIds, SimulatedDisk, StateError};
use std::path::Path;
use std::sync::Arc;

const FOLDER: &str = "/state/ids";

/// So small that a few hundred ids come to runs, merges and new logs.
const SMALL: Sizes = Sizes {
    least_slots: 16,
    most_slots: 64,
    run: 400,
    log: 2_000,
};

fn folder() -> &'static Path {
    Path::new(FOLDER)
}

fn open(disk: &SimulatedDisk, window: i64, budget: &Arc<Budget>) -> Result<DiskIds, StateError> {
    let place = Place {
        disk: Arc::new(disk.clone()),
        folder: folder().to_owned(),
        budget: Arc::clone(budget),
        sizes: SMALL,
    };
    DiskIds::open_in(place, window)
}

/// What [`crate::state::TaskIds`] does before it applies.
fn uncovered(store: &dyn IdStore, writes: &[IdWrite]) -> Result<Vec<IdWrite>, StateError> {
    let mut new = Vec::new();
    for write in writes {
        if !store.covers(*write)? {
            new.push(*write);
        }
    }
    Ok(new)
}

/// Every id below `ids` must be known to both or to neither.
fn same(disk: &DiskIds, memory: &MemoryIds, ids: u128) -> Result<(), StateError> {
    for id in 0..ids {
        assert_eq!(disk.contains(id)?, memory.contains(id)?, "whether id {id} is known");
    }
    Ok(())
}

/// Does something for many seeds: `MILLSTREAM_SEEDS` sets for how many, `MILLSTREAM_SEED` takes one alone.
fn for_each_seed(does: impl Fn(u64)) {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().expect("a number"))
    };
    if let Some(seed) = number("MILLSTREAM_SEED") {
        return does(seed);
    }
    let seeds = if cfg!(debug_assertions) { 300 } else { 5_000 };
    for seed in 0..number("MILLSTREAM_SEEDS").unwrap_or(seeds) {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| does(seed)));
        assert!(done.is_ok(), "run it alone with MILLSTREAM_SEED={seed}");
    }
}
