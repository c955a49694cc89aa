//! Looking into the state of stopped instances, and deleting it.

use super::*;
use crate::state::{IdStore as _, Remembered, StateFolder, StoreKind, StoreSpec, Stores, TaskStore};

const WINDOW: Duration = Duration::from_secs(16);

fn id(store: &str, partition: i32) -> StoreId {
    StoreId {
        store: store.into(),
        topic: "in.by-key".into(),
        partition,
    }
}

fn filled(root: &Path, application: &str, instance: &str) -> Arc<StateFolder> {
    let folder = StateFolder::open(root, application, instance, 8 << 20, Arc::new(OsDisk)).unwrap();
    for partition in [10, 2] {
        let open = |name: &str, kind| {
            let spec = StoreSpec {
                name: name.into(),
                kind,
            };
            Stores::open(&*folder, &id(name, partition), &spec).unwrap()
        };
        let mut store = open("new", StoreKind::Ids { window: WINDOW });
        let TaskStore::Ids(ids) = &mut store else { panic!("ids") };
        assert_eq!(ids.remember(7, 5_500, 5_500).unwrap(), Remembered::New);
        store.commit(Some(1)).unwrap();
        let mut store = open("totals", StoreKind::Values);
        let TaskStore::Values(values) = &mut store else {
            panic!("values")
        };
        values.put(b"key", Some(b"1"));
        store.commit(Some(1)).unwrap();
    }
    folder
}

fn open(root: &Path, instance: &str) -> Result<Option<Stopped>, StateError> {
    Stopped::open(root, "shop", instance)
}

#[test]
fn the_state_of_an_instance_is_deleted_and_no_others() {
    let root = tempfile::tempdir().unwrap();
    for (application, instance) in [("shop", "a"), ("shop", "b/1 é"), ("shop-eu", "a")] {
        filled(root.path(), application, instance);
    }
    let instances = |application| Stopped::instances(root.path(), application).unwrap();
    assert_eq!(instances("shop"), ["a", "b/1 é"]);
    assert!(open(root.path(), "b/1 é").unwrap().is_some());
    let stopped = open(root.path(), "a").unwrap().unwrap();
    stopped.remove().unwrap();
    stopped.remove().unwrap();
    drop(stopped);
    assert_eq!(instances("shop"), ["b/1 é"]);
    assert!(open(root.path(), "a").unwrap().is_none());
    assert!(open(root.path(), "nobody").unwrap().is_none());
    assert_eq!(instances("shop-eu"), ["a"]);
    assert!(instances("nothing").is_empty());
    filled(root.path(), "shop", "a");
}

#[test]
fn its_stores_are_read_as_they_were_left() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path(), "shop", "a");
    let stopped = open(root.path(), "a").unwrap().unwrap();
    assert_eq!(stopped.partitions_of_ids("in.by-key", "new").unwrap(), [2, 10]);
    assert_eq!(stopped.partitions_of_values("in.by-key", "totals").unwrap(), [2, 10]);
    for (topic, store) in [("in.by-key", "totals"), ("in.by", "new"), ("by-key", "new")] {
        assert!(
            stopped.partitions_of_ids(topic, store).unwrap().is_empty(),
            "{topic} {store}"
        );
        let store = if store == "new" { "totals" } else { "new" };
        assert!(
            stopped.partitions_of_values(topic, store).unwrap().is_empty(),
            "{topic} {store}"
        );
    }
    let ids = stopped.ids(&id("new", 10), WINDOW).unwrap();
    assert_eq!(
        (ids.len(), ids.until(7).unwrap(), ids.until(8).unwrap()),
        (1, Some(6_000), None)
    );
    let values = stopped.values(&id("totals", 2)).unwrap();
    assert_eq!(values.get(b"key").unwrap().as_deref(), Some(&b"1"[..]));
    drop(values);
    drop(stopped);
    filled_again(root.path());
}

/// What was looked at is whole.
fn filled_again(root: &Path) {
    let folder = StateFolder::open(root, "shop", "a", 8 << 20, Arc::new(OsDisk)).unwrap();
    let kind = StoreKind::Ids { window: WINDOW };
    let spec = StoreSpec {
        name: "new".into(),
        kind,
    };
    let mut store = Stores::open(&*folder, &id("new", 2), &spec).unwrap();
    let TaskStore::Ids(ids) = &mut store else { panic!("ids") };
    assert_eq!(ids.remember(7, 5_600, 5_600).unwrap(), Remembered::Duplicate);
    assert_eq!(ids.checkpoint(), Some(1));
}

#[test]
fn where_there_is_no_key_value_store_none_is_made() {
    let root = tempfile::tempdir().unwrap();
    let folder = StateFolder::open(root.path(), "shop", "a", 8 << 20, Arc::new(OsDisk)).unwrap();
    drop(folder);
    let stopped = open(root.path(), "a").unwrap().unwrap();
    assert!(stopped.partitions_of_values("in.by-key", "totals").unwrap().is_empty());
    assert!(stopped.values(&id("totals", 2)).is_err());
    assert!(!stopped.path().join(values::FOLDER).exists());
}

#[test]
fn state_that_a_process_has_open_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let running = filled(root.path(), "shop", "a");
    let refused = open(root.path(), "a").err().unwrap();
    assert!(matches!(&refused, StateError::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains("stop it first"), "{refused}");
    drop(running);
    let held = open(root.path(), "a").unwrap().unwrap();
    let refused = StateFolder::open(root.path(), "shop", "a", 8 << 20, Arc::new(OsDisk))
        .err()
        .unwrap();
    assert!(matches!(refused, StateError::InUse { .. }), "{refused}");
    drop(held);
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let strange = root.path().join("shop").join("photos");
    std::fs::create_dir_all(&strange).unwrap();
    std::fs::write(strange.join("cat.jpg"), "").unwrap();
    assert!(Stopped::instances(root.path(), "shop").unwrap().is_empty());
    assert!(open(root.path(), "photos").unwrap().is_none());
    filled(root.path(), "shop", "a");
    std::fs::write(root.path().join("shop/a/format"), "millstream-state 1 other\n").unwrap();
    assert!(matches!(open(root.path(), "a"), Err(StateError::Refused(_))));
}
