//! The store on disk does what the store in memory does.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// Ids, their times behind stream time, how far stream time moves, whether the checkpoint moves.
    Apply(Vec<(u8, i64)>, i64, bool),
    Reopen,
    /// The process ends without being asked.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let writes = prop::collection::vec((any::<u8>(), 0..300_i64), 0..40);
    prop_oneof![
        12 => (writes, 0..40_i64, any::<bool>()).prop_map(|(writes, moves, checkpoint)| Step::Apply(writes, moves, checkpoint)),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_remembers_what_the_store_in_memory_remembers(
        steps in prop::collection::vec(step(), 1..120),
        window in 1..400_i64,
        budget in prop_oneof![Just(0_usize), 0..20_000_usize, Just(1 << 20)],
    ) {
        let (disk, budget) = (SimulatedDisk::new(7), Budget::new(budget));
        let mut store = Some(open(&disk, window, &budget).unwrap());
        let mut memory = MemoryIds::new(window);
        let (mut time, mut next, mut twice) = (-500, 0, false);
        for (place, step) in steps.into_iter().enumerate() {
            let looks = place % 8 == 0 || !matches!(step, Step::Apply(..));
            match step {
                Step::Apply(writes, moves, checkpoint) => {
                    let store = store.as_mut().unwrap();
                    time += moves;
                    next += i64::from(checkpoint);
                    let writes: Vec<IdWrite> = writes
                        .iter()
                        .map(|(id, age)| IdWrite { id: u128::from(*id), time: time - age })
                        .collect();
                    let new = uncovered(store, &writes).unwrap();
                    prop_assert_eq!(&new, &uncovered(&memory, &writes).unwrap());
                    twice |= new.iter().any(|write| memory.contains(write.id).unwrap());
                    store.apply(&new, time, checkpoint.then_some(next)).unwrap();
                    memory.apply(&new, time, checkpoint.then_some(next)).unwrap();
                }
                Step::Reopen => {
                    drop(store.take());
                    store = Some(open(&disk, window, &budget).unwrap());
                }
                Step::Kill => {
                    disk.kill();
                    store = Some(open(&disk, window, &budget).unwrap());
                }
            }
            let store = store.as_ref().unwrap();
            if looks {
                same(store, &memory, 256).unwrap();
            }
            prop_assert_eq!(store.checkpoint(), memory.checkpoint());
            prop_assert!(store.stream_time() <= memory.stream_time());
            let len_is_right = store.len() == memory.len() || twice && store.len() > memory.len();
            prop_assert!(len_is_right);
        }
        let mut ids = Vec::new();
        store.as_ref().unwrap().each(|id, _| ids.push(id)).unwrap();
        ids.sort_unstable();
        ids.dedup();
        let expected: Vec<u128> = (0..256).filter(|id| memory.contains(*id).unwrap()).collect();
        prop_assert_eq!(ids, expected);
        drop(store);
        prop_assert_eq!(budget.used(), 0);
    }
}

#[test]
fn an_apply_with_nothing_new_writes_nothing() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk, 1_000, &Budget::new(1 << 20)).unwrap();
    store.apply(&[IdWrite { id: 1, time: 5 }], 5, Some(1)).unwrap();
    let before = disk.operations();
    store.apply(&[], 30, Some(1)).unwrap();
    store.apply(&[], 40, None).unwrap();
    assert_eq!((disk.operations(), store.stream_time()), (before, 40));
    store.apply(&[], 40, Some(2)).unwrap();
    assert_eq!(disk.operations(), before + 1, "one write");
}

#[test]
fn runs_stay_few_and_old_files_go() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk, 16_000, &Budget::new(1 << 20)).unwrap();
    for batch in 0..3_000_i64 {
        let write = |n: i64| IdWrite {
            id: (batch * 10 + n) as u128,
            time: batch * 10,
        };
        let writes: Vec<_> = (0..10).map(write).collect();
        store.apply(&writes, batch * 10, Some(batch)).unwrap();
    }
    assert_eq!(store.len(), 17_000, "17 segments of a hundred batches");
    let files = disk.files(folder());
    assert!(
        files.len() <= 2 + 17 * 7,
        "a segment has three full ones at least: {files:?}"
    );
    let largest = store.runs.infos().map(|run| run.ids).max();
    assert!(largest > Some(200) && largest <= Some(400), "merged: {largest:?}");
}

#[test]
fn a_changed_window_takes_files_as_they_are_and_forgets_by_the_new_one() {
    for (before, after, known) in [
        (1_600, 3_200, [true, true]),
        (3_200, 1_600, [false, true]),
        (3_200, 160, [false, false]),
    ] {
        for ids in [3, 300] {
            let (disk, budget) = (SimulatedDisk::new(1), Budget::new(1 << 20));
            let old = |n: u128| IdWrite { id: n, time: 50 };
            let late = |n: u128| IdWrite {
                id: 1_000 + n,
                time: 1_400,
            };
            let mut store = open(&disk, before, &budget).unwrap();
            store
                .apply(&(0..ids).map(old).collect::<Vec<_>>(), 1_400, Some(1))
                .unwrap();
            store
                .apply(&(0..ids).map(late).collect::<Vec<_>>(), 1_400, Some(2))
                .unwrap();
            drop(store);
            let mut store = open(&disk, after, &budget).unwrap();
            store
                .apply(&[IdWrite { id: 5_000, time: 1_900 }], 1_900, Some(3))
                .unwrap();
            let found = [store.contains(1).unwrap(), store.contains(1_001).unwrap()];
            assert_eq!(found, known, "{before} to {after}, {ids} ids");
            drop(store);
            let store = open(&disk, after, &budget).unwrap();
            assert_eq!([store.contains(1).unwrap(), store.contains(1_001).unwrap()], known);
        }
    }
}
