//! The store on disk against a map, and what becomes of it when its files do.

use super::*;
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

const MEMORY: usize = 8 * 1024 * 1024;

fn open(folder: &TempDir) -> ValuesDatabase {
    ValuesDatabase::open(folder.path(), MEMORY).unwrap()
}

fn write(key: &str, value: Option<&str>) -> ValueWrite {
    (key.into(), value.map(Into::into))
}

fn contents(store: &dyn ValueStore) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut all = BTreeMap::new();
    store
        .each(&mut |key, value| {
            all.insert(key.to_vec(), value.to_vec());
        })
        .unwrap();
    all
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<ValueWrite>, Option<i64>),
    Reopen,
    Flush,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = prop::collection::vec(0u8..4, 0..3);
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..40));
    let writes = prop::collection::vec((key, value), 0..12);
    let step = prop_oneof![
        8 => (writes, prop::option::of(0..1_000i64)).prop_map(|(writes, at)| Step::Apply(writes, at)),
        1 => Just(Step::Reopen),
        1 => Just(Step::Flush),
    ];
    prop::collection::vec(step, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_is_a_map_that_outlives_the_process(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut at = None;
        let mut database = open(&folder);
        let mut store = database.store("sums").unwrap();
        for step in steps {
            match step {
                Step::Apply(writes, checkpoint) => {
                    store.apply(&writes, checkpoint).unwrap();
                    for (key, value) in writes {
                        match value {
                            Some(value) => model.insert(key, value),
                            None => model.remove(&key),
                        };
                    }
                    at = checkpoint.or(at);
                }
                Step::Reopen => {
                    drop(store);
                    drop(database);
                    database = open(&folder);
                    store = database.store("sums").unwrap();
                }
                Step::Flush => {
                    let stores = database.0.stores();
                    stores["sums"].keyspace.rotate_memtable_and_wait().unwrap();
                }
            }
            prop_assert_eq!(contents(store.as_ref()), model.clone());
            prop_assert_eq!((store.checkpoint(), store.len()), (at, model.len()));
            for key in [&b""[..], b"\x00", b"\x01\x02", b"\x03"] {
                prop_assert_eq!(store.get(key).unwrap(), model.get(key).cloned());
            }
        }
    }
}

#[test]
fn stores_of_one_database_know_nothing_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let mut one = database.store("one").unwrap();
    let mut two = database.store("two").unwrap();
    one.apply(&[write("k", Some("1"))], Some(1)).unwrap();
    two.apply(&[write("k", Some("2"))], None).unwrap();
    assert_eq!(
        (one.get(b"k").unwrap(), one.checkpoint()),
        (Some(b"1".to_vec()), Some(1))
    );
    assert_eq!((two.get(b"k").unwrap(), two.checkpoint()), (Some(b"2".to_vec()), None));
    assert_eq!(database.names(), ["one", "two"]);
}

#[test]
fn a_store_is_open_once_at_a_time_and_a_database_in_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let store = database.store("one").unwrap();
    assert!(matches!(database.store("one"), Err(StateError::InUse { .. })));
    assert!(matches!(database.remove("one"), Err(StateError::InUse { .. })));
    drop(store);
    assert!(database.store("one").is_ok());
    assert!(matches!(
        ValuesDatabase::open(folder.path(), MEMORY),
        Err(StateError::InUse { .. })
    ));
}

#[test]
fn a_removed_store_is_empty_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let mut store = database.store("one").unwrap();
    store.apply(&[write("k", Some("1"))], Some(9)).unwrap();
    drop(store);
    database.remove("one").unwrap();
    database.remove("never").unwrap();
    let store = database.store("one").unwrap();
    assert_eq!((store.len(), store.checkpoint()), (0, None));
    drop(store);
    drop(database);
    let database = open(&folder);
    let store = database.store("one").unwrap();
    assert_eq!((store.get(b"k").unwrap(), store.checkpoint()), (None, None));
}

#[test]
fn a_torn_last_batch_is_gone_with_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let mut store = database.store("one").unwrap();
    store.apply(&[write("a", Some("1"))], Some(1)).unwrap();
    store
        .apply(&[write("a", Some("2")), write("b", Some("2"))], Some(2))
        .unwrap();
    drop(store);
    drop(database);
    let journal = folder.path().join("0.jnl");
    let bytes = fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    fs::write(&journal, &bytes[..end - 3]).unwrap();
    let database = open(&folder);
    let store = database.store("one").unwrap();
    assert_eq!(store.checkpoint(), Some(1));
    assert_eq!(
        contents(store.as_ref()),
        BTreeMap::from([(b"a".to_vec(), b"1".to_vec())])
    );
    assert_eq!(store.len(), 1);
}

/// The engine's files of one store, largest first.
fn tables(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.parent().is_some_and(|parent| parent.ends_with("tables")) {
                files.push(path);
            }
        }
    }
    files.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).unwrap().len()));
    files
}

#[test]
fn a_changed_byte_is_noticed_and_the_store_can_be_removed_and_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let mut store = database.store("one").unwrap();
    let writes: Vec<ValueWrite> = (0..2_000).map(|n| write(&format!("key {n}"), Some("value"))).collect();
    store.apply(&writes, Some(1)).unwrap();
    let flushed = database.0.stores()["one"].keyspace.clone();
    flushed.rotate_memtable_and_wait().unwrap();
    drop((store, flushed));
    drop(database);
    let table = tables(folder.path()).into_iter().next().unwrap();
    let mut bytes = fs::read(&table).unwrap();
    for at in (0..bytes.len() / 2).step_by(512) {
        bytes[at] ^= 0x55;
    }
    fs::write(&table, bytes).unwrap();
    let database = open(&folder);
    let read = database.store("one").and_then(|store| store.get(b"key 7").map(|_| ()));
    assert!(matches!(read, Err(StateError::Damaged { .. })), "{read:?}");
    database.remove("one").unwrap();
    let mut store = database.store("one").unwrap();
    store.apply(&writes, Some(1)).unwrap();
    assert_eq!(
        (store.get(b"key 7").unwrap(), store.len()),
        (Some(b"value".to_vec()), 2_000)
    );
}

#[test]
fn an_unknown_format_is_refused_with_a_word_about_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    drop(database.store("one").unwrap());
    let keyspace = database.0.stores()["one"].keyspace.clone();
    keyspace.insert(META, [9u8; 18]).unwrap();
    let error = database.store("one").err().unwrap();
    assert!(
        matches!(&error, StateError::Refused(why) if why.contains("format 9")),
        "{error}"
    );
}

#[test]
fn write_buffers_of_all_stores_together_stay_within_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let mut stores: Vec<_> = (0..4).map(|n| database.store(&format!("store-{n}")).unwrap()).collect();
    let value = "v".repeat(1_000);
    for round in 0..60 {
        for store in &mut stores {
            let writes: Vec<ValueWrite> = (0..50).map(|n| write(&format!("{round} {n}"), Some(&value))).collect();
            store.apply(&writes, Some(round)).unwrap();
            let buffered: usize = database.0.stores().values().map(|known| known.buffered).sum();
            assert!(buffered <= database.0.buffers, "{buffered}");
        }
    }
    assert!(!tables(folder.path()).is_empty(), "nothing went to the disk");
    assert!(stores.iter().all(|store| store.len() == 3_000));
}

#[test]
fn keys_that_the_engine_can_not_take_are_refused_and_no_key_is_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let mut store = database.store("one").unwrap();
    let long = "k".repeat(LONGEST_KEY + 1);
    assert!(matches!(
        store.apply(&[write(&long, Some("1"))], Some(1)),
        Err(StateError::Refused(_))
    ));
    assert_eq!((store.get(long.as_bytes()).unwrap(), store.checkpoint()), (None, None));
    store
        .apply(&[write(&long[1..], Some("1")), write("", Some("2"))], Some(1))
        .unwrap();
    assert_eq!(store.get(b"").unwrap(), Some(b"2".to_vec()));
    assert!(database.store("").is_err() && database.store(&"n".repeat(256)).is_err());
}

#[test]
fn blocks_that_are_read_are_counted_and_those_of_a_removed_store_stay_counted() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder);
    let mut store = database.store("totals/in/0").unwrap();
    let writes: Vec<ValueWrite> = (0..20_000).map(|n| write(&format!("key-{n}"), Some("value"))).collect();
    store.apply(&writes, Some(1)).unwrap();
    let known = database.0.stores().get("totals/in/0").unwrap().keyspace.clone();
    known.rotate_memtable_and_wait().unwrap();
    let before = database.reads("totals/");
    let found =
        |store: &dyn ValueStore| (0..200).all(|n| store.get(format!("key-{}", n * 97).as_bytes()).unwrap().is_some());
    assert!(found(store.as_ref()));
    let first = database.reads("totals/");
    assert!(
        first.disk > before.disk,
        "nothing was cached yet: {before:?}, {first:?}"
    );
    assert!(found(store.as_ref()));
    let second = database.reads("totals/");
    assert!(
        second.memory >= first.memory + 200 && second.disk == first.disk,
        "{first:?}, {second:?}"
    );
    assert_eq!(database.reads("others/"), Reads::default());
    drop((store, known));
    database.remove("totals/in/0").unwrap();
    assert_eq!(database.reads("totals/"), second, "a total never falls");
}
