//! The state folder, on a simulated disk and on a real one.

use super::*;
use crate::state::{OsDisk, Remembered, SimulatedDisk};
use std::time::Duration;

const MEGABYTE: usize = 1 << 20;

fn open(disk: &SimulatedDisk, application: &str) -> Result<Arc<StateFolder>, StateError> {
    StateFolder::open("/state".as_ref(), application, "a", MEGABYTE, Arc::new(disk.clone()))
}

fn id(store: &str, partition: i32) -> StoreId {
    StoreId {
        store: store.into(),
        topic: "customers.by-id".into(),
        partition,
    }
}

fn spec() -> StoreSpec {
    StoreSpec {
        name: "dedupe".into(),
        kind: StoreKind::Ids {
            window: Duration::from_secs(3_600),
        },
    }
}

/// Looks an id up in a store, and commits.
fn remember(store: &mut TaskStore, id: u128, checkpoint: i64) -> Remembered {
    let TaskStore::Ids(ids) = store else {
        panic!("an id store")
    };
    let remembered = ids.remember(id, 1_000, 1_000).unwrap();
    ids.commit(Some(checkpoint)).unwrap();
    remembered
}

fn error<T>(result: Result<T, StateError>) -> StateError {
    result.err().expect("an error")
}

#[test]
fn stores_are_as_they_were_left_after_a_kill_and_after_a_power_cut_as_their_checkpoint_says() {
    for power_cut in [false, true] {
        let disk = SimulatedDisk::new(3);
        let stores = open(&disk, "app").unwrap();
        let mut store = stores.open(&id("dedupe", 7), &spec()).unwrap();
        for n in 0..10 {
            assert_eq!(remember(&mut store, n, n as i64 + 1), Remembered::New);
        }
        if power_cut {
            disk.crash();
        } else {
            disk.kill();
        }
        drop((store, stores));
        let stores = open(&disk, "app").unwrap();
        let mut store = stores.open(&id("dedupe", 7), &spec()).unwrap();
        let at = store.checkpoint().unwrap_or(0);
        assert!(power_cut || at == 10);
        for n in 0..10 {
            let known = remember(&mut store, n, at) == Remembered::Duplicate;
            assert_eq!(known, (n as i64) < at, "{n} at {at}");
        }
    }
}

#[test]
fn a_second_process_as_the_same_instance_is_told_so() {
    let root = tempfile::tempdir().unwrap();
    let open = |instance: &str| StateFolder::open(root.path(), "app", instance, MEGABYTE, Arc::new(OsDisk));
    let first = open("a").unwrap();
    let refused = error(open("a"));
    assert!(
        matches!(&refused, StateError::InUse { path, .. } if path == first.path()),
        "{refused}"
    );
    for part in ["another process", "--instance", "--state-dir"] {
        assert!(refused.to_string().contains(part), "{refused}");
    }
    open("b").unwrap();
    drop(first);
    open("a").unwrap();
}

#[test]
fn stores_on_a_real_disk_are_as_they_were_left() {
    let root = tempfile::tempdir().unwrap();
    let open = || StateFolder::open(root.path(), "app", "a", MEGABYTE, Arc::new(OsDisk)).unwrap();
    for run in 0..3 {
        let stores = open();
        let mut store = stores.open(&id("dedupe", 7), &spec()).unwrap();
        assert_eq!(store.len(), run * 20_000);
        let TaskStore::Ids(ids) = &mut store else {
            panic!("an id store")
        };
        for n in run * 20_000..(run + 1) * 20_000 {
            assert_eq!(ids.remember(n as u128, 1, 1).unwrap(), Remembered::New);
        }
        ids.commit(Some(run as i64)).unwrap();
        assert_eq!(ids.remember(0, 1, 1).unwrap(), Remembered::Duplicate);
    }
    let mut store = open().open(&id("dedupe", 7), &spec()).unwrap();
    assert_eq!(
        (store.len(), remember(&mut store, 59_999, 9)),
        (60_000, Remembered::Duplicate)
    );
}

#[test]
fn a_store_is_open_once_in_a_process_until_it_is_dropped() {
    let stores = open(&SimulatedDisk::new(1), "app").unwrap();
    for kind in [spec().kind, StoreKind::Values] {
        let spec = StoreSpec {
            name: "dedupe".into(),
            kind,
        };
        let store = stores.open(&id("dedupe", 7), &spec).unwrap();
        let again = stores.open(&id("dedupe", 7), &spec);
        assert!(matches!(again, Err(StateError::InUse { .. })));
        assert!(matches!(
            stores.set_aside(&id("dedupe", 7), &spec),
            Err(StateError::InUse { .. })
        ));
        stores.open(&id("dedupe", 8), &spec).unwrap();
        drop(store);
        stores.open(&id("dedupe", 7), &spec).unwrap();
    }
}

#[test]
fn a_damaged_store_is_put_aside_and_an_empty_one_opened_and_one_of_them_is_kept() {
    let disk = SimulatedDisk::new(1);
    let stores = open(&disk, "app").unwrap();
    let folder = "/state/app/a/customers.by-id-7";
    for run in 1..4 {
        let mut store = stores.open(&id("dedupe", 7), &spec()).unwrap();
        assert_eq!((store.len(), store.checkpoint()), (0, None));
        remember(&mut store, 1, 5);
        drop(store);
        let manifest = format!("{folder}/dedupe/manifest");
        disk.damage(manifest.as_ref()).unwrap();
        stores.open(&id("dedupe", 7), &spec()).unwrap();
        let aside = format!("{folder}/dedupe~damaged-{run}/manifest");
        let files: Vec<String> = disk
            .files(folder.as_ref())
            .into_iter()
            .map(|(path, _)| path.display().to_string())
            .filter(|path| path.ends_with("manifest"))
            .collect();
        assert_eq!(files, [manifest, aside]);
    }
}

#[test]
fn a_store_that_is_set_aside_is_empty_when_it_is_opened_again() {
    let stores = open(&SimulatedDisk::new(1), "app").unwrap();
    stores.set_aside(&id("dedupe", 7), &spec()).unwrap();
    let mut store = stores.open(&id("dedupe", 7), &spec()).unwrap();
    remember(&mut store, 1, 5);
    drop(store);
    stores.set_aside(&id("dedupe", 7), &spec()).unwrap();
    assert!(stores.open(&id("dedupe", 7), &spec()).unwrap().is_empty());
}

#[test]
fn the_folder_of_another_application_or_version_is_refused() {
    for (line, parts) in [
        (
            "millstream-state 1 other\n",
            ["application `other`", "`app`", "--state-dir"],
        ),
        (
            "millstream-state 2 app\n",
            ["version 2", "version 1 only", "--state-dir"],
        ),
        ("hello", ["/state/app/a/format", "is not what", "--state-dir"]),
    ] {
        let disk = SimulatedDisk::new(1);
        let mut file = disk.open("/state/app/a/format".as_ref(), true).unwrap();
        file.append(line.as_bytes()).unwrap();
        let refused = error(open(&disk, "app"));
        assert!(matches!(refused, StateError::Refused(_)), "{refused}");
        for part in parts {
            assert!(refused.to_string().contains(part), "{refused}");
        }
    }
}

#[test]
fn the_stores_of_removed_processors_are_told() {
    let disk = SimulatedDisk::new(1);
    let stores = open(&disk, "app").unwrap();
    for (store, partition) in [("dedupe", 7), ("removed", 7), ("removed", 12)] {
        stores.open(&id(store, partition), &spec()).unwrap();
    }
    stores.set_aside(&id("dedupe", 7), &spec()).unwrap();
    let unused = stores
        .unused(&[("customers.by-id", "dedupe"), ("other", "removed")])
        .unwrap();
    let expected = ["customers.by-id-12/removed", "customers.by-id-7/removed"];
    assert_eq!(unused, expected.map(|path| stores.path().join(path)));
}

#[test]
fn a_read_only_or_full_disk_says_what_helps() {
    let disk = SimulatedDisk::new(1);
    disk.set_read_only(true);
    let refused = error(open(&disk, "app")).to_string();
    assert!(
        refused.contains("must be writable") && refused.contains("--state-dir"),
        "{refused}"
    );
    disk.set_read_only(false);
    disk.set_room(Some(5));
    let full = error(open(&disk, "app")).to_string();
    assert!(full.contains("make room on that volume"), "{full}");
    disk.set_room(None);
    let stores = open(&disk, "app").unwrap();
    disk.set_room(Some(100));
    let full = error(stores.open(&id("dedupe", 7), &spec())).to_string();
    assert!(full.contains("make room on that volume"), "{full}");
    disk.set_room(None);
    stores.open(&id("dedupe", 7), &spec()).unwrap();
}

#[test]
fn names_become_file_names_one_to_one() {
    for (name, file) in [
        ("pod-0.ns_1", "pod-0.ns_1"),
        ("../up", "%2E.%2Fup"),
        ("..", "%2E."),
        ("a~b%é", "a%7Eb%25%C3%A9"),
    ] {
        assert_eq!(file_name(name), file);
    }
}
