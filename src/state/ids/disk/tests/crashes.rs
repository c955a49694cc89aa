//! Power cuts, failing disks and flipped bits, by seed.

use super::*;
use crate::state::disk::simulated::Random;
use std::cell::Cell;

/// What was applied, in order: the checkpoint after it is its place and one.
struct Applied {
    writes: Vec<IdWrite>,
    stream_time: i64,
}

const IDS: u128 = 300;
const WINDOW: i64 = 320;

/// The state at a checkpoint, as the store in memory has it.
fn model(history: &[Applied], checkpoint: Option<i64>) -> MemoryIds {
    let mut memory = MemoryIds::new(WINDOW);
    let known = usize::try_from(checkpoint.unwrap_or(0)).unwrap();
    for (place, applied) in history[..known].iter().enumerate() {
        memory
            .apply(&applied.writes, applied.stream_time, Some(place as i64 + 1))
            .unwrap();
    }
    memory
}

fn writes(random: &mut Random, time: i64) -> Vec<IdWrite> {
    (0..random.below(40))
        .map(|_| IdWrite {
            id: random.below(IDS as usize) as u128,
            time: time - random.below(100) as i64,
        })
        .collect()
}

/// What went wrong and how often, over all seeds.
#[derive(Debug, Default)]
struct Seen {
    seeds: Cell<usize>,
    crashes: Cell<usize>,
    failures: Cell<usize>,
    lost: Cell<usize>,
    damaged: Cell<usize>,
}

fn count(counter: &Cell<usize>, if_so: bool) {
    counter.set(counter.get() + usize::from(if_so));
}

struct Run<'a> {
    disk: SimulatedDisk,
    budget: Arc<Budget>,
    random: Random,
    history: Vec<Applied>,
    time: i64,
    seen: &'a Seen,
}

impl<'a> Run<'a> {
    fn new(seed: u64, seen: &'a Seen) -> Self {
        count(&seen.seeds, true);
        let mut random = Random(seed);
        Self {
            disk: SimulatedDisk::new(random.next()),
            budget: Budget::new([0, 6_000, 1 << 20, 1 << 20, 1 << 20][random.below(5)]),
            random,
            history: Vec::new(),
            time: 0,
            seen,
        }
    }

    /// Opens what is there, and checks it against the model.
    fn open(&mut self) -> Result<DiskIds, StateError> {
        let store = open(&self.disk, WINDOW, &self.budget)?;
        let at = store.checkpoint();
        assert!(at.unwrap_or(0) <= self.history.len() as i64, "ahead: {at:?}");
        count(&self.seen.lost, at.unwrap_or(0) < self.history.len() as i64);
        same(&store, &model(&self.history, at), IDS)?;
        Ok(store)
    }

    /// Applies what the store lacks.
    fn restore(&self, store: &mut DiskIds) -> Result<(), StateError> {
        let at = usize::try_from(store.checkpoint().unwrap_or(0)).unwrap();
        for (place, applied) in self.history.iter().enumerate().skip(at) {
            store.apply(&applied.writes, applied.stream_time, Some(place as i64 + 1))?;
        }
        Ok(())
    }

    /// One transaction; what is committed is in the history even if the disk does not take it.
    fn apply(&mut self, store: &mut DiskIds) -> Result<(), StateError> {
        self.time += self.random.below(30) as i64;
        let writes = uncovered(store, &writes(&mut self.random, self.time))?;
        self.history.push(Applied {
            writes,
            stream_time: self.time,
        });
        let applied = &self.history[self.history.len() - 1];
        store.apply(&applied.writes, applied.stream_time, Some(self.history.len() as i64))
    }

    fn arm(&mut self, operations: usize) {
        let operations = self.random.below(operations) as u64;
        if self.random.one_in(4) {
            self.disk.fail_after(operations);
        } else {
            self.disk.stop_after(operations);
        }
    }

    /// Until the disk fails, which it does while the store is opened or later.
    fn until_it_fails(&mut self) {
        let mut store = if self.random.one_in(3) {
            self.arm(20);
            match open(&self.disk, WINDOW, &self.budget) {
                Ok(store) => store,
                Err(error) => return assert!(matches!(error, StateError::Io { .. }), "{error}"),
            }
        } else {
            let store = self.open().unwrap();
            self.arm(400);
            store
        };
        let mut applied = self.restore(&mut store);
        while applied.is_ok() && self.random.below(200) > 0 {
            applied = self.apply(&mut store);
        }
        if let Err(error) = applied {
            assert!(matches!(error, StateError::Io { .. }), "{error}");
            count(&self.seen.failures, true);
        }
    }
}

#[test]
fn after_any_crash_the_store_is_what_it_was_at_the_checkpoint_it_tells() {
    let seen = Seen::default();
    for_each_seed(|seed| {
        let mut run = Run::new(seed, &seen);
        for _ in 0..6 {
            run.until_it_fails();
            if run.random.one_in(5) {
                run.disk.kill();
            } else {
                run.disk.crash();
                count(&seen.crashes, true);
            }
        }
        let mut store = run.open().unwrap();
        run.restore(&mut store).unwrap();
        same(&store, &model(&run.history, Some(run.history.len() as i64)), IDS).unwrap();
    });
    println!("{seen:?}");
    for (counter, at_least) in [(&seen.crashes, 4), (&seen.failures, 3), (&seen.lost, 2)] {
        assert!(
            counter.get() >= at_least * seen.seeds.get().saturating_sub(10),
            "{seen:?}"
        );
    }
}

#[test]
fn a_flipped_bit_is_noticed_or_harmless_and_never_a_wrong_answer() {
    let seen = Seen::default();
    for_each_seed(|seed| {
        let mut run = Run::new(seed, &seen);
        let mut store = run.open().unwrap();
        for _ in 0..run.random.below(60) {
            run.apply(&mut store).unwrap();
        }
        drop(store);
        // Before the store is opened, or while it is open.
        let open = run
            .random
            .one_in(2)
            .then(|| open(&run.disk, WINDOW, &run.budget).unwrap());
        let file = run.disk.damage(folder()).unwrap();
        let checked = match &open {
            Some(store) => same(store, &model(&run.history, Some(run.history.len() as i64)), IDS),
            None => run.open().map(drop),
        };
        match checked {
            Ok(()) => {}
            Err(StateError::Damaged { path, why }) => {
                assert!(path == folder() && !why.is_empty(), "{}", path.display());
                count(&seen.damaged, true);
            }
            Err(error) => panic!("{}: {error}", file.display()),
        }
    });
    println!("{seen:?}");
    assert!(
        seen.damaged.get() * 2 >= seen.seeds.get().saturating_sub(10),
        "{seen:?}"
    );
}
