//! Full and read-only disks, and the memory budget.

use super::*;
use crate::state::Reads;
use crate::state::disk::simulated::Random;
use crate::state::reads::ReadCounts;

fn batch(from: u128, count: u128, time: i64) -> Vec<IdWrite> {
    (from..from + count).map(|id| IdWrite { id, time }).collect()
}

#[test]
fn a_full_disk_is_an_error_with_a_remedy_and_nothing_is_lost_once_there_is_room() {
    for room in (0..6_000).step_by(97) {
        let (disk, budget) = (SimulatedDisk::new(room as u64), Budget::new(1 << 20));
        let mut store = open(&disk, 1_000, &budget).unwrap();
        disk.set_room(Some(room));
        let full = (0..100).find_map(|n| store.apply(&batch(n * 10, 10, 0), 0, Some(n as i64 + 1)).err());
        let error = full.expect("the disk is full before all is written");
        assert!(matches!(error, StateError::Io { .. }), "{error}");
        assert!(error.to_string().contains("make room on that volume"), "{error}");
        drop(store);
        disk.set_room(None);
        let mut store = open(&disk, 1_000, &budget).unwrap();
        let at = store.checkpoint().unwrap_or(0);
        assert_eq!(store.len() as i64, at * 10, "room {room}");
        for n in at as u128..100 {
            store.apply(&batch(n * 10, 10, 0), 0, Some(n as i64 + 1)).unwrap();
        }
        assert_eq!(store.len(), 1_000);
    }
}

#[test]
fn a_read_only_disk_is_an_error_with_a_remedy() {
    let (disk, budget) = (SimulatedDisk::new(1), Budget::new(1 << 20));
    disk.set_read_only(true);
    let error = open(&disk, 1_000, &budget).err().expect("read-only");
    assert!(matches!(error, StateError::Io { .. }), "{error}");
    assert!(error.to_string().contains("--state-dir"), "{error}");
}

#[test]
fn look_ups_are_right_without_filters_and_filters_come_back_with_the_memory() {
    let disk = SimulatedDisk::new(1);
    let scarce = Budget::new(2_000);
    let mut store = open(&disk, 1_000, &scarce).unwrap();
    for n in 0..100 {
        store.apply(&batch(n * 10, 10, 0), 0, Some(1)).unwrap();
    }
    assert!(
        !store.runs.sizes_without_filter().is_empty() && !scarce.first_to_warn(),
        "it was warned of"
    );
    assert!((0..1_000).all(|id| store.contains(id).unwrap()) && !store.contains(1_000).unwrap());
    drop(store);
    let ample = Budget::new(1 << 20);
    let store = open(&disk, 1_000, &ample).unwrap();
    assert_eq!(
        (store.runs.sizes_without_filter().len(), ample.first_to_warn()),
        (0, true)
    );
}

#[test]
fn the_filters_of_the_largest_runs_are_given_up_first() {
    let disk = SimulatedDisk::new(1);
    let ample = Budget::new(1 << 20);
    let mut store = open(&disk, 1_000, &ample).unwrap();
    for n in 0..137 {
        store.apply(&batch(n * 10, 10, 0), 0, Some(1)).unwrap();
    }
    let sizes: Vec<usize> = store.runs.infos().map(|run| run.ids).collect();
    drop(store);
    let all: usize = sizes.iter().map(|ids| super::super::filter::blocks(*ids) * 64).sum();
    let scarce = Budget::new(all);
    let store = open(&disk, 1_000, &scarce).unwrap();
    let with = sizes.len() - store.runs.sizes_without_filter().len();
    assert!(with > 0 && with < sizes.len(), "{with} of {sizes:?}");
    let absent = store.runs.sizes_without_filter();
    let kept: Vec<usize> = sizes.into_iter().filter(|ids| !absent.contains(ids)).collect();
    assert!(
        absent.iter().min() >= kept.iter().max(),
        "{kept:?} kept, {absent:?} given up"
    );
}

/// Many stores come and go and are written to in turn, of usual size: what they hold never exceeds the budget.
#[test]
fn the_budget_is_never_exceeded() {
    const LIMIT: usize = 16 << 20;
    for seed in 0..3 {
        let mut random = Random(seed);
        let budget = Budget::new(LIMIT);
        let disk = SimulatedDisk::new(seed);
        let mut stores: Vec<DiskIds> = Vec::new();
        let mut next = 0;
        let mut most = 0;
        for _ in 0..150 {
            if stores.is_empty() || (random.one_in(10) && stores.len() < 4) {
                let folder = format!("/state/{}", random.next());
                stores.push(DiskIds::open(Arc::new(disk.clone()), folder.as_ref(), 1_000_000, &budget).unwrap());
            } else if random.one_in(40) {
                stores.swap_remove(random.below(stores.len()));
            } else {
                let place = random.below(stores.len());
                let store = &mut stores[place];
                store.apply(&batch(next, 10_000, 0), 0, Some(next as i64)).unwrap();
                next += 10_000;
                most = most.max(store.len());
            }
            assert!(budget.highest() <= LIMIT, "seed {seed}: {} bytes", budget.highest());
        }
        assert!(
            most > 200_000 && budget.highest() > LIMIT / 8,
            "seed {seed}: {most} ids, {} bytes",
            budget.highest()
        );
        drop(stores);
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn look_ups_that_read_a_page_are_told_from_those_that_memory_answers() {
    let (disk, budget) = (SimulatedDisk::new(1), Budget::new(1 << 20));
    let counts = Arc::new(ReadCounts::default());
    let mut store = open(&disk, 1_000, &budget).unwrap().counted_by(&counts);
    store.apply(&batch(0, 10, 0), 0, Some(1)).unwrap();
    assert!(store.contains(3).unwrap(), "it is new");
    assert_eq!(counts.reads(), Reads { memory: 1, disk: 0 });
    for n in 1..100 {
        store.apply(&batch(n * 10, 10, 0), 0, Some(1)).unwrap();
    }
    let before = counts.reads();
    assert!((0..500).all(|id| store.contains(id).unwrap()), "they are in files");
    assert!(
        (10_000..10_500).all(|id| !store.contains(id).unwrap()),
        "filters know that they are not"
    );
    let (memory, disk) = (counts.reads().memory - before.memory, counts.reads().disk - before.disk);
    assert_eq!(memory + disk, 1_000);
    assert!((400..600).contains(&disk), "{disk} read a page");
}
